// SPDX-License-Identifier: GPL-2.0-only
/* How a hook is attached, and where its redirects go: what the NICs' answers decide. */
#include <string.h>

#include "abi.h"
#include "plan_parts.h"

/*
 * The mode that runs cannot be changed without taking the program off the hook: the kernel knows
 * native or generic, not both.
 */
static int keep_mode(struct plan_hook *hook, const struct plan_base *base)
{
	enum xdp_mode wanted = hook->hook->mode;

	if (wanted != XDP_AUTO && wanted != base->mode)
		return fail_at(
			-EBUSY, &hook->hook->pos,
			"%s is attached in %s mode, and going to %s would leave it without a policy for a moment: `weir detach %s`, then apply",
			hook->nic.name, policy_mode_name(base->mode), policy_mode_name(wanted),
			hook->nic.name);
	hook->modes[0] = base->mode;
	hook->n_modes = 1;
	hook->why = strdup(base->why);
	return hook->why ? 0 : fail_oom();
}

static void add_mode(struct plan_hook *hook, enum xdp_mode mode)
{
	hook->modes[hook->n_modes++] = mode;
}

/* "frobnicator", "veth"; "its driver" where nobody says. */
static const char *driver_of(const struct nic *nic)
{
	if (nic->driver[0])
		return nic->driver;
	return nic->kind[0] ? nic->kind : "its driver";
}

/* Native where it may be: should the driver refuse, its own words say why. */
static int choose_auto(struct plan_hook *hook)
{
	const struct nic *nic = &hook->nic;
	const char *driver = driver_of(nic);
	int len;

	if (nic->native != NIC_NO || nic_driver_has_native(nic))
		add_mode(hook, XDP_NATIVE);
	add_mode(hook, XDP_GENERIC);
	if (nic->native == NIC_UNKNOWN)
		len = asprintf(&hook->why, "nobody knew beforehand whether %s has native XDP",
			       driver);
	else
		len = asprintf(&hook->why, "%s has %snative XDP%s (the %s says so)", driver,
			       nic->native == NIC_NO ? "no " : "",
			       nic->native == NIC_NO && hook->modes[0] == XDP_NATIVE
				       ? " in its present state"
				       : "",
			       nic_source_name(nic->source));
	if (len < 0) {
		hook->why = NULL;
		return fail_oom();
	}
	if (hook->modes[0] == XDP_GENERIC)
		note("%s: generic XDP, which is slower: %s", nic->name, hook->why);
	return 0;
}

static int choose_mode(struct plan_hook *hook)
{
	if (hook->hook->mode == XDP_AUTO)
		return choose_auto(hook);
	add_mode(hook, hook->hook->mode);
	hook->why = strdup("a policy asked for it");
	return hook->why ? 0 : fail_oom();
}

/* Do programs have to expect packets of several buffers? Where the driver has none, it is no use.
 */
static bool wants_frags(const struct plan_hook *hook)
{
	return hook->modes[0] == XDP_NATIVE && nic_needs_frags(&hook->nic) == NIC_YES &&
	       hook->nic.frags != NIC_NO;
}

static int check_ethernet(const struct plan_hook *hook)
{
	const char *kind = hook->nic.kind[0] ? hook->nic.kind : hook->nic.driver;

	if (hook->nic.ethernet)
		return 0;
	return fail_at(
		-EOPNOTSUPP, &hook->hook->pos,
		"'%s'%s%s%s has no Ethernet: its frames have no Ethernet header, where every rule begins to read%s",
		hook->nic.name, kind[0] ? " (" : "", kind, kind[0] ? ")" : "",
		strcmp(kind, "tun") ? "" : "; `ip tuntap add mode tap` makes one that has");
}

int plan_attach_mode(struct plan_hook *hook, const struct plan_base *base)
{
	int err = check_ethernet(hook);

	if (!err)
		err = base->attached ? keep_mode(hook, base) : choose_mode(hook);
	if (err)
		return err;
	hook->frags = base->loaded ? base->frags : wants_frags(hook);
	if (wants_frags(hook) && !hook->frags)
		return fail_at(
			-EBUSY, &hook->hook->pos,
			"the MTU of %s has grown beyond what its loaded programs can take: `weir detach %s`, then apply",
			hook->nic.name, hook->nic.name);
	return 0;
}

/* Will this policy attach native XDP to it? Most drivers take redirected frames only then. */
static bool gets_native(const struct policy *policy, const char *name)
{
	for (size_t i = 0; i < policy->n_interfaces; i++) {
		const struct interface *interface = &policy->interfaces[i];

		for (size_t j = 0; j < interface->n_names; j++)
			for (size_t k = 0; k < interface->n_hooks; k++)
				if (!strcmp(interface->names[j].text, name) &&
				    interface->hooks[k].kind == HOOK_XDP &&
				    interface->hooks[k].mode != XDP_GENERIC)
					return true;
	}
	return false;
}

/* The longest that comes in: a veth takes what its peer sends. */
static uint32_t mtu_in(const struct nic *nic)
{
	return !strcmp(nic->kind, "veth") && nic->peer.mtu ? nic->peer.mtu : nic->mtu;
}

/* A veth takes redirected frames by what its peer has, others by their own program. */
static bool will_be_target(const struct nic *nic, const struct policy *policy)
{
	if (strcmp(nic->kind, "veth"))
		return gets_native(policy, nic->name);
	return nic->peer.ifindex && !nic->peer.elsewhere && gets_native(policy, nic->peer.name);
}

static int check_target_state(const struct plan_hook *hook, const struct word *word,
			      const struct nic *nic)
{
	if (!nic->ethernet)
		return fail_at(
			-EOPNOTSUPP, &word->pos,
			"'%s' has no Ethernet: frames redirected to it would keep an Ethernet header that nobody there expects",
			nic->name);
	if (!nic->up)
		return fail_at(
			-ENETDOWN, &word->pos,
			"'%s' is down: every frame redirected to it would be lost; `ip link set %s up`",
			nic->name, nic->name);
	if (!nic->carrier)
		note_at(&word->pos,
			"'%s' has no carrier: frames redirected to it are lost until it has one",
			nic->name);
	if (nic->mtu < mtu_in(&hook->nic))
		note_at(&word->pos,
			"the MTU of '%s' is %u, and %s takes in up to %u: longer frames redirected to it are lost",
			nic->name, nic->mtu, hook->nic.name, mtu_in(&hook->nic));
	return 0;
}

static int check_target(const struct plan_hook *hook, const struct word *word,
			const struct nic *nic, const struct policy *policy)
{
	char hint[512];
	int err = check_target_state(hook, word, nic);

	if (err)
		return err;
	if (hook->modes[0] != XDP_NATIVE || nic->target == NIC_YES)
		return 0;
	if (nic->target == NIC_UNKNOWN) {
		note_at(&word->pos,
			"nobody knows whether '%s' takes redirected frames: watch its counters",
			nic->name);
		return 0;
	}
	if (will_be_target(nic, policy))
		return 0;
	nic_target_hint(nic, hint, sizeof(hint));
	return fail_at(-EOPNOTSUPP, &word->pos, "every frame redirected to '%s' would be lost: %s",
		       nic->name, hint);
}

static int add_target(struct plan_hook *hook, const struct word *word, uint32_t ifindex,
		      uint32_t *key)
{
	struct plan_target *target;

	for (*key = 0; *key < hook->n_targets; (*key)++)
		if (!strcmp(hook->targets[*key].name, word->text))
			return 0;
	if (hook->n_targets == WEIR_TARGETS)
		return fail_at(-EINVAL, &word->pos, "more than %d redirect targets on one hook",
			       WEIR_TARGETS);
	target = array_add(hook->targets, hook->n_targets);
	if (!target)
		return fail_oom();
	target->name = word->text;
	target->ifindex = ifindex;
	return 0;
}

static int plan_target(struct plan_hook *hook, struct plan_rule *rule, const struct policy *policy,
		       const struct plan_asks *asks)
{
	const struct word *word = &rule->rule->action.redirect.targets[0];
	struct nic nic;
	int err = asks->nic(word, &nic, asks->arg);

	if (!err)
		err = check_target(hook, word, &nic, policy);
	return err ? err : add_target(hook, word, nic.ifindex, &rule->target);
}

/*
 * veth_xdp_tx() puts frames into the ring of the peer, which reads it for an XDP program only
 * (GRO does not do here; tried on 6.18).
 */
static void note_reflect(const struct plan_hook *hook, const struct plan_rule *rule)
{
	if (hook->modes[0] == XDP_NATIVE && !strcmp(hook->nic.kind, "veth"))
		note_at(&rule->rule->pos,
			"what a veth reflects in native mode arrives only if its peer has a native XDP program (an empty policy will do)");
}

int plan_targets(struct plan_hook *hook, const struct policy *policy, const struct plan_asks *asks)
{
	int first_err = 0;

	for (size_t i = 0; i < hook->n_rules; i++) {
		int err;

		if (hook->rules[i].rule->action.kind == ACTION_REFLECT)
			note_reflect(hook, &hook->rules[i]);
		if (hook->rules[i].rule->action.kind != ACTION_REDIRECT)
			continue;
		err = plan_target(hook, &hook->rules[i], policy, asks);
		if (!first_err)
			first_err = err;
	}
	return first_err;
}
