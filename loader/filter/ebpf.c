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
#include "ebpf_hook.h"
#include "ebpf_switch.h"

/* Variables */

static bool in_register(uint8_t var)
{
	return var == IR_A || var == IR_X;
}

static int16_t stack_of(uint8_t var)
{
	return STACK_VARS - 8 * (var - IR_M);
}

/* The register that holds a variable: its own, or `scratch`, loaded. */
static enum reg read_var(struct emit *e, uint8_t var, enum reg scratch)
{
	if (in_register(var))
		return var == IR_A ? A : X;
	load(e, 8, scratch, FP, stack_of(var));
	return scratch;
}

/* Where to compute a variable; written() stores it. */
static enum reg register_for(uint8_t var)
{
	return var == IR_A ? A : var == IR_X ? X : T;
}

static void written(struct emit *e, uint8_t var)
{
	if (!in_register(var))
		store(e, 8, FP, stack_of(var), T);
}

/* Instructions */

static void emit_set(struct emit *e, const struct ir_insn *insn)
{
	enum reg dst = register_for(insn->dst);

	if (insn->src == IR_CONST)
		mov_imm(e, dst, insn->k);
	else if (in_register(insn->src) && !in_register(insn->dst)) {
		store(e, 8, FP, stack_of(insn->dst), read_var(e, insn->src, T));
		return;
	} else if (!in_register(insn->src))
		read_var(e, insn->src, dst);
	else
		mov(e, dst, read_var(e, insn->src, T));
	written(e, insn->dst);
}

static void emit_load(struct emit *e, const struct ir_insn *insn)
{
	enum reg dst = register_for(insn->dst);

	if (insn->indexed)
		load_far(e, insn->size, dst, FROM_X, insn->k);
	else
		e->hook->load(e, insn->size, dst, insn->k);
	big_endian(e, dst, insn->size);
	written(e, insn->dst);
}

static uint8_t alu_code(uint8_t ir_op)
{
	switch ((enum ir_op)ir_op) {
	case IR_ADD:
		return BPF_ADD;
	case IR_SUB:
		return BPF_SUB;
	case IR_MUL:
		return BPF_MUL;
	case IR_DIV:
		return BPF_DIV;
	case IR_MOD:
		return BPF_MOD;
	case IR_AND:
		return BPF_AND;
	case IR_OR:
		return BPF_OR;
	case IR_XOR:
		return BPF_XOR;
	case IR_LSH:
		return BPF_LSH;
	case IR_RSH:
		return BPF_RSH;
	default:
		return BPF_NEG;
	}
}

static void emit_alu(struct emit *e, const struct ir_insn *insn)
{
	bool shift = insn->op == IR_LSH || insn->op == IR_RSH;
	enum reg dst = read_var(e, insn->dst, T), src;

	if (insn->op == IR_NEG) {
		op(e, BPF_ALU | BPF_NEG, dst, 0, 0, 0);
	} else if (shift && insn->src == IR_CONST && insn->k >= 32) {
		mov_imm(e, dst, 0);
	} else if (insn->src == IR_CONST) {
		op(e, BPF_ALU | BPF_K | alu_code(insn->op), dst, 0, 0, insn->k);
	} else {
		src = read_var(e, insn->src, U);
		if (shift && src == dst) {
			mov(e, U, src);
			src = U;
		}
		op(e, BPF_ALU | BPF_X | alu_code(insn->op), dst, src, 0, 0);
		if (shift) {
			/* The machine takes the count modulo 32. */
			op(e, BPF_JMP32 | BPF_JLT | BPF_K, src, 0, 1, 32);
			mov_imm(e, dst, 0);
		}
	}
	written(e, insn->dst);
}

static void set_key(struct emit *e, uint32_t counter)
{
	op(e, BPF_ST | BPF_MEM | BPF_W, FP, 0, STACK_KEY, counter);
}

/* A rule matched that goes on. */
static void emit_match(struct emit *e, const struct filter_rule *rule)
{
	set_key(e, rule->counter);
	hook_count(e);
	if (e->hook->pass_on)
		e->hook->pass_on(e, rule);
}

static void emit_insn(struct emit *e, const struct ir_insn *insn)
{
	switch ((enum ir_op)insn->op) {
	case IR_SET:
		emit_set(e, insn);
		return;
	case IR_LOAD:
		emit_load(e, insn);
		return;
	case IR_LEN:
		if (in_register(insn->dst))
			mov(e, register_for(insn->dst), LEN);
		else
			store(e, 8, FP, stack_of(insn->dst), LEN);
		return;
	case IR_FORGET:
		hook_forget(e, register_for(insn->dst));
		return;
	case IR_COUNT:
		emit_match(e, &e->run->rules[insn->k]);
		return;
	default:
		emit_alu(e, insn);
	}
}

/* Ends of blocks */

/* The jump opcodes of a condition and of its opposite (0: there is none). */
static const uint8_t jump_if[] = {
	[IR_EQ] = BPF_JEQ, [IR_GT] = BPF_JGT, [IR_GE] = BPF_JGE, [IR_ANY] = BPF_JSET
};
static const uint8_t jump_unless[] = {
	[IR_EQ] = BPF_JNE, [IR_GT] = BPF_JLE, [IR_GE] = BPF_JLT, [IR_ANY] = 0
};

static void emit_branch(struct emit *e, const struct ir_end *end)
{
	enum reg left = read_var(e, end->var, T), right = 0;
	uint8_t code = BPF_JMP32 | (end->src == IR_CONST ? BPF_K : BPF_X);
	int32_t imm = end->src == IR_CONST ? end->k : 0;

	if (end->src != IR_CONST)
		right = read_var(e, end->src, U);
	if (end->yes == e->next && jump_unless[end->cond]) {
		jump(e, code | jump_unless[end->cond], left, right, imm, end->no);
		go(e, end->yes);
		return;
	}
	jump(e, code | jump_if[end->cond], left, right, imm, end->yes);
	go(e, end->no);
}

static void emit_check(struct emit *e, const struct ir_end *end)
{
	if (end->indexed) {
		mov(e, FROM_X, X);
		if (!end->bounded) {
			/* What the verifier believes of X may be nonsense: see ir_bounds.c. */
			hook_forget(e, FROM_X);
			jump(e, BPF_JMP | BPF_JGT | BPF_K, FROM_X, 0, IR_PACKET_MAX - end->k,
			     end->no);
		}
		op(e, BPF_ALU64 | BPF_ADD | BPF_X, FROM_X, DATA, 0, 0);
	}
	mov(e, T, end->indexed ? FROM_X : DATA);
	add_imm(e, T, end->k);
	/*
	 * The verifier walks what follows a jump before what it leads to. So it comes to the next
	 * rule with the least known about the packet first, and all who come later know as much: it
	 * need not walk that rule again. The other way round it walks all rules for each length.
	 */
	jump(e, BPF_JMP | BPF_JLE | BPF_X, T, END, 0, end->yes);
	go(e, end->no);
}

static void spill(struct emit *e, uint32_t live, bool restore)
{
	static const struct {
		uint8_t var;
		int16_t at;
	} spilled[] = { { IR_A, STACK_A }, { IR_X, STACK_X } };

	for (size_t i = 0; i < ARRAY_SIZE(spilled); i++) {
		enum reg reg = register_for(spilled[i].var);

		if (!(live & 1u << spilled[i].var))
			continue;
		if (restore)
			load(e, 8, reg, FP, spilled[i].at);
		else
			store(e, 8, FP, spilled[i].at, reg);
	}
}

static void emit_fetch(struct emit *e, const struct ir_end *end)
{
	uint32_t live = (e->live[end->yes] & ~(1u << end->var)) | e->live[end->no];
	enum reg dst = register_for(end->var);

	if (end->indexed) {
		mov(e, FROM_X, X);
		add_imm(e, FROM_X, end->k);
		jump(e, BPF_JMP | BPF_JGT | BPF_K, FROM_X, 0, ir_fetch_max(e->run), end->no);
	} else {
		mov_imm(e, FROM_X, end->k);
	}
	spill(e, live, false);
	mov(e, X, CTX);
	mov(e, T, FP);
	add_imm(e, T, STACK_BYTES);
	mov_imm(e, U, end->size);
	e->hook->load_bytes(e);
	mov(e, T, A);
	spill(e, live, true);
	jump(e, BPF_JMP | BPF_JNE | BPF_K, T, 0, 0, end->no);
	load(e, end->size, dst, FP, STACK_BYTES);
	big_endian(e, dst, end->size);
	written(e, end->var);
	go(e, end->yes);
}

static bool tail_calls(enum filter_verb verb)
{
	return verb == FILTER_JUMP || verb == FILTER_VLAN_PUSH || verb == FILTER_VLAN_POP;
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
	go_verb(e, e->run->miss_drop ? FILTER_DROP : FILTER_PASS);
}

static void emit_verdict(struct emit *e, const struct ir_end *end)
{
	if (tail_calls(end->verb)) {
		emit_tail_call(e, end);
		return;
	}
	set_key(e, end->counter);
	if (end->verb == FILTER_REDIRECT || end->verb == FILTER_REDIRECT_INGRESS)
		mov_imm(e, END, end->arg);
	go_verb(e, end->verb);
}

static void emit_block(struct emit *e, const struct ir_block *block)
{
	for (size_t i = 0; i < block->n; i++)
		emit_insn(e, &block->insns[i]);
	switch ((enum ir_end_kind)block->end.kind) {
	case IR_GOTO:
		go(e, block->end.yes);
		return;
	case IR_BRANCH:
		emit_branch(e, &block->end);
		return;
	case IR_CHECK:
		emit_check(e, &block->end);
		return;
	case IR_SWITCH:
		emit_switch(e, &block->end, read_var(e, block->end.var, FROM_X), UINT32_MAX);
		return;
	case IR_FETCH:
		emit_fetch(e, &block->end);
		return;
	case IR_VERDICT:
		emit_verdict(e, &block->end);
		return;
	}
}

/* The whole program */

static int fix_jumps(struct emit *e)
{
	for (size_t i = 0; i < e->n_fixups; i++) {
		struct bpf_insn *insn = &e->prog->insns[e->fixups[i].insn];
		int64_t off = (int64_t)e->label_at[e->fixups[i].label] - e->fixups[i].insn - 1;

		if (off < INT16_MIN || off > INT16_MAX)
			return -E2BIG;
		if (insn->code == (BPF_JMP | BPF_CALL))
			insn->imm = off;
		else
			insn->off = off;
	}
	return 0;
}

static int emit_all(struct emit *e, const uint32_t *order, size_t n)
{
	e->hook->start(e);
	for (size_t i = 0; i < n; i++) {
		if (i && !e->entered[order[i]])
			continue;
		e->next = i + 1 < n ? order[i + 1] : UINT32_MAX;
		e->label_at[order[i]] = e->prog->n_insns;
		emit_block(e, &e->ir->blocks[order[i]]);
		if (e->oom)
			return fail_oom();
		if (e->prog->n_insns > FILTER_INSNS_MAX)
			return -E2BIG;
	}
	for (unsigned int verb = 0; verb < FILTER_COUNT; verb++) {
		if (e->verbs & 1u << verb)
			hook_verb(e, verb);
	}
	if (e->entered[fetch_label(e)])
		e->hook->fetch(e);
	return e->oom ? fail_oom() : fix_jumps(e);
}

static bool is_conditional(const struct bpf_insn *insn)
{
	uint8_t class = BPF_CLASS(insn->code), code = BPF_OP(insn->code);

	return class == BPF_JMP32 ||
	       (class == BPF_JMP && code != BPF_JA && code != BPF_CALL && code != BPF_EXIT);
}

int ebpf_size(const struct ir *ir, const struct filter_run *run, uint32_t rule,
	      struct filter_size *out)
{
	_free_ uint32_t *live = NULL, *order = NULL;
	struct filter_prog prog = { 0 };
	/* No block follows another: each pays for its jumps. */
	struct emit e = {
		.hook = hook_of(run->hook), .ir = ir, .run = run, .prog = &prog, .next = UINT32_MAX
	};
	ssize_t n = ir_order(ir, &order);
	int err = n < 0 ? (int)n : ir_live(ir, &live);
	bool loops = false;

	*out = (struct filter_size){ 0 };
	e.live = live;
	for (ssize_t i = 0; i < n && !err && !e.oom; i++) {
		if (ir->blocks[order[i]].rule != rule)
			continue;
		emit_block(&e, &ir->blocks[order[i]]);
		loops |= live[order[i]] & 1u << IR_FUEL;
	}
	out->insns = prog.n_insns;
	for (size_t i = 0; i < prog.n_insns; i++)
		out->branches += is_conditional(&prog.insns[i]) * (loops ? IR_LOOPS + 1 : 1);
	filter_prog_free(&prog);
	free(e.fixups);
	return err ? err : e.oom ? fail_oom() : 0;
}

int ebpf_emit(const struct ir *ir, const struct filter_run *run, struct filter_prog *out)
{
	_free_ uint32_t *order = NULL, *live = NULL, *labels = NULL;
	_free_ bool *entered = NULL;
	struct emit e = { .hook = hook_of(run->hook), .ir = ir, .run = run, .prog = out };
	ssize_t n = ir_order(ir, &order);
	int err = n < 0 ? (int)n : ir_live(ir, &live);

	*out = (struct filter_prog){ 0 };
	if (err)
		return err;
	labels = malloc(n_labels(ir) * sizeof(*labels));
	entered = calloc(n_labels(ir), sizeof(*entered));
	if (!labels || !entered)
		return fail_oom();
	e.label_at = labels;
	e.entered = entered;
	e.live = live;
	err = emit_all(&e, order, n);
	free(e.fixups);
	if (err)
		filter_prog_free(out);
	return err;
}
