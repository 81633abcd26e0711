// SPDX-License-Identifier: GPL-2.0-only
/*
 * The chain's programs. A filter program holds a run of rules; a run begins at the first rule,
 * behind every `use` (where its stage comes back to), and where the one before would grow larger
 * than the verifier likes. A packet that does not match a `use` stays in its program.
 *
 * How large a run is shows when it is compiled: many rules may be one look-up. So it is compiled
 * whole, and cut in parts if that is too much. The last run is the first to be compiled: what
 * jumps to a program names its slot.
 */
#include <stdlib.h>
#include <string.h>

#include "plan_parts.h"

/* What a loop weighs: the verifier walks each round. */
enum { PROTOCHAIN_ROUNDS = 64 };

static enum filter_verb verb_of(const struct action *action)
{
	switch (action->kind) {
	case ACTION_DROP:
		return FILTER_DROP;
	case ACTION_REFLECT:
		return FILTER_REFLECT;
	case ACTION_REDIRECT:
		if (action->redirect.n_targets > 1)
			return FILTER_REDIRECT_ALL;
		return action->redirect.ingress ? FILTER_REDIRECT_INGRESS : FILTER_REDIRECT;
	case ACTION_SOCKET:
		return FILTER_XSK;
	case ACTION_CPU:
		return FILTER_CPU;
	case ACTION_MARK:
		return FILTER_MARK;
	case ACTION_PRIORITY:
		return FILTER_PRIORITY;
	case ACTION_VLAN_PUSH:
		return FILTER_VLAN_PUSH;
	case ACTION_VLAN_POP:
		return FILTER_VLAN_POP;
	case ACTION_COUNT:
		return FILTER_COUNT;
	case ACTION_USE:
		return FILTER_JUMP;
	default:
		return FILTER_PASS;
	}
}

static uint32_t arg_of(const struct plan_hook *hook, const struct plan_rule *rule)
{
	const struct action *action = &rule->rule->action;

	switch (action->kind) {
	case ACTION_USE:
		return rule->slot;
	case ACTION_REDIRECT:
		return hook->hook->kind == HOOK_XDP || action->redirect.n_targets > 1
			       ? rule->target
			       : hook->targets[rule->target].ifindex;
	case ACTION_SOCKET:
		return rule->target;
	case ACTION_MARK:
		return action->mark.value;
	case ACTION_PRIORITY:
		return action->priority;
	case ACTION_VLAN_PUSH:
		return action->vid;
	default:
		return 0;
	}
}

/* Which queues a socket is for; none: all. */
static void set_queues(const struct action *action, struct filter_rule *rule)
{
	rule->otherwise_drop = action->otherwise && action->otherwise->kind == ACTION_DROP;
	for (size_t i = 0; i < action->socket.n_queues; i++)
		for (uint32_t q = action->socket.queues[i].low; q <= action->socket.queues[i].high;
		     q++)
			rule->queues[q / 64] |= 1ull << q % 64;
}

static struct filter_rule filter_rule(const struct plan_hook *hook, const struct plan_rule *rule)
{
	const struct action *action = &rule->rule->action;
	struct filter_rule out = {
		.cbpf = rule->cbpf.n ? &rule->cbpf : NULL,
		.verb = verb_of(action),
		.arg = arg_of(hook, rule),
		.mask = action->kind == ACTION_MARK ? action->mark.mask : 0,
		.counter = rule->counter,
		.cpus = rule->cpus,
		.n_cpus = rule->n_cpus,
	};

	if (action->kind == ACTION_SOCKET)
		set_queues(action, &out);
	if (out.verb == FILTER_REDIRECT_ALL) {
		out.targets = hook->groups[rule->target].ifindexes;
		out.n_targets = hook->groups[rule->target].n;
		out.ingress = action->redirect.ingress;
	}
	return out;
}

/* Rules after which a packet goes on in another program: it has been in a stage, or is changed. */
static bool ends_program(const struct plan_rule *rule)
{
	enum action_kind kind = rule->rule->action.kind;

	return rule->stage || kind == ACTION_VLAN_PUSH || kind == ACTION_VLAN_POP;
}

/* Tail calls from a rule's match to the next rule: to its stage and back; or on, with a new tag. */
static unsigned int calls_of(const struct plan_rule *rule)
{
	return rule->stage ? 2 : ends_program(rule) ? 1 : 0;
}

/* A copy is the CPU's: of no use where another packet can come before it is read. */
bool plan_is_by_helper(const struct plan_hook *hook)
{
	return hook->by_helper ||
	       (hook->preempted && (hook->frags || hook->hook->kind != HOOK_XDP));
}

static struct filter_run empty_run(const struct plan_hook *hook)
{
	return (struct filter_run){
		.hook = hook->hook->kind == HOOK_XDP ? FILTER_XDP : FILTER_TC,
		.frags = hook->frags,
		.by_helper = plan_is_by_helper(hook),
		.miss_drop = hook->hook->miss == MISS_DROP,
	};
}

static struct plan_filter *filter_at(const struct plan_hook *hook, size_t first)
{
	for (size_t i = 0; i < hook->n_filters; i++)
		if (hook->filters[i].first == first)
			return &hook->filters[i];
	return NULL;
}

/* The rules of a hook that can be reached: up to the first that takes every packet. */
static size_t reachable(const struct plan_hook *hook)
{
	for (size_t i = 0; i < hook->n_rules; i++) {
		const struct rule *rule = hook->rules[i].rule;

		if (!rule->expr && !rule->bytecode && policy_action_is_final(&rule->action))
			return i + 1;
	}
	return hook->n_rules;
}

void plan_note_dead(const struct plan_hook *hook)
{
	size_t n = reachable(hook);

	if (n < hook->n_rules)
		note_at(&hook->rules[n].rule->pos,
			"this rule and those below it never match: '%s' in line %u takes every packet",
			hook->rules[n - 1].text, hook->rules[n - 1].rule->pos.line);
}

/* Does it end because of its size, with more rules behind it? */
static bool is_split(const struct plan_hook *hook, const struct plan_filter *filter)
{
	return filter->end < reachable(hook);
}

/*
 * Lines of the rules that take tail calls, on the longest path, which has all that can be reached;
 * how many calls.
 */
static unsigned int name_path(const struct plan_hook *hook, char *text, size_t size)
{
	size_t end = reachable(hook), len = 0;
	unsigned int n = 0;

	text[0] = '\0';
	for (size_t i = 0; i < end; i++) {
		if (!ends_program(&hook->rules[i]))
			continue;
		n += calls_of(&hook->rules[i]);
		if (len + 16 < size)
			len += snprintf(text + len, size - len, "%s%u", len ? ", " : "",
					hook->rules[i].rule->pos.line);
	}
	return n;
}

static int refuse_size(const struct plan_hook *hook)
{
	return fail_at(
		-EINVAL, &hook->hook->pos,
		"this policy is too large: its rules fill more than %d programs, and the kernel ends a chain there: use fewer or shorter ones",
		PLAN_TAIL_CALLS_MAX);
}

static int refuse_path(const struct plan_hook *hook)
{
	char lines[256], splits[64] = "";
	unsigned int n = name_path(hook, lines, sizeof(lines));

	if (!n)
		return refuse_size(hook);
	if (hook->tail_calls > 1 + n)
		snprintf(splits, sizeof(splits), ", and the size of the policy %u",
			 hook->tail_calls - 1 - n);
	return fail_at(
		-EINVAL, &hook->hook->pos,
		"a packet could make %u tail calls here, and the kernel ends a chain after %d: each 'use' costs 2%s (lines %s)%s; use fewer stages",
		hook->tail_calls, PLAN_TAIL_CALLS_MAX,
		hook->hook->kind == HOOK_XDP ? "" : ", each 'vlan' 1", lines, splits);
}

/*
 * Tail calls from each program to the end, the last program first: one to a stage and one back for
 * every `use`, one for every `vlan`, one where a run is split, and the root's own.
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
			if (ends_program(&hook->rules[i]) &&
			    calls_of(&hook->rules[i]) + calls[i + 1] > longest)
				longest = calls_of(&hook->rules[i]) + calls[i + 1];
		calls[filter->first] = longest;
	}
	hook->tail_calls = 1 + calls[0];
	return hook->tail_calls <= PLAN_TAIL_CALLS_MAX ? 0 : refuse_path(hook);
}

int plan_check_stages(struct plan_hook *hook)
{
	size_t n = reachable(hook);

	hook->tail_calls = 1;
	for (size_t i = 0; i < n; i++)
		hook->tail_calls += calls_of(&hook->rules[i]);
	return hook->tail_calls <= PLAN_TAIL_CALLS_MAX ? 0 : refuse_path(hook);
}

/* And as soon as a run has more parts than that: `filter` is the first of them, as yet. */
static int check_parts(const struct plan_hook *hook, const struct plan_filter *filter)
{
	unsigned int n = 1;

	while (filter && is_split(hook, filter)) {
		filter = filter_at(hook, filter->end);
		n++;
	}
	return n <= PLAN_TAIL_CALLS_MAX ? 0 : refuse_size(hook);
}

/* The rules from `first` to `end`, but nothing behind one that takes every packet. */
static size_t run_length(const struct plan_hook *hook, size_t first, size_t end)
{
	for (size_t i = first; i < end; i++)
		if (!hook->rules[i].cbpf.n &&
		    (ends_program(&hook->rules[i]) ||
		     policy_action_is_final(&hook->rules[i].rule->action)))
			return i + 1 - first;
	return end - first;
}

/* Larger than the verifier likes (one rule: than it takes); in how many parts it is not. */
static bool is_too_large(const struct filter_prog *prog, size_t n_rules, unsigned int *parts)
{
	unsigned int by_insns = 1 + prog->n_insns / FILTER_INSNS_GOOD;
	unsigned int by_branches = 1 + prog->branches_deep / FILTER_BRANCHES_GOOD;

	*parts = by_insns > by_branches ? by_insns : by_branches;
	*parts = *parts > 2 ? *parts : 2;
	if (n_rules == 1)
		return prog->branches_deep > FILTER_BRANCHES_MOST;
	return prog->n_insns > FILTER_INSNS_MANY || prog->branches_deep > FILTER_BRANCHES_MANY;
}

static int check_compiled(struct plan_hook *hook, size_t first, size_t n)
{
	for (size_t i = first; i < first + n; i++)
		hook->compiled += cbpf_size(&hook->rules[i].cbpf);
	if (hook->compiled <= PLAN_COMPILED_MAX)
		return 0;
	return fail_at(
		-EINVAL, &hook->hook->pos,
		"this policy is too large: its rules, with those behind each 'use' and 'vlan' once more, are over %d instructions of classic BPF to compile: use fewer or shorter ones",
		PLAN_COMPILED_MAX);
}

/* One program of these rules. -E2BIG, not reported: it is too large; in how many parts it may not
 * be.
 */
static int compile(struct plan_hook *hook, size_t first, size_t end, struct filter_prog *out,
		   unsigned int *parts)
{
	size_t n = run_length(hook, first, end);
	_free_ struct filter_rule *rules = calloc(n + 1, sizeof(*rules));
	struct filter_run run = empty_run(hook);
	int err = rules ? check_compiled(hook, first, n) : fail_oom();
	bool too_large;

	if (err)
		return err;
	for (size_t i = 0; i < n; i++) {
		rules[i] = filter_rule(hook, &hook->rules[first + i]);
		if (rules[i].verb == FILTER_VLAN_PUSH || rules[i].verb == FILTER_VLAN_POP)
			rules[i].slot = filter_at(hook, first + i + 1)->slot;
	}
	run.rules = rules;
	run.n_rules = n;
	run.jump_at_end = end < reachable(hook) && n == end - first;
	if (run.jump_at_end)
		run.end_slot = filter_at(hook, end)->slot;
	err = filter_compile(&run, out);
	too_large = is_too_large(out, n, parts);
	if (!err && too_large) {
		filter_prog_free(out);
		err = -E2BIG;
	}
	return err;
}

/* What a rule adds to a program, against others: tests, those in a loop once a round. */
static size_t weight_of(const struct plan_rule *rule)
{
	size_t n = 1;

	for (size_t i = 0; i < rule->cbpf.n; i++)
		n += BPF_CLASS(rule->cbpf.insns[i].code) == BPF_JMP;
	return cbpf_loops(&rule->cbpf) ? n * PROTOCHAIN_ROUNDS : n;
}

/* Where the last of so many parts of a run begins. */
static size_t last_part(const struct plan_hook *hook, size_t first, size_t end, unsigned int parts)
{
	size_t sum = 0, behind = 0, at = end - 1;

	for (size_t i = first; i < end; i++)
		sum += weight_of(&hook->rules[i]);
	behind = weight_of(&hook->rules[at]);
	while (at > first + 1 && behind + weight_of(&hook->rules[at - 1]) <= sum / parts)
		behind += weight_of(&hook->rules[--at]);
	return at;
}

static int add_filter(struct plan_hook *hook, const struct plan_base *base,
		      struct plan_filter *filter)
{
	int err = filter->first ? plan_slot(hook, base, &filter->slot) : 0;
	struct plan_filter *added = err ? NULL : array_add(hook->filters, hook->n_filters);

	if (!added)
		return err ? err : fail_oom();
	*added = *filter;
	*filter = (struct plan_filter){ 0 };
	return 0;
}

/* The programs of a run: so many, or more if they are too large. The last one is added first. */
static int add_run(struct plan_hook *hook, const struct plan_base *base, size_t first, size_t end,
		   unsigned int parts)
{
	struct plan_filter filter = { .first = first, .end = end };
	size_t last;
	int err = -E2BIG;

	if (parts == 1 && plan_is_refused(hook, first, end))
		parts = 2;
	if (parts == 1 || end - first < 2)
		err = compile(hook, first, end, &filter.prog, &parts);
	if (!err) {
		err = add_filter(hook, base, &filter);
		filter_prog_free(&filter.prog);
		return err ? err : check_parts(hook, &hook->filters[hook->n_filters - 1]);
	}
	if (err != -E2BIG)
		return err;
	if (end - first < 2)
		return fail_at(
			-EINVAL, &hook->rules[first].rule->pos,
			"this rule is too large for one program: make its expression shorter");
	last = last_part(hook, first, end, parts);
	err = filter_at(hook, last) ? 0 : add_run(hook, base, last, end, 1);
	return err ? err : add_run(hook, base, first, last, parts - 1);
}

/* The end of the run that begins at a rule: where one behind it was split, or all of them. */
static size_t end_of_run(const struct plan_hook *hook, size_t first, size_t n)
{
	size_t end = n;

	for (size_t i = 0; i < hook->n_filters; i++) {
		const struct plan_filter *filter = &hook->filters[i];

		if (filter->first > first && filter->end < end)
			end = filter->end;
	}
	return end;
}

static int by_first(const void *a, const void *b)
{
	const struct plan_filter *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

/* Notes */

/* By which rule one is shadowed; or that it is reached, or that no packet comes to a program of it.
 */
enum { REACHED = -1, UNSEEN = -2 };

/* Do packets come to a program: from a rule behind which it begins, or from the part before it? */
static bool is_entered(const struct plan_hook *hook, const struct plan_filter *filter,
		       const ssize_t *by)
{
	if (!filter->first || by[filter->first - 1] == REACHED)
		return true;
	for (size_t i = 0; i < hook->n_filters; i++)
		if (hook->filters[i].end == filter->first)
			return true;
	return false;
}

static void see_shadows(const struct plan_hook *hook, const struct plan_filter *filter, ssize_t *by)
{
	size_t n = run_length(hook, filter->first, filter->end);

	for (size_t i = 0; i < n; i++) {
		uint32_t shadow = filter->prog.shadowed_by[i];
		ssize_t *all = &by[filter->first + i];

		if (shadow == FILTER_REACHED)
			*all = REACHED;
		else if (*all != REACHED)
			*all = filter->first + shadow;
	}
}

static void note_shadow(const struct plan_hook *hook, size_t rule, size_t by)
{
	const struct pos *pos = &hook->rules[rule].rule->pos;

	if (by == rule)
		note_at(pos, "this rule never matches: no packet is as it asks");
	else
		note_at(pos, "this rule never matches: the rule in line %u takes its packets",
			hook->rules[by].rule->pos.line);
}

/*
 * Rules that never match are no error, but hardly meant. Several programs hold a rule that stands
 * behind a `use`: the one of packets that this does not match, and the one that its stage comes
 * back to. So a rule is dead if it is in all of them.
 */
static int note_shadowed(const struct plan_hook *hook)
{
	_free_ ssize_t *by = calloc(hook->n_rules + 1, sizeof(*by));

	if (!by)
		return fail_oom();
	for (size_t i = 0; i < hook->n_rules; i++)
		by[i] = UNSEEN;
	for (size_t i = 0; i < hook->n_filters; i++)
		if (is_entered(hook, &hook->filters[i], by))
			see_shadows(hook, &hook->filters[i], by);
	for (size_t i = 0; i < hook->n_rules; i++)
		if (by[i] >= 0)
			note_shadow(hook, i, by[i]);
	return 0;
}

int plan_filters(struct plan_hook *hook, const struct plan_base *base)
{
	size_t n = reachable(hook);
	int err = plan_check_stages(hook);

	for (size_t i = n + 1; i-- > 0 && !err;)
		if (!i || ends_program(&hook->rules[i - 1]))
			err = add_run(hook, base, i, end_of_run(hook, i, n), 1);
	if (err)
		return err;
	qsort(hook->filters, hook->n_filters, sizeof(*hook->filters), by_first);
	err = note_shadowed(hook);
	return err ? err : check_path(hook);
}
