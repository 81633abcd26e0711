// SPDX-License-Identifier: GPL-2.0-only
/* The graph: lowering, order, liveness, and what each pass may and may not take away. */

#include "ir_lab.h"

static void pass_all(struct ir *ir)
{
	assert_int_equal(ir_pass_bounds(ir), 0);
	assert_int_equal(ir_pass_dead(ir), 0);
	assert_int_equal(ir_pass_share(ir), 0);
}

/* Lower one rule that drops, run all passes, and compare. */
static void assert_compiles_to(struct cbpf prog, bool frags, const char *want)
{
	struct ir ir = lower_one(&prog, frags);

	pass_all(&ir);
	assert_prints(&ir, want);
	ir_free(&ir);
}

/* How many reachable blocks end like this. */
static size_t count_ends(const struct ir *ir, enum ir_end_kind kind)
{
	uint32_t *order;
	ssize_t n = ir_order(ir, &order);
	size_t found = 0;

	for (ssize_t i = 0; i < n; i++)
		found += ir->blocks[order[i]].end.kind == kind;
	free(order);
	return found;
}

/* Checks that are left of a rule's program, besides the one for the header. */
static void assert_checks(struct cbpf prog, size_t want)
{
	struct ir ir = lower_one(&prog, false);

	pass_all(&ir);
	assert_int_equal(count_ends(&ir, IR_CHECK), 1 + want);
	ir_free(&ir);
}

static void an_empty_run_ends(void **state)
{
	const struct filter_run passes = { .n_rules = 0 };
	const struct filter_run jumps = { .jump_at_end = true, .end_slot = 7 };
	struct ir ir = lower(&passes);

	(void)state;
	assert_prints(&ir, "b0: # rule 0\n\tgoto b1\n"
			   "b1: # rule 0\n\tpass, count 1\n");
	ir_free(&ir);
	ir = lower(&jumps);
	assert_prints(&ir, "b0: # rule 0\n\tgoto b1\n"
			   "b1: # rule 0\n\tjump 7\n");
	ir_free(&ir);
}

static void rules_without_expression_touch_no_packet(void **state)
{
	const struct filter_rule rules[] = {
		{ .verb = FILTER_COUNT, .counter = 2 },
		{ .verb = FILTER_REDIRECT, .arg = 3, .counter = 5 },
		{ .verb = FILTER_DROP, .counter = 9 },
	};
	const struct filter_run run = { .rules = rules, .n_rules = 3 };
	struct ir ir = lower(&run);

	(void)state;
	pass_all(&ir);
	assert_prints(&ir, "b0: # rule 0\n\tgoto b1\n"
			   "b1: # rule 0\n\tmatch rule 0\n\tgoto b2\n"
			   "b2: # rule 1\n\tredirect 3, count 5\n");
	ir_free(&ir);
}

static void what_is_read_unwritten_starts_at_0(void **state)
{
	(void)state;
	assert_compiles_to(PROGRAM(BPF_STMT(BPF_LDX | BPF_MEM, 3),
				   BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
				   BPF_STMT(BPF_RET | BPF_A, 0)),
			   false,
			   "b0: # rule 0\n\tif 14 bytes b1 else b4\n"
			   "b1: # rule 0\n\tA = 0x0\n\tM[3] = 0x0\n\tgoto b2\n"
			   "b2: # rule 0\n\tX = M[3]\n\tA += X\n\tif A == 0x0 b4 else b3\n"
			   "b3: # rule 0\n\tdrop, count 2\n"
			   "b4: # rule 1\n\tpass, count 1\n");
}

static void the_header_needs_no_second_check(void **state)
{
	(void)state;
	assert_compiles_to(PROGRAM(LDH(12), JEQ(0x800, 0, 1), RET(1), RET(0)), false,
			   "b0: # rule 0\n\tif 14 bytes b1 else b3\n"
			   "b1: # rule 0\n\tA = [12:2]\n\tif A == 0x800 b2 else b3\n"
			   "b2: # rule 0\n\tdrop, count 2\n"
			   "b3: # rule 1\n\tpass, count 1\n");
}

/* What lies near is in place, or in a copy. */
static void fragments_make_no_slow_body(void **state)
{
	(void)state;
	assert_compiles_to(PROGRAM(LDB(99), JEQ(7, 0, 1), RET(1), RET(0)), true,
			   "b0: # rule 0\n\tif 14 bytes b1 else b4\n"
			   "b1: # rule 0\n\tif 100 bytes b2 else b4\n"
			   "b2: # rule 0\n\tA = [99:1]\n\tif A == 0x7 b3 else b4\n"
			   "b3: # rule 0\n\tdrop, count 2\n"
			   "b4: # rule 1\n\tpass, count 1\n");
}

static void fragments_make_a_slow_body_of_what_reads_far(void **state)
{
	(void)state;
	assert_compiles_to(PROGRAM(LDB(999), JEQ(7, 0, 1), RET(1), RET(0)), true,
			   "b0: # rule 0\n\tif 14 bytes b1 else b6\n"
			   "b1: # rule 0\n\tif 1000 bytes b2 else b3\n"
			   "b2: # rule 0\n\tA = [999:1]\n\tif A == 0x7 b5 else b6\n"
			   "b3: # rule 0\n\tA = fetch [999:1], b4 else b6\n"
			   "b4: # rule 0\n\tif A == 0x7 b5 else b6\n"
			   "b5: # rule 0\n\tdrop, count 2\n"
			   "b6: # rule 1\n\tpass, count 1\n");
}

/* XDP has whole Ethernet headers always. On tc what reads further rejects at once. */
static void on_tc_short_packets_have_a_body(void **state)
{
	struct cbpf type = PROGRAM(LDH(12), JEQ(0x800, 0, 1), RET(1), RET(0));
	struct cbpf address = PROGRAM(LDB(0), JEQ(7, 0, 1), RET(1), RET(0));
	const struct filter_rule rules[] = {
		{ .cbpf = &type, .verb = FILTER_DROP, .counter = 2 },
		{ .cbpf = &address, .verb = FILTER_DROP, .counter = 3 },
	};
	const struct filter_run run = { .hook = FILTER_TC, .rules = rules, .n_rules = 2 };
	struct ir ir = lower(&run);

	(void)state;
	pass_all(&ir);
	assert_prints(&ir, "b0: # rule 0\n\tif 14 bytes b1 else b3\n"
			   "b1: # rule 0\n\tA = [12:2]\n\tif A == 0x800 b2 else b4\n"
			   "b2: # rule 0\n\tdrop, count 2\n"
			   "b3: # rule 1\n\tif 1 bytes b4 else b6\n"
			   "b4: # rule 1\n\tA = [0:1]\n\tif A == 0x7 b5 else b6\n"
			   "b5: # rule 1\n\tdrop, count 3\n"
			   "b6: # rule 2\n\tpass, count 1\n");
	ir_free(&ir);
}

/* Without CAP_PERFMON a pointer must not be indexed; elsewhere the packet is read directly. */
static void by_helper_only_indexed_loads_are_fetched(void **state)
{
	struct cbpf prog = PROGRAM(MSH(14), LDB_X(30), JEQ(7, 0, 1), RET(1), RET(0));
	const struct filter_rule rule = { .cbpf = &prog, .verb = FILTER_DROP, .counter = 2 };
	const struct filter_run run = { .by_helper = true, .rules = &rule, .n_rules = 1 };
	struct ir ir = lower(&run);

	(void)state;
	pass_all(&ir);
	assert_prints(
		&ir,
		"b0: # rule 0\n\tif 14 bytes b1 else b5\n"
		"b1: # rule 0\n\tif 15 bytes b2 else b5\n"
		"b2: # rule 0\n\tX = [14:1]\n\tX &= 0xf\n\tX <<= 0x2\n\tA = fetch [X + 30:1], b3 else b5\n"
		"b3: # rule 0\n\tif A == 0x7 b4 else b5\n"
		"b4: # rule 0\n\tdrop, count 2\n"
		"b5: # rule 1\n\tpass, count 1\n");
	ir_free(&ir);
}

static void a_rejected_rule_goes_on_with_the_next(void **state)
{
	struct cbpf prog = PROGRAM(LDB(99), RET(1));
	const struct filter_rule rules[] = {
		{ .cbpf = &prog, .verb = FILTER_COUNT, .counter = 2 },
		{ .verb = FILTER_PASS, .counter = 3 },
	};
	const struct filter_run run = { .rules = rules, .n_rules = 2 };
	struct ir ir = lower(&run);

	(void)state;
	pass_all(&ir);
	assert_prints(&ir, "b0: # rule 0\n\tif 14 bytes b1 else b4\n"
			   "b1: # rule 0\n\tif 100 bytes b2 else b3\n"
			   "b2: # rule 0\n\tmatch rule 0\n\tgoto b3\n"
			   "b3: # rule 1\n\tpass, count 3\n"
			   "b4: # rule 2\n\tpass, count 1\n");
	ir_free(&ir);
}

static void loads_beyond_any_packet_reject(void **state)
{
	static const uint32_t offsets[] = { 65535, 0x7fffffff, 0x80000000, 0xfffff000, 0xffffffff };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(offsets); i++) {
		struct cbpf direct = PROGRAM(LDB(offsets[i]), RET(1));
		struct cbpf indexed = PROGRAM(LDB_X(offsets[i]), RET(1));
		struct cbpf header = PROGRAM(MSH(offsets[i]), RET(1));

		assert_compiles_to(direct, false,
				   "b0: # rule 0\n\tgoto b1\n"
				   "b1: # rule 1\n\tpass, count 1\n");
		assert_compiles_to(indexed, false,
				   "b0: # rule 0\n\tgoto b1\n"
				   "b1: # rule 1\n\tpass, count 1\n");
		assert_compiles_to(header, false,
				   "b0: # rule 0\n\tgoto b1\n"
				   "b1: # rule 1\n\tpass, count 1\n");
	}
}

static void a_longer_check_covers_a_shorter(void **state)
{
	(void)state;
	assert_checks(PROGRAM(LDB(20), LDB(20), LDB(15), RET(1)), 1);
	assert_checks(PROGRAM(LDB(15), LDB(20), RET(1)), 2);
	assert_checks(PROGRAM(MSH(14), LDB_X(4), LDB_X(3), LDH_X(3), RET(1)), 2);
}

/* What is proven on one of two paths is not proven where they meet. */
static void only_what_every_path_proved_is_known(void **state)
{
	(void)state;
	assert_checks(PROGRAM(LDB(0), JEQ(1, 0, 1), LDB(40), LDB(40), RET(1)), 2);
	assert_checks(PROGRAM(LDB(0), JEQ(1, 0, 2), LDB(40), BPF_STMT(BPF_JMP, 1), LDB(41), LDB(40),
			      RET(1)),
		      2);
	assert_checks(PROGRAM(LDB(0), JEQ(1, 0, 2), LDB(40), BPF_STMT(BPF_JMP, 1), LDB(30), LDB(40),
			      RET(1)),
		      3);
}

/* ... and the bases of two guards are not one, even where their lengths are. */
static void a_write_of_x_ends_what_is_known_from_it(void **state)
{
	(void)state;
	assert_checks(PROGRAM(MSH(14), LDB_X(4), MSH(14), LDB_X(4), RET(1)), 3);
	assert_checks(PROGRAM(LDB(0), TAX, LDB_X(4), LDB(1), TAX, LDB_X(4), RET(1)), 2);
	assert_checks(PROGRAM(MSH(0), LDB(0), JEQ(1, 0, 1), MSH(1), LDB_X(4), LDB_X(4), RET(1)), 1);
	assert_checks(PROGRAM(MSH(0), LDB_X(4), JEQ(1, 0, 1), MSH(1), LDB_X(4), RET(1)), 2);
	assert_checks(PROGRAM(MSH(0), LDB_X(4), JEQ(1, 0, 1), BPF_STMT(BPF_LDX | BPF_MEM, 0),
			      LDB_X(4), RET(1)),
		      2);
}

static size_t count_bounded(struct cbpf prog)
{
	struct ir ir = lower_one(&prog, false);
	size_t found = 0;

	pass_all(&ir);
	for (size_t i = 0; i < ir.n; i++)
		found += ir.blocks[i].end.kind == IR_CHECK && ir.blocks[i].end.bounded;
	ir_free(&ir);
	return found;
}

static void a_small_x_needs_no_bound(void **state)
{
	struct sock_filter jump_if_x = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 0, 0);

	(void)state;
	assert_int_equal(count_bounded(PROGRAM(MSH(14), LDB_X(14), RET(1))), 1);
	assert_int_equal(
		count_bounded(PROGRAM(BPF_STMT(BPF_LDX, IR_COPY_MAX - 15), LDB_X(14), RET(1))), 1);
	assert_int_equal(
		count_bounded(PROGRAM(BPF_STMT(BPF_LDX, IR_COPY_MAX - 14), LDB_X(14), RET(1))), 0);
	assert_int_equal(count_bounded(PROGRAM(MSH(14), LDB(0), jump_if_x, LDB_X(14), RET(1))), 1);
}

/* What the verifier is told of another register may make it forget X's bounds, or misjudge them. */
static void of_a_shared_x_nothing_is_known(void **state)
{
	struct sock_filter txa = BPF_STMT(BPF_MISC | BPF_TXA, 0), stx = BPF_STMT(BPF_STX, 0);
	struct sock_filter ldx = BPF_STMT(BPF_LDX | BPF_MEM, 0);
	struct sock_filter jump_if_x = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 0, 1);

	(void)state;
	assert_int_equal(count_bounded(PROGRAM(LDB(0), TAX, LDB_X(14), RET(1))), 0);
	assert_int_equal(count_bounded(PROGRAM(MSH(14), txa, LDB_X(14), RET(1))), 0);
	assert_int_equal(count_bounded(PROGRAM(MSH(14), stx, LDB_X(14), RET(1))), 0);
	assert_int_equal(count_bounded(PROGRAM(MSH(14), stx, MSH(14), LDB_X(14), RET(1))), 1);
	assert_int_equal(count_bounded(PROGRAM(ldx, LDB_X(14), RET(1))), 0);
	assert_int_equal(count_bounded(PROGRAM(BPF_STMT(BPF_LDX | BPF_LEN, 0), LDB_X(14), RET(1))),
			 0);
	assert_int_equal(
		count_bounded(PROGRAM(MSH(14), LDB(0), jump_if_x, LDB_X(14), RET(1), RET(0))), 0);
}

static void loops_end(void **state)
{
	/* X += 1 until the byte there is 0. */
	struct cbpf prog =
		PROGRAM(LDB_X(14), JEQ(0, 4, 0), BPF_STMT(BPF_MISC | BPF_TXA, 0),
			BPF_STMT(BPF_ALU | BPF_ADD, 1), TAX, BPF_STMT(BPF_JMP, -6), RET(1));

	(void)state;
	assert_compiles_to(
		prog, false,
		"b0: # rule 0\n\tif 14 bytes b1 else b7\n"
		"b1: # rule 0\n\tX = 0x0\n\tfuel = 0x41\n\tgoto b2\n"
		"b2: # rule 0\n\tif X + 15 bytes b3 else b7\n"
		"b3: # rule 0\n\tA = [X + 14:1]\n\tif A == 0x0 b4 else b5\n"
		"b4: # rule 0\n\tdrop, count 2\n"
		"b5: # rule 0\n\tA = X\n\tA += 0x1\n\tX = A\n\tfuel -= 0x1\n\tif fuel == 0x0 b7 else b6\n"
		"b6: # rule 0\n\tX forget\n\tgoto b2\n"
		"b7: # rule 1\n\tpass, count 1\n");
}

static void division_by_0_rejects(void **state)
{
	struct cbpf prog = PROGRAM(LDB(0), BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0),
				   BPF_STMT(BPF_RET | BPF_A, 0));

	(void)state;
	assert_compiles_to(prog, false,
			   "b0: # rule 0\n\tif 14 bytes b1 else b5\n"
			   "b1: # rule 0\n\tX = 0x0\n\tgoto b2\n"
			   "b2: # rule 0\n\tA = [0:1]\n\tif X == 0x0 b5 else b3\n"
			   "b3: # rule 0\n\tA /= X\n\tif A == 0x0 b5 else b4\n"
			   "b4: # rule 0\n\tdrop, count 2\n"
			   "b5: # rule 1\n\tpass, count 1\n");
}

static void the_order_leads_forward(void **state)
{
	struct cbpf prog =
		PROGRAM(LDB(0), JEQ(1, 2, 0), JEQ(2, 1, 0), JEQ(3, 1, 2), LDB(1), RET(0), RET(1));
	struct ir ir = lower_one(&prog, true);
	uint32_t *order, *place = calloc(ir.n, sizeof(*place));
	ssize_t n = ir_order(&ir, &order);

	(void)state;
	for (ssize_t i = 0; i < n; i++)
		place[order[i]] = i;
	assert_int_equal(order[0], 0);
	for (ssize_t i = 0; i < n; i++) {
		const struct ir_end *end = &ir.blocks[order[i]].end;

		for (size_t j = ir_n_next(end); j--;)
			assert_true(place[ir_next_of(end, j)] > i);
	}
	free(place);
	free(order);
	ir_free(&ir);
}

static void dead_code_goes_and_counts_stay(void **state)
{
	struct cbpf prog =
		PROGRAM(BPF_STMT(BPF_LD, 5), BPF_STMT(BPF_ST, 0), MSH(14), LDB(13), RET(1));
	const struct filter_rule rule = { .cbpf = &prog, .verb = FILTER_COUNT, .counter = 2 };
	const struct filter_run run = { .rules = &rule, .n_rules = 1 };
	struct ir ir = lower(&run);

	(void)state;
	pass_all(&ir);
	/* The check for byte 14 decides; what it loads does not. */
	assert_prints(&ir, "b0: # rule 0\n\tif 14 bytes b1 else b3\n"
			   "b1: # rule 0\n\tif 15 bytes b2 else b3\n"
			   "b2: # rule 0\n\tmatch rule 0\n\tgoto b3\n"
			   "b3: # rule 1\n\tpass, count 1\n");
	ir_free(&ir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_run_ends),
		cmocka_unit_test(rules_without_expression_touch_no_packet),
		cmocka_unit_test(what_is_read_unwritten_starts_at_0),
		cmocka_unit_test(the_header_needs_no_second_check),
		cmocka_unit_test(fragments_make_no_slow_body),
		cmocka_unit_test(fragments_make_a_slow_body_of_what_reads_far),
		cmocka_unit_test(on_tc_short_packets_have_a_body),
		cmocka_unit_test(by_helper_only_indexed_loads_are_fetched),
		cmocka_unit_test(a_rejected_rule_goes_on_with_the_next),
		cmocka_unit_test(loads_beyond_any_packet_reject),
		cmocka_unit_test(a_longer_check_covers_a_shorter),
		cmocka_unit_test(only_what_every_path_proved_is_known),
		cmocka_unit_test(a_write_of_x_ends_what_is_known_from_it),
		cmocka_unit_test(a_small_x_needs_no_bound),
		cmocka_unit_test(of_a_shared_x_nothing_is_known),
		cmocka_unit_test(loops_end),
		cmocka_unit_test(division_by_0_rejects),
		cmocka_unit_test(the_order_leads_forward),
		cmocka_unit_test(dead_code_goes_and_counts_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
