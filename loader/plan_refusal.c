// SPDX-License-Identifier: GPL-2.0-only
/*
 * How complex the verifier finds a program shows when it walks it: what decides is how many ways
 * lead to each instruction with different things known there. So a program that it gives up on
 * (1,000,000 instructions walked) is remembered, and the rules are planned again, in two.
 */
#include "plan_parts.h"

bool plan_is_refused(const struct plan_hook *hook, size_t first, size_t end)
{
	for (size_t i = 0; hook->refusals && i < hook->refusals->n; i++) {
		const struct plan_refusal *refusal = &hook->refusals->list[i];

		if (refusal->hook == hook->hook && first <= refusal->first && end >= refusal->end)
			return true;
	}
	return false;
}

static int learn(const struct plan_hook *hook, const struct plan_filter *filter,
		 struct plan_refusals *all)
{
	struct plan_refusal *refusal = array_add(all->list, all->n);

	if (!refusal)
		return fail_oom();
	*refusal = (struct plan_refusal){ hook->hook, filter->first, filter->end };
	note_at(&hook->rules[filter->first].rule->pos,
		"the kernel's verifier finds the rules from here to line %u too complex for one program: they become two",
		hook->rules[filter->end - 1].rule->pos.line);
	return 0;
}

int plan_learn(const struct plan *plan, struct plan_refusals *all)
{
	int n = 0;

	for (size_t i = 0; i < plan->n_hooks; i++) {
		const struct plan_hook *hook = &plan->hooks[i];

		for (size_t j = 0; j < hook->n_filters; j++) {
			const struct plan_filter *filter = &hook->filters[j];

			if (!filter->refused || filter->end - filter->first < 2)
				continue;
			if (learn(hook, filter, all))
				return -ENOMEM;
			n++;
		}
	}
	return n;
}
