// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which of the packet's bytes are known to be there (forward): what every path to a block has
 * proven. A check that says nothing new becomes a GOTO.
 *
 * The verifier comes to the same conclusions path by path: it knows the range of the register that
 * holds `data` for ever, and that of data + X as long as nobody writes X.
 */
#include "ir.h"

#include <stdlib.h>
#include <string.h>

/* X has no proven bytes, and no pointer to them. */
enum { NONE = 0 };

struct known {
	bool reached;
	bool again; /* met more than once: a loop's head, for which the maximum does not creep */
	uint32_t linear; /* bytes known from the packet's start */
	uint32_t from_x; /* bytes known from X on, since X was last written */
	uint32_t max_x;	 /* of X, as the verifier sees it too */
};

static uint32_t clamp(uint64_t value)
{
	return value < UINT32_MAX ? value : UINT32_MAX;
}

/* The largest X after an instruction that writes it; unknown where the verifier may not follow. */
static uint32_t max_after(uint32_t max, const struct ir_insn *insn)
{
	bool constant = insn->src == IR_CONST;

	switch ((enum ir_op)insn->op) {
	case IR_SET:
		return constant ? insn->k : UINT32_MAX;
	case IR_LOAD:
		return insn->size == 1 ? UINT8_MAX : UINT32_MAX;
	case IR_AND:
		return constant && insn->k < max ? insn->k : max;
	case IR_LSH:
		return constant && insn->k < 32 ? clamp((uint64_t)max << insn->k) : UINT32_MAX;
	default:
		return UINT32_MAX;
	}
}

static void write_var(struct known *known, uint8_t var, uint32_t max)
{
	if (var != IR_X)
		return;
	known->max_x = max;
	known->from_x = NONE;
}

/*
 * What a branch says of a register the verifier takes over to the copies of it, since Linux 6.11
 * also to those that differ by a constant (sync_linked_regs()). It may then know less than before,
 * or, on a path that cannot be, nonsense, for which it refuses the program. So of an X that was
 * copied, is a copy, or was compared, nothing is relied upon.
 */
static bool shares_x(const struct ir_insn *insn)
{
	return insn->op == IR_SET && insn->src == IR_X;
}

static void after_insn(struct known *known, const struct ir_insn *insn)
{
	if (insn->op == IR_COUNT) {
		known->from_x = NONE;
		return;
	}
	write_var(known, insn->dst, max_after(known->max_x, insn));
	if (shares_x(insn))
		known->max_x = UINT32_MAX;
}

/* A check of X: those of values are none of this pass's business. */
static bool is_of_x(const struct ir_end *end)
{
	return end->kind == IR_CHECK && end->indexed && end->value == IR_NO_VALUE;
}

static bool is_of_start(const struct ir_end *end)
{
	return end->kind == IR_CHECK && !end->indexed;
}

static bool is_proven(const struct known *known, const struct ir_end *check)
{
	if (is_of_x(check))
		return check->k <= known->from_x;
	return is_of_start(check) && check->k <= known->linear;
}

/* What is known on the way to `yes` (else to `no`) of a block's end. */
static struct known after_end(const struct known *known, const struct ir_end *end, bool yes)
{
	struct known after = *known;

	if (yes && is_of_x(end) && !is_proven(known, end))
		after.from_x = end->k;
	if (yes && is_of_start(end) && !is_proven(known, end))
		after.linear = end->k;
	if (end->kind == IR_BRANCH && (end->var == IR_X || end->src == IR_X))
		after.max_x = UINT32_MAX;
	if (end->kind == IR_FETCH) {
		after.from_x = NONE;
		write_var(&after, end->var, UINT32_MAX);
	}
	return after;
}

static bool lower_to(uint32_t *value, uint32_t to)
{
	bool lowers = to < *value;

	if (lowers)
		*value = to;
	return lowers;
}

/* Of two paths that meet, what both know. True if `into` lost something by it. */
static bool meet(struct known *into, const struct known *from)
{
	bool changed;

	if (!into->reached) {
		*into = *from;
		into->reached = true;
		into->again = false;
		return true;
	}
	changed = lower_to(&into->linear, from->linear);
	changed |= lower_to(&into->from_x, from->from_x);
	if (from->max_x > into->max_x) {
		into->max_x = into->again ? UINT32_MAX : from->max_x;
		changed = true;
	}
	return changed;
}

/* Take a block's knowledge to its successors. True if one of them changed. */
static bool flow(const struct ir *ir, struct known *known, uint32_t number)
{
	const struct ir_block *block = &ir->blocks[number];
	struct known now = known[number];
	size_t n_next = ir_n_next(&block->end);
	bool changed = false;

	known[number].again = true;
	for (size_t i = 0; i < block->n; i++)
		after_insn(&now, &block->insns[i]);
	for (size_t i = 0; i < n_next; i++) {
		struct known after = after_end(&now, &block->end, i == 0);

		changed |= meet(&known[ir_next_of(&block->end, i)], &after);
	}
	return changed;
}

static void use(struct ir_block *block, struct known known)
{
	struct ir_end *end = &block->end;

	for (size_t i = 0; i < block->n; i++)
		after_insn(&known, &block->insns[i]);
	if (is_of_x(end))
		end->bounded = (uint64_t)known.max_x + end->k <= IR_COPY_MAX;
	if (is_proven(&known, end))
		*end = ir_goto(end->yes);
}

int ir_pass_bounds(struct ir *ir)
{
	_free_ struct known *known = calloc(ir->n, sizeof(*known));
	_free_ uint32_t *order = NULL;
	ssize_t n = known ? ir_order(ir, &order) : fail_oom();
	bool changed = true;

	if (n < 0)
		return n;
	known[0].reached = true;
	known[0].max_x = UINT32_MAX;
	while (changed) {
		changed = false;
		for (ssize_t i = 0; i < n; i++)
			changed |= flow(ir, known, order[i]);
	}
	for (ssize_t i = 0; i < n; i++)
		use(&ir->blocks[order[i]], known[order[i]]);
	return 0;
}
