// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a chain is made of: counters and slots over generations, programs, the longest path, and
 * what makes a generation another one.
 */
#include <sys/stat.h>

#include "plan_lab.h"

/* Counters */

static const struct plan_rule *rule_at(const struct planned *planned, size_t i)
{
	assert_true(i < hook_of(planned)->n_rules);
	return &hook_of(planned)->rules[i];
}

static uint32_t counter_at(const struct planned *planned, size_t i)
{
	return rule_at(planned, i)->counter;
}

/* No two rules of the plan share a counter, and none has one that is not a rule's. */
static void assert_counters_apart(const struct planned *planned)
{
	const struct plan_hook *hook = hook_of(planned);
	_free_ bool *taken = calloc(hook->n_counters, sizeof(*taken));

	for (size_t i = 0; i < hook->n_rules; i++) {
		const struct plan_rule *rule = &hook->rules[i];

		assert_true(rule->counter >= WEIR_COUNTER_RULES);
		assert_true(rule->counter + rule->n_counters <= hook->n_counters);
		for (uint32_t c = 0; c < rule->n_counters; c++) {
			assert_false(taken[rule->counter + c]);
			taken[rule->counter + c] = true;
		}
	}
}

static void actions_have_their_counters(void **state)
{
	_planned_ planned = plan_rules("xdp", "drop if ip\nredirect e1 if ip6\n"
					      "use ttl_guard if arp\nreflect if icmp\n"
					      "count if tcp\npass");

	(void)state;
	assert_int_equal(rule_at(&planned, 0)->n_counters, 1);
	assert_int_equal(rule_at(&planned, 1)->n_counters, WEIR_REDIRECT_LOST + 1);
	assert_int_equal(rule_at(&planned, 2)->n_counters, WEIR_STAGE_REASONS + 1);
	assert_int_equal(rule_at(&planned, 5)->n_counters, 1);
	assert_counters_apart(&planned);
	assert_int_equal(hook_of(&planned)->n_counters,
			 WEIR_COUNTER_RULES + 4 + WEIR_REDIRECT_LOST + 1 + WEIR_STAGE_REASONS + 1);
}

static void rules_keep_their_counters_over_an_apply(void **state)
{
	_planned_ first = plan_rules("xdp", "drop if ip\nredirect e1 if udp\ncount if tcp # web\n");

	(void)state;
	lab_apply(&first);

	_planned_ second = plan_rules("xdp miss drop", "count  if  tcp\npass if arp\n"
						       "redirect e1 if udp; drop if ip # all");

	assert_int_equal(counter_at(&second, 0), counter_at(&first, 2));
	assert_int_equal(counter_at(&second, 2), counter_at(&first, 1));
	assert_int_equal(counter_at(&second, 3), counter_at(&first, 0));
	assert_true(rule_at(&second, 0)->kept && rule_at(&second, 2)->kept);
	assert_false(rule_at(&second, 1)->kept);
	assert_counters_apart(&second);
}

/* The same rule twice: the second is the second in every generation. */
static void twins_are_told_apart_by_their_order(void **state)
{
	_planned_ first = plan_rules("xdp", "count if ip\ncount if tcp\ncount if ip");

	(void)state;
	lab_apply(&first);

	_planned_ second = plan_rules("xdp", "count if ip\ncount if ip\ncount if ip");

	assert_string_equal(rule_at(&second, 0)->identity, "count if ip");
	assert_string_equal(rule_at(&second, 1)->identity, "count if ip #2");
	assert_string_equal(rule_at(&second, 2)->identity, "count if ip #3");
	assert_int_equal(counter_at(&second, 0), counter_at(&first, 0));
	assert_int_equal(counter_at(&second, 1), counter_at(&first, 2));
	assert_false(rule_at(&second, 2)->kept);
	assert_counters_apart(&second);
}

/* A label may look like the mark of a twin. */
static void labels_are_no_part_of_a_rule(void **state)
{
	_planned_ planned = plan_rules("xdp", "count if ip # 2\ncount if ip #2\ncount # 2\n");

	(void)state;
	assert_string_equal(rule_at(&planned, 0)->identity, "count if ip");
	assert_string_equal(rule_at(&planned, 1)->identity, "count if ip #2");
	assert_string_equal(rule_at(&planned, 2)->identity, "count");
}

static void assert_no_index_of(const struct planned *planned, const struct planned *before)
{
	for (size_t i = 0; i < hook_of(planned)->n_rules; i++)
		for (size_t j = 0; j < hook_of(before)->n_rules; j++)
			assert_int_not_equal(counter_at(planned, i), counter_at(before, j));
}

static void counters_rest_while_a_generation_has_them(void **state)
{
	_planned_ first = plan_rules("xdp", "count if ip\ncount if ip6");

	(void)state;
	lab_apply(&first);

	_planned_ second = plan_rules("xdp", "count if tcp\ncount if udp");

	assert_no_index_of(&second, &first);
	lab_apply(&second);

	_planned_ third = plan_rules("xdp", "count if arp\ncount if icmp");

	assert_no_index_of(&third, &first);
	assert_no_index_of(&third, &second);
	lab_apply(&third);

	/* The first generation is gone: its rules are new ones, its indices free. */
	_planned_ fourth = plan_rules("xdp", "count if ip\ncount if sctp");

	assert_int_equal(counter_at(&fourth, 0), counter_at(&first, 0));
	assert_int_equal(counter_at(&fourth, 1), counter_at(&first, 1));
	assert_false(rule_at(&fourth, 0)->kept);
}

static void a_rule_that_was_rolled_away_has_its_counter_still(void **state)
{
	_planned_ first = plan_rules("xdp", "count if ip\ncount if arp");

	(void)state;
	lab_apply(&first);

	_planned_ second = plan_rules("xdp", "count if tcp");

	lab_apply(&second);

	_planned_ third = plan_rules("xdp", "count if arp\ncount if udp");

	assert_true(rule_at(&third, 0)->kept);
	assert_int_equal(counter_at(&third, 0), counter_at(&first, 1));
	assert_int_not_equal(counter_at(&third, 1), counter_at(&first, 0));
	assert_int_not_equal(counter_at(&third, 1), counter_at(&second, 0));
}

/* A stage whose new object has another number of reasons needs other room. */
static void a_rule_whose_counters_changed_moves(void **state)
{
	_planned_ first = plan_rules("xdp", "use ttl_guard if ip\ncount if ip6");
	struct plan_known *known;

	(void)state;
	lab_apply(&first);
	known = (struct plan_known *)lab[0].base.known;
	known[0].n_counters--; /* as if it had had one reason less */

	_planned_ second = plan_rules("xdp", "use ttl_guard if ip\ncount if ip6\ncount if arp");

	assert_false(rule_at(&second, 0)->kept);
	assert_int_not_equal(counter_at(&second, 0), counter_at(&first, 0));
	assert_true(rule_at(&second, 1)->kept);
	assert_counters_apart(&second);
}

/* One generation's stage has the shape of today, the other's had another. */
static void the_generation_that_fits_gives_the_counters(void **state)
{
	const struct plan_known fits = { "use ttl_guard if ip TTL_LOW", 50,
					 WEIR_STAGE_REASONS + 1 },
				other = { "use ttl_guard if ip TTL_LOW", 20,
					  WEIR_STAGE_REASONS + 4 };

	(void)state;
	for (int turned = 0; turned < 2; turned++) {
		struct plan_known *known = calloc(2, sizeof(*known));

		assert_non_null(known);
		known[turned] = fits;
		known[!turned] = other;
		lab_forget(&lab[0]);
		lab[0].base = (struct plan_base){ .loaded = true, .known = known, .n_known = 2 };

		_planned_ planned = plan_rules("xdp", "use ttl_guard if ip");

		assert_true(rule_at(&planned, 0)->kept);
		assert_int_equal(counter_at(&planned, 0), 50);
	}
}

/* Ten generations, each of some old rules and some new ones: indices stay few and apart. */
static void generations_do_not_eat_up_the_counters(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++) {
		char rules[512] = "";

		for (int j = i; j < i + 6; j++)
			snprintf(rules + strlen(rules), sizeof(rules) - strlen(rules),
				 "%s if port %d\n", j % 3 ? "count" : "redirect e1", j);

		_planned_ planned = plan_rules("xdp", rules);

		assert_counters_apart(&planned);
		assert_true(hook_of(&planned)->n_counters <= WEIR_COUNTER_RULES + 3 * 6 * 2);
		lab_apply(&planned);
	}
}

/* Slots */

/* Slots of this plan: each once, none 0 but the first program's. */
static size_t slots_of(const struct planned *planned, uint32_t *slots)
{
	const struct plan_hook *hook = hook_of(planned);
	size_t n = 0;

	assert_int_equal(hook->filters[0].slot, 0);
	for (size_t i = 1; i < hook->n_filters; i++)
		slots[n++] = hook->filters[i].slot;
	for (size_t i = 0; i < hook->n_rules; i++)
		if (hook->rules[i].stage)
			slots[n++] = hook->rules[i].slot;
	for (size_t i = 0; i < n; i++) {
		assert_in_range(slots[i], 1, WEIR_SLOTS - 1);
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(slots[i], slots[j]);
	}
	return n;
}

static void slots_of_generations_are_apart(void **state)
{
	static const char *const rules[] = {
		"use ttl_guard if ip\nuse ttl_guard if ip6\ndrop",
		"use ttl_guard if ip\nuse ttl_guard min_ttl=9\ndrop",
		"use ttl_guard if ip\ncount",
		"use ttl_guard if ip6",
	};
	uint32_t slots[4][16];
	size_t n[4];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		_planned_ planned = plan_rules("xdp", rules[i]);

		n[i] = slots_of(&planned, slots[i]);
		for (size_t j = 0; j < n[i]; j++)
			for (size_t k = 0; k < lab[0].base.n_slots; k++)
				assert_int_not_equal(slots[i][j], lab[0].base.slots[k]);
		lab_apply(&planned);
		assert_int_equal(lab[0].base.n_slots, n[i] + (i ? n[i - 1] : 0));
	}
	assert_int_equal(n[0], 4);
	/* When the fourth was planned, the first was gone. */
	assert_in_range(slots[3][0], 1, 4);
}

static void slots_run_out_with_words(void **state)
{
	uint32_t *slots = calloc(WEIR_SLOTS, sizeof(*slots));

	(void)state;
	assert_non_null(slots);
	for (uint32_t i = 0; i < WEIR_SLOTS; i++)
		slots[i] = i + 1;
	lab[0].base = (struct plan_base){ .loaded = true,
					  .slots = slots,
					  .n_slots = WEIR_SLOTS - 2 }; /* one is left */

	_planned_ fits = plan_rules("xdp", "drop");
	_planned_ planned = plan_rules("xdp", "use ttl_guard");

	assert_int_equal(fits.err, 0);
	assert_refused(&planned, 1, 16, "more than 4096 programs on one hook");
}

/* Programs and paths */

static void assert_program(const struct planned *planned, size_t i, size_t first, size_t end)
{
	const struct plan_hook *hook = hook_of(planned);

	assert_true(i < hook->n_filters);
	assert_int_equal(hook->filters[i].first, first);
	assert_int_equal(hook->filters[i].end, end);
	assert_true(hook->filters[i].prog.n_insns > 0);
}

static void a_policy_of_no_stages_is_one_program(void **state)
{
	_planned_ empty = plan_rules("xdp", "");
	_planned_ some = plan_rules("xdp", "drop if ip\ncount\npass if arp");

	(void)state;
	assert_int_equal(hook_of(&empty)->n_filters, 1);
	assert_program(&empty, 0, 0, 0);
	assert_int_equal(hook_of(&empty)->tail_calls, 1);
	assert_int_equal(hook_of(&some)->n_filters, 1);
	assert_program(&some, 0, 0, 3);
	assert_int_equal(hook_of(&some)->tail_calls, 1);
}

static void a_program_begins_behind_each_stage(void **state)
{
	_planned_ planned = plan_rules("xdp", "drop if ip6\nuse ttl_guard if ip\ncount\n"
					      "use ttl_guard");

	(void)state;
	assert_int_equal(hook_of(&planned)->n_filters, 3);
	assert_program(&planned, 0, 0, 4);
	assert_program(&planned, 1, 2, 4);
	assert_program(&planned, 2, 4, 4);
	assert_int_equal(hook_of(&planned)->tail_calls, 5);
}

static void what_is_behind_the_end_is_said_to_be_dead(void **state)
{
	_planned_ planned = plan_rules("xdp", "count\nuse ttl_guard\ndrop if ip\npass # all\n"
					      "use ttl_guard if arp\ndrop");
	_planned_ alive = plan_rules("xdp", "drop if ip\npass");

	(void)state;
	assert_word(
		&planned, true, 6, 1,
		"this rule and those below it never match: 'pass' in line 5 takes every packet");
	assert_int_equal(words_of(&planned), 1);
	assert_int_equal(words_of(&alive), 0);
	assert_int_equal(hook_of(&planned)->n_rules, 6); /* they are shown, and count nothing */
	assert_int_equal(hook_of(&planned)->n_filters, 2);
	assert_program(&planned, 0, 0, 4);
	assert_program(&planned, 1, 2, 4);
	assert_int_equal(hook_of(&planned)->tail_calls, 3);
}

static struct planned plan_uses(int n, const char *rest)
{
	char rules[4096] = "";

	for (int i = 0; i < n; i++)
		strcat(rules, i % 2 ? "use ttl_guard if ip\n" : "count\nuse ttl_guard\n");
	strcat(rules, rest);
	return plan_rules("xdp", rules);
}

static void sixteen_stages_are_the_most_on_a_path(void **state)
{
	_planned_ most = plan_uses(16, "");
	_planned_ dead = plan_uses(16, "drop\nuse ttl_guard\n");
	_planned_ more = plan_uses(17, "");
	_planned_ named = plan_uses(17, "drop\nuse ttl_guard\n");

	(void)state;
	assert_int_equal(hook_of(&most)->tail_calls, PLAN_TAIL_CALLS_MAX);
	assert_int_equal(hook_of(&dead)->tail_calls, PLAN_TAIL_CALLS_MAX);
	assert_int_equal(more.err, -EINVAL);
	assert_refused(
		&more, 1, 16,
		"a packet could make 35 tail calls here, and the kernel ends a chain after "
		"33: each 'use' costs 2 (lines 3, 4, 6, 7, 9, 10, 12, 13, 15, 16, 18, 19, 21, "
		"22, 24, 25, 27)");
	assert_refused(&named, 1, 16, "24, 25, 27)");
}

/* n rules, each of some twenty instructions. */
static struct planned plan_many(size_t n, const char *behind)
{
	_free_ char *rules = NULL;
	size_t size;
	FILE *f = open_memstream(&rules, &size);

	for (size_t i = 0; i < n; i++)
		fprintf(f, "drop if src host 10.%zu.%zu.%zu and ip[8] < 3\n", i >> 16, i >> 8 & 255,
			i & 255);
	fprintf(f, "%s\n", behind);
	fclose(f);
	return plan_rules("xdp", rules);
}

/* Programs in a row, each rule in one of them, each as large as the verifier likes. */
static size_t assert_split(const struct planned *planned, size_t n_rules)
{
	const struct plan_hook *hook = hook_of(planned);
	size_t at = 0;

	for (size_t i = 0; i < hook->n_filters; i++) {
		assert_int_equal(hook->filters[i].first, at);
		assert_true(hook->filters[i].prog.n_insns <= FILTER_INSNS_MANY);
		at = hook->filters[i].end;
	}
	assert_int_equal(at, n_rules);
	return hook->n_filters;
}

static void a_large_policy_is_several_programs(void **state)
{
	uint32_t slots[64];
	_planned_ planned = plan_many(3000, "");
	size_t n = assert_split(&planned, 3000);

	(void)state;
	assert_in_range(n, 2, 20);
	assert_int_equal(slots_of(&planned, slots), n - 1);
	assert_int_equal(hook_of(&planned)->tail_calls, n);
}

static void splits_and_stages_add_up(void **state)
{
	_planned_ many = plan_many(3000, "");
	size_t n = assert_split(&many, 3000), uses = (PLAN_TAIL_CALLS_MAX - n) / 2;
	char behind[1024] = "";

	(void)state;
	for (size_t i = 0; i < uses; i++)
		strcat(behind, "use ttl_guard if ip\n");

	_planned_ fits = plan_many(3000, behind);

	strcat(behind, "use ttl_guard if ip6\n");

	_planned_ planned = plan_many(3000, behind);

	/* What the stages' rules add may take one more program. */
	assert_in_range(hook_of(&fits)->tail_calls, n + 2 * uses, n + 2 * uses + 1);
	assert_refused(&planned, 1, 16, "each 'use' costs 2 (lines 3002, 3003");
	assert_refused(&planned, 1, 16, "), and the size of the policy ");
}

/* The verifier walks each round of a loop: few such rules fill a program. */
static void a_policy_too_large_for_a_chain_is_told_so(void **state)
{
	_free_ char *rules = NULL;
	size_t size;
	FILE *f = open_memstream(&rules, &size);

	(void)state;
	for (size_t i = 0; i < 900; i++)
		fprintf(f, "drop if ip6 protochain 6 and ip6[%zu] = %zu\n", i % 40, i / 40);
	fclose(f);

	_planned_ planned = plan_rules("xdp", rules);

	assert_refused(&planned, 1, 16,
		       "this policy is too large: its rules fill more than 33 programs");
}

/* What makes another generation */

static bool unchanged(const char *head, const char *rules)
{
	_planned_ planned = plan_rules(head, rules);

	return hook_of(&planned)->unchanged;
}

static void the_same_wish_changes_nothing(void **state)
{
	_planned_ planned = plan_rules("xdp", "drop if ip\nredirect e1 if arp # label\n");

	(void)state;
	assert_false(hook_of(&planned)->unchanged);
	lab_apply(&planned);
	assert_true(unchanged("xdp", "drop if ip\nredirect e1 if arp # label\n"));
	assert_true(unchanged("xdp auto miss pass", "# a comment\n\n drop  if  ip ;\n"
						    "\tredirect e1 if arp #label\n"));
	lab[0].nic.native = NIC_UNKNOWN;
	lab[0].nic.mtu = 1400;
	assert_true(unchanged("xdp", "drop if ip\nredirect e1 if arp # label\n"));
}

static void any_other_wish_changes_it(void **state)
{
	const char *rules = "drop if ip\nredirect e1 if arp # label\n";
	_planned_ planned = plan_rules("xdp", rules);

	(void)state;
	lab_apply(&planned);
	assert_false(unchanged("xdp", "drop if ip\nredirect e1 if arp # other\n"));
	assert_false(unchanged("xdp", "drop if ip\nredirect e1 if arp\n"));
	assert_false(unchanged("xdp", "redirect e1 if arp # label\ndrop if ip\n"));
	assert_false(unchanged("xdp", "drop if ip\n"));
	assert_false(unchanged("xdp", "drop if ip6\nredirect e1 if arp # label\n"));
	assert_false(unchanged("xdp", "drop if ip\nredirect e2 if arp # label\n"));
	assert_false(unchanged("xdp native", rules));
	assert_false(unchanged("xdp miss drop", rules));
	lab[1].nic.ifindex++; /* made anew under its name */
	assert_false(unchanged("xdp", rules));
	lab[1].nic.ifindex--;
	assert_true(unchanged("xdp", rules));
	lab[0].base.attached = false;
	assert_false(unchanged("xdp", rules));
}

static void write_file(const char *path, const void *data, size_t size)
{
	_fclose_ FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, size, f), size);
}

/* A stage's options are its rule's text; its object counts by what is in it, not by its name. */
static void another_object_or_option_changes_it(void **state)
{
	const char *folder = getenv("TMP");
	_free_ char *path = NULL, *rule = NULL, *other = NULL;
	_free_ uint8_t *copy = NULL;
	const void *object;
	size_t size;

	(void)state;
	object = stage_embedded("xdp/ttl_guard", &size);
	assert_true(asprintf(&path, "%s/guard.bpf.o", folder ? folder : "/tmp") > 0);
	assert_true(asprintf(&rule, "use %s if ip", path) > 0);
	assert_true(asprintf(&other, "use %s min_ttl=3 if ip", path) > 0);
	write_file(path, object, size);

	_planned_ planned = plan_rules("xdp", rule);

	lab_apply(&planned);
	assert_true(unchanged("xdp", rule));
	assert_false(unchanged("xdp", other));
	copy = calloc(1, size + 1); /* a byte more behind its end, and it is another file */
	assert_non_null(copy);
	memcpy(copy, object, size);
	write_file(path, copy, size + 1);
	assert_false(unchanged("xdp", rule));
	write_file(path, object, size);
	assert_true(unchanged("xdp", rule));
	assert_int_equal(unlink(path), 0);
}

int main(void)
{
#define test(f) cmocka_unit_test_setup_teardown(f, lab_setup, lab_teardown)
	const struct CMUnitTest tests[] = {
		test(actions_have_their_counters),
		test(rules_keep_their_counters_over_an_apply),
		test(twins_are_told_apart_by_their_order),
		test(labels_are_no_part_of_a_rule),
		test(counters_rest_while_a_generation_has_them),
		test(a_rule_that_was_rolled_away_has_its_counter_still),
		test(a_rule_whose_counters_changed_moves),
		test(the_generation_that_fits_gives_the_counters),
		test(generations_do_not_eat_up_the_counters),
		test(slots_of_generations_are_apart),
		test(slots_run_out_with_words),
		test(a_policy_of_no_stages_is_one_program),
		test(a_program_begins_behind_each_stage),
		test(what_is_behind_the_end_is_said_to_be_dead),
		test(sixteen_stages_are_the_most_on_a_path),
		test(a_large_policy_is_several_programs),
		test(splits_and_stages_add_up),
		test(a_policy_too_large_for_a_chain_is_told_so),
		test(the_same_wish_changes_nothing),
		test(any_other_wish_changes_it),
		test(another_object_or_option_changes_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
