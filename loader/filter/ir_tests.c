// SPDX-License-Identifier: GPL-2.0-only
/*
 * One form for tests: a branch on a value and a constant becomes a SWITCH with one case, about the
 * simplest value it can be asked of. So [26:4] & 0xff000000 == 0x0a000000 is a range of [26:4], and
 * two tests of one field are seen to be about the same thing. x & k != 0 is: x & k is not 0; only
 * comparisons of two values stay branches.
 *
 * What is proven is that f(x) lies in a range exactly when x lies in these ranges, for f a mask of
 * the upper bits, a shift or a sum.
 */
#include "ir.h"

#include <stdlib.h>

/* The cases of a switch under way to a simpler value. */
struct test {
	struct ir *ir;
	uint32_t value;
	struct ir_case *cases;
	size_t n;
	bool oom;
};

/* All bits up to the highest that is set in a number. */
static uint32_t ones_below(uint32_t max)
{
	return max ? ~0u >> __builtin_clz(max) : 0;
}

static void add_case(struct test *t, uint64_t first, uint64_t last, uint32_t to)
{
	struct ir_case *added;

	if (first > last || first > UINT32_MAX)
		return;
	added = array_add(t->cases, t->n);
	if (!added) {
		t->oom = true;
		return;
	}
	*added = (struct ir_case){ first, last < UINT32_MAX ? last : UINT32_MAX, to };
}

/* Where x & ~low lies in a case. */
static void undo_mask(struct test *t, const struct ir_case *one, uint32_t low)
{
	uint64_t first = ((uint64_t)one->first + low) & ~(uint64_t)low;

	add_case(t, first, one->last | low, one->to);
}

static void undo_lsh(struct test *t, const struct ir_case *one, uint32_t k)
{
	uint64_t round = (1ull << k) - 1;

	add_case(t, (one->first + round) >> k, one->last >> k, one->to);
}

static void undo_rsh(struct test *t, const struct ir_case *one, uint32_t k)
{
	add_case(t, (uint64_t)one->first << k, ((uint64_t)one->last << k) | ((1ull << k) - 1),
		 one->to);
}

/* Where x + k lies in a case: the range may go round. */
static void undo_add(struct test *t, const struct ir_case *one, uint32_t k)
{
	uint32_t first = one->first - k, last = one->last - k;

	if (first <= last) {
		add_case(t, first, last, one->to);
	} else {
		add_case(t, 0, last, one->to);
		add_case(t, first, UINT32_MAX, one->to);
	}
}

static void undo(struct test *t, const struct ir_value *value, const struct ir_case *one)
{
	uint32_t ones = ones_below(ir_value_max(t->ir, value->a));

	switch ((enum ir_op)value->op) {
	case IR_AND:
		undo_mask(t, one, ones & ~value->k);
		return;
	case IR_LSH:
		undo_lsh(t, one, value->k);
		return;
	case IR_RSH:
		undo_rsh(t, one, value->k);
		return;
	case IR_ADD:
		undo_add(t, one, value->k);
		return;
	default:
		undo_add(t, one, -value->k);
	}
}

static bool can_undo(const struct ir *ir, const struct ir_value *value)
{
	uint32_t max, low;

	if (value->op == IR_LOAD || value->a == IR_NO_VALUE || value->b != IR_NO_VALUE)
		return false;
	max = ir_value_max(ir, value->a);
	switch ((enum ir_op)value->op) {
	case IR_AND:
		low = ones_below(max) & ~value->k;
		return !(low & (low + 1));
	case IR_LSH:
		return value->k < 32 && (uint64_t)max << value->k <= UINT32_MAX;
	case IR_RSH:
		return value->k < 32;
	case IR_ADD:
	case IR_SUB:
		return true;
	default:
		return false;
	}
}

static int compare(const void *a, const void *b)
{
	const struct ir_case *left = a, *right = b;

	return (left->first > right->first) - (left->first < right->first);
}

/* From f(x) to x. */
static void simplify_once(struct test *t)
{
	const struct ir_value value = t->ir->values[t->value];
	_free_ struct ir_case *old = TAKE(t->cases);
	size_t n = t->n;

	t->n = 0;
	for (size_t i = 0; i < n; i++)
		undo(t, &value, &old[i]);
	if (t->n)
		qsort(t->cases, t->n, sizeof(*t->cases), compare);
	t->value = value.a;
}

/* No case beyond the largest that the value can be; neighbours that lead to one place are one. */
static void tidy(struct test *t, uint32_t no)
{
	uint32_t max = ir_value_max(t->ir, t->value);
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++) {
		struct ir_case one = t->cases[i];

		if (one.first > max || one.to == no)
			continue;
		if (one.last > max)
			one.last = max;
		if (n && t->cases[n - 1].to == one.to && t->cases[n - 1].last + 1 == one.first)
			t->cases[n - 1].last = one.last;
		else
			t->cases[n++] = one;
	}
	t->n = n;
}

static void set_switch(struct test *t, struct ir_block *block, uint32_t no)
{
	uint32_t max = ir_value_max(t->ir, t->value);
	struct ir_end end = ir_goto(no);

	tidy(t, no);
	if (t->n == 1 && !t->cases[0].first && t->cases[0].last == max) {
		end = ir_goto(t->cases[0].to);
		free(TAKE(t->cases));
	} else if (t->n) {
		end.kind = IR_SWITCH;
		end.value = t->value;
		end.yes = IR_NO_BLOCK;
		end.no = no;
		end.cases = TAKE(t->cases);
		end.n_cases = t->n;
	}
	free(t->cases);
	ir_set_end(block, end);
}

/* The one case of a branch, or of the switch it is from now on. */
static void take_branch(struct test *t, const struct ir_end *end, uint32_t *no)
{
	*no = end->no;
	switch ((enum ir_cond)end->cond) {
	case IR_EQ:
		add_case(t, end->k, end->k, end->yes);
		return;
	case IR_GT:
		add_case(t, (uint64_t)end->k + 1, UINT32_MAX, end->yes);
		return;
	case IR_GE:
		add_case(t, end->k, UINT32_MAX, end->yes);
		return;
	case IR_ANY:
		t->value = ir_value(t->ir, (struct ir_value){ .op = IR_AND,
							      .a = end->value,
							      .b = IR_NO_VALUE,
							      .k = end->k });
		t->oom |= t->value == IR_NO_VALUE;
		add_case(t, 0, 0, end->no);
		*no = end->yes;
		return;
	}
}

static int rewrite(struct ir *ir, struct ir_block *block)
{
	struct ir_end *end = &block->end;
	struct test t = { .ir = ir, .value = end->value };
	uint32_t no = end->no;

	if (end->kind == IR_BRANCH) {
		take_branch(&t, end, &no);
	} else {
		for (size_t i = 0; i < end->n_cases; i++)
			add_case(&t, end->cases[i].first, end->cases[i].last, end->cases[i].to);
	}
	while (!t.oom && can_undo(ir, &ir->values[t.value]))
		simplify_once(&t);
	if (t.oom) {
		free(t.cases);
		return fail_oom();
	}
	set_switch(&t, block, no);
	return 0;
}

static bool is_test(const struct ir_end *end)
{
	if (end->value == IR_NO_VALUE)
		return false;
	return end->kind == IR_SWITCH || (end->kind == IR_BRANCH && end->right == IR_NO_VALUE);
}

int ir_pass_tests(struct ir *ir)
{
	int err = 0;

	for (size_t i = 0; i < ir->n && !err; i++) {
		if (is_test(&ir->blocks[i].end))
			err = rewrite(ir, &ir->blocks[i]);
	}
	return err;
}
