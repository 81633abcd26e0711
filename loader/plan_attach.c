// SPDX-License-Identifier: GPL-2.0-only
/* How a hook is attached: what the NICs' and the kernel's answers decide. */
#include <string.h>

#include "plan_parts.h"

/*
 * The mode that runs cannot be changed without taking the program off the hook: the kernel knows
 * native or generic, not both.
 */
static int keep_mode(struct plan_hook *hook, const struct plan_base *base)
{
	enum hook_mode wanted = hook->hook->mode;

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

static void add_mode(struct plan_hook *hook, enum hook_mode mode)
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

	if ((nic->native != NIC_NO || nic_driver_has_native(nic)) && !nic_loses_long_frames(nic))
		add_mode(hook, XDP_NATIVE);
	add_mode(hook, XDP_GENERIC);
	if (nic_loses_long_frames(nic))
		len = asprintf(
			&hook->why,
			"native XDP of %s would silently drop long frames of an MTU over %u, and it is %u",
			driver, nic->one_buffer_mtu, nic->mtu);
	else if (nic->native == NIC_UNKNOWN)
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

/*
 * Do programs have to expect packets of several buffers? Where the driver has none, it is no use. A
 * component of libxdp's dispatcher cannot: the dispatcher would have to be told when it is made.
 */
static bool wants_frags(const struct plan_hook *hook)
{
	return !hook->hook->shared && hook->modes[0] == XDP_NATIVE &&
	       nic_needs_frags(&hook->nic) == NIC_YES && hook->nic.frags != NIC_NO;
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

/* What no driver would say. */
static int check_long_frames(const struct plan_hook *hook)
{
	const struct nic *nic = &hook->nic;

	if (hook->modes[0] != XDP_NATIVE || !nic_loses_long_frames(nic))
		return 0;
	return fail_at(
		-EMSGSIZE, &hook->hook->pos,
		"%s would silently drop the long frames that an MTU of %u allows: `ip link set dev %s mtu %u`, or say `xdp generic`",
		driver_of(nic), nic->mtu, nic->name, nic->one_buffer_mtu);
}

/* A root is made for the dispatcher and for its place there, or to stand alone. */
static int keep_shared(const struct plan_hook *hook, const struct plan_base *base)
{
	const struct hook *wanted = hook->hook;

	if (!base->loaded || (wanted->shared == base->shared && wanted->priority == base->priority))
		return 0;
	return fail_at(
		-EBUSY, &wanted->pos,
		"the chain of %s was made to %s, and %s would leave it without a policy for a moment: `weir detach %s`, then apply",
		hook->nic.name, base->shared ? "stand in libxdp's dispatcher" : "stand alone",
		base->shared != wanted->shared ? "changing that" : "another priority there",
		hook->nic.name);
}

int plan_xdp_mode(struct plan_hook *hook, const struct plan_base *base)
{
	int err = check_ethernet(hook) ?: keep_shared(hook, base);

	if (!err)
		err = base->attached ? keep_mode(hook, base) : choose_mode(hook);
	if (!err)
		err = check_long_frames(hook);
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

/*
 * A program of tcx and a filter keep the place that they were attached at. A filter becomes a tcx
 * link where there is tcx after all: it was attached by a process that was not allowed to ask.
 */
static int keep_place(struct plan_hook *hook, const struct plan_base *base, bool tcx)
{
	if (hook->hook->priority != base->priority)
		return fail_at(
			-EBUSY, &hook->hook->pos,
			"%s of %s is attached already, and going to another place among the programs there would leave it without a policy for a moment: `weir detach %s`, then apply",
			policy_hook_name(hook->hook->kind), hook->nic.name, hook->nic.name);
	hook->moves = tcx && base->mode == TC_CLSACT;
	hook->modes[0] = hook->moves ? TC_TCX : base->mode;
	hook->why = strdup(hook->moves ? "the kernel has tcx" : base->why);
	return hook->why ? 0 : fail_oom();
}

int plan_tc_mode(struct plan_hook *hook, const struct plan_base *base, bool tcx)
{
	int err = check_ethernet(hook);

	if (err)
		return err;
	hook->n_modes = 1;
	if (base->attached)
		return keep_place(hook, base, tcx);
	hook->modes[0] = tcx ? TC_TCX : TC_CLSACT;
	hook->why = strdup(tcx ? "the kernel has tcx"
			       : "this kernel has no tcx, which Linux 6.6 brought");
	return hook->why ? 0 : fail_oom();
}
