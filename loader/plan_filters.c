// SPDX-License-Identifier: GPL-2.0-only
/*
 * The chain's programs. A filter program holds a run of rules; a run begins at the first rule,
 * behind every `use` (where its stage comes back to), and where the one before would grow larger
 * than the verifier likes. A packet that does not match a `use` stays in its program.
 */
#include <string.h>

#include "plan_parts.h"

static enum filter_verb verb_of(enum action_kind kind)
{
	switch (kind) {
	case ACTION_DROP:
		return FILTER_DROP;
	case ACTION_REFLECT:
		return FILTER_REFLECT;
	case ACTION_REDIRECT:
		return FILTER_REDIRECT;
	case ACTION_COUNT:
		return FILTER_COUNT;
	case ACTION_USE:
		return FILTER_JUMP;
	default:
		return FILTER_PASS;
	}
}

static struct filter_rule filter_rule(const struct plan_rule *rule)
{
	return (struct filter_rule){
		.cbpf = rule->cbpf.n ? &rule->cbpf : NULL,
		.verb = verb_of(rule->rule->action.kind),
		.arg = rule->stage ? rule->slot : rule->target,
		.counter = rule->counter,
	};
}

static struct filter_run empty_run(const struct plan_hook *hook)
{
	return (struct filter_run){
		.hook = FILTER_XDP,
		.frags = hook->frags,
		.by_helper = hook->by_helper,
		.miss_drop = hook->hook->miss == MISS_DROP,
	};
}

/* Rules up to the first that takes every packet; those behind it are said to be dead. */
static size_t reachable(const struct plan_hook *hook)
{
	for (size_t i = 0; i < hook->n_rules; i++) {
		const struct rule *rule = hook->rules[i].rule;

		if (rule->expr || rule->bytecode || !policy_action_is_final(&rule->action))
			continue;
		if (i + 1 < hook->n_rules)
			note_at(&rule[1].pos,
				"this rule and those below it never match: '%s' in line %u takes every packet",
				hook->rules[i].text, rule->pos.line);
		return i + 1;
	}
	return hook->n_rules;
}

/* Where programs begin: begins[i], rules 0 … n; and where one must end because of its size. */
static void find_starts(const struct plan_hook *hook, size_t n, bool *begins, bool *splits)
{
	const struct filter_run run = empty_run(hook);
	struct filter_size sum = { 0 };

	begins[0] = true;
	for (size_t i = 0; i < n; i++) {
		const struct filter_rule rule = filter_rule(&hook->rules[i]);
		struct filter_size size = filter_rule_size(&run, &rule);

		sum.insns += size.insns;
		sum.branches += size.branches;
		if (i && (sum.insns > FILTER_INSNS_GOOD || sum.branches > FILTER_BRANCHES_GOOD)) {
			begins[i] = splits[i] = true;
			sum = size;
		}
		if (rule.verb == FILTER_JUMP)
			begins[i + 1] = true;
	}
}

static int cut_into_programs(struct plan_hook *hook)
{
	size_t n = reachable(hook);
	_free_ bool *begins = calloc(n + 2, sizeof(*begins)),
		    *splits = calloc(n + 2, sizeof(*splits));

	if (!begins || !splits)
		return fail_oom();
	find_starts(hook, n, begins, splits);
	for (size_t i = 0; i <= n; i++) {
		struct plan_filter *filter;
		size_t end = i + 1;

		if (!begins[i])
			continue;
		while (end < n && !splits[end])
			end++;
		filter = array_add(hook->filters, hook->n_filters);
		if (!filter)
			return fail_oom();
		filter->first = i;
		filter->end = end < n ? end : n;
	}
	return 0;
}

static struct plan_filter *filter_at(const struct plan_hook *hook, size_t first)
{
	for (size_t i = 0; i < hook->n_filters; i++)
		if (hook->filters[i].first == first)
			return &hook->filters[i];
	return NULL;
}

static bool is_split(const struct plan_hook *hook, const struct plan_filter *filter)
{
	const struct plan_filter *last = &hook->filters[hook->n_filters - 1];

	return filter->end < last->end;
}

/* Lines of the stages on the longest path, which has all that can be reached; how many. */
static unsigned int name_path(const struct plan_hook *hook, char *text, size_t size)
{
	size_t end = hook->filters[hook->n_filters - 1].end, len = 0;
	unsigned int n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < end; i++) {
		if (!hook->rules[i].stage)
			continue;
		n++;
		if (len + 16 < size)
			len += snprintf(text + len, size - len, "%s%u", len ? ", " : "",
					hook->rules[i].rule->pos.line);
	}
	return n;
}

static int refuse_path(const struct plan_hook *hook)
{
	char lines[256], splits[64] = "";
	unsigned int n = name_path(hook, lines, sizeof(lines));

	if (!n)
		return fail_at(
			-EINVAL, &hook->hook->pos,
			"this policy is too large: its rules fill %zu programs, and the kernel ends a chain after %d: use fewer or shorter ones",
			hook->n_filters, PLAN_TAIL_CALLS_MAX);
	if (hook->tail_calls > 1 + 2 * n)
		snprintf(splits, sizeof(splits), ", and the size of the policy %u",
			 hook->tail_calls - 1 - 2 * n);
	return fail_at(
		-EINVAL, &hook->hook->pos,
		"a packet could make %u tail calls here, and the kernel ends a chain after %d: each 'use' costs 2 (lines %s)%s; use fewer stages",
		hook->tail_calls, PLAN_TAIL_CALLS_MAX, lines, splits);
}

/*
 * Tail calls from each program to the end, the last program first: one to a stage and one back for
 * every `use`, one where a run is split, and the root's own.
 */
static int check_path(struct plan_hook *hook)
{
	_free_ unsigned int *calls = calloc(hook->n_rules + 2, sizeof(*calls));

	if (!calls)
		return fail_oom();
	for (size_t f = hook->n_filters; f-- > 0;) {
		const struct plan_filter *filter = &hook->filters[f];
		unsigned int longest = is_split(hook, filter) ? 1 + calls[filter->end] : 0;

		for (size_t i = filter->first; i < filter->end; i++)
			if (hook->rules[i].stage && 2 + calls[i + 1] > longest)
				longest = 2 + calls[i + 1];
		calls[filter->first] = longest;
	}
	hook->tail_calls = 1 + calls[0];
	return hook->tail_calls <= PLAN_TAIL_CALLS_MAX ? 0 : refuse_path(hook);
}

int plan_filters(struct plan_hook *hook)
{
	int err = cut_into_programs(hook);

	return err ? err : check_path(hook);
}

/* The rules of a program, but nothing behind one that takes every packet. */
static size_t run_length(const struct plan_hook *hook, const struct plan_filter *filter)
{
	for (size_t i = filter->first; i < filter->end; i++)
		if (!hook->rules[i].cbpf.n && hook->rules[i].rule->action.kind != ACTION_COUNT)
			return i + 1 - filter->first;
	return filter->end - filter->first;
}

static int compile(struct plan_hook *hook, struct plan_filter *filter)
{
	size_t n = run_length(hook, filter);
	_free_ struct filter_rule *rules = calloc(n + 1, sizeof(*rules));
	struct filter_run run = empty_run(hook);
	int err;

	if (!rules)
		return fail_oom();
	for (size_t i = 0; i < n; i++)
		rules[i] = filter_rule(&hook->rules[filter->first + i]);
	run.rules = rules;
	run.n_rules = n;
	run.jump_at_end = is_split(hook, filter) && n == filter->end - filter->first;
	if (run.jump_at_end)
		run.end_slot = filter_at(hook, filter->end)->slot;
	err = filter_compile(&run, &filter->prog);
	if (err == -E2BIG)
		return fail_at(
			-EINVAL, &hook->rules[filter->first].rule->pos,
			"this rule is too large for one program: make its expression shorter");
	return err;
}

int plan_compile(struct plan_hook *hook)
{
	int err = 0;

	for (size_t i = 0; i < hook->n_filters && !err; i++)
		err = compile(hook, &hook->filters[i]);
	return err;
}
