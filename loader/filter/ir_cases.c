// SPDX-License-Identifier: GPL-2.0-only
#include "ir_cases.h"

#include <stdlib.h>
#include <string.h>

void ir_cases_free(struct ir_cases *cases)
{
	free(cases->old);
	free(cases->recent);
	*cases = (struct ir_cases){ 0 };
}

/* How many of sorted cases end before `from`. */
static size_t count_before(const struct ir_case *cases, size_t n, uint32_t from)
{
	size_t low = 0;

	while (low < n) {
		size_t middle = low + (n - low) / 2;

		if (cases[middle].last < from)
			low = middle + 1;
		else
			n = middle;
	}
	return low;
}

static const struct ir_case *first_from(const struct ir_case *cases, size_t n, uint32_t from)
{
	size_t at = count_before(cases, n, from);

	return at < n ? &cases[at] : NULL;
}

const struct ir_case *ir_cases_after(const struct ir_cases *cases, uint32_t from)
{
	const struct ir_case *old = first_from(cases->old, cases->n_old, from);
	const struct ir_case *recent = first_from(cases->recent, cases->n_recent, from);

	if (!old || !recent)
		return old ? old : recent;
	return old->first < recent->first ? old : recent;
}

/* Merge the short array into the long one. */
static void merge(struct ir_cases *cases)
{
	size_t n = cases->n_old + cases->n_recent, at = 0, i = 0, j = 0;
	struct ir_case *all = malloc((n + 1) * sizeof(*all));

	if (!all) {
		cases->failed = true;
		cases->n_recent = 0;
		return;
	}
	while (at < n) {
		bool old = j == cases->n_recent ||
			   (i < cases->n_old && cases->old[i].first < cases->recent[j].first);

		all[at++] = old ? cases->old[i++] : cases->recent[j++];
	}
	free(cases->old);
	cases->old = all;
	cases->n_old = n;
	cases->n_recent = 0;
}

void ir_cases_add(struct ir_cases *cases, struct ir_case one)
{
	size_t at;

	if (cases->n_recent == IR_CASES_RECENT)
		merge(cases);
	at = count_before(cases->recent, cases->n_recent, one.first);
	if (!array_add(cases->recent, cases->n_recent)) {
		cases->failed = true;
		return;
	}
	memmove(&cases->recent[at + 1], &cases->recent[at],
		(cases->n_recent - 1 - at) * sizeof(one));
	cases->recent[at] = one;
}

size_t ir_cases_take(struct ir_cases *cases, struct ir_case **out)
{
	size_t n;

	merge(cases);
	n = cases->n_old;
	*out = TAKE(cases->old);
	ir_cases_free(cases);
	return n;
}
