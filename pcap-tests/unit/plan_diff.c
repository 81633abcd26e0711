// SPDX-License-Identifier: GPL-2.0-only
/*
 * The difference of two lists of rules against a deliberately naive one. Random lists depend on
 * $SEED only.
 */
#include "../../loader/plan_diff.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h> /* last: it has a macro fail() */

enum { RULES_MAX = 40, LARGE = 20000 };

/* A generation that is live and a plan, each a list of rules "0", "1", "2" … */
struct lists {
	struct meta old;
	struct plan_hook new;
	struct rule *labels;
};

static char *name_of(unsigned int number)
{
	char *name;

	assert_true(asprintf(&name, "%u", number) > 0);
	return name;
}

static struct lists lists_of(const unsigned int *old, size_t n_old, const unsigned int *new,
			     size_t n_new)
{
	struct lists lists = {
		.old = { .rules = calloc(n_old + 1, sizeof(*lists.old.rules)), .n_rules = n_old },
		.new = { .rules = calloc(n_new + 1, sizeof(*lists.new.rules)), .n_rules = n_new },
		.labels = calloc(n_new + 1, sizeof(*lists.labels)),
	};

	assert_true(lists.old.rules && lists.new.rules &&lists.labels);
	for (size_t i = 0; i < n_old; i++) {
		lists.old.rules[i].identity = lists.old.rules[i].text = name_of(old[i]);
		lists.old.rules[i].label = (char *)"old";
	}
	for (size_t i = 0; i < n_new; i++) {
		lists.new.rules[i].identity = lists.new.rules[i].text = name_of(new[i]);
		lists.new.rules[i].rule = &lists.labels[i];
		lists.labels[i].label = (char *)"new";
	}
	return lists;
}

static void lists_free(struct lists *lists)
{
	for (size_t i = 0; i < lists->old.n_rules; i++)
		free(lists->old.rules[i].text);
	for (size_t i = 0; i < lists->new.n_rules; i++)
		free(lists->new.rules[i].text);
	free(lists->old.rules);
	free(lists->new.rules);
	free(lists->labels);
}

/* The edits say one list when the added are left out, and the other without the removed. */
static size_t assert_edits(const struct lists *lists, const struct plan_edit *edits, size_t n)
{
	size_t i = 0, j = 0, kept = 0;

	for (size_t e = 0; e < n; e++) {
		if (edits[e].kind != PLAN_ADD) {
			assert_true(i < lists->old.n_rules);
			assert_string_equal(edits[e].text, lists->old.rules[i++].text);
		}
		if (edits[e].kind != PLAN_REMOVE) {
			assert_true(j < lists->new.n_rules);
			assert_string_equal(edits[e].text, lists->new.rules[j++].text);
		}
		assert_string_equal(edits[e].label, edits[e].kind == PLAN_REMOVE ? "old" : "new");
		kept += edits[e].kind == PLAN_KEEP;
	}
	assert_int_equal(i, lists->old.n_rules);
	assert_int_equal(j, lists->new.n_rules);
	return kept;
}

/* The longest common subsequence, as it is defined. */
static size_t longest(const struct lists *lists)
{
	size_t best[RULES_MAX + 1][RULES_MAX + 1] = { 0 };

	for (size_t i = 1; i <= lists->old.n_rules; i++) {
		for (size_t j = 1; j <= lists->new.n_rules; j++) {
			size_t skip =
				best[i - 1][j] > best[i][j - 1] ? best[i - 1][j] : best[i][j - 1];
			bool same = !strcmp(lists->old.rules[i - 1].identity,
					    lists->new.rules[j - 1].identity);

			best[i][j] = same ? best[i - 1][j - 1] + 1 : skip;
		}
	}
	return best[lists->old.n_rules][lists->new.n_rules];
}

/* How many rules stay. */
static size_t diff(const struct lists *lists)
{
	_free_ struct plan_edit *edits = NULL;
	ssize_t n = plan_diff(&lists->old, &lists->new, &edits);

	assert_true(n >= 0);
	return assert_edits(lists, edits, n);
}

/* n of the numbers below `of`, in random order. */
static void draw(unsigned int *numbers, size_t n, unsigned int of)
{
	for (unsigned int i = 0; i < of; i++)
		numbers[i] = i;
	for (size_t i = 0; i < n; i++) {
		size_t with = i + random() % (of - i);
		unsigned int held = numbers[i];

		numbers[i] = numbers[with];
		numbers[with] = held;
	}
}

static void random_lists_are_as_the_naive_way_has_them(void **state)
{
	const char *seed = getenv("SEED");

	(void)state;
	srandom(seed ? strtoul(seed, NULL, 10) : 1);
	for (int round = 0; round < 5000; round++) {
		unsigned int old[RULES_MAX * 2], new[RULES_MAX * 2];
		size_t of = 1 + random() % (RULES_MAX * 2);
		size_t most = of < RULES_MAX ? of : RULES_MAX;
		size_t n_old = random() % (most + 1), n_new = random() % (most + 1);

		draw(old, n_old, of);
		draw(new, n_new, of);

		struct lists lists = lists_of(old, n_old, new, n_new);

		assert_int_equal(diff(&lists), longest(&lists));
		lists_free(&lists);
	}
}

static void no_list_at_all_is_an_empty_one(void **state)
{
	const unsigned int numbers[] = { 1, 2, 3 };
	struct lists lists = lists_of(NULL, 0, numbers, 3);
	_free_ struct plan_edit *edits = NULL;

	(void)state;
	assert_int_equal(plan_diff(NULL, &lists.new, &edits), 3);
	assert_int_equal(assert_edits(&lists, edits, 3), 0);
	lists.new.n_rules = 0;
	assert_int_equal(diff(&lists), 0);
	lists.new.n_rules = 3;
	lists_free(&lists);
}

/* Labels and texts are shown; identities decide. */
static void a_new_label_is_no_change(void **state)
{
	const unsigned int numbers[] = { 7 };
	struct lists lists = lists_of(numbers, 1, numbers, 1);
	_free_ struct plan_edit *edits = NULL;

	(void)state;
	assert_int_equal(plan_diff(&lists.old, &lists.new, &edits), 1);
	assert_int_equal(edits[0].kind, PLAN_KEEP);
	assert_string_equal(edits[0].label, "new");
	lists_free(&lists);
}

/* A table of all pairs would take 3 GB. */
static void large_lists_take_no_time(void **state)
{
	_free_ unsigned int *old = calloc(LARGE, sizeof(*old)), *new = calloc(LARGE, sizeof(*new));
	struct lists lists;

	(void)state;
	for (unsigned int i = 0; i < LARGE; i++) {
		old[i] = i;
		new[i] = i % 2 ? i : LARGE * 2 - i; /* every second is another rule */
	}
	lists = lists_of(old, LARGE, new, LARGE);
	assert_int_equal(diff(&lists), LARGE / 2);
	lists_free(&lists);
	for (unsigned int i = 0; i < LARGE; i++)
		new[i] = LARGE - 1 - i;
	lists = lists_of(old, LARGE, new, LARGE);
	assert_int_equal(diff(&lists), 1);
	lists_free(&lists);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_lists_are_as_the_naive_way_has_them),
		cmocka_unit_test(no_list_at_all_is_an_empty_one),
		cmocka_unit_test(a_new_label_is_no_change),
		cmocka_unit_test(large_lists_take_no_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
