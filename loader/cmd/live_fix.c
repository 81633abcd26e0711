// SPDX-License-Identifier: GPL-2.0-only
#include "live.h"

static const struct hook *xdp_of(const struct interface *interface)
{
	for (size_t i = 0; i < interface->n_hooks; i++)
		if (interface->hooks[i].kind == HOOK_XDP)
			return &interface->hooks[i];
	return NULL;
}

/* Is it about the VLAN tags of what comes in? */
static bool is_of_tags(const struct nic_fix *fix)
{
	return fix->kind == NIC_FIX_FEATURE &&
	       (fix->feature == NIC_RXVLAN || fix->feature == NIC_TXVLAN);
}

/*
 * A filter of VLAN ids hides nothing of what the NIC lets in, and some drivers hold it on, so it is
 * for people to decide.
 */
static void note_filter(const struct nic *nic, struct nic_finding *finding, bool reads_tags)
{
	if (finding->fix.kind != NIC_FIX_FEATURE || finding->fix.feature != NIC_RXVLAN_FILTER)
		return;
	finding->fix.kind = NIC_FIX_NONE;
	if (reads_tags)
		note("%s: %s; `%s`, or `ip link set dev %s promisc on`", nic->name, finding->text,
		     finding->command, nic->name);
}

/* Leave those fixes that a hook has a use for. */
static void choose(const struct nic *nic, struct nic_finding *findings, size_t n,
		   const struct hook *hook, bool reads_tags)
{
	for (size_t i = 0; i < n; i++) {
		note_filter(nic, &findings[i], reads_tags);
		if (is_of_tags(&findings[i].fix) ? !reads_tags : hook->mode == XDP_GENERIC)
			findings[i].fix.kind = NIC_FIX_NONE;
	}
}

static int fix_one(struct live *live, const char *name, const struct hook *hook, bool reads_tags,
		   fix_done_fn done, void *arg)
{
	_free_ struct nic_finding *findings = NULL;
	struct nic nic;
	ssize_t n = nic_look(name, &nic, &findings);

	if (n < 0)
		return n;
	choose(&nic, findings, n, hook, reads_tags);
	return fix_begin(&live->tree, &nic, findings, n, done, arg);
}

int live_fix(struct live *live, const struct policy *policy, fix_done_fn done, void *arg)
{
	for (size_t i = 0; i < policy->n_interfaces; i++) {
		const struct interface *interface = &policy->interfaces[i];
		const struct hook *hook = xdp_of(interface);
		int reads = hook ? plan_reads_tags(hook) : 0, err = reads < 0 ? reads : 0;

		for (size_t j = 0; j < interface->n_names && hook && !err; j++)
			err = fix_one(live, interface->names[j].text, hook, reads, done, arg);
		if (err)
			return err;
	}
	return 0;
}

int live_fix_end(struct live *live, const struct policy *policy, bool keep)
{
	int first_err = 0;

	for (size_t i = 0; i < policy->n_interfaces; i++) {
		const struct interface *interface = &policy->interfaces[i];

		for (size_t j = 0; j < interface->n_names; j++) {
			const char *name = interface->names[j].text;
			int err = keep ? fix_keep(&live->tree, name) : fix_undo(&live->tree, name);

			first_err = first_err ? first_err : err;
		}
	}
	return first_err;
}
