// SPDX-License-Identifier: GPL-2.0-only
/* Branches on values: where a variable's value is known, and where it must not be believed. */

#include "ir_lab.h"

/* One rule that drops: lowered, its ends put on values, and printed. */
static void assert_becomes(struct cbpf prog, bool frags, const char *want)
{
	struct ir ir = lower_one(&prog, frags);

	assert_int_equal(ir_pass_values(&ir), 0);
	assert_int_equal(ir_pass_share(&ir), 0);
	assert_prints(&ir, want);
	ir_free(&ir);
}

static void a_program_becomes_tests_alone(void **state)
{
	(void)state;
	assert_becomes(PROGRAM(MSH(14), LDH_X(16), JEQ(80, 0, 1), RET(1), RET(0)), false,
		       "b0: # rule 0\n\tif 14 bytes b1 else b5\n"
		       "b1: # rule 0\n\tif 15 bytes b2 else b5\n"
		       "b2: # rule 0\n\tif (([14:1] & 0xf) << 0x2) + 18 bytes b3 else b5\n"
		       "b3: # rule 0\n\tif [(([14:1] & 0xf) << 0x2) + 16:2] == 0x50 b4 else b5\n"
		       "b4: # rule 0\n\tdrop, count 2\n"
		       "b5: # rule 1\n\tpass, count 1\n");
}

static void values_go_through_memory(void **state)
{
	(void)state;
	assert_becomes(PROGRAM(LDB(0), ST(3), LDB(1), LD_MEM(3), ALU(BPF_ADD, 4), RET_A), false,
		       "b0: # rule 0\n\tif 14 bytes b1 else b5\n"
		       "b1: # rule 0\n\tif 1 bytes b2 else b5\n"
		       "b2: # rule 0\n\tif 2 bytes b3 else b5\n"
		       "b3: # rule 0\n\tif ([0:1] + 0x4) == 0x0 b5 else b4\n"
		       "b4: # rule 0\n\tdrop, count 2\n"
		       "b5: # rule 1\n\tpass, count 1\n");
}

static void two_values_are_compared(void **state)
{
	(void)state;
	assert_becomes(PROGRAM(LDB(0), TAX, LDB(1), JGT_X(0, 1), RET(1), RET(0)), false,
		       "b0: # rule 0\n\tif 14 bytes b1 else b5\n"
		       "b1: # rule 0\n\tif 1 bytes b2 else b5\n"
		       "b2: # rule 0\n\tif 2 bytes b3 else b5\n"
		       "b3: # rule 0\n\tif [1:1] > [0:1] b4 else b5\n"
		       "b4: # rule 0\n\tdrop, count 2\n"
		       "b5: # rule 1\n\tpass, count 1\n");
}

/* c > value is: not value >= c. */
static void a_constant_stands_on_the_right(void **state)
{
	(void)state;
	assert_becomes(
		PROGRAM(LDB(0), TAX, BPF_STMT(BPF_LD | BPF_IMM, 7), JGT_X(0, 1), RET(1), RET(0)),
		false,
		"b0: # rule 0\n\tif 14 bytes b1 else b4\n"
		"b1: # rule 0\n\tif 1 bytes b2 else b4\n"
		"b2: # rule 0\n\tif [0:1] >= 0x7 b4 else b3\n"
		"b3: # rule 0\n\tdrop, count 2\n"
		"b4: # rule 1\n\tpass, count 1\n");
}

static void ends_on_constants_are_decided(void **state)
{
	(void)state;
	assert_becomes(PROGRAM(LDX(3), TXA, ALU(BPF_SUB, 2), JEQ(1, 0, 1), RET(1), RET(0)), false,
		       "b0: # rule 0\n\tif 14 bytes b1 else b2\n"
		       "b1: # rule 0\n\tdrop, count 2\n"
		       "b2: # rule 1\n\tpass, count 1\n");
	assert_becomes(PROGRAM(LDX(10), LDB_X(5), JEQ(1, 0, 1), RET(1), RET(0)), false,
		       "b0: # rule 0\n\tif 14 bytes b1 else b4\n"
		       "b1: # rule 0\n\tif 16 bytes b2 else b4\n"
		       "b2: # rule 0\n\tif [15:1] == 0x1 b3 else b4\n"
		       "b3: # rule 0\n\tdrop, count 2\n"
		       "b4: # rule 1\n\tpass, count 1\n");
	assert_becomes(PROGRAM(LDX(65530), LDB_X(5), RET(1)), false,
		       "b0: # rule 0\n\tgoto b1\n"
		       "b1: # rule 1\n\tpass, count 1\n");
}

/* Where paths bring different values the variable stays, and so do its loads. */
static void where_paths_differ_the_variable_stays(void **state)
{
	(void)state;
	assert_becomes(PROGRAM(LDB(0), JEQ(1, 1, 0), LDB(1), JEQ(2, 0, 1), RET(1), RET(0)), false,
		       "b0: # rule 0\n\tif 14 bytes b1 else b7\n"
		       "b1: # rule 0\n\tif 1 bytes b2 else b7\n"
		       "b2: # rule 0\n\tA = [0:1]\n\tif [0:1] == 0x1 b5 else b3\n"
		       "b3: # rule 0\n\tif 2 bytes b4 else b7\n"
		       "b4: # rule 0\n\tA = [1:1]\n\tgoto b5\n"
		       "b5: # rule 0\n\tif A == 0x2 b6 else b7\n"
		       "b6: # rule 0\n\tdrop, count 2\n"
		       "b7: # rule 1\n\tpass, count 1\n");
}

/* ... and an indexed load that stays keeps a check of the variable, besides the value's. */
static void a_load_that_stays_keeps_its_check(void **state)
{
	(void)state;
	assert_becomes(
		PROGRAM(MSH(14), LDB_X(3), JEQ(1, 1, 0), LDB(1), JEQ(2, 0, 1), RET(1), RET(0)),
		false,
		"b0: # rule 0\n\tif 14 bytes b1 else b9\n"
		"b1: # rule 0\n\tif 15 bytes b2 else b9\n"
		"b2: # rule 0\n\tX = [14:1]\n\tX &= 0xf\n\tX <<= 0x2\n\tif (([14:1] & 0xf) << 0x2) + 4 bytes b3 else b9\n"
		"b3: # rule 0\n\tif X + 4 bytes b4 else b9\n"
		"b4: # rule 0\n\tA = [X + 3:1]\n\tif [(([14:1] & 0xf) << 0x2) + 3:1] == 0x1 b7 else b5\n"
		"b5: # rule 0\n\tif 2 bytes b6 else b9\n"
		"b6: # rule 0\n\tA = [1:1]\n\tgoto b7\n"
		"b7: # rule 0\n\tif A == 0x2 b8 else b9\n"
		"b8: # rule 0\n\tdrop, count 2\n"
		"b9: # rule 1\n\tpass, count 1\n");
}

static void in_a_loop_nothing_is_known(void **state)
{
	(void)state;
	assert_becomes(PROGRAM(BPF_STMT(BPF_LD | BPF_IMM, 3), ALU(BPF_SUB, 1), JEQ(0, 1, 0),
			       JUMP(-3u), RET(1)),
		       false,
		       "b0: # rule 0\n\tif 14 bytes b1 else b7\n"
		       "b1: # rule 0\n\tfuel = 0x41\n\tgoto b2\n"
		       "b2: # rule 0\n\tA = 0x3\n\tgoto b3\n"
		       "b3: # rule 0\n\tA -= 0x1\n\tif A == 0x0 b4 else b5\n"
		       "b4: # rule 0\n\tdrop, count 2\n"
		       "b5: # rule 0\n\tfuel -= 0x1\n\tif fuel == 0x0 b7 else b6\n"
		       "b6: # rule 0\n\tA forget\n\tgoto b3\n"
		       "b7: # rule 1\n\tpass, count 1\n");
}

static void what_is_fetched_is_no_value(void **state)
{
	(void)state;
	assert_becomes(PROGRAM(LDB(999), JEQ(7, 0, 1), RET(1), RET(0)), true,
		       "b0: # rule 0\n\tif 14 bytes b1 else b6\n"
		       "b1: # rule 0\n\tif 1000 bytes b2 else b3\n"
		       "b2: # rule 0\n\tif [999:1] == 0x7 b5 else b6\n"
		       "b3: # rule 0\n\tA = fetch [999:1], b4 else b6\n"
		       "b4: # rule 0\n\tif A == 0x7 b5 else b6\n"
		       "b5: # rule 0\n\tdrop, count 2\n"
		       "b6: # rule 1\n\tpass, count 1\n");
}

/* A += X; X = A doubles the expression each time: its variable stays from some size on. */
static void a_value_does_not_grow_without_bound(void **state)
{
	struct sock_filter insns[2 + 2 * 30 + 1] = { LDB(0), TAX };
	struct cbpf prog = { .insns = insns, .n = ARRAY_SIZE(insns) };
	const struct filter_rule rule = { .cbpf = &prog, .verb = FILTER_DROP, .counter = 2 };
	const struct filter_run run = { .rules = &rule, .n_rules = 1 };
	struct ir ir;

	(void)state;
	for (size_t i = 2; i + 1 < prog.n; i += 2) {
		insns[i] = (struct sock_filter)ALU_X(BPF_ADD);
		insns[i + 1] = (struct sock_filter)TAX;
	}
	insns[prog.n - 1] = (struct sock_filter)RET_A;
	assert_int_equal(ir_lower(&run, &ir), 0);
	assert_int_equal(ir_pass_values(&ir), 0);
	for (size_t i = 0; i < ir.n; i++) {
		if (ir.blocks[i].end.kind == IR_BRANCH)
			assert_int_equal(ir.blocks[i].end.value, IR_NO_VALUE);
	}
	ir_free(&ir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_program_becomes_tests_alone),
		cmocka_unit_test(values_go_through_memory),
		cmocka_unit_test(two_values_are_compared),
		cmocka_unit_test(a_constant_stands_on_the_right),
		cmocka_unit_test(ends_on_constants_are_decided),
		cmocka_unit_test(where_paths_differ_the_variable_stays),
		cmocka_unit_test(a_load_that_stays_keeps_its_check),
		cmocka_unit_test(in_a_loop_nothing_is_known),
		cmocka_unit_test(what_is_fetched_is_no_value),
		cmocka_unit_test(a_value_does_not_grow_without_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
