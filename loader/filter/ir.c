// SPDX-License-Identifier: GPL-2.0-only
#include "ir.h"

#include <stdlib.h>

void ir_free(struct ir *ir)
{
	for (size_t i = 0; i < ir->n; i++)
		free(ir->blocks[i].insns);
	free(ir->blocks);
	*ir = (struct ir){ 0 };
}

uint32_t ir_add_block(struct ir *ir, uint32_t rule)
{
	struct ir_block *block = array_add(ir->blocks, ir->n);

	if (!block)
		return IR_NO_BLOCK;
	block->rule = rule;
	block->end = (struct ir_end){ .kind = IR_GOTO, .yes = IR_NO_BLOCK, .no = IR_NO_BLOCK };
	return ir->n - 1;
}

bool ir_add_insn(struct ir_block *block, struct ir_insn insn)
{
	struct ir_insn *added = array_add(block->insns, block->n);

	if (added)
		*added = insn;
	return added;
}

unsigned int ir_successors(const struct ir_end *end, uint32_t next[2])
{
	if (end->kind == IR_VERDICT)
		return 0;
	next[0] = end->yes;
	next[1] = end->no;
	return end->kind == IR_GOTO ? 1 : 2;
}

/* A block on the way down, and how many of its successors have been visited. */
struct visit {
	uint32_t block;
	unsigned int done;
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
		uint32_t next[2];
		unsigned int n_next = ir_successors(&ir->blocks[top->block].end, next);

		if (top->done == n_next) {
			post[n++] = top->block;
			depth--;
			continue;
		}
		/* The last one visited comes first in the reverse: `yes`. */
		uint32_t to = next[n_next - ++top->done];

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
