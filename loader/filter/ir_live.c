// SPDX-License-Identifier: GPL-2.0-only
/*
 * Live variables (backward), and what rests on them: removal of what nobody reads.
 */
#include "ir.h"

#include <stdlib.h>

static uint32_t bit(uint8_t var)
{
	return var < IR_VARS ? 1u << var : 0;
}

/* What is read, besides what an operation reads of its own destination. */
static uint32_t reads(const struct ir_insn *insn)
{
	switch ((enum ir_op)insn->op) {
	case IR_COUNT:
	case IR_LEN:
		return 0;
	case IR_LOAD:
		return insn->indexed ? bit(IR_X) : 0;
	case IR_SET:
		return bit(insn->src);
	case IR_NEG:
	case IR_FORGET:
		return bit(insn->dst);
	default:
		return bit(insn->dst) | bit(insn->src);
	}
}

/* What is itself dead reads nothing. */
static uint32_t before_insn(const struct ir_insn *insn, uint32_t live)
{
	if (insn->op == IR_COUNT || !(live & bit(insn->dst)))
		return live;
	return (live & ~bit(insn->dst)) | reads(insn);
}

static uint32_t live_out(const uint32_t *live, const struct ir_block *block)
{
	uint32_t out = 0;

	for (size_t i = ir_n_next(&block->end); i--;)
		out |= live[ir_next_of(&block->end, i)];
	return out;
}

static uint32_t before_end(const uint32_t *live, const struct ir_block *block)
{
	const struct ir_end *end = &block->end;

	switch ((enum ir_end_kind)end->kind) {
	case IR_BRANCH:
	case IR_SWITCH:
		return live_out(live, block) |
		       (end->value == IR_NO_VALUE ? bit(end->var) | bit(end->src) : 0);
	case IR_CHECK:
		return live_out(live, block) |
		       (end->indexed && end->value == IR_NO_VALUE ? bit(IR_X) : 0);
	case IR_FETCH:
		return (live[end->yes] & ~bit(end->var)) | live[end->no] |
		       (end->indexed ? bit(IR_X) : 0);
	default:
		return live_out(live, block);
	}
}

int ir_live(const struct ir *ir, uint32_t **live)
{
	_free_ uint32_t *sets = calloc(ir->n, sizeof(*sets));
	_free_ uint32_t *order = NULL;
	ssize_t n = sets ? ir_order(ir, &order) : fail_oom();
	bool changed = true;

	if (n < 0)
		return n;
	while (changed) {
		changed = false;
		for (ssize_t i = n - 1; i >= 0; i--) {
			const struct ir_block *block = &ir->blocks[order[i]];
			uint32_t set = before_end(sets, block);

			for (size_t j = block->n; j--;)
				set = before_insn(&block->insns[j], set);
			changed |= set != sets[order[i]];
			sets[order[i]] = set;
		}
	}
	*live = TAKE(sets);
	return 0;
}

static void drop_dead(struct ir_block *block, uint32_t live)
{
	size_t kept = block->n;

	for (size_t i = block->n; i--;) {
		struct ir_insn insn = block->insns[i];

		if (insn.op != IR_COUNT && !(live & bit(insn.dst)))
			continue;
		live = before_insn(&insn, live);
		block->insns[--kept] = insn;
	}
	/* Those kept are at the back, in order. */
	for (size_t i = kept; i < block->n; i++)
		block->insns[i - kept] = block->insns[i];
	block->n -= kept;
}

int ir_pass_dead(struct ir *ir)
{
	_free_ uint32_t *live = NULL;
	int err = ir_live(ir, &live);

	if (err)
		return err;
	for (size_t i = 0; i < ir->n; i++)
		drop_dead(&ir->blocks[i], before_end(live, &ir->blocks[i]));
	return 0;
}
