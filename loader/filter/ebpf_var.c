// SPDX-License-Identifier: GPL-2.0-only
#include "ebpf_var.h"

#include "../../maps/abi.h"
#include "ebpf_end.h"
#include "ebpf_hook.h"
#include "ebpf_switch.h"
#include "ebpf_value.h"

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

void set_key(struct emit *e, uint32_t counter)
{
	op(e, BPF_ST | BPF_MEM | BPF_W, FP, 0, STACK_KEY, counter);
}

/*
 * Checks may be proven by what is known along paths, of which the verifier walks some that cannot
 * be. There the load is refused, as the policy's tail calls would be that lead nowhere.
 */
static void prove_again(struct emit *e, uint32_t k)
{
	size_t proven;

	if (e->cache.now.linear >= k)
		return;
	mov(e, T, DATA);
	add_imm(e, T, k);
	proven = branch(e, BPF_JMP | BPF_JLE | BPF_X, T, END, 0);
	hook_miss(e);
	land(e, proven);
	e->cache.now.linear = k;
}

static void emit_load(struct emit *e, const struct ir_insn *insn)
{
	enum reg dst = register_for(insn->dst);

	if (insn->indexed && e->window) {
		load_unaligned(e, insn->size, dst, FROM_X, insn->k, U);
	} else if (insn->indexed) {
		load_far(e, insn->size, dst, FROM_X, insn->k);
	} else {
		if (!e->window)
			prove_again(e, insn->k + insn->size);
		load_at(e, insn->size, dst, insn->k);
	}
	big_endian(e, dst, insn->size);
	written(e, insn->dst);
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

/* A rule matched that goes on. */
static void emit_match(struct emit *e, const struct filter_rule *rule)
{
	if (e->hook->counts) {
		set_key(e, rule->counter);
		hook_count(e);
	}
	if (e->hook->pass_on)
		e->hook->pass_on(e, rule);
}

void emit_insn(struct emit *e, const struct ir_insn *insn)
{
	switch ((enum ir_op)insn->op) {
	case IR_SET:
		emit_set(e, insn);
		return;
	case IR_LOAD:
		emit_load(e, insn);
		return;
	case IR_LEN:
		e->hook->length(e, register_for(insn->dst), U);
		written(e, insn->dst);
		return;
	case IR_FORGET:
		hook_forget(e, register_for(insn->dst), T);
		return;
	case IR_COUNT:
		emit_match(e, &e->run->rules[insn->k]);
		return;
	default:
		emit_alu(e, insn);
	}
}

/* Ends of blocks */

void emit_var_branch(struct emit *e, const struct ir_end *end)
{
	enum reg left = read_var(e, end->var, T);

	if (end->src == IR_CONST)
		compare_k(e, end->cond, left, end->k, end->yes, end->no);
	else
		compare_x(e, end->cond, left, read_var(e, end->src, U), end->yes, end->no);
}

/* X + k bytes of the window, which the packet has. */
static void emit_window_check(struct emit *e, const struct ir_end *end)
{
	mov(e, FROM_X, X);
	if (!end->bounded)
		hook_forget(e, FROM_X, T);
	jump(e, BPF_JMP | BPF_JGT | BPF_K, FROM_X, 0, e->window - end->k, end->no);
	op(e, BPF_ALU64 | BPF_ADD | BPF_X, FROM_X, DATA, 0, 0);
	go(e, end->yes);
}

void emit_var_check(struct emit *e, const struct ir_end *end)
{
	if (e->window) {
		emit_window_check(e, end);
		return;
	}
	mov(e, FROM_X, X);
	if (!end->bounded) {
		/* What the verifier believes of X may be nonsense: see ir_bounds.c. */
		hook_forget(e, FROM_X, T);
		jump(e, BPF_JMP | BPF_JGT | BPF_K, FROM_X, 0, e->view.window - end->k, end->no);
	}
	op(e, BPF_ALU64 | BPF_ADD | BPF_X, FROM_X, DATA, 0, 0);
	mov(e, T, FROM_X);
	add_imm(e, T, end->k);
	/* The failing side first: see fail_beyond_end() in ebpf_value.c. */
	jump(e, BPF_JMP | BPF_JLE | BPF_X, T, END, 0, end->yes);
	go(e, end->no);
}

void emit_var_switch(struct emit *e, const struct ir_end *end)
{
	emit_switch(e, end, read_var(e, end->var, FROM_X), UINT32_MAX);
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

/* r2 = X + k, from where a FETCH reads. */
static void fetch_from_x(struct emit *e, const struct ir_end *end)
{
	mov(e, FROM_X, X);
	add_imm(e, FROM_X, end->k);
	jump(e, BPF_JMP | BPF_JGT | BPF_K, FROM_X, 0, e->view.fetch_max, end->no);
}

/* A load that ends the program where it fails. */
void emit_fetch_direct(struct emit *e, const struct ir_end *end)
{
	uint32_t live = e->live[end->yes] & ~(1u << end->var);

	if (end->indexed)
		fetch_from_x(e, end);
	spill(e, live, false);
	e->hook->load_direct(e, end);
	if (end->var != IR_A)
		mov(e, register_for(end->var), A);
	spill(e, live, true);
	written(e, end->var);
	go(e, end->yes);
}

void emit_fetch(struct emit *e, const struct ir_end *end)
{
	uint32_t live = (e->live[end->yes] & ~(1u << end->var)) | e->live[end->no];
	enum reg dst = register_for(end->var);

	if (end->indexed)
		fetch_from_x(e, end);
	else
		mov_imm(e, FROM_X, end->k);
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
