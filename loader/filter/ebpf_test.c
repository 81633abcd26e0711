// SPDX-License-Identifier: GPL-2.0-only
#include "ebpf_test.h"

static const struct test always = { .kind = TEST_TRUE }, never = { TEST_TRUE, .negate = true };

/*
 * One step from (value & mask) == k to the same question about what the value is made of. False
 * if there is none. Bits of k outside of the mask: the answer is no, and stays so.
 */
static bool peel(const struct ir *ir, struct test *test)
{
	const struct ir_value *value = &ir->values[test->value];
	bool whole = test->mask == UINT32_MAX;

	if (value->op == IR_LOAD || value->op == IR_SET || value->op == IR_LEN ||
	    value->b != IR_NO_VALUE)
		return false;
	switch ((enum ir_op)value->op) {
	case IR_AND:
		test->mask &= value->k;
		break;
	case IR_XOR:
		test->k ^= value->k & test->mask;
		break;
	case IR_ADD:
		if (!whole)
			return false;
		test->k -= value->k;
		break;
	case IR_SUB:
		if (!whole)
			return false;
		test->k += value->k;
		break;
	case IR_RSH:
		test->mask &= UINT32_MAX >> value->k;
		if (test->k & ~test->mask)
			return false;
		test->mask <<= value->k;
		test->k <<= value->k;
		break;
	case IR_LSH:
		test->mask &= UINT32_MAX << value->k;
		if (test->k & ~test->mask)
			return false;
		test->mask >>= value->k;
		test->k >>= value->k;
		break;
	default:
		return false;
	}
	test->value = value->a;
	return true;
}

/* The same question of the value as it was. */
static struct test unpeeled(const struct ir_end *end)
{
	return (struct test){ .kind = end->cond == IR_ANY ? TEST_ANY : TEST_EQ,
			      .value = end->value,
			      .mask = end->cond == IR_ANY ? end->k : UINT32_MAX,
			      .k = end->cond == IR_ANY ? 0 : end->k };
}

static bool is_shift(const struct ir_value *value)
{
	return value->op == IR_LSH || value->op == IR_RSH;
}

/* Some bits all clear, or one bit set: one instruction tells. */
static struct test as_bits(struct test test, uint32_t all)
{
	bool one = test.k && test.mask == test.k && !(test.k & (test.k - 1));

	if (test.mask != all && (!test.k || one)) {
		test.kind = TEST_ANY;
		test.negate ^= !test.k;
	}
	return test;
}

/* EQ and ANY, the latter as the opposite of (value & k) == 0. */
static struct test equality(const struct ir *ir, const struct ir_end *end)
{
	struct test test = {
		.kind = TEST_EQ, .value = end->value, .mask = UINT32_MAX << end->size, .k = end->k
	};
	const struct ir_value *load;

	if (end->cond == IR_ANY) {
		test.mask = end->k;
		test.k = 0;
		test.negate = true;
	}
	while (!(test.k & ~test.mask)) {
		const struct ir_value *value = &ir->values[test.value];

		if ((is_shift(value) && value->k >= 32) || !peel(ir, &test))
			break;
	}
	if (test.k & ~test.mask)
		return test.negate ? always : never;
	load = &ir->values[test.value];
	if (load->op != IR_LOAD)
		return unpeeled(end);
	test.mask &= ir_all_bits(load->size);
	if (test.k & ~test.mask)
		return test.negate ? always : never;
	if (!test.mask)
		return test.negate ? never : always;
	return as_bits(test, ir_all_bits(load->size));
}

static struct ir_end branch(const struct ir_end *end, enum ir_cond cond, uint32_t k, uint32_t yes,
			    uint32_t no)
{
	return (struct ir_end){ .kind = IR_BRANCH,
				.cond = cond,
				.value = end->value,
				.right = IR_NO_VALUE,
				.k = k,
				.yes = yes,
				.no = no };
}

/* Keys of a load that have all bits but the lowest alike: how many, or 0. */
static unsigned int low_bits(const struct ir *ir, const struct ir_end *end)
{
	uint32_t first = end->cases[0].first, span = end->cases[0].last - first;

	if (ir->values[end->value].op != IR_LOAD || end->n_cases != 1 || span & (span + 1) ||
	    first & span || span == UINT32_MAX)
		return 0;
	return __builtin_popcount(span);
}

/* Keys on both sides of one that is left out. */
static bool leaves_one_out(const struct ir_end *end, uint32_t max)
{
	return end->n_cases == 2 && end->cases[0].to == end->cases[1].to && !end->cases[0].first &&
	       end->cases[1].first - end->cases[0].last == 2 && end->cases[1].last >= max;
}

static struct ir_end prefix(const struct ir_end *end, unsigned int bits)
{
	struct ir_end out = branch(end, IR_EQ, end->cases[0].first, end->cases[0].to, end->no);

	out.size = bits;
	return out;
}

bool branch_of(const struct ir *ir, const struct ir_end *end, struct ir_end *out)
{
	const struct ir_case *c = end->cases;
	uint32_t max;

	if (end->value == IR_NO_VALUE || (end->kind != IR_BRANCH && end->kind != IR_SWITCH))
		return false;
	*out = *end;
	if (end->kind == IR_BRANCH)
		return true;
	max = ir_value_max(ir, end->value);
	if (!end->n_cases)
		return false;
	if (end->n_cases == 1 && c->first == c->last)
		*out = branch(end, IR_EQ, c->first, c->to, end->no);
	else if (end->n_cases == 1 && c->last >= max)
		*out = branch(end, IR_GE, c->first, c->to, end->no);
	else if (end->n_cases == 1 && !c->first)
		*out = branch(end, IR_GT, c->last, end->no, c->to);
	else if (low_bits(ir, end))
		*out = prefix(end, low_bits(ir, end));
	else if (leaves_one_out(end, max))
		*out = branch(end, IR_EQ, c->last + 1, end->no, c->to);
	else
		return false;
	return true;
}

/* value >= k; of 1, whether any bit is set. */
static struct test order(const struct ir *ir, const struct ir_end *end, uint32_t k)
{
	struct ir_end none;
	struct test test;

	if (!k)
		return always;
	if (k > 1)
		return (struct test){
			.kind = TEST_GE, .value = end->value, .mask = UINT32_MAX, .k = k
		};
	none = branch(end, IR_EQ, 0, end->yes, end->no);
	test = equality(ir, &none);
	test.negate = !test.negate;
	return test;
}

struct test test_of(const struct ir *ir, const struct ir_end *end)
{
	struct test test = { .kind = TEST_OTHER, .value = end->value, .mask = UINT32_MAX };

	if (end->right != IR_NO_VALUE)
		return test;
	if (end->cond == IR_EQ || end->cond == IR_ANY)
		return equality(ir, end);
	if (end->cond == IR_GT && end->k == UINT32_MAX)
		return never;
	return order(ir, end, end->cond == IR_GT ? end->k + 1 : end->k);
}

struct window window_of(uint32_t mask, unsigned int size)
{
	struct window window = { .size = size, .mask = mask };
	unsigned int last = 0;

	window.first = size;
	for (unsigned int i = 0; i < size; i++) {
		if (!(mask >> 8 * (size - 1 - i) & 0xff))
			continue;
		if (window.first == size)
			window.first = i;
		last = i;
	}
	if (!mask || last - window.first == 2)
		return (struct window){ .size = size, .mask = mask };
	window.size = last - window.first + 1;
	window.mask = mask >> 8 * (size - 1 - last);
	return window;
}
