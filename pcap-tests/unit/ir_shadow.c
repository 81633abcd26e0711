// SPDX-License-Identifier: GPL-2.0-only
/* Rules that never match, and which rule takes their packets. */

/* Ahead of cmocka, whose macro fail() would meet our function. */
#include "../../loader/filter/expr.h"
#include "../../loader/filter/ir_shadow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { RULES = 8 };

/* Expressions in order, NULL at the end; a '#' before one: it counts, and goes on. */
static void find(const char *const *texts, enum filter_hook hook, bool frags, uint32_t *shadowed_by)
{
	const struct pos pos = { 0 };
	struct cbpf programs[RULES] = { 0 };
	struct filter_rule rules[RULES] = { 0 };
	struct filter_run run = { .hook = hook, .frags = frags, .rules = rules };

	for (; texts[run.n_rules]; run.n_rules++) {
		const char *text = texts[run.n_rules];
		bool counts = text[0] == '#';
		struct cbpf *program = &programs[run.n_rules];

		assert_int_equal(
			expr_compile(text + counts, &pos, GRAMMAR_FILTER, EXPR_LIFTED, program), 0);
		rules[run.n_rules] =
			(struct filter_rule){ .cbpf = program,
					      .verb = counts ? FILTER_COUNT : FILTER_DROP,
					      .counter = 3 + run.n_rules };
	}
	assert_int_equal(ir_shadows(&run, NULL, shadowed_by), 0);
	for (size_t i = 0; i < run.n_rules; i++)
		cbpf_free(&programs[i]);
}

static void assert_shadow(const char *const *texts, uint32_t rule, uint32_t want)
{
	uint32_t by[RULES];

	find(texts, FILTER_XDP, false, by);
	assert_int_equal(by[rule], want);
	find(texts, FILTER_XDP, true, by);
	assert_int_equal(by[rule], want);
	find(texts, FILTER_TC, false, by);
	assert_int_equal(by[rule], want);
}

#define SHADOW(rule, want, ...) \
	assert_shadow((const char *const[]){ __VA_ARGS__, NULL }, rule, want)

static void a_wider_rule_shadows(void **state)
{
	(void)state;
	SHADOW(1, 0, "src net 10.0.0.0/8", "src host 10.1.2.3");
	SHADOW(2, 0, "tcp", "udp", "tcp dst port 80");
	SHADOW(1, 0, "ip", "ip and udp");
}

static void a_narrower_one_does_not(void **state)
{
	(void)state;
	SHADOW(1, FILTER_REACHED, "src host 10.1.2.3", "src net 10.0.0.0/8");
	SHADOW(1, FILTER_REACHED, "tcp port 80", "tcp dst port 80 or udp");
	SHADOW(0, FILTER_REACHED, "ip", "ip");
}

/* The last one without which it could match. */
static void several_shadow_together(void **state)
{
	(void)state;
	SHADOW(3, 2, "src net 10.0.0.0/9", "icmp", "src net 10.128.0.0/9", "src net 10.0.0.0/8");
	SHADOW(2, 1, "ip src host 1.2.3.4", "ip and not src host 1.2.3.4", "ip dst host 5.6.7.8");
}

static void a_count_shadows_nothing(void **state)
{
	(void)state;
	SHADOW(1, FILTER_REACHED, "#ip", "tcp");
	SHADOW(2, 1, "#ip", "ip", "#ip and tcp");
}

/* A program of tc may meet what another one has cut. */
static void on_tc_a_packet_may_end_within_its_first_bytes(void **state)
{
	const char *const texts[] = { "ether[13] >= 0", "len < 14", "#", "ip", NULL };
	uint32_t by[RULES];

	(void)state;
	find(texts, FILTER_XDP, false, by);
	assert_int_equal(by[1], 0);
	assert_int_equal(by[2], 0);
	find(texts, FILTER_TC, false, by);
	assert_int_equal(by[1], FILTER_REACHED);
	assert_int_equal(by[2], FILTER_REACHED);
	assert_int_equal(by[3], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_wider_rule_shadows),
		cmocka_unit_test(a_narrower_one_does_not),
		cmocka_unit_test(several_shadow_together),
		cmocka_unit_test(a_count_shadows_nothing),
		cmocka_unit_test(on_tc_a_packet_may_end_within_its_first_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
