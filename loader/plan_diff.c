// SPDX-License-Identifier: GPL-2.0-only
/*
 * Identities are unique within a hook, so the longest common subsequence of two lists of rules is
 * the longest increasing subsequence of old places in the new order (Hunt & Szymanski, "A fast
 * algorithm for computing longest common subsequences", CACM 20(5), 1977): n log n.
 */
#include "plan_diff.h"

#include <string.h>

enum { NOWHERE = -1 };

struct place {
	const char *identity;
	ssize_t at;
};

static int by_identity(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	return strcmp(x->identity, y->identity);
}

/* old_at[j]: where the new rule j stood, or NOWHERE. */
static int find_places(const struct meta *old, const struct plan_hook *hook, ssize_t *old_at)
{
	size_t n = old ? old->n_rules : 0;
	_free_ struct place *places = calloc(n + 1, sizeof(*places));

	if (!places)
		return fail_oom();
	for (size_t i = 0; i < n; i++)
		places[i] = (struct place){ old->rules[i].identity, i };
	qsort(places, n, sizeof(*places), by_identity);
	for (size_t j = 0; j < hook->n_rules; j++) {
		struct place key = { .identity = hook->rules[j].identity };
		const struct place *found =
			n ? bsearch(&key, places, n, sizeof(*places), by_identity) : NULL;

		old_at[j] = found ? found->at : NOWHERE;
	}
	return 0;
}

/*
 * Set old_at[j] to NOWHERE for all but a longest increasing subsequence. tails[k]: the new rule
 * that ends the best subsequence of length k+1; before[j]: the one that stands before j in it.
 */
static int keep_longest(ssize_t *old_at, size_t n)
{
	_free_ size_t *tails = calloc(n + 1, sizeof(*tails));
	_free_ ssize_t *before = calloc(n + 1, sizeof(*before));
	_free_ bool *kept = calloc(n + 1, sizeof(*kept));
	size_t length = 0;

	if (!tails || !before || !kept)
		return fail_oom();
	for (size_t j = 0; j < n; j++) {
		size_t low = 0, high = length;

		if (old_at[j] == NOWHERE)
			continue;
		while (low < high) {
			size_t middle = (low + high) / 2;

			if (old_at[tails[middle]] < old_at[j])
				low = middle + 1;
			else
				high = middle;
		}
		before[j] = low ? (ssize_t)tails[low - 1] : NOWHERE;
		tails[low] = j;
		if (low == length)
			length++;
	}
	for (ssize_t j = length ? (ssize_t)tails[length - 1] : NOWHERE; j != NOWHERE; j = before[j])
		kept[j] = true;
	for (size_t j = 0; j < n; j++)
		if (!kept[j])
			old_at[j] = NOWHERE;
	return 0;
}

static size_t write_edits(const struct meta *old, const struct plan_hook *hook,
			  const ssize_t *old_at, struct plan_edit *edits)
{
	size_t n_old = old ? old->n_rules : 0, n = 0, i = 0;

	for (size_t j = 0; j <= hook->n_rules; j++) {
		bool end = j == hook->n_rules;
		size_t until = end ? n_old : old_at[j] == NOWHERE ? i : (size_t)old_at[j];

		for (; i < until; i++)
			edits[n++] = (struct plan_edit){ PLAN_REMOVE, old->rules[i].text,
							 old->rules[i].label };
		if (end)
			break;
		edits[n++] = (struct plan_edit){ old_at[j] == NOWHERE ? PLAN_ADD : PLAN_KEEP,
						 hook->rules[j].text, hook->rules[j].rule->label };
		i += old_at[j] != NOWHERE;
	}
	return n;
}

ssize_t plan_diff(const struct meta *old, const struct plan_hook *hook, struct plan_edit **out)
{
	_free_ ssize_t *old_at = calloc(hook->n_rules + 1, sizeof(*old_at));
	int err;

	*out = calloc((old ? old->n_rules : 0) + hook->n_rules + 1, sizeof(**out));
	if (!old_at || !*out)
		return fail_oom();
	err = find_places(old, hook, old_at);
	if (!err)
		err = keep_longest(old_at, hook->n_rules);
	return err ? err : (ssize_t)write_edits(old, hook, old_at, *out);
}
