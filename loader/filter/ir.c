// SPDX-License-Identifier: GPL-2.0-only
#include "ir.h"

#include <stdlib.h>

#include "ir_index.h"

void ir_free(struct ir *ir)
{
	for (size_t i = 0; i < ir->n; i++) {
		free(ir->blocks[i].insns);
		free(ir->blocks[i].end.cases);
	}
	free(ir->blocks);
	free(ir->values);
	free(ir->value_index);
	ir_index_free(ir->index);
	*ir = (struct ir){ 0 };
}

uint32_t ir_add_block(struct ir *ir, uint32_t rule)
{
	struct ir_block *block = array_add(ir->blocks, ir->n);

	if (!block)
		return IR_NO_BLOCK;
	block->rule = rule;
	block->end = ir_goto(IR_NO_BLOCK);
	return ir->n - 1;
}

bool ir_add_insn(struct ir_block *block, struct ir_insn insn)
{
	struct ir_insn *added = array_add(block->insns, block->n);

	if (added)
		*added = insn;
	return added;
}

size_t ir_n_next(const struct ir_end *end)
{
	switch ((enum ir_end_kind)end->kind) {
	case IR_VERDICT:
		return 0;
	case IR_GOTO:
	case IR_INDEX:
		return 1;
	case IR_SWITCH:
		return end->n_cases + 1;
	default:
		return 2;
	}
}

uint32_t *ir_next(struct ir_end *end, size_t i)
{
	if (end->kind == IR_SWITCH && i < end->n_cases)
		return &end->cases[i].to;
	return i || end->kind == IR_SWITCH ? &end->no : &end->yes;
}

uint32_t ir_next_of(const struct ir_end *end, size_t i)
{
	return *ir_next((struct ir_end *)end, i);
}

void ir_set_end(struct ir_block *block, struct ir_end end)
{
	if (block->end.cases != end.cases)
		free(block->end.cases);
	block->end = end;
}

/* A block on the way down, and how many of its successors have been visited. */
struct visit {
	uint32_t block;
	size_t done;
};

ssize_t ir_order(const struct ir *ir, uint32_t **order)
{
	_free_ struct visit *stack = calloc(ir->n, sizeof(*stack));
	_free_ bool *seen = calloc(ir->n, sizeof(*seen));
	_free_ uint32_t *post = calloc(ir->n, sizeof(*post));
	size_t depth = 1, n = 0;

	if (!stack || !seen || !post)
		return fail_oom();
	stack[0] = (struct visit){ 0 };
	seen[0] = true;
	while (depth) {
		struct visit *top = &stack[depth - 1];
		const struct ir_end *end = &ir->blocks[top->block].end;
		size_t n_next = ir_n_next(end);

		if (top->done == n_next) {
			post[n++] = top->block;
			depth--;
			continue;
		}
		/* The last one visited comes first in the reverse: `yes`. */
		uint32_t to = ir_next_of(end, n_next - ++top->done);

		if (!seen[to]) {
			seen[to] = true;
			stack[depth++] = (struct visit){ .block = to };
		}
	}
	for (size_t i = 0; i < n / 2; i++) {
		uint32_t swap = post[i];

		post[i] = post[n - 1 - i];
		post[n - 1 - i] = swap;
	}
	*order = TAKE(post);
	return n;
}

ssize_t ir_depth(const struct ir *ir)
{
	_free_ uint32_t *depth = calloc(ir->n, sizeof(*depth)), *order = NULL;
	ssize_t n = depth ? ir_order(ir, &order) : fail_oom();

	/* What a block leads to comes behind it in the order. */
	for (ssize_t i = n; i-- > 0;) {
		const struct ir_end *end = &ir->blocks[order[i]].end;
		uint32_t *most = &depth[order[i]];

		for (size_t j = 0; j < ir_n_next(end); j++) {
			uint32_t next = depth[ir_next_of(end, j)];

			*most = next > *most ? next : *most;
		}
		*most += end->kind == IR_BRANCH || end->kind == IR_SWITCH;
	}
	return n < 0 ? n : (ssize_t)depth[0];
}
