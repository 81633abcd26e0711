// SPDX-License-Identifier: GPL-2.0-only
#include "ebpf_layout.h"

#include <stdlib.h>
#include <string.h>

#include "ebpf_test.h"

static bool is_verdict(const struct ir *ir, uint32_t block)
{
	return ir->blocks[block].end.kind == IR_VERDICT;
}

/* Which of a branch's two ways is to come behind it. */
static uint32_t behind_branch(const struct ir *ir, const struct ir_end *end)
{
	if (end->value != IR_NO_VALUE && is_verdict(ir, end->yes) == is_verdict(ir, end->no)) {
		struct test test = test_of(ir, end);

		if (test.kind == TEST_ANY)
			return test.negate ? end->yes : end->no;
	}
	return is_verdict(ir, end->yes) ? end->no : end->yes;
}

static size_t behind_switch(const struct ir *ir, const struct ir_end *end)
{
	return end->n_cases && is_verdict(ir, end->no) ? end->n_cases - 1 : end->n_cases;
}

/* Which edge out of a block leads to the one to come behind it. */
static size_t follower(const struct ir *ir, const struct ir_end *end)
{
	struct ir_end branch = *end;
	size_t i = 0;
	uint32_t to;

	if (end->kind == IR_PROBE)
		return is_verdict(ir, end->yes);
	if (end->kind != IR_BRANCH && !branch_of(ir, end, &branch))
		return end->kind == IR_SWITCH ? behind_switch(ir, end) : 0;
	to = behind_branch(ir, &branch);
	while (ir_next_of(end, i) != to)
		i++;
	return i;
}

/* A block on the way down, how many of its successors have been visited, and who is the last. */
struct visit {
	uint32_t block;
	size_t done, n, last;
};

static struct visit visit(const struct ir *ir, uint32_t block)
{
	const struct ir_end *end = &ir->blocks[block].end;

	return (struct visit){ block, 0, ir_n_next(end), follower(ir, end) };
}

/* The next successor to visit: the follower last, so that it comes first in the reverse. */
static uint32_t visit_next(const struct ir *ir, struct visit *visit)
{
	size_t i = visit->n - ++visit->done;

	if (visit->done == visit->n)
		i = visit->last;
	else if (i <= visit->last)
		i--;
	return ir_next_of(&ir->blocks[visit->block].end, i);
}

static void reverse(uint32_t *a, size_t n)
{
	for (size_t i = 0; i < n / 2; i++) {
		uint32_t swap = a[i];

		a[i] = a[n - 1 - i];
		a[n - 1 - i] = swap;
	}
}

static ssize_t reverse_post_order(const struct ir *ir, uint32_t **order)
{
	_free_ struct visit *stack = calloc(ir->n, sizeof(*stack));
	_free_ bool *seen = calloc(ir->n, sizeof(*seen));
	_free_ uint32_t *post = calloc(ir->n, sizeof(*post));
	size_t depth = 1, n = 0;

	if (!stack || !seen || !post)
		return fail_oom();
	stack[0] = visit(ir, 0);
	seen[0] = true;
	while (depth) {
		struct visit *top = &stack[depth - 1];
		uint32_t to;

		if (top->done == top->n) {
			post[n++] = top->block;
			depth--;
			continue;
		}
		to = visit_next(ir, top);
		if (!seen[to]) {
			seen[to] = true;
			stack[depth++] = visit(ir, to);
		}
	}
	reverse(post, n);
	*order = TAKE(post);
	return n;
}

/* The place of the last block that leads to each block. */
static void last_before(const struct ir *ir, const uint32_t *order, size_t n, uint32_t *last)
{
	for (size_t i = 0; i < n; i++) {
		const struct ir_end *end = &ir->blocks[order[i]].end;

		for (size_t j = ir_n_next(end); j--;)
			last[ir_next_of(end, j)] = i;
	}
}

/* A verdict to come behind the block at a place, which nothing else follows, or IR_NO_BLOCK. */
static uint32_t verdict_behind(const struct ir *ir, const uint32_t *order, size_t n, size_t i,
			       const uint32_t *last)
{
	const struct ir_end *end = &ir->blocks[order[i]].end;
	size_t n_next = ir_n_next(end);
	uint32_t found = IR_NO_BLOCK;

	for (size_t j = n_next; j--;) {
		uint32_t to = ir_next_of(end, j);

		if (i + 1 < n && to == order[i + 1])
			return IR_NO_BLOCK;
		if (is_verdict(ir, to) && last[to] == i &&
		    (found == IR_NO_BLOCK || j == follower(ir, end)))
			found = to;
	}
	return found;
}

/*
 * Verdicts lead nowhere, so they may stand anywhere behind those that lead to them: where a block
 * needs one behind it, or else at the end.
 */
static int place_verdicts(const struct ir *ir, uint32_t *order, size_t n)
{
	_free_ uint32_t *old = calloc(n, sizeof(*old)), *paths = calloc(n, sizeof(*paths));
	_free_ uint32_t *last = calloc(ir->n, sizeof(*last));
	_free_ bool *placed = calloc(ir->n, sizeof(*placed));
	size_t n_paths = 0, at = 0;

	if (!old || !paths || !last || !placed)
		return fail_oom();
	memcpy(old, order, n * sizeof(*old));
	for (size_t i = 0; i < n; i++) {
		if (!is_verdict(ir, old[i]))
			paths[n_paths++] = old[i];
	}
	last_before(ir, paths, n_paths, last);
	for (size_t i = 0; i < n_paths; i++) {
		uint32_t verdict = verdict_behind(ir, paths, n_paths, i, last);

		order[at++] = paths[i];
		if (verdict != IR_NO_BLOCK) {
			order[at++] = verdict;
			placed[verdict] = true;
		}
	}
	for (size_t i = 0; i < n; i++) {
		if (is_verdict(ir, old[i]) && !placed[old[i]])
			order[at++] = old[i];
	}
	return 0;
}

ssize_t layout_order(const struct ir *ir, uint32_t **order)
{
	ssize_t n = reverse_post_order(ir, order);
	int err = n < 0 ? 0 : place_verdicts(ir, *order, n);

	if (!err)
		return n;
	free(*order);
	*order = NULL;
	return err;
}

static bool has_check(const struct ir_end *end)
{
	return end->kind == IR_CHECK || (end->kind != IR_VERDICT && end->value != IR_NO_VALUE);
}

int layout_marks(const struct ir *ir, const uint32_t *order, size_t n, bool **heads, bool **shallow)
{
	_free_ uint32_t *place = calloc(ir->n, sizeof(*place));
	_free_ bool *head = calloc(ir->n, sizeof(*head)), *no_check = calloc(ir->n, 1);

	if (!place || !head || !no_check)
		return fail_oom();
	for (size_t i = 0; i < n; i++)
		place[order[i]] = i;
	for (size_t i = n; i--;) {
		const struct ir_block *block = &ir->blocks[order[i]];
		bool none = !has_check(&block->end);

		for (size_t j = ir_n_next(&block->end); j--;) {
			uint32_t next = ir_next_of(&block->end, j);

			head[next] |= place[next] <= i;
			none &= no_check[next];
		}
		no_check[order[i]] = none;
	}
	*heads = TAKE(head);
	*shallow = TAKE(no_check);
	return 0;
}
