// SPDX-License-Identifier: GPL-2.0-only
/* Classic programs: the check, the reader, and the printers against libpcap's own. */

/* Ahead of cmocka, whose macro fail() would meet our function. */
#include "program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <pcap/pcap.h>
#include <string.h>

static const struct pos nowhere;

static void assert_refused(struct cbpf prog, const char *part)
{
	char why[128] = "";

	assert_int_equal(cbpf_check(&prog, why, sizeof(why)), -EINVAL);
	if (!strstr(why, part))
		fail_msg("'%s' is not in '%s'", part, why);
}

static void assert_accepted(struct cbpf prog)
{
	char why[128] = "";

	if (cbpf_check(&prog, why, sizeof(why)))
		fail_msg("%s", why);
}

static void refuses_what_the_kernel_refuses(void **state)
{
	(void)state;
	assert_refused((struct cbpf){ 0 }, "no instruction");
	assert_refused(PROGRAM(BPF_STMT(BPF_LD | BPF_IMM, 0)), "no 'ret'");
	assert_refused(PROGRAM({ 0x1234, 0, 0, 0 }, BPF_STMT(BPF_RET, 0)), "no such operation");
	assert_refused(PROGRAM(BPF_STMT(BPF_RET | BPF_X, 0)), "no such operation");
	assert_refused(PROGRAM(BPF_STMT(BPF_ALU | BPF_DIV, 0), BPF_STMT(BPF_RET, 0)),
		       "divides by 0");
	assert_refused(PROGRAM(BPF_STMT(BPF_ALU | BPF_MOD, 0), BPF_STMT(BPF_RET, 0)),
		       "divides by 0");
	assert_refused(PROGRAM(BPF_STMT(BPF_ALU | BPF_LSH, 32), BPF_STMT(BPF_RET, 0)), "31 bits");
	assert_refused(PROGRAM(BPF_STMT(BPF_ALU | BPF_RSH, 32), BPF_STMT(BPF_RET, 0)), "31 bits");
	assert_refused(PROGRAM(BPF_STMT(BPF_ST, 16), BPF_STMT(BPF_RET, 0)), "no such word");
	assert_refused(PROGRAM(BPF_STMT(BPF_LDX | BPF_MEM, 16), BPF_STMT(BPF_RET, 0)),
		       "no such word");
}

static void refuses_jumps_that_lead_nowhere(void **state)
{
	(void)state;
	assert_refused(PROGRAM(BPF_JUMP(BPF_JMP | BPF_JEQ, 0, 1, 0), BPF_STMT(BPF_RET, 0)),
		       "jumps");
	assert_refused(PROGRAM(BPF_JUMP(BPF_JMP | BPF_JEQ, 0, 0, 1), BPF_STMT(BPF_RET, 0)),
		       "jumps");
	assert_refused(PROGRAM(BPF_STMT(BPF_JMP, 1), BPF_STMT(BPF_RET, 0)), "jumps");
	assert_refused(PROGRAM(BPF_STMT(BPF_JMP, 0x7fffffff), BPF_STMT(BPF_RET, 0)), "jumps");
	assert_refused(PROGRAM(BPF_STMT(BPF_JMP, -1), BPF_STMT(BPF_RET, 0)), "to itself");
	assert_refused(PROGRAM(BPF_STMT(BPF_LD, 0), BPF_STMT(BPF_JMP, -3), BPF_STMT(BPF_RET, 0)),
		       "jumps");
	assert_refused(PROGRAM(BPF_STMT(BPF_JMP, 0x80000000), BPF_STMT(BPF_RET, 0)), "jumps");
}

static void accepts_what_libpcap_needs(void **state)
{
	(void)state;
	assert_accepted(PROGRAM(BPF_STMT(BPF_LD, 0), BPF_STMT(BPF_JMP, -2), BPF_STMT(BPF_RET, 0)));
	assert_accepted(PROGRAM(BPF_STMT(BPF_LD | BPF_MEM, 15), BPF_STMT(BPF_RET | BPF_A, 0)));
	assert_accepted(
		PROGRAM(BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 0xfffff004), BPF_STMT(BPF_RET, 0)));
	assert_accepted(PROGRAM(BPF_STMT(BPF_LD | BPF_ABS, 0xfffff03c), BPF_STMT(BPF_RET, 0)));
	assert_accepted(PROGRAM(BPF_STMT(BPF_LD | BPF_ABS, 0xfffffffc), BPF_STMT(BPF_RET, 0)));
}

static void bounds_the_length(void **state)
{
	struct cbpf prog = { .insns = calloc(CBPF_MAX + 1, sizeof(*prog.insns)), .n = CBPF_MAX };

	(void)state;
	prog.insns[CBPF_MAX - 1].code = prog.insns[CBPF_MAX].code = BPF_RET;
	assert_accepted(prog);
	prog.n++;
	assert_refused(prog, "1048576 are the most");
	free(prog.insns);
}

static void reads_newlines_and_commas(void **state)
{
	static const char *const texts[] = {
		"4\n40 0 0 12\n21 0 1 2048\n6 0 0 262144\n6 0 0 0\n",
		"4,40 0 0 12,21 0 1 2048,6 0 0 262144,6 0 0 0,",
		" 4, 40 0 0 12 ,\n21 0 1\t2048,6 0 0 262144\r\n6 0 0 0",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct cbpf prog;

		assert_int_equal(cbpf_parse(texts[i], &nowhere, &prog), 0);
		assert_int_equal(prog.n, 4);
		assert_int_equal(prog.insns[1].code, BPF_JMP | BPF_JEQ);
		assert_int_equal(prog.insns[1].jf, 1);
		assert_int_equal(prog.insns[1].k, 2048);
		cbpf_free(&prog);
	}
}

static void refuses_bad_text(void **state)
{
	static const char *const texts[] = {
		"",
		"0\n",
		"x",
		"1",
		"1 6 0 0 0",
		"2\n6 0 0 0\n",
		"1\n6 0 0\n",
		"1\n6 0 0 0 0\n",
		"1\n6 0 0 0\n6 0 0 0\n",
		"1\n6 256 0 0\n",
		"1\n65536 0 0 0\n",
		"1\n6 0 0 4294967296\n",
		"1\n6 0 0 -1\n",
		"65536\n6 0 0 0\n",
		"1\n6 0 0 0\nx",
		"1\n6 0 0 0x10\n",
		"1\n0 0 0 0\n",
		"99999999999999999999\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct cbpf prog;

		if (cbpf_parse(texts[i], &nowhere, &prog) != -EINVAL)
			fail_msg("accepted: %s", texts[i]);
		assert_null(prog.insns);
	}
}

/* What a printer prints. The caller frees it. */
static char *printed(void (*print)(const struct cbpf *, FILE *), const struct cbpf *prog)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	print(prog, out);
	fclose(out);
	return text;
}

/* libpcap's bpf_dump() for the same; it knows no other place than stdout. */
static char *dumped(const struct cbpf *prog, int option)
{
	struct bpf_program theirs = { prog->n, (struct bpf_insn *)prog->insns };
	FILE *file = tmpfile();
	int saved = dup(1);
	char *text = calloc(1, 1 << 20);

	fflush(stdout);
	dup2(fileno(file), 1);
	bpf_dump(&theirs, option);
	fflush(stdout);
	dup2(saved, 1);
	close(saved);
	rewind(file);
	if (!fread(text, 1, (1 << 20) - 1, file))
		text[0] = 0;
	fclose(file);
	return text;
}

static void assert_prints_as_libpcap(void (*print)(const struct cbpf *, FILE *),
				     const struct cbpf *prog, int option)
{
	char *ours = printed(print, prog), *theirs = dumped(prog, option);
	char *our_rest = ours, *their_rest = theirs, *our_line, *their_line;

	do {
		our_line = strsep(&our_rest, "\n");
		their_line = strsep(&their_rest, "\n");
		assert_string_equal(our_line ? our_line : "(end)",
				    their_line ? their_line : "(end)");
	} while (our_line);
	free(ours);
	free(theirs);
}

/* Every opcode there is and is not, and operands at their edges. */
static void prints_as_libpcap_does(void **state)
{
	static const uint32_t ks[] = { 0,	   5,	       0x7fffffff, 0x80000000, 0xffffffff,
				       0xfffff000, 0xfffff02c, 0xfffff03c, 0xfffff040, 0xfffff001 };
	struct cbpf prog = { .insns = calloc(0x100 * ARRAY_SIZE(ks), sizeof(*prog.insns)) };

	(void)state;
	for (unsigned int code = 0; code < 0x100; code++) {
		/* The one that bpf_filter() knows and bpf_image() does not. */
		if (code == (BPF_LDX | BPF_LEN))
			continue;
		for (size_t i = 0; i < ARRAY_SIZE(ks); i++)
			prog.insns[prog.n++] = (struct sock_filter){ code, code, i, ks[i] };
	}
	assert_prints_as_libpcap(cbpf_print_d, &prog, 1);
	assert_prints_as_libpcap(cbpf_print_dd, &prog, 2);
	assert_prints_as_libpcap(cbpf_print_ddd, &prog, 3);
	free(prog.insns);
}

static void reads_what_it_prints(void **state)
{
	struct cbpf prog = PROGRAM(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 26),
				   BPF_JUMP(BPF_JMP | BPF_JEQ, 0xc0a80001, 0, 1),
				   BPF_STMT(BPF_RET, 0xffffffff), BPF_STMT(BPF_RET, 0));
	char *text = printed(cbpf_print_ddd, &prog);
	struct cbpf again;

	(void)state;
	assert_int_equal(cbpf_parse(text, &nowhere, &again), 0);
	assert_int_equal(again.n, prog.n);
	assert_memory_equal(again.insns, prog.insns, prog.n * sizeof(*prog.insns));
	cbpf_free(&again);
	free(text);
}

static void assert_reaches(struct cbpf prog, uint32_t want)
{
	uint32_t reach;

	assert_int_equal(cbpf_reach(&prog, &reach), 0);
	assert_int_equal(reach, want);
}

static void reaches_as_far_as_its_loads(void **state)
{
	const struct sock_filter ret = BPF_STMT(BPF_RET, 1), tax = BPF_STMT(BPF_MISC | BPF_TAX, 0);
	const struct sock_filter header = BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 14);
	const struct sock_filter word_behind = BPF_STMT(BPF_LD | BPF_W | BPF_IND, 14);

	(void)state;
	assert_reaches(PROGRAM(ret), 0);
	assert_reaches(PROGRAM(BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12), ret), 14);
	assert_reaches(PROGRAM(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, UINT32_MAX), ret), UINT32_MAX);
	assert_reaches(PROGRAM(header, word_behind, ret), 60 + 14 + 4);
	/* tcp[(tcp[12] & 0xf0) >> 2] with an IPv4 header in front */
	assert_reaches(PROGRAM(header, BPF_STMT(BPF_LD | BPF_B | BPF_IND, 26),
			       BPF_STMT(BPF_ALU | BPF_AND, 0xf0), BPF_STMT(BPF_ALU | BPF_RSH, 2),
			       BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0), tax, word_behind, ret),
		       60 + 60 + 14 + 4);
	assert_reaches(PROGRAM(BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 0), tax, word_behind, ret),
		       65535 + 14 + 4);
	assert_reaches(PROGRAM(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0), tax, word_behind, ret),
		       UINT32_MAX);
	assert_reaches(PROGRAM(BPF_STMT(BPF_LD | BPF_LEN, 0), tax, word_behind, ret), UINT32_MAX);
}

/* Of two ways that meet, the larger counts; what nothing leads to does not. */
static void reaches_as_far_as_any_way(void **state)
{
	(void)state;
	assert_reaches(PROGRAM(BPF_STMT(BPF_LDX, 9), BPF_JUMP(BPF_JMP | BPF_JEQ, 0, 0, 1),
			       BPF_STMT(BPF_LDX, 7), BPF_STMT(BPF_LD | BPF_B | BPF_IND, 0),
			       BPF_STMT(BPF_RET, 1)),
		       10);
	assert_reaches(PROGRAM(BPF_STMT(BPF_JMP | BPF_JA, 1), BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
			       BPF_STMT(BPF_RET, 1)),
		       0);
	assert_reaches(PROGRAM(BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0),
			       BPF_STMT(BPF_JMP | BPF_JA, -2), BPF_STMT(BPF_RET, 1)),
		       UINT32_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_what_the_kernel_refuses),
		cmocka_unit_test(refuses_jumps_that_lead_nowhere),
		cmocka_unit_test(accepts_what_libpcap_needs),
		cmocka_unit_test(bounds_the_length),
		cmocka_unit_test(reads_newlines_and_commas),
		cmocka_unit_test(refuses_bad_text),
		cmocka_unit_test(prints_as_libpcap_does),
		cmocka_unit_test(reads_what_it_prints),
		cmocka_unit_test(reaches_as_far_as_its_loads),
		cmocka_unit_test(reaches_as_far_as_any_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
