// SPDX-License-Identifier: GPL-2.0-only
/* Where a hook's redirects go, and whether frames arrive there. */
#include <string.h>

#include "abi.h"
#include "plan_parts.h"

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

/* On tc a frame that is sent back to where it is meets the same hook again, and again. */
static int check_loop(const struct plan_hook *hook, const struct word *word, const struct nic *nic,
		      bool ingress)
{
	if (nic->ifindex != hook->nic.ifindex || ingress != (hook->hook->kind == HOOK_INGRESS))
		return 0;
	return fail_at(
		-EINVAL, &word->pos,
		"a frame on %s of '%s' that is redirected to %s of '%s' would meet this rule again, without end: name another interface, or say '%s'",
		policy_hook_name(hook->hook->kind), nic->name, ingress ? "ingress" : "egress",
		nic->name, ingress ? "pass" : "drop");
}

static int check_target(const struct plan_hook *hook, const struct word *word,
			const struct nic *nic, bool ingress, const struct policy *policy)
{
	char hint[512];
	int err = check_target_state(hook, word, nic);

	if (err)
		return err;
	if (hook->hook->kind != HOOK_XDP)
		return check_loop(hook, word, nic, ingress);
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

static bool same_group(const struct plan_group *a, const struct plan_group *b)
{
	return a->n == b->n && !memcmp(a->ifindexes, b->ifindexes, a->n * sizeof(*a->ifindexes));
}

/* Rules that name the same targets share a group. The group is the hook's from here on. */
static int add_group(struct plan_hook *hook, const struct word *word, struct plan_group *group,
		     uint32_t *number)
{
	struct plan_group *added;

	for (*number = 0; *number < hook->n_groups; (*number)++)
		if (same_group(&hook->groups[*number], group))
			return 0;
	if (hook->n_groups == WEIR_GROUPS)
		return fail_at(-EINVAL, &word->pos,
			       "more than %d different lists of redirect targets on one hook",
			       WEIR_GROUPS);
	added = array_add(hook->groups, hook->n_groups);
	if (!added)
		return fail_oom();
	*added = *group;
	group->ifindexes = NULL;
	return 0;
}

static int plan_redirect(struct plan_hook *hook, struct plan_rule *rule,
			 const struct policy *policy, const struct plan_asks *asks)
{
	const struct action *action = &rule->rule->action;
	const struct word *words = action->redirect.targets;
	_free_ uint32_t *ifindexes = calloc(action->redirect.n_targets, sizeof(*ifindexes));
	struct plan_group group = { ifindexes, action->redirect.n_targets };
	int first_err = 0;

	if (!ifindexes)
		return fail_oom();
	for (size_t i = 0; i < group.n; i++) {
		struct nic nic;
		int err = asks->nic(&words[i], &nic, asks->arg);

		if (!err)
			err = check_target(hook, &words[i], &nic, action->redirect.ingress, policy);
		if (!err)
			err = add_target(hook, &words[i], nic.ifindex, &rule->target);
		first_err = first_err ? first_err : err;
		ifindexes[i] = err ? 0 : nic.ifindex;
	}
	if (first_err || group.n == 1)
		return first_err;
	first_err = add_group(hook, words, &group, &rule->target);
	ifindexes = group.ifindexes;
	return first_err;
}

/* Queues may come later (`ethtool -L`): that is no mistake. */
static void note_queues(const struct plan_hook *hook, const struct action *action)
{
	for (size_t i = 0; i < action->socket.n_queues; i++)
		if (hook->nic.rx_queues && action->socket.queues[i].high >= hook->nic.rx_queues)
			note_at(&action->socket.name.pos,
				"no packet comes by queue %u: %s has %u to receive by, from 0 on",
				action->socket.queues[i].high, hook->nic.name, hook->nic.rx_queues);
}

/* Rules that name the same socket share its map. */
static int plan_socket(struct plan_hook *hook, struct plan_rule *rule)
{
	const struct action *action = &rule->rule->action;
	const struct word *name = &action->socket.name;
	const char **added;

	for (size_t i = 0; i < action->socket.n_queues; i++)
		if (action->socket.queues[i].high >= WEIR_SOCKET_QUEUES)
			return fail_at(-EINVAL, &name->pos,
				       "queue %u: a socket has the queues 0 to %d at most",
				       action->socket.queues[i].high, WEIR_SOCKET_QUEUES - 1);
	note_queues(hook, action);
	for (rule->target = 0; rule->target < hook->n_sockets; rule->target++)
		if (!strcmp(hook->sockets[rule->target], name->text))
			return 0;
	if (hook->n_sockets == WEIR_SOCKETS)
		return fail_at(-EINVAL, &name->pos, "more than %d sockets on one hook",
			       WEIR_SOCKETS);
	added = array_add(hook->sockets, hook->n_sockets);
	if (!added)
		return fail_oom();
	*added = name->text;
	return 0;
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
		if (hook->rules[i].rule->action.kind == ACTION_SOCKET) {
			err = plan_socket(hook, &hook->rules[i]);
			first_err = first_err ? first_err : err;
		}
		if (hook->rules[i].rule->action.kind != ACTION_REDIRECT)
			continue;
		err = plan_redirect(hook, &hook->rules[i], policy, asks);
		if (!first_err)
			first_err = err;
	}
	return first_err;
}
