// SPDX-License-Identifier: GPL-2.0-only
/* Values in registers: how a test is asked, and what is not computed twice. */

/* Ahead of cmocka, whose macro fail() would meet our function. */
#include "../../loader/filter/ebpf.h"
#include "../../loader/filter/ebpf_test.h"
#include "../tools/random_cbpf.h"
#include "program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

/* Tests */

enum { PACKET = 16 };

static uint32_t random_value(struct ir *ir, struct dice *dice)
{
	static const uint8_t sizes[] = { 1, 2, 4 };
	struct ir_value value = { .op = IR_LOAD,
				  .size = sizes[dice_below(dice, 3)],
				  .a = IR_NO_VALUE,
				  .b = IR_NO_VALUE,
				  .k = dice_below(dice, PACKET - 3) };
	uint32_t index = ir_value(ir, value);

	for (unsigned int n = dice_below(dice, 4); n--;) {
		static const uint8_t ops[] = { IR_ADD, IR_SUB, IR_AND, IR_AND, IR_XOR,
					       IR_LSH, IR_RSH, IR_RSH, IR_OR,  IR_MUL };
		uint8_t op = ops[dice_below(dice, sizeof(ops))];
		uint32_t k =
			op == IR_LSH || op == IR_RSH ? dice_below(dice, 20) : dice_number(dice);

		index = ir_value(
			ir, (struct ir_value){ .op = op, .a = index, .b = IR_NO_VALUE, .k = k });
	}
	return index;
}

static bool holds_so(const struct ir *ir, const struct test *test, const uint8_t *packet)
{
	uint32_t value = ir_value_eval(ir, test->value, packet, PACKET);

	switch ((enum test_kind)test->kind) {
	case TEST_TRUE:
		return !test->negate;
	case TEST_EQ:
		return ((value & test->mask) == test->k) != test->negate;
	case TEST_ANY:
		return !!(value & test->mask) != test->negate;
	case TEST_GE:
		return (value >= test->k) != test->negate;
	case TEST_OTHER:
		break;
	}
	fail_msg("a test that nobody can answer");
	return false;
}

static bool holds(const struct ir *ir, const struct ir_end *end, const uint8_t *packet)
{
	uint32_t value = ir_value_eval(ir, end->value, packet, PACKET);

	switch ((enum ir_cond)end->cond) {
	case IR_EQ:
		return value >> end->size == end->k >> end->size;
	case IR_GT:
		return value > end->k;
	case IR_GE:
		return value >= end->k;
	default:
		return value & end->k;
	}
}

/* Constants that the value meets, mostly. */
static void a_test_asks_what_the_branch_asks(void **state)
{
	struct dice dice = { 0x5eed };
	unsigned long met = 0;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct ir ir = { 0 };
		struct ir_end end = { .kind = IR_BRANCH, .right = IR_NO_VALUE };
		uint8_t packet[PACKET];
		struct test test;

		for (int j = 0; j < PACKET; j++)
			packet[j] = dice_below(&dice, 256);
		end.value = random_value(&ir, &dice);
		end.cond = dice_below(&dice, 4);
		end.k = dice_below(&dice, 3) ? ir_value_eval(&ir, end.value, packet, PACKET)
					     : dice_number(&dice);
		test = test_of(&ir, &end);
		assert_int_equal(holds_so(&ir, &test, packet), holds(&ir, &end, packet));
		met += holds(&ir, &end, packet);
		packet[dice_below(&dice, PACKET)] ^= 1u << dice_below(&dice, 8);
		assert_int_equal(holds_so(&ir, &test, packet), holds(&ir, &end, packet));
		ir_free(&ir);
	}
	assert_in_range(met, 5000, 20000);
}

/* Where a switch leads for a key. */
static uint32_t switched(const struct ir_end *end, uint32_t key)
{
	for (size_t i = 0; i < end->n_cases; i++) {
		if (key >= end->cases[i].first && key <= end->cases[i].last)
			return end->cases[i].to;
	}
	return end->no;
}

static void a_switch_of_two_ways_is_a_branch(void **state)
{
	struct dice dice = { 0x5eed };
	unsigned long branches = 0;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		uint32_t a = dice_number(&dice), b = dice_number(&dice), key;
		struct ir_case cases[2] = { { a < b ? a : b, a < b ? b : a, 7 } };
		struct ir_end end = { .kind = IR_SWITCH, .cases = cases, .n_cases = 1, .no = 8 };
		struct ir_end branch;
		struct ir ir = { 0 };
		uint8_t packet[PACKET];

		for (int j = 0; j < PACKET; j++)
			packet[j] = dice_below(&dice, 256);
		end.value = random_value(&ir, &dice);
		key = ir_value_eval(&ir, end.value, packet, PACKET);
		if (dice_one_in(&dice, 3))
			cases[0].first = cases[0].last = key;
		if (dice_one_in(&dice, 3))
			cases[0] = (struct ir_case){ 0, a, 7 };
		if (dice_one_in(&dice, 3))
			cases[0] = (struct ir_case){ key & ~0xffu, key | 0xff, 7 };
		if (dice_one_in(&dice, 3) && a < UINT32_MAX - 1) {
			cases[0] = (struct ir_case){ 0, a, 7 };
			cases[1] = (struct ir_case){ a + 2, UINT32_MAX, 7 };
			end.n_cases = 2;
		}
		if (branch_of(&ir, &end, &branch)) {
			assert_int_equal(holds(&ir, &branch, packet) ? branch.yes : branch.no,
					 switched(&end, key));
			branches++;
		}
		ir_free(&ir);
	}
	assert_in_range(branches, 10000, 20000);
}

static void a_window_is_the_bytes_of_a_mask(void **state)
{
	static const struct {
		uint32_t mask;
		unsigned int size;
		struct window want;
	} cases[] = {
		{ 0xff000000, 4, { 0, 1, 0xff } },	 { 0x000000f0, 4, { 3, 1, 0xf0 } },
		{ 0xffff0000, 4, { 0, 2, 0xffff } },	 { 0x00ffff00, 4, { 1, 2, 0xffff } },
		{ 0xffffff00, 4, { 0, 4, 0xffffff00 } }, { 0x0000ff00, 2, { 0, 1, 0xff } },
		{ 0x00001fff, 2, { 0, 2, 0x1fff } },	 { 0x0000000f, 1, { 0, 1, 0x0f } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct window got = window_of(cases[i].mask, cases[i].size);

		assert_int_equal(got.first, cases[i].want.first);
		assert_int_equal(got.size, cases[i].want.size);
		assert_int_equal(got.mask, cases[i].want.mask);
	}
}

/* Programs: the lines of one rule that drops, from the first on that reads the packet */

static char *compiled(const struct cbpf *prog)
{
	const struct filter_rule rule = { .cbpf = prog, .verb = FILTER_DROP, .counter = 2 };
	const struct filter_run run = { .rules = &rule, .n_rules = 1 };
	struct filter_prog out;
	char *text;
	size_t size;
	FILE *memory = open_memstream(&text, &size);

	assert_int_equal(filter_compile(&run, &out), 0);
	ebpf_print(&out, memory);
	fclose(memory);
	filter_prog_free(&out);
	return text;
}

/* All instructions between the Ethernet header's check and the verdict, without their numbers. */
static void assert_is(struct cbpf prog, const char *want)
{
	char *text = compiled(&prog), got[2000] = "", *rest = text, *line;
	bool on = false;

	while ((line = strsep(&rest, "\n"))) {
		const char *insn = strstr(line, ": ") + 2;

		if (strstr(line, "(r10 - 4) ="))
			break;
		if (on) {
			const char *to = strstr(insn, " goto");

			strncat(got, insn, to ? (size_t)(to - insn) : strlen(insn));
			strcat(got, "\n");
		}
		on |= !strncmp(insn, "if r0 > r8", 10);
	}
	assert_string_equal(got, want);
	free(text);
}

static void constants_are_swapped_not_loads(void **state)
{
	(void)state;
	assert_is(PROGRAM(LDH(12), JEQ(0x800, 0, 1), RET(1), RET(0)),
		  "r0 = *(u16 *)(r7 + 12)\nif w0 == 8\n");
	assert_is(PROGRAM(LDW(2), JEQ(0x01020304, 0, 1), RET(1), RET(0)),
		  "r0 = *(u32 *)(r7 + 2)\nif w0 == 0x4030201\n");
	assert_is(PROGRAM(LDH(6), ANY(0x1fff, 1, 0), RET(1), RET(0)),
		  "r0 = *(u16 *)(r7 + 6)\nif w0 & 0xff1f\n");
}

static void masks_make_loads_narrow(void **state)
{
	(void)state;
	assert_is(PROGRAM(LDW(2), AND(0xff000000), JEQ(0x0a000000, 0, 1), RET(1), RET(0)),
		  "r0 = *(u8 *)(r7 + 2)\nif w0 == 0xa\n");
	assert_is(PROGRAM(LDW(2), AND(0xffff0000), JEQ(0xc0a80000, 0, 1), RET(1), RET(0)),
		  "r0 = *(u16 *)(r7 + 2)\nif w0 == 0xa8c0\n");
	assert_is(PROGRAM(LDW(2), AND(0xffffff00), JEQ(0xc0a80100, 0, 1), RET(1), RET(0)),
		  "r0 = *(u32 *)(r7 + 2)\nw0 &= 0xffffff\nif w0 == 0x1a8c0\n");
	assert_is(PROGRAM(LDB(2), RSH(4), JEQ(4, 0, 1), RET(1), RET(0)),
		  "r0 = *(u8 *)(r7 + 2)\nw0 &= 0xf0\nif w0 == 0x40\n");
	assert_is(PROGRAM(LDB(2), AND(0x12), JEQ(0x12, 0, 1), RET(1), RET(0)),
		  "r0 = *(u8 *)(r7 + 2)\nw0 &= 0x12\nif w0 == 0x12\n");
	assert_is(PROGRAM(LDB(2), AND(2), JEQ(2, 0, 1), RET(1), RET(0)),
		  "r0 = *(u8 *)(r7 + 2)\nif w0 & 2\n");
}

static void order_is_asked_of_the_host_s_order(void **state)
{
	(void)state;
	assert_is(PROGRAM(LDH(2), JGE(1000, 0, 1), RET(1), RET(0)),
		  "r0 = *(u16 *)(r7 + 2)\nr0 = be16 r0\nif w0 >= 0x3e8\n");
	assert_is(PROGRAM(LDW(2), JGE(0xe0000000, 0, 1), RET(1), RET(0)),
		  "r0 = *(u8 *)(r7 + 2)\nif w0 >= 0xe0\n");
	/* One load for both questions: in the order that both can be asked of. */
	assert_is(PROGRAM(LDH(2), JEQ(53, 1, 0), JGE(1000, 0, 1), RET(1), RET(0)),
		  "r0 = *(u16 *)(r7 + 2)\nr0 = be16 r0\nif w0 == 0x35\nif w0 >= 0x3e8\n");
}

static void a_pointer_is_computed_once(void **state)
{
	(void)state;
	assert_is(PROGRAM(MSH(2), LDH_X(2), JEQ(53, 2, 0), LDH_X(4), JEQ(54, 0, 1), RET(1), RET(0)),
		  "r0 = *(u8 *)(r7 + 2)\nw0 &= 0xf\nw0 <<= 2\nr0 += r7\nr0 += 4\nif r0 > r8\n"
		  "r1 = *(u16 *)(r0 - 2)\nif w1 == 0x3500\n"
		  "r0 += 2\nif r0 > r8\nr2 = *(u16 *)(r0 - 2)\nif w2 == 0x3600\n");
}

static void one_guard_is_enough_where_all_short_packets_are_rejected(void **state)
{
	(void)state;
	assert_is(PROGRAM(MSH(2), LDH_X(2), JEQ(53, 0, 3), LDH_X(4), JEQ(54, 0, 1), RET(1), RET(0)),
		  "r0 = *(u8 *)(r7 + 2)\nw0 &= 0xf\nw0 <<= 2\nr0 += r7\nr0 += 6\nif r0 > r8\n"
		  "r1 = *(u16 *)(r0 - 4)\nif w1 != 0x3500\n"
		  "r2 = *(u16 *)(r0 - 2)\nif w2 == 0x3600\n");
}

static void an_index_that_may_be_large_is_bounded(void **state)
{
	(void)state;
	assert_is(PROGRAM(LDW(0), TAX, LDH_X(12), JEQ(1, 0, 1), RET(1), RET(0)),
		  "r0 = *(u32 *)(r7 + 0)\nr0 = be32 r0\nif r0 > 0xfff1\nr0 += r7\nr0 += 0xe\n"
		  "if r0 > r8\nr1 = *(u16 *)(r0 - 2)\nif w1 == 0x100\n");
}

static void a_load_is_not_made_again(void **state)
{
	(void)state;
	assert_is(PROGRAM(LDH(2), JEQ(1, 2, 0), LDB(5), JEQ(7, 0, 3), LDH(2), JEQ(2, 1, 0), RET(1),
			  RET(0)),
		  "r0 = *(u16 *)(r7 + 2)\nif w0 == 0x100\nr1 = *(u8 *)(r7 + 5)\nif w1 != 7\n"
		  "if w0 == 0x200\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_test_asks_what_the_branch_asks),
		cmocka_unit_test(a_switch_of_two_ways_is_a_branch),
		cmocka_unit_test(a_window_is_the_bytes_of_a_mask),
		cmocka_unit_test(constants_are_swapped_not_loads),
		cmocka_unit_test(masks_make_loads_narrow),
		cmocka_unit_test(order_is_asked_of_the_host_s_order),
		cmocka_unit_test(a_pointer_is_computed_once),
		cmocka_unit_test(one_guard_is_enough_where_all_short_packets_are_rejected),
		cmocka_unit_test(an_index_that_may_be_large_is_bounded),
		cmocka_unit_test(a_load_is_not_made_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
