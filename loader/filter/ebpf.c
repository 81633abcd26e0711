// SPDX-License-Identifier: GPL-2.0-only
/*
 * Graph to eBPF. Which register holds what: ebpf_asm.h; what differs from hook to hook:
 * ebpf_hook.h.
 */
#include "ebpf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../maps/abi.h"
#include "ebpf_cpu.h"
#include "ebpf_end.h"
#include "ebpf_hook.h"
#include "ebpf_index.h"
#include "ebpf_layout.h"
#include "ebpf_var.h"

static bool tail_calls(enum filter_verb verb)
{
	return verb == FILTER_JUMP || verb == FILTER_VLAN_PUSH || verb == FILTER_VLAN_POP;
}

/* Verbs that share no end with others, and ask ctx. */
static bool ends_alone(enum filter_verb verb)
{
	return tail_calls(verb) || verb == FILTER_XSK;
}

/* Verbs of which a hook has the whole end: they need more of the rule than the graph knows. */
static bool hands_over(enum filter_verb verb)
{
	return verb == FILTER_XSK || verb == FILTER_REDIRECT_ALL || verb == FILTER_CPU;
}

/* The slot is a constant, so that the JIT makes a direct jump of the call. */
static void emit_tail_call(struct emit *e, const struct ir_end *end)
{
	enum { CALL_INSNS = 5 };
	bool changes = end->verb != FILTER_JUMP;

	if (end->counter != IR_NO_COUNTER) {
		set_key(e, end->counter);
		hook_count(e);
	}
	if (changes) {
		e->hook->change(e, end);
		op(e, BPF_JMP | BPF_JNE | BPF_K, A, 0, CALL_INSNS, 0);
	}
	mov(e, X, CTX);
	map(e, FROM_X, FILTER_MAP_SLOTS);
	mov_imm(e, T, changes ? end->slot : end->arg);
	call(e, BPF_FUNC_tail_call);
	set_key(e, WEIR_COUNTER_MISS);
	go_verb(e, miss_verb(e));
}

static void emit_verdict(struct emit *e, const struct ir_block *block)
{
	const struct ir_end *end = &block->end;

	if (hands_over(end->verb)) {
		e->hook->hand_over(e, &e->run->rules[block->rule]);
		return;
	}
	if (tail_calls(end->verb)) {
		emit_tail_call(e, end);
		return;
	}
	if (end->counter != IR_NO_COUNTER)
		set_key(e, end->counter);
	if (end->verb == FILTER_REDIRECT || end->verb == FILTER_REDIRECT_INGRESS)
		set_target(e, end->arg);
	go_verb(e, end->verb);
}

/* Does a block or its end work with variables? Then they own r0 to r4 in it. */
static bool has_variables(const struct ir_block *block)
{
	const struct ir_end *end = &block->end;

	if (block->n || end->kind == IR_FETCH)
		return true;
	if (end->kind == IR_CHECK && !end->indexed)
		return false;
	return end->value == IR_NO_VALUE &&
	       (end->kind == IR_BRANCH || end->kind == IR_SWITCH || end->kind == IR_CHECK);
}

/* Registers that belong to variables in a block. */
static uint32_t variable_registers(const struct emit *e, uint32_t number)
{
	uint32_t live = e->live[number];

	if (has_variables(&e->ir->blocks[number]))
		return 1u << A | 1u << X | 1u << FROM_X;
	return (live & 1u << IR_A ? 1u << A : 0) | (live & 1u << IR_X ? 1u << X | 1u << FROM_X : 0);
}

static void emit_value_end(struct emit *e, const struct ir_end *end)
{
	if (end->kind == IR_BRANCH)
		emit_value_branch(e, end);
	else if (end->kind == IR_CHECK)
		emit_value_check(e, end);
	else
		emit_value_switch(e, end);
}

static void emit_var_end(struct emit *e, const struct ir_end *end)
{
	if (end->kind == IR_BRANCH)
		emit_var_branch(e, end);
	else if (end->kind == IR_CHECK)
		emit_var_check(e, end);
	else
		emit_var_switch(e, end);
}

static void emit_end(struct emit *e, const struct ir_block *block)
{
	const struct ir_end *end = &block->end;

	switch ((enum ir_end_kind)end->kind) {
	case IR_GOTO:
		go(e, end->yes);
		return;
	case IR_INDEX:
		emit_index(e, end);
		return;
	case IR_PROBE:
		emit_probe(e, end);
		return;
	case IR_FETCH:
		if (e->view.direct)
			emit_fetch_direct(e, end);
		else
			emit_fetch(e, end);
		return;
	case IR_VERDICT:
		emit_verdict(e, block);
		return;
	case IR_CHECK:
		if (!end->indexed) {
			emit_linear_check(e, end);
			return;
		}
		/* fall through */
	default:
		if (end->value == IR_NO_VALUE)
			emit_var_end(e, end);
		else
			emit_value_end(e, end);
	}
}

static void emit_block(struct emit *e, uint32_t number)
{
	const struct ir_block *block = &e->ir->blocks[number];

	e->rule = block->rule;
	e->cache.reserved = variable_registers(e, number);
	if (has_variables(block))
		cache_forget(&e->cache, CALL_CLOBBERS);
	for (size_t i = 0; i < block->n; i++)
		emit_insn(e, &block->insns[i]);
	emit_end(e, block);
}

/* Which registers a program keeps for itself */

static bool block_needs_ctx(const struct ir_block *block)
{
	const struct ir_end *end = &block->end;

	for (size_t i = 0; i < block->n; i++) {
		if (block->insns[i].op == IR_FORGET)
			return true;
	}
	return end->kind == IR_FETCH || end->kind == IR_INDEX ||
	       (end->kind == IR_VERDICT && ends_alone(end->verb)) ||
	       (end->kind == IR_CHECK && end->indexed && end->value == IR_NO_VALUE &&
		!end->bounded);
}

static bool needs_ctx(const struct ir *ir)
{
	for (size_t i = 0; i < ir->n; i++) {
		if (block_needs_ctx(&ir->blocks[i]))
			return true;
	}
	return false;
}

/* The registers that may hold whatever is useful. */
static uint32_t usable_registers(struct emit *e)
{
	e->holds = e->hook->holds(e);
	if (needs_ctx(e->ir))
		e->holds |= 1u << CTX;
	return CALL_CLOBBERS | ((1u << CTX | 1u << LEN) & ~e->holds);
}

static void emit_release(struct emit *e)
{
	free(e->order);
	free(e->live);
	free(e->heads);
	free(e->shallow);
	free(e->label_at);
	free(e->entered);
	free(e->fixups);
	cache_free(&e->cache);
}

static int emit_init(struct emit *e, const struct ir *ir, const struct filter_run *run,
		     struct filter_prog *prog)
{
	ssize_t n = layout_order(ir, &e->order);
	int err;

	e->hook = hook_of(run->hook);
	e->ir = ir;
	e->run = run;
	err = ir_view(run, &e->view);
	if (err)
		return err;
	e->window = e->view.on_stack ? e->view.window : 0;
	/* A program with a window has no index. */
	e->stack_end = ir->index   ? STACK_INDEX
		       : e->window ? STACK_WINDOW + (int16_t)e->window
				   : STACK_END;
	e->prog = prog;
	e->prog->copies = e->view.copies;
	if (n < 0)
		return n;
	e->n_order = n;
	e->label_at = calloc(n_labels(ir), sizeof(*e->label_at));
	e->entered = calloc(n_labels(ir), sizeof(*e->entered));
	if (!e->label_at || !e->entered)
		return fail_oom();
	memset(e->label_at, 0xff, n_labels(ir) * sizeof(*e->label_at));
	err = ir_live(ir, &e->live);
	if (!err)
		err = layout_marks(ir, e->order, n, &e->heads, &e->shallow);
	if (!err)
		err = cache_init(&e->cache, ir->n, usable_registers(e));
	return err;
}

/* The whole program */

/* Tell the cache what will be asked for where. */
static int plan_uses(struct emit *e)
{
	_free_ struct item_use *uses = NULL;
	uint32_t items[END_ITEMS];
	size_t n_uses = 0;

	for (size_t i = 0; i < e->n_order; i++) {
		size_t n_items = end_items(e, &e->ir->blocks[e->order[i]].end, items);

		for (size_t j = 0; j < n_items; j++) {
			struct item_use *use = array_add(uses, n_uses);

			if (!use)
				return fail_oom();
			*use = (struct item_use){ items[j], i };
		}
	}
	return e->cache.oom ? fail_oom() : cache_plan(&e->cache, uses, n_uses);
}

/*
 * Where a verb's shared end is gone to last. A switch, whose outcomes are numbers, may go to any; a
 * block of instructions, where a load is refused, to that of a miss.
 */
static void find_last_uses(struct emit *e)
{
	for (size_t i = 0; i < e->n_order; i++) {
		const struct ir_block *block = &e->ir->blocks[e->order[i]];
		const struct ir_end *end = &block->end;

		for (unsigned int verb = 0; end->kind == IR_SWITCH && verb < FILTER_COUNT; verb++)
			e->last_use[verb] = i;
		if (block->n)
			e->last_use[miss_verb(e)] = i;
		if (end->kind == IR_VERDICT)
			e->last_use[tail_calls(end->verb) ? miss_verb(e) : end->verb] = i;
	}
}

/* Nothing behind a block goes to the shared end that it goes to, which can come right there. */
static bool ends_here(const struct emit *e, size_t place)
{
	const struct ir_end *end = &e->ir->blocks[e->order[place]].end;

	return end->kind == IR_VERDICT && !ends_alone(end->verb) && !hands_over(end->verb) &&
	       e->last_use[end->verb] == place;
}

static uint32_t label_behind(const struct emit *e, size_t place)
{
	if (ends_here(e, place))
		return verb_label(e, e->ir->blocks[e->order[place]].end.verb);
	return place + 1 < e->n_order ? e->order[place + 1] : UINT32_MAX;
}

/* The block fell into it; nothing falls into what comes behind. */
static void emit_end_here(struct emit *e, enum filter_verb verb)
{
	hook_verb(e, verb);
	e->falls = false;
}

static int emit_blocks(struct emit *e)
{
	for (size_t i = 0; i < e->n_order; i++) {
		uint32_t block = e->order[i];

		int err;

		if (!e->entered[block])
			continue;
		err = place_islands(e);
		if (err)
			return err;
		e->next = label_behind(e, i);
		e->falls = false;
		e->label_at[block] = e->prog->n_insns;
		cache_enter(&e->cache, block, i, e->heads[block]);
		emit_block(e, block);
		if (ends_here(e, i))
			emit_end_here(e, e->ir->blocks[block].end.verb);
		if (e->oom || e->cache.oom)
			return fail_oom();
		if (e->prog->n_insns > FILTER_INSNS_MAX || e->too_deep) {
			e->prog->n_insns = e->prog->n_insns * e->n_order / (i + 1);
			return -E2BIG;
		}
	}
	return 0;
}

static void emit_verbs(struct emit *e)
{
	for (unsigned int verb = 0; verb < FILTER_COUNT; verb++) {
		if (e->verbs & 1u << verb && e->label_at[verb_label(e, verb)] == UINT32_MAX)
			hook_verb(e, verb);
	}
}

static int emit_all(struct emit *e)
{
	int err = plan_uses(e);

	if (err)
		return err;
	find_last_uses(e);
	e->hook->start(e);
	cache_forget(&e->cache, UINT32_MAX);
	enter(e, e->order[0]);
	err = emit_blocks(e);
	if (err)
		return err;
	emit_verbs(e);
	if (e->entered[fetch_label(e)])
		e->hook->fetch(e);
	if (e->entered[flow_label(e)])
		ebpf_flow_body(e);
	err = e->oom ? fail_oom() : fix_jumps(e);
	return err ? err : ebpf_branches_deep(e->prog, &e->prog->branches_deep);
}

int ebpf_emit(const struct ir *ir, const struct filter_run *run, struct filter_prog *out)
{
	_cleanup_(emit_release) struct emit e = { 0 };
	int err;

	*out = (struct filter_prog){ 0 };
	err = emit_init(&e, ir, run, out);
	if (!err)
		err = emit_all(&e);
	if (err) {
		size_t n_insns = err == -E2BIG ? out->n_insns : 0;

		filter_prog_free(out);
		out->n_insns = n_insns;
	}
	return err;
}
