// SPDX-License-Identifier: GPL-2.0-only
#include "live.h"

#include <signal.h>
#include <string.h>

#include "../attach_tc.h"
#include "../out_json.h"
#include "../compat.h"
#include "../cpus.h"
#include "../fix.h"
#include "cmd.h"

static void hold_signals(sigset_t *before)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGPIPE };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		sigaddset(&set, signals[i]);
	sigprocmask(SIG_BLOCK, &set, before);
}

void live_hold_signals(void)
{
	hold_signals(NULL);
}

int live_open(struct live *live)
{
	sigset_t before;
	int err;

	*live = (struct live){ .tree.lock_fd = -1 };
	err = pin_open(&live->tree);
	if (err)
		return err;
	hold_signals(&before);
	err = chain_recover(&live->tree);
	if (!err)
		err = adopt_recover(&live->tree);
	/* What a driver does not let us restore is said, and tried again by the next command. */
	if (!err)
		fix_recover(&live->tree);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return err;
}

void live_close(struct live *live)
{
	for (size_t i = 0; i < live->n_chains; i++) {
		chain_base_free(&live->chains[i]->base);
		chain_close(&live->chains[i]->chain);
		free(live->chains[i]);
	}
	free(live->chains);
	free(live->adoptions.list);
	free(live->refusals.list);
	pin_close(&live->tree);
}

int live_foresee(struct live *live, const struct policy *policy)
{
	int err = adopt_foresee(&live->tree, policy, &live->adoptions);

	for (size_t i = 0; i < live->adoptions.n && !err; i++)
		note("%s is called %s now: apply lets its policy go on under that name",
		     live->adoptions.list[i].from, live->adoptions.list[i].to);
	return err;
}

int live_adopt(struct live *live, const struct policy *policy, struct adoptions *out)
{
	struct adoptions foreseen = { 0 };
	int err = adopt_foresee(&live->tree, policy, &foreseen);
	size_t done = 0;

	if (foreseen.n)
		live_hold_signals();
	for (; done < foreseen.n && !err; done += !err)
		err = adopt_rename(&live->tree, foreseen.list[done].from, foreseen.list[done].to);
	*out = (struct adoptions){ foreseen.list, done };
	if (err)
		live_give_back(live, out);
	return err;
}

void live_give_back(const struct live *live, const struct adoptions *adopted)
{
	/* What could not even be undone the next command does, under the names of the journal. */
	if (pin_exists(live->tree.journal))
		return;
	for (size_t i = adopted->n; i--;)
		adopt_rename(&live->tree, adopted->list[i].to, adopted->list[i].from);
}

void live_say_adopted(const struct adoptions *adopted)
{
	for (size_t i = 0; i < adopted->n; i++)
		note("%s is called %s now: its policy goes on under that name",
		     adopted->list[i].from, adopted->list[i].to);
}

/*
 * The name that an interface's chain is pinned under: a former one, if that is foreseen to become
 * this; NULL: that of another interface, which will have taken it over by then.
 */
static const char *pinned_name(const struct live *live, const char *name)
{
	for (size_t i = 0; i < live->adoptions.n; i++)
		if (!strcmp(live->adoptions.list[i].to, name))
			return live->adoptions.list[i].from;
	for (size_t i = 0; i < live->adoptions.n; i++)
		if (!strcmp(live->adoptions.list[i].from, name))
			return NULL;
	return name;
}

static int ask_nic(const struct word *name, struct nic *out, void *arg)
{
	(void)arg;
	return nic_probe_at(name->text, &name->pos, out);
}

static int ask_tags(const struct nic *nic, struct nic_tags *out, void *arg)
{
	(void)arg;
	return nic_tags_read(nic, out);
}

static int ask_base(const struct nic *nic, enum hook_kind kind, struct plan_base *out, void *arg)
{
	struct live *live = arg;
	const char *name = pinned_name(live, nic->name);
	struct live_chain *one, **slot;
	int err;

	*out = (struct plan_base){ 0 };
	if (!name)
		return 0;
	one = calloc(1, sizeof(*one));
	slot = one ? array_add(live->chains, live->n_chains) : NULL;
	if (!slot) {
		free(one);
		return fail_oom();
	}
	*slot = one;
	err = chain_base(&live->tree, name, nic->ifindex, kind, &one->chain, &one->base);
	*out = one->base;
	return err == -EINVAL ? -EIO : err; /* the kernel's: the policy is not at fault */
}

static int ask_cpu(uint32_t cpu, const struct pos *where, void *arg)
{
	(void)arg;
	return cpus_check(cpu, where);
}

/* Only who has tc hooks need be able to ask. */
static int ask_tcx(const struct policy *policy, bool *tcx)
{
	for (size_t i = 0; i < policy->n_interfaces; i++) {
		for (size_t j = 0; j < policy->interfaces[i].n_hooks; j++) {
			int known;

			if (policy->interfaces[i].hooks[j].kind == HOOK_XDP)
				continue;
			known = attach_tcx_known();
			*tcx = known > 0;
			return known < 0 ? known : 0;
		}
	}
	return 0;
}

int live_plan(struct live *live, const struct policy *policy, struct plan **out)
{
	struct plan_asks asks = {
		.nic = ask_nic,
		.base = ask_base,
		.cpu = ask_cpu,
		.tags = ask_tags,
		.arg = live,
		.refusals = &live->refusals,
		.by_helper = !compat_has_perfmon(),
		.preempted = compat_is_rt(),
	};
	int err = ask_tcx(policy, &asks.tcx);

	if (!err)
		err = plan_make(policy, &asks, out);
	if (!err && !(*out)->n_hooks && !(*out)->n_removals)
		note("this policy names no interface: there is nothing to do");
	return err;
}

int live_apply(struct live *live, const struct policy *policy, const char *source,
	       struct plan **plan)
{
	int err;

	while ((err = chain_apply(&live->tree, *plan, source)) == -E2BIG) {
		int n = plan_learn(*plan, &live->refusals);

		if (n <= 0)
			return n ? n : err;
		plan_freep(plan);
		err = live_plan(live, policy, plan);
		if (err)
			return err;
	}
	return err;
}

const struct chain *live_chain_of(const struct live *live, const struct plan_hook *hook)
{
	const char *name = pinned_name(live, hook->nic.name);

	for (size_t i = 0; i < live->n_chains && name; i++) {
		const struct live_chain *one = live->chains[i];

		if (one->base.loaded && one->chain.kind == hook->hook->kind &&
		    !strcmp(one->chain.interface, name))
			return &one->chain;
	}
	return NULL;
}

json_t *live_plan_json(const struct live *live, const struct plan *plan)
{
	json_t *hooks = json_array();

	for (size_t i = 0; plan && i < plan->n_hooks; i++)
		json_array_append_new(
			hooks,
			out_json_plan_hook(&plan->hooks[i], live_chain_of(live, &plan->hooks[i])));
	for (size_t i = 0; plan && i < plan->n_removals; i++)
		json_array_append_new(hooks, out_json_removal(&plan->removals[i]));
	return json_pack("{s:o}", "hooks", hooks);
}

int live_exit(int err)
{
	return !err ? CMD_OK : err == -EINVAL ? CMD_POLICY : CMD_FAILED;
}
