// SPDX-License-Identifier: GPL-2.0-only
/*
 * An edge to a block that only goes on leads to where that one goes.
 */
#include "ir.h"

static uint32_t thread(const struct ir *ir, uint32_t to)
{
	/* Blocks that only go on may stand in a circle; no path through them is longer than all. */
	for (size_t i = 0; i < ir->n; i++) {
		const struct ir_block *block = &ir->blocks[to];

		if (block->n || block->end.kind != IR_GOTO)
			break;
		to = block->end.yes;
	}
	return to;
}

int ir_pass_thread(struct ir *ir)
{
	for (size_t i = 0; i < ir->n; i++) {
		struct ir_end *end = &ir->blocks[i].end;

		for (size_t j = ir_n_next(end); j--;)
			*ir_next(end, j) = thread(ir, ir_next_of(end, j));
		/* A check and a fetch stay: they compute what they were asked for. */
		if (end->kind == IR_BRANCH && end->yes == end->no)
			*end = ir_goto(end->yes);
	}
	return 0;
}
