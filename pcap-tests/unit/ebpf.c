// SPDX-License-Identifier: GPL-2.0-only
/* The back end: how each thing is written, and that any program is well-formed. */

/* Ahead of cmocka, whose macro fail() would meet our function. */
#include "../../loader/filter/ebpf.h"
#include "../tools/random_cbpf.h"
#include "program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

static char *compiled(const struct filter_run *run)
{
	struct filter_prog prog;
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(filter_compile(run, &prog), 0);
	ebpf_print(&prog, out);
	fclose(out);
	filter_prog_free(&prog);
	return text;
}

/* The same with all branches on variables, as the front end makes them. */
static char *compiled_of_variables(const struct filter_run *run)
{
	struct filter_prog prog;
	struct ir ir;
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(ir_lower(run, &ir), 0);
	assert_int_equal(ir_pass_dead(&ir), 0);
	assert_int_equal(ebpf_emit(&ir, run, &prog), 0);
	ebpf_print(&prog, out);
	fclose(out);
	filter_prog_free(&prog);
	ir_free(&ir);
	return text;
}

/* The program of one rule has these lines in a row, whatever their numbers. */
static void assert_has(struct cbpf prog, bool frags, const char *const *lines)
{
	const struct filter_rule rule = { .cbpf = &prog, .verb = FILTER_DROP, .counter = 2 };
	const struct filter_run run = { .frags = frags, .rules = &rule, .n_rules = 1 };
	char *text = compiled_of_variables(&run), *rest = text, *line;
	size_t at = 0;

	while (lines[at] && (line = strsep(&rest, "\n"))) {
		const char *insn = strchr(line, ':');

		if (insn && !strncmp(insn + 2, lines[at], strlen(lines[at])))
			at++;
		else
			at = insn && !strncmp(insn + 2, lines[0], strlen(lines[0]));
	}
	if (lines[at])
		fail_msg("no '%s' in its place", lines[at]);
	free(text);
}

#define ASSERT_HAS(prog, frags, ...) \
	assert_has(prog, frags, (const char *const[]){ __VA_ARGS__, NULL })

static void loads_are_checked_and_in_network_order(void **state)
{
	(void)state;
	ASSERT_HAS(PROGRAM(BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 30), BPF_STMT(BPF_RET | BPF_A, 0)),
		   false, "r0 = r7", "r0 += 0x20", "if r0 > r8 goto", "r0 = *(u16 *)(r7 + 30)",
		   "r0 = be16 r0");
	ASSERT_HAS(PROGRAM(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 40000), BPF_STMT(BPF_RET | BPF_A, 0)),
		   false, "r0 = r7", "r0 += 0x9c40", "r0 = *(u32 *)(r0 + 0)", "r0 = be32 r0");
}

static void an_index_that_may_be_large_is_bounded(void **state)
{
	(void)state;
	ASSERT_HAS(PROGRAM(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0), BPF_STMT(BPF_MISC | BPF_TAX, 0),
			   BPF_STMT(BPF_LD | BPF_W | BPF_IND, 12), BPF_STMT(BPF_RET | BPF_A, 0)),
		   false, "r2 = r1", "r3 = *(u32 *)(r6 + 16)", "w2 += w3", "w2 -= w3",
		   "if r2 > 0xffef goto", "r2 += r7", "r3 = r2", "r3 += 0x10", "if r3 <= r8 goto",
		   "goto", "r0 = *(u32 *)(r2 + 12)");
}

static void a_slow_load_keeps_what_lives(void **state)
{
	struct cbpf prog = PROGRAM(
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0), BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 999),
		BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0), BPF_STMT(BPF_RET | BPF_A, 0));

	(void)state;
	ASSERT_HAS(prog, true, "w2 = 0x3e7", "*(u64 *)(r10 - 16) = r0", "r1 = r6", "r3 = r10",
		   "r3 += -8", "w4 = 1", "call bpf_xdp_load_bytes", "r3 = r0",
		   "r0 = *(u64 *)(r10 - 16)", "if r3 != 0 goto", "r1 = *(u8 *)(r10 - 8)",
		   "w1 &= 0xf");
}

/* Of a program on a socket that loads so many halves: how many BPF_LD_ABS and BPF_LD_IND it has. */
static size_t loads_on_socket(enum filter_hook hook, size_t n)
{
	struct sock_filter insns[16];
	const struct cbpf prog = { .insns = insns, .n = 2 * n + 2 };
	const struct filter_rule rule = { .cbpf = &prog, .verb = FILTER_PASS };
	const struct filter_run run = { .hook = hook, .rules = &rule, .n_rules = 1 };
	struct filter_prog out;
	size_t found = 0;

	for (size_t i = 0; i < n; i++) {
		insns[2 * i] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 20 + 2 * i);
		insns[2 * i + 1] =
			(struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ, i, 0, 2 * (n - i) - 1);
	}
	insns[2 * n] = (struct sock_filter)BPF_STMT(BPF_RET, 1);
	insns[2 * n + 1] = (struct sock_filter)BPF_STMT(BPF_RET, 0);
	assert_int_equal(filter_compile(&run, &out), 0);
	for (size_t i = 0; i < out.n_insns; i++) {
		uint8_t code = out.insns[i].code;

		found += BPF_CLASS(code) == BPF_LD &&
			 (BPF_MODE(code) == BPF_ABS || BPF_MODE(code) == BPF_IND);
	}
	filter_prog_free(&out);
	return found;
}

static void a_socket_copies_a_window_for_many_loads(void **state)
{
	(void)state;
	assert_int_equal(loads_on_socket(FILTER_SOCKET, 1), 1);
	assert_int_equal(loads_on_socket(FILTER_SOCKET, 6), 6);
	assert_int_equal(loads_on_socket(FILTER_SOCKET, 7), 0);
	assert_int_equal(loads_on_socket(FILTER_FANOUT, 1), 0);
}

static void long_shifts_give_0(void **state)
{
	(void)state;
	ASSERT_HAS(PROGRAM(BPF_STMT(BPF_LD | BPF_LEN, 0), BPF_STMT(BPF_LDX | BPF_LEN, 0),
			   BPF_STMT(BPF_ALU | BPF_RSH | BPF_X, 0), BPF_STMT(BPF_RET | BPF_A, 0)),
		   false, "r0 = r8", "r0 -= r7", "r1 = r8", "r1 -= r7", "w0 >>= w1",
		   "if w1 < 0x20 goto", "w0 = 0");
}

static const char *const tc_lines[] = {
	"w1 &= 0xffffff00\n",
	"w1 |= 0x2a\n",
	"*(u32 *)(r6 + 8) = r1\n",
	"w1 = 6\n",
	"*(u32 *)(r6 + 32) = r1\n",
	"w2 = 0x81\n",
	"w3 = 0x64\n",
	"call bpf_skb_vlan_push\n",
	"w3 = 7\n",
	"call bpf_tail_call\n",
};

static void tc_verbs_change_what_they_say(void **state)
{
	const struct filter_rule rules[] = {
		{ .verb = FILTER_MARK, .arg = 0x2a, .mask = 0xff, .counter = 2 },
		{ .verb = FILTER_PRIORITY, .arg = 6, .counter = 3 },
		{ .verb = FILTER_VLAN_PUSH, .arg = 100, .slot = 7, .counter = 4 },
	};
	const struct filter_run run = { .hook = FILTER_TC, .rules = rules, .n_rules = 3 };
	char *text = compiled(&run);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(tc_lines); i++) {
		if (!strstr(text, tc_lines[i]))
			fail_msg("no '%s' in %s", tc_lines[i], text);
	}
	free(text);
}

static void a_slot_is_a_constant(void **state)
{
	const struct filter_rule rule = { .verb = FILTER_JUMP, .arg = 77, .counter = 2 };
	const struct filter_run run = { .rules = &rule, .n_rules = 1, .miss_drop = true };
	char *text = compiled(&run);

	(void)state;
	assert_non_null(strstr(text, "r1 = r6\n"));
	assert_non_null(strstr(text, "r2 = map slots\n"));
	assert_non_null(strstr(text, "w3 = 0x4d\n"));
	assert_non_null(strstr(text, "call bpf_tail_call\n"));
	assert_non_null(strstr(text, "w0 = 1\n"));
	free(text);
}

/* Well-formedness */

/* Instructions that a jump or a fall leads to. */
static void assert_well_formed(const struct filter_prog *prog)
{
	bool *start = calloc(prog->n_insns + 1, 1), *led = calloc(prog->n_insns + 1, 1);

	for (size_t i = 0; i < prog->n_insns; i++) {
		start[i] = true;
		if (prog->insns[i].code == (BPF_LD | BPF_IMM | BPF_DW))
			i++;
	}
	led[0] = true;
	for (size_t i = 0; i < prog->n_insns; i++) {
		const struct bpf_insn *insn = &prog->insns[i];
		uint8_t class = BPF_CLASS(insn->code), op = BPF_OP(insn->code);
		bool jumps = (class == BPF_JMP && op != BPF_CALL && op != BPF_EXIT) ||
			     class == BPF_JMP32;

		if (!start[i])
			continue;
		if (jumps)
			led[i + 1 + insn->off] = true;
		if (insn->code == (BPF_JMP | BPF_CALL) && insn->src_reg == BPF_PSEUDO_CALL)
			led[i + 1 + insn->imm] = true;
		if (insn->code != (BPF_JMP | BPF_JA) && insn->code != (BPF_JMP | BPF_EXIT))
			led[i + 1 + !start[i + 1]] = true;
	}
	for (size_t i = 0; i < prog->n_insns; i++)
		assert_int_equal(led[i], start[i]);
	assert_false(led[prog->n_insns]);
	free(start);
	free(led);
}

static size_t size_alone(const struct filter_run *run, const struct filter_rule *rule)
{
	struct filter_run alone = *run;
	struct filter_prog prog;
	size_t size;

	alone.rules = rule;
	alone.n_rules = 1;
	assert_int_equal(filter_compile(&alone, &prog), 0);
	size = prog.n_insns;
	filter_prog_free(&prog);
	return size;
}

/* What threading copies, for speed, may make a run larger than its rules; not by more than this. */
static void any_program_is_well_formed_and_within_its_bound(void **state)
{
	enum { RULES = 5, GROWN = 2, GROWN_FREE = 512, ROUNDS = 2000 };
	struct sock_filter insns[RULES][RANDOM_CBPF_MAX];
	struct cbpf progs[RULES];
	struct filter_rule rules[RULES];
	struct dice dice = { 1 };

	(void)state;
	for (unsigned int round = 0; round < ROUNDS; round++) {
		struct filter_run run = { .rules = rules, .n_rules = dice_below(&dice, RULES + 1) };
		size_t bound = GROWN_FREE;
		struct filter_prog prog;
		static const enum filter_verb verbs[] = { FILTER_PASS,	  FILTER_DROP,
							  FILTER_REFLECT, FILTER_REDIRECT,
							  FILTER_COUNT,	  FILTER_JUMP };
		static const enum filter_verb tc_verbs[] = {
			FILTER_PASS,	  FILTER_DROP,	   FILTER_REFLECT,
			FILTER_REDIRECT,  FILTER_COUNT,	   FILTER_JUMP,
			FILTER_MARK,	  FILTER_PRIORITY, FILTER_REDIRECT_INGRESS,
			FILTER_VLAN_PUSH, FILTER_VLAN_POP,
		};
		char why[128];

		run.hook = dice_one_in(&dice, 2) ? FILTER_TC : FILTER_XDP;
		run.frags = dice_one_in(&dice, 2);
		run.jump_at_end = dice_one_in(&dice, 2);
		for (size_t i = 0; i < run.n_rules; i++) {
			progs[i] = random_cbpf(&dice, insns[i]);
			if (cbpf_check(&progs[i], why, sizeof(why)))
				fail_msg("%s", why);
			rules[i] = (struct filter_rule){
				.cbpf = &progs[i],
				.verb = run.hook == FILTER_TC
						? tc_verbs[dice_below(&dice, ARRAY_SIZE(tc_verbs))]
						: verbs[dice_below(&dice, ARRAY_SIZE(verbs))]
			};
			bound += GROWN * size_alone(&run, &rules[i]);
		}
		assert_int_equal(filter_compile(&run, &prog), 0);
		assert_well_formed(&prog);
		assert_in_range(prog.n_insns, 1, bound);
		filter_prog_free(&prog);
	}
}

static void what_is_too_large_is_refused(void **state)
{
	enum { MANY = 1 << 17 }; /* CBPF_MAX of them make a graph of seven gigabytes */
	struct cbpf prog = { .insns = calloc(MANY, sizeof(*prog.insns)), .n = MANY };
	const struct filter_rule rule = { .cbpf = &prog, .verb = FILTER_DROP };
	const struct filter_run run = { .rules = &rule, .n_rules = 1 };
	struct filter_prog out;

	(void)state;
	prog.insns[0] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_ABS, 0);
	for (size_t i = 1; i < prog.n; i++)
		prog.insns[i] =
			(struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET, 1u << i % 32, 1, 0);
	prog.insns[prog.n - 2] = (struct sock_filter)BPF_STMT(BPF_RET, 1);
	prog.insns[prog.n - 1] = (struct sock_filter)BPF_STMT(BPF_RET, 0);
	assert_int_equal(filter_compile(&run, &out), -E2BIG);
	assert_null(out.insns);
	free(prog.insns);
}

/* Tests of one bit each, of which all must be set; the caller frees what it gets. */
static struct cbpf many_tests(size_t n)
{
	struct cbpf prog = { .insns = calloc(3 * n + 1, sizeof(*prog.insns)), .n = 3 * n + 1 };

	for (size_t i = 0; i < n; i++) {
		prog.insns[3 * i] =
			(struct sock_filter)BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 14 + 2 * (i / 16));
		prog.insns[3 * i + 1] =
			(struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET, 1u << i % 16, 1, 0);
		prog.insns[3 * i + 2] = (struct sock_filter)BPF_STMT(BPF_RET, 0);
	}
	prog.insns[3 * n] = (struct sock_filter)BPF_STMT(BPF_RET, 1);
	return prog;
}

/* More instructions than a branch can pass: the way to the end leads over islands. */
static void far_jumps_have_islands(void **state)
{
	struct cbpf prog = many_tests(6000);
	const struct filter_rule rule = { .cbpf = &prog, .verb = FILTER_DROP };
	const struct filter_run run = { .rules = &rule, .n_rules = 1 };
	struct filter_prog out;
	struct ir ir;

	(void)state;
	assert_int_equal(ir_lower(&run, &ir), 0);
	assert_int_equal(ebpf_emit(&ir, &run, &out), 0);
	assert_in_range(out.n_insns, INT16_MAX + 2000, FILTER_INSNS_MAX);
	assert_well_formed(&out);
	free(prog.insns);
	filter_prog_free(&out);
	ir_free(&ir);
}

/*
 * An island may come right behind an end, into which a block fell: nothing goes around it. So many
 * tests bring the end to where an island is due.
 */
static void behind_an_end_nothing_jumps_around_an_island(void **state)
{
	struct cbpf less = many_tests(10);

	(void)state;
	for (size_t n = 3748; n < 3755; n++) {
		struct cbpf prog = many_tests(n);
		const struct filter_rule rules[] = { { .cbpf = &prog, .verb = FILTER_DROP },
						     { .cbpf = &less, .verb = FILTER_PASS } };
		const struct filter_run run = { .rules = rules, .n_rules = 2 };
		struct filter_prog out;
		struct ir ir;

		assert_int_equal(ir_lower(&run, &ir), 0);
		assert_int_equal(ebpf_emit(&ir, &run, &out), 0);
		assert_well_formed(&out);
		free(prog.insns);
		filter_prog_free(&out);
		ir_free(&ir);
	}
	free(less.insns);
}

/* One for the Ethernet header, one for each test, one for each load, one for the counter. */
static void the_longest_path_is_counted(void **state)
{
	struct cbpf prog = many_tests(160);
	const struct filter_rule rules[] = { { .cbpf = &prog, .verb = FILTER_DROP },
					     { .cbpf = &prog, .verb = FILTER_PASS } };
	struct filter_run run = { .rules = rules, .n_rules = 1 };
	struct filter_prog one, two;

	(void)state;
	assert_int_equal(filter_compile(&run, &one), 0);
	assert_in_range(one.branches_deep, 160, 2 + 160 + 10);
	run.n_rules = 2;
	assert_int_equal(filter_compile(&run, &two), 0);
	assert_in_range(two.branches_deep, one.branches_deep, 2 + 2 * (160 + 10));
	free(prog.insns);
	filter_prog_free(&one);
	filter_prog_free(&two);
}

static void a_loop_costs_each_of_its_rounds(void **state)
{
	struct cbpf once = PROGRAM(BPF_STMT(BPF_LD | BPF_B | BPF_IND, 14),
				   BPF_JUMP(BPF_JMP | BPF_JEQ, 0, 1, 0), BPF_STMT(BPF_JMP, 0),
				   BPF_STMT(BPF_RET, 1));
	struct cbpf loop = PROGRAM(BPF_STMT(BPF_LD | BPF_B | BPF_IND, 14),
				   BPF_JUMP(BPF_JMP | BPF_JEQ, 0, 1, 0), BPF_STMT(BPF_JMP, -3),
				   BPF_STMT(BPF_RET, 1));
	const struct filter_rule straight = { .cbpf = &once }, looping = { .cbpf = &loop };
	struct filter_run run = { .rules = &looping, .n_rules = 1 };
	struct filter_prog prog;

	(void)state;
	assert_int_equal(filter_compile(&run, &prog), 0);
	assert_in_range(prog.branches_deep, IR_LOOPS, 10 * IR_LOOPS);
	filter_prog_free(&prog);
	run.rules = &straight;
	assert_int_equal(filter_compile(&run, &prog), 0);
	assert_in_range(prog.branches_deep, 1, 10);
	filter_prog_free(&prog);
}

/* The body that tells flows is C: a jump backwards in it would look like a loop of many rounds. */
static void a_body_of_c_has_no_loops(void **state)
{
	const uint32_t cpus[] = { 0, 1 };
	const struct filter_rule rule = { .verb = FILTER_CPU, .cpus = cpus, .n_cpus = 2 };
	const struct filter_run run = { .rules = &rule, .n_rules = 1 };
	struct filter_prog prog;

	(void)state;
	assert_int_equal(filter_compile(&run, &prog), 0);
	assert_in_range(prog.n_insns, 100, 400);
	assert_in_range(prog.branches_deep, 5, 40);
	filter_prog_free(&prog);
}

/* Where an instruction leads besides the next one, or else to itself. */
static size_t leads_to(const struct filter_prog *prog, size_t i)
{
	const struct bpf_insn *insn = &prog->insns[i];
	bool jumps = BPF_CLASS(insn->code) == BPF_JMP || BPF_CLASS(insn->code) == BPF_JMP32;

	if (!jumps || insn->code == (BPF_JMP | BPF_EXIT))
		return i;
	if (insn->code == (BPF_JMP | BPF_CALL))
		return insn->src_reg == BPF_PSEUDO_CALL ? i + 1 + insn->imm : i;
	return i + 1 + insn->off;
}

/* All jumps of these programs lead forward. The kernel refuses what nothing leads to. */
static void assert_all_is_reached(const struct filter_prog *prog)
{
	bool *reached = calloc(prog->n_insns, sizeof(*reached));

	assert_non_null(reached);
	reached[0] = true;
	for (size_t i = 0; i < prog->n_insns; i++) {
		uint8_t code = prog->insns[i].code;

		assert_true(reached[i]);
		assert_in_range(leads_to(prog, i), i, prog->n_insns - 1);
		reached[leads_to(prog, i)] = true;
		if (code != (BPF_JMP | BPF_EXIT) && code != (BPF_JMP | BPF_JA) &&
		    i + 1 < prog->n_insns)
			reached[i + 1] = true;
	}
	free(reached);
}

static void nothing_stands_behind_an_end_of_its_own(void **state)
{
	const uint32_t cpus[] = { 0, 1 };
	const struct filter_rule rules[] = {
		{ .verb = FILTER_CPU, .cpus = cpus, .n_cpus = 1 },
		{ .verb = FILTER_CPU, .cpus = cpus, .n_cpus = 2 },
		{ .verb = FILTER_XSK, .queues = { 1 } },
		{ .verb = FILTER_REDIRECT_ALL },
		{ .verb = FILTER_REDIRECT },
		{ .verb = FILTER_DROP },
	};
	struct filter_prog prog;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		const struct filter_run run = { .rules = &rules[i], .n_rules = 1 };

		assert_int_equal(filter_compile(&run, &prog), 0);
		assert_all_is_reached(&prog);
		filter_prog_free(&prog);
	}
}

static void maps_are_set_where_they_are_named(void **state)
{
	const struct filter_rule rules[] = {
		{ .verb = FILTER_COUNT, .counter = 2 },
		{ .verb = FILTER_REDIRECT, .arg = 1, .counter = 3 },
	};
	const struct filter_run run = { .rules = rules, .n_rules = 2 };
	struct filter_prog prog;
	bool seen[3] = { 0 };

	(void)state;
	assert_int_equal(filter_compile(&run, &prog), 0);
	filter_prog_set_maps(&prog, (int[FILTER_MAPS]){ 100, 101, 102 });
	for (size_t i = 0; i < prog.n_insns; i++) {
		if (prog.insns[i].code != (BPF_LD | BPF_IMM | BPF_DW))
			continue;
		assert_int_equal(prog.insns[i].src_reg, BPF_PSEUDO_MAP_FD);
		assert_in_range(prog.insns[i].imm, 100, 102);
		seen[prog.insns[i].imm - 100] = true;
	}
	assert_true(seen[FILTER_MAP_COUNTERS] && seen[FILTER_MAP_DEVMAP] &&
		    !seen[FILTER_MAP_SLOTS]);
	filter_prog_free(&prog);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loads_are_checked_and_in_network_order),
		cmocka_unit_test(an_index_that_may_be_large_is_bounded),
		cmocka_unit_test(a_slow_load_keeps_what_lives),
		cmocka_unit_test(a_socket_copies_a_window_for_many_loads),
		cmocka_unit_test(long_shifts_give_0),
		cmocka_unit_test(tc_verbs_change_what_they_say),
		cmocka_unit_test(a_slot_is_a_constant),
		cmocka_unit_test(any_program_is_well_formed_and_within_its_bound),
		cmocka_unit_test(what_is_too_large_is_refused),
		cmocka_unit_test(far_jumps_have_islands),
		cmocka_unit_test(behind_an_end_nothing_jumps_around_an_island),
		cmocka_unit_test(the_longest_path_is_counted),
		cmocka_unit_test(a_loop_costs_each_of_its_rounds),
		cmocka_unit_test(a_body_of_c_has_no_loops),
		cmocka_unit_test(nothing_stands_behind_an_end_of_its_own),
		cmocka_unit_test(maps_are_set_where_they_are_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
