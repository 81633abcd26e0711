// SPDX-License-Identifier: GPL-2.0-only
#include "plan.h"

#include <inttypes.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>

#include "plan_parts.h"

/* Mistakes that are reported of rules that only a later version can apply. */
enum { LATER_MISTAKES_MAX = 50 };

/* Programs depend on the compiler too: another version plans anew. */
#define PLAN_VERSION "1"

static void hook_clear(struct plan_hook *hook)
{
	for (size_t i = 0; i < hook->n_rules; i++)
		plan_rule_clear(&hook->rules[i]);
	for (size_t i = 0; i < hook->n_filters; i++)
		filter_prog_free(&hook->filters[i].prog);
	free(hook->rules);
	free(hook->filters);
	free(hook->targets);
	for (size_t i = 0; i < hook->n_groups; i++)
		free(hook->groups[i].ifindexes);
	free(hook->groups);
	free(hook->sockets);
	free(hook->cpus);
	free(hook->why);
	free(hook->text);
	free(hook->key);
}

void plan_free(struct plan *plan)
{
	if (!plan)
		return;
	for (size_t i = 0; i < plan->n_hooks; i++)
		hook_clear(&plan->hooks[i]);
	free(plan->hooks);
	free(plan->removals);
	free(plan);
}

void plan_freep(struct plan **plan)
{
	plan_free(*plan);
	*plan = NULL;
}

/* FNV-1a, 64 bits (Fowler, Noll, Vo; RFC 9923): to tell a changed object from the same one. */
static uint64_t hash(const void *data, size_t size)
{
	const uint8_t *p = data;
	uint64_t h = 0xcbf29ce484222325;

	for (size_t i = 0; i < size; i++)
		h = (h ^ p[i]) * 0x100000001b3;
	return h;
}

/* A policy of this interface and hook alone, in normal form. */
static int print_text(struct plan_hook *hook)
{
	struct word name = { .text = hook->nic.name };
	struct interface interface = {
		.names = &name,
		.n_names = 1,
		.hooks = (struct hook *)hook->hook,
		.n_hooks = 1,
	};
	struct policy policy = { .interfaces = &interface, .n_interfaces = 1 };
	size_t len;
	FILE *out = open_memstream(&hook->text, &len);

	if (!out)
		return fail_oom();
	policy_print(&policy, out);
	return fclose(out) ? fail_oom() : 0;
}

/* All that decides which programs are loaded and where packets go. */
static int print_key(struct plan_hook *hook)
{
	size_t len;
	FILE *out = open_memstream(&hook->key, &len);

	if (!out)
		return fail_oom();
	fprintf(out, "plan " PLAN_VERSION "%s\n%s", hook->frags ? " frags" : "", hook->text);
	for (size_t i = 0; i < hook->n_targets; i++)
		fprintf(out, "target %s %u\n", hook->targets[i].name, hook->targets[i].ifindex);
	for (size_t i = 0; i < hook->n_rules; i++) {
		const struct stage *stage = hook->rules[i].stage;

		if (stage)
			fprintf(out, "stage %s %016" PRIx64 "\n", stage->name,
				hash(stage->object, stage->object_size));
	}
	return fclose(out) ? fail_oom() : 0;
}

uint32_t plan_key_target(const char *key, const char *name)
{
	char line[16 + IF_NAMESIZE]; /* no line of the policy's text begins so */
	const char *at;

	snprintf(line, sizeof(line), "\ntarget %s ", name);
	at = strstr(key, line);
	return at ? strtoul(at + strlen(line), NULL, 10) : 0;
}

static int check_later(const struct hook *hook)
{
	int err = 0;

	for (size_t i = 0; i < hook->n_rules; i++) {
		const char *later = plan_later_rule(&hook->rules[i]);
		if (later)
			err = fail_at(-EINVAL, &hook->rules[i].action.pos, "%s", later);
	}
	return err;
}

static int build_programs(struct plan_hook *hook, const struct plan_base *base)
{
	int err = plan_indices(hook, base);

	return err ? err : plan_filters(hook, base);
}

static int plan_one(struct plan_hook *hook, const struct policy *policy,
		    const struct plan_asks *asks)
{
	struct plan_base base = { 0 };
	int err = check_later(hook->hook);

	if (!err)
		err = asks->base(&hook->nic, hook->hook->kind, &base, asks->arg);
	if (err)
		return err;
	hook->by_helper = asks->by_helper;
	hook->preempted = asks->preempted;
	hook->refusals = asks->refusals;
	hook->loaded = base.loaded;
	hook->attached = base.attached;
	err = plan_resolve_rules(hook);
	if (!err)
		err = hook->hook->kind == HOOK_XDP ? plan_xdp_mode(hook, &base)
						   : plan_tc_mode(hook, &base, asks->tcx);
	if (!err)
		err = plan_tags(hook, asks);
	if (!err)
		err = plan_targets(hook, policy, asks);
	if (!err)
		err = plan_cpus(hook, asks);
	if (!err)
		err = print_text(hook);
	if (!err)
		err = print_key(hook);
	if (err)
		return err;
	hook->unchanged = base.attached && !hook->moves && base.key && !strcmp(base.key, hook->key);
	plan_note_dead(hook);
	if (!hook->unchanged)
		return build_programs(hook, &base);
	hook->tail_calls = base.tail_calls;
	return 0;
}

static bool has_hook(const struct interface *interface, enum hook_kind kind)
{
	for (size_t i = 0; i < interface->n_hooks; i++)
		if (interface->hooks[i].kind == kind)
			return true;
	return false;
}

static int plan_removals(struct plan *plan, const struct interface *interface,
			 const struct nic *nic, const struct plan_asks *asks)
{
	for (enum hook_kind kind = HOOK_XDP; kind <= HOOK_EGRESS; kind++) {
		struct plan_base base = { 0 };
		struct plan_removal *removal;
		int err;

		if (has_hook(interface, kind))
			continue;
		err = asks->base(nic, kind, &base, asks->arg);
		if (err)
			return err;
		if (!base.loaded)
			continue;
		removal = array_add(plan->removals, plan->n_removals);
		if (!removal)
			return fail_oom();
		removal->nic = *nic;
		removal->kind = kind;
	}
	return 0;
}

static int plan_interface(struct plan *plan, const struct policy *policy,
			  const struct interface *interface, const struct word *name,
			  const struct plan_asks *asks)
{
	int first_err = 0, err;
	struct nic nic;

	err = asks->nic(name, &nic, asks->arg);
	if (err)
		return err;
	for (size_t i = 0; i < interface->n_hooks; i++) {
		struct plan_hook *hook = array_add(plan->hooks, plan->n_hooks);

		if (!hook)
			return fail_oom();
		hook->interface = interface;
		hook->hook = &interface->hooks[i];
		hook->nic = nic;
		err = plan_one(hook, policy, asks);
		if (!first_err)
			first_err = err;
	}
	err = plan_removals(plan, interface, &nic, asks);
	return first_err ? first_err : err;
}

static void note_helpers(const struct plan *plan, const struct plan_asks *asks)
{
	for (size_t i = 0; i < plan->n_hooks; i++) {
		if (plan->hooks[i].unchanged || !plan_is_by_helper(&plan->hooks[i]))
			continue;
		if (asks->by_helper)
			note("this process has no CAP_PERFMON: the programs will read what lies behind a header of variable length by helper calls, at some 20 ns a load");
		else
			note("this kernel is PREEMPT_RT, where programs have no buffer to themselves: those on tc, or for frames of several buffers, will read packets by helper calls, at some 20 ns a load");
		return;
	}
}

int plan_make(const struct policy *policy, const struct plan_asks *asks, struct plan **out)
{
	_cleanup_(plan_freep) struct plan *plan = calloc(1, sizeof(*plan));
	int first_err = 0;

	*out = NULL;
	if (!plan)
		return fail_oom();
	for (size_t i = 0; i < policy->n_interfaces; i++) {
		const struct interface *interface = &policy->interfaces[i];

		for (size_t j = 0; j < interface->n_names; j++) {
			int err =
				plan_interface(plan, policy, interface, &interface->names[j], asks);

			if (!first_err)
				first_err = err;
			/* The rules are the same for its other names, and so are their mistakes. */
			if (err == -EINVAL)
				break;
		}
	}
	if (first_err)
		return first_err;
	note_helpers(plan, asks);
	*out = TAKE(plan);
	return 0;
}

/*
 * Later versions' words are notes here: a policy may be written before it can be applied. What is
 * wrong with the conditions of such rules is reported; the others are in *can.
 */
static int check_later_rules(const struct hook *hook, bool notes, struct hook *can)
{
	unsigned int mistakes = 0;

	can->n_rules = 0;
	for (size_t i = 0; i < hook->n_rules; i++) {
		const struct rule *rule = &hook->rules[i];
		const char *later;

		if (rule->broken)
			continue;
		later = plan_later_rule(rule);
		if (later && notes)
			note_at(&rule->action.pos, "%s", later);
		if (!later)
			can->rules[can->n_rules++] = *rule;
		else if (mistakes < LATER_MISTAKES_MAX && plan_check_later(rule))
			mistakes++;
	}
	return mistakes ? -EINVAL : 0;
}

static int check_hook(const struct hook *hook, bool notes)
{
	_free_ struct rule *now = calloc(hook->n_rules + 1, sizeof(*now));
	struct plan_hook planned = { 0 };
	struct hook can = *hook;
	int err, later_err, cpus_err, stages_err;

	if (!now)
		return fail_oom();
	can.rules = now;
	later_err = check_later_rules(hook, notes, &can);
	planned.hook = &can;
	err = plan_resolve_rules(&planned);
	cpus_err = plan_cpus(&planned, &(struct plan_asks){ 0 });
	stages_err = plan_check_stages(&planned);
	err = err ?: later_err ?: cpus_err ?: stages_err;
	if (!err && notes)
		err = plan_note_around(&planned);
	hook_clear(&planned);
	return err;
}

static int check(const struct policy *policy, bool notes)
{
	int first_err = 0;

	for (size_t i = 0; i < policy->n_interfaces; i++) {
		for (size_t j = 0; j < policy->interfaces[i].n_hooks; j++) {
			int err = check_hook(&policy->interfaces[i].hooks[j], notes);

			if (!first_err)
				first_err = err;
		}
	}
	return first_err;
}

int plan_check(const struct policy *policy)
{
	return check(policy, true);
}

int plan_read_policy(const char *path, struct policy **out)
{
	_cleanup_(policy_freep) struct policy *policy = NULL;
	int err = policy_read(path, &policy);

	*out = NULL;
	if (err && policy)
		check(policy, false);
	else if (!err)
		*out = TAKE(policy);
	return err;
}
