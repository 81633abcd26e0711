// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who a rule is, and where it counts. A rule is known by its normal form (and which occurrence of
 * it), so that its counters go on over an apply. A new rule gets an index that neither the live nor
 * the rollback generation holds: a packet under way in either counts where it always did.
 */
#include <string.h>

#include "abi.h"
#include "plan_parts.h"

static int by_text(const void *a, const void *b)
{
	const struct plan_rule *const *x = a, *const *y = b;
	int order = strcmp((*x)->text, (*y)->text);

	return order ? order : (*x < *y ? -1 : *x > *y);
}

/* The same rule may have needed another number of counters in another generation. */
static int by_identity(const void *a, const void *b)
{
	const struct plan_known *x = a, *y = b;
	int order = strcmp(x->identity, y->identity);

	return order ? order : (x->n_counters > y->n_counters) - (x->n_counters < y->n_counters);
}

/* A stage's reasons are part of it: one that has others now counts other things. */
static int name_rule(struct plan_rule *rule, unsigned int nth)
{
	size_t len;
	FILE *out = open_memstream(&rule->identity, &len);

	if (!out)
		return -ENOMEM;
	fputs(rule->text, out);
	if (nth > 1)
		fprintf(out, " #%u", nth);
	for (size_t i = 0; rule->stage && i < rule->stage->n_reasons; i++)
		fprintf(out, " %s", rule->stage->reasons[i]);
	return fclose(out) ? -ENOMEM : 0;
}

static int name_rules(struct plan_hook *hook)
{
	_free_ struct plan_rule **sorted = calloc(hook->n_rules + 1, sizeof(*sorted));
	unsigned int nth = 1;

	if (!sorted)
		return fail_oom();
	for (size_t i = 0; i < hook->n_rules; i++)
		sorted[i] = &hook->rules[i];
	qsort(sorted, hook->n_rules, sizeof(*sorted), by_text);
	for (size_t i = 0; i < hook->n_rules; i++) {
		nth = i && !strcmp(sorted[i - 1]->text, sorted[i]->text) ? nth + 1 : 1;
		if (name_rule(sorted[i], nth))
			return fail_oom();
	}
	return 0;
}

/*
 * On tc, and with several targets, nobody is told what becomes of a redirect: the kernel carries it
 * out behind the program.
 */
static uint32_t counters_of(const struct plan_rule *rule, enum hook_kind kind)
{
	switch (rule->rule->action.kind) {
	case ACTION_REDIRECT:
		return (kind == HOOK_XDP && rule->rule->action.redirect.n_targets == 1
				? WEIR_REDIRECT_LOST
				: WEIR_RULE_MATCHED) +
		       1;
	case ACTION_SOCKET:
		return WEIR_REDIRECT_LOST + 1;
	case ACTION_USE:
		return WEIR_STAGE_REASONS + rule->stage->n_reasons;
	default:
		return WEIR_RULE_MATCHED + 1;
	}
}

/* The indices in use: taken[i]. All that is known, and what this plan gave out. */
struct taken {
	bool *index;
	uint32_t size, cursor;
};

static void take(struct taken *taken, uint32_t first, uint32_t n)
{
	for (uint32_t i = first; i < first + n && i < taken->size; i++)
		taken->index[i] = true;
}

/* The first gap of n indices. The array is large enough for all to stand behind each other. */
static uint32_t find_gap(struct taken *taken, uint32_t n)
{
	uint32_t run = 0, i = n == 1 ? taken->cursor : WEIR_COUNTER_RULES;

	for (; run < n && i < taken->size; i++)
		run = taken->index[i] ? 0 : run + 1;
	if (n == 1)
		taken->cursor = i;
	take(taken, i - n, n);
	return i - n;
}

static bool keep_index(struct plan_rule *rule, const struct plan_known *known, size_t n)
{
	struct plan_known key = { .identity = rule->identity, .n_counters = rule->n_counters };
	const struct plan_known *found =
		n ? bsearch(&key, known, n, sizeof(*known), by_identity) : NULL;

	if (!found)
		return false;
	rule->counter = found->counter;
	rule->kept = true;
	return true;
}

static int give_counters(struct plan_hook *hook, const struct plan_base *base)
{
	_free_ struct plan_known *known = calloc(base->n_known + 1, sizeof(*known));
	_free_ bool *index = NULL;
	struct taken taken = { .cursor = WEIR_COUNTER_RULES, .size = WEIR_COUNTER_RULES };

	for (size_t i = 0; i < base->n_known; i++) {
		uint32_t end = base->known[i].counter + base->known[i].n_counters;

		taken.size = end > taken.size ? end : taken.size;
	}
	for (size_t i = 0; i < hook->n_rules; i++) {
		hook->rules[i].n_counters = counters_of(&hook->rules[i], hook->hook->kind);
		taken.size += hook->rules[i].n_counters;
	}
	index = taken.index = calloc(taken.size, sizeof(*index));
	if (!known || !index)
		return fail_oom();
	for (size_t i = 0; i < base->n_known; i++) {
		known[i] = base->known[i];
		take(&taken, known[i].counter, known[i].n_counters);
	}
	qsort(known, base->n_known, sizeof(*known), by_identity);
	for (size_t i = 0; i < hook->n_rules; i++) {
		struct plan_rule *rule = &hook->rules[i];

		if (!keep_index(rule, known, base->n_known))
			rule->counter = find_gap(&taken, rule->n_counters);
		if (rule->counter + rule->n_counters > hook->n_counters)
			hook->n_counters = rule->counter + rule->n_counters;
	}
	return 0;
}

static bool slot_is_used(const struct plan_base *base, uint32_t slot)
{
	for (size_t i = 0; i < base->n_slots; i++)
		if (base->slots[i] == slot)
			return true;
	return false;
}

int plan_slot(struct plan_hook *hook, const struct plan_base *base, uint32_t *slot)
{
	do
		hook->last_slot++;
	while (slot_is_used(base, hook->last_slot));
	if (hook->last_slot >= WEIR_SLOTS)
		return fail_at(
			-EINVAL, &hook->hook->pos,
			"this policy needs more than %d programs on one hook: it has too many 'use' rules",
			WEIR_SLOTS);
	*slot = hook->last_slot;
	return 0;
}

static int give_slots(struct plan_hook *hook, const struct plan_base *base)
{
	int err = 0;

	for (size_t i = 0; i < hook->n_rules && !err; i++)
		if (hook->rules[i].stage)
			err = plan_slot(hook, base, &hook->rules[i].slot);
	return err;
}

int plan_indices(struct plan_hook *hook, const struct plan_base *base)
{
	int err;

	hook->n_counters = WEIR_COUNTER_RULES;
	err = name_rules(hook);
	if (!err)
		err = give_counters(hook, base);
	return err ? err : give_slots(hook, base);
}
