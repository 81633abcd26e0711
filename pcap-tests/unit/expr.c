// SPDX-License-Identifier: GPL-2.0-only
/* Expressions: what libpcap makes of them, its words, and its interpreter as we call it. */

/* Ahead of cmocka, whose macro fail() would meet our function. */
#include "../../loader/filter/expr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

static struct source source = { .name = "policy", .text = "", .len = 0 };
static const struct pos pos = { &source, 7, 14 };

static void compiles_for_ethernet(void **state)
{
	struct cbpf prog;

	(void)state;
	assert_int_equal(expr_compile("ip", &pos, GRAMMAR_FILTER, EXPR_LIFTED, &prog), 0);
	assert_int_equal(prog.n, 4);
	assert_int_equal(prog.insns[0].k, 12);
	assert_int_equal(prog.insns[2].k, 262144);
	cbpf_free(&prog);
}

static void an_empty_expression_matches_all(void **state)
{
	struct cbpf prog;

	(void)state;
	assert_int_equal(expr_compile("", &pos, GRAMMAR_FILTER, EXPR_LIFTED, &prog), 0);
	assert_true(expr_match(&prog, (const uint8_t *)"", 0, 0));
	cbpf_free(&prog);
}

static void optimises(void **state)
{
	struct cbpf prog;

	(void)state;
	assert_int_equal(expr_compile("ip or not ip", &pos, GRAMMAR_FILTER, EXPR_LIFTED, &prog), 0);
	assert_int_equal(prog.n, 1);
	cbpf_free(&prog);
}

static void refuses_in_libpcaps_words_at_the_place(void **state)
{
	const struct fail_message *messages;
	struct cbpf prog;
	size_t n;

	(void)state;
	assert_int_equal(expr_compile("tcp prot 80", &pos, GRAMMAR_FILTER, EXPR_LIFTED, &prog),
			 -EINVAL);
	assert_null(prog.insns);
	n = fail_messages(&messages);
	assert_int_not_equal(n, 0);
	assert_non_null(strstr(messages[n - 1].text, "syntax error"));
	assert_string_equal(messages[n - 1].file, "policy");
	assert_int_equal(messages[n - 1].line, 7);
	assert_int_equal(messages[n - 1].col, 14);
}

static bool match(struct sock_filter *insns, size_t n, const char *packet, uint32_t len,
		  uint32_t caplen)
{
	const struct cbpf prog = { .insns = insns, .n = n };

	return expr_match(&prog, (const uint8_t *)packet, len, caplen);
}

static void unwritten_memory_is_0(void **state)
{
	struct sock_filter reads[] = { BPF_STMT(BPF_LD | BPF_MEM, 9),
				       BPF_STMT(BPF_RET | BPF_A, 0) };
	struct sock_filter writes[] = { BPF_STMT(BPF_LD, 1), BPF_STMT(BPF_ST, 9),
					BPF_STMT(BPF_LDX | BPF_MEM, 9),
					BPF_STMT(BPF_MISC | BPF_TXA, 0),
					BPF_STMT(BPF_RET | BPF_A, 0) };

	(void)state;
	assert_false(match(reads, ARRAY_SIZE(reads), "", 0, 0));
	assert_true(match(writes, ARRAY_SIZE(writes), "", 0, 0));
}

static void len_is_the_wires_and_bytes_are_the_captures(void **state)
{
	struct sock_filter longer[] = { BPF_STMT(BPF_LD | BPF_LEN, 0),
					BPF_JUMP(BPF_JMP | BPF_JEQ, 9, 0, 1), BPF_STMT(BPF_RET, 1),
					BPF_STMT(BPF_RET, 0) };
	struct sock_filter third[] = { BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 2),
				       BPF_STMT(BPF_RET, 1) };

	(void)state;
	assert_true(match(longer, ARRAY_SIZE(longer), "ab", 9, 2));
	assert_false(match(third, ARRAY_SIZE(third), "ab", 9, 2));
	assert_true(match(third, ARRAY_SIZE(third), "abc", 9, 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(compiles_for_ethernet),
		cmocka_unit_test(an_empty_expression_matches_all),
		cmocka_unit_test(optimises),
		cmocka_unit_test(refuses_in_libpcaps_words_at_the_place),
		cmocka_unit_test(unwritten_memory_is_0),
		cmocka_unit_test(len_is_the_wires_and_bytes_are_the_captures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
