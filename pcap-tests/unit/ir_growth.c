// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rules made to let the graph grow: whatever they are, it grows within its bound, and so does the
 * time that the passes take.
 */

/* Ahead of cmocka, whose macro fail() would meet our function. */
#include "../../loader/filter/expr.h"
#include "../../loader/filter/filter.h"
#include "../../loader/filter/ir_sweep.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	RULES = 600,
	TEXT = 2000,
	SECONDS = 20, /* of processor time: a hundred times what it takes; without a bound hours */
};

/* Either of two ways through each of many tests: a path of its own for each subset of them. */
static void diamonds(char *text, unsigned int i)
{
	int n = sprintf(text, "ip");

	for (unsigned int bit = 0; bit < 8; bit++)
		n += sprintf(text + n, " and (ip[%u] & 1 == %u or ip[%u] & 2 == %u)",
			     20 + (i + bit) % 40, i & 1, 20 + (i + 3 * bit) % 40, i & 2);
}

/* All pairs of two fields: after the first, each of the second is new. */
static void pairs(char *text, unsigned int i)
{
	sprintf(text, "src host 10.0.0.%u and dst host 10.1.0.%u and udp dst port %u", i % 15,
		i / 15, 1000 + i * 7 % 13);
}

/* Ranges that overlap all others, by half: every rule cuts what the others know. */
static void ranges(char *text, unsigned int i)
{
	sprintf(text, "(ip[4:2] > %u and ip[4:2] < %u and ip[6:2] > %u) or ip[2:2] == %u", 40 * i,
		60000 - 40 * i, 100 * (RULES - i), i);
}

/* Each asks for bytes that none has asked for yet, the farthest first or last. */
static void lengths(char *text, unsigned int i)
{
	unsigned int at = i % 2 ? 20 + i : 20 + 2 * RULES - i;

	sprintf(text, "ether[%u] == %u or ether[%u:4] == %u", at, i % 256, at + 3, i);
}

/* Values that no two rules share, computed of one another. */
static void values(char *text, unsigned int i)
{
	sprintf(text, "ip[(ip[%u] & 0xf) * %u] ^ ip[%u] == %u or tcp[(tcp[12] & 0xf0) >> 2] == %u",
		i % 20, 1 + i % 4, i % 30, i % 256, i % 256);
}

/* Lists of one field, cut by another one in between. */
static void lists(char *text, unsigned int i)
{
	int n = sprintf(text, "ip[8] == %u and (", i % 7);

	for (unsigned int k = 0; k < 20; k++)
		n += sprintf(text + n, "%sdst port %u", k ? " or " : "",
			     1 + (i * 31 + k * k) % 997);
	sprintf(text + n, ")");
}

/* Blocks and cases that can be reached. */
static size_t size_of(const struct ir *ir)
{
	_free_ uint32_t *order = NULL;
	ssize_t n = ir_order(ir, &order);
	size_t size = 0;

	assert_true(n > 0);
	for (ssize_t i = 0; i < n; i++)
		size += 1 + ir->blocks[order[i]].end.n_cases;
	return size;
}

typedef void (*maker)(char *text, unsigned int i);

static void make_rules(maker make, struct cbpf *programs, struct filter_rule *rules)
{
	const struct pos nowhere = { 0 };
	char text[TEXT];

	for (unsigned int i = 0; i < RULES; i++) {
		make(text, i);
		assert_int_equal(
			expr_compile(text, &nowhere, GRAMMAR_POLICY, EXPR_LIFTED, &programs[i]), 0);
		rules[i] = (struct filter_rule){ .cbpf = &programs[i],
						 .verb = i % 3 ? FILTER_COUNT : FILTER_DROP,
						 .counter = WEIR_COUNTER_RULES + i };
	}
}

/*
 * What a pass may make of a graph. A branch becomes a switch of one case. Threading makes copies up
 * to its limit, and then one more of what it has not come to yet. No other adds anything.
 */
static size_t bound(const struct ir_pass *pass, size_t before)
{
	if (pass->run == ir_pass_tests)
		return 2 * before;
	return pass->run == ir_pass_thread ? (IR_GROWTH + 1) * before + IR_GROWTH_FREE : before;
}

static void run_pass(const struct ir_pass *pass, struct ir *ir)
{
	size_t before = size_of(ir), after;

	assert_int_equal(pass->run(ir), 0);
	after = size_of(ir);
	if (after > bound(pass, before))
		fail_msg("%s: blocks and cases were %zu, are %zu", pass->name, before, after);
}

static void grows_in_bounds(void **state)
{
	static struct cbpf programs[RULES];
	static struct filter_rule rules[RULES];
	const struct filter_run run = { .rules = rules, .n_rules = RULES };
	clock_t begun;
	struct ir ir;

	make_rules((maker)*state, programs, rules);
	begun = clock();
	assert_int_equal(ir_lower(&run, &ir), 0);
	for (const struct ir_pass *pass = filter_passes; pass->name; pass++)
		run_pass(pass, &ir);
	assert_in_range(clock() - begun, 0, (clock_t)SECONDS * CLOCKS_PER_SEC);
	ir_free(&ir);
	for (unsigned int i = 0; i < RULES; i++)
		cbpf_free(&programs[i]);
}

#define GROWS(make)                                                                \
	{                                                                          \
		.name = #make, .test_func = grows_in_bounds, .initial_state = make \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		GROWS(diamonds), GROWS(pairs),	GROWS(ranges),
		GROWS(lengths),	 GROWS(values), GROWS(lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
