// SPDX-License-Identifier: GPL-2.0-only
#include "ir_decide.h"

bool ir_test_of(const struct ir_end *end, struct ir_test *test)
{
	bool is_check = end->kind == IR_CHECK && (!end->indexed || end->value != IR_NO_VALUE);

	*test = (struct ir_test){
		.quantity = end->value, .cases = end->cases, .n = end->n_cases, .no = end->no
	};
	if (!is_check)
		return end->kind == IR_SWITCH && end->value != IR_NO_VALUE;
	test->check = (struct ir_case){ end->k, UINT32_MAX, end->yes };
	test->quantity = ir_bytes_from(end->indexed ? end->value : IR_NO_VALUE);
	test->cases = &test->check;
	test->n = 1;
	return true;
}

/* The first case that ends at `from` or later. */
static size_t first_case(const struct ir_test *test, uint32_t from)
{
	size_t low = 0, high = test->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (test->cases[middle].last < from)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool ir_next_part(struct ir_parts *parts, struct ir_case *part)
{
	const struct ir_test *test = parts->test;
	const struct ir_range *range = &parts->set->ranges[parts->range];
	const struct ir_case *one;

	if (parts->range == parts->set->n)
		return false;
	if (parts->from <= range->first) {
		parts->from = range->first;
		parts->at = first_case(test, range->first);
	}
	one = parts->at < test->n ? &test->cases[parts->at] : NULL;
	*part = (struct ir_case){ parts->from, range->last, test->no };
	if (one && one->first <= parts->from) {
		part->to = one->to;
		part->last = one->last < range->last ? one->last : range->last;
		parts->at++;
	} else if (one && one->first <= range->last) {
		part->last = one->first - 1;
	}
	parts->from = (uint64_t)part->last + 1;
	parts->range += parts->from > range->last;
	return true;
}

uint32_t ir_decide(const struct ir_test *test, const struct ir_set *set)
{
	struct ir_parts parts = { .test = test, .set = set };
	uint32_t to = IR_NO_BLOCK;
	struct ir_case part;

	while (ir_next_part(&parts, &part)) {
		if (to != IR_NO_BLOCK && part.to != to)
			return IR_NO_BLOCK;
		to = part.to;
	}
	return to;
}
