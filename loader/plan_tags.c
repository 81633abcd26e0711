// SPDX-License-Identifier: GPL-2.0-only
/* Rules that read VLAN tags, and interfaces that keep them from XDP. */
#include <linux/if_ether.h>
#include <string.h>

#include "filter/expr.h"
#include "plan_parts.h"

static bool is_tag(uint32_t ethertype)
{
	return ethertype == ETH_P_8021Q || ethertype == ETH_P_8021AD || ethertype == 0x9100;
}

/* Is the Ethernet type compared with a tag's? libpcap loads it right before what compares it. */
bool plan_compares_tag(const struct cbpf *prog)
{
	bool loaded = false;

	for (size_t i = 0; i < prog->n; i++) {
		const struct sock_filter *insn = &prog->insns[i];

		if (BPF_CLASS(insn->code) == BPF_LD)
			loaded =
				insn->code == (BPF_LD | BPF_H | BPF_ABS) && insn->k == 2 * ETH_ALEN;
		else if (insn->code == (BPF_JMP | BPF_JEQ | BPF_K) && loaded && is_tag(insn->k))
			return true;
	}
	return false;
}

static bool says_vlan(const struct grammar *grammar)
{
	const struct grammar_node *node;
	size_t i = 0;

	while ((node = grammar_next(grammar, GRAMMAR_WORD, &i)))
		if (!strcmp(node->word, "vlan"))
			return true;
	return false;
}

/*
 * With the tag off, "any-vlan E" finds E where it looks first. 1, 0, or a reported error.
 */
static int reads_tags(const struct rule *rule, const struct cbpf *prog)
{
	_cleanup_(grammar_freep) struct grammar *grammar = NULL;
	size_t i = 0;
	int err;

	if (!plan_compares_tag(prog))
		return 0;
	if (!rule->expr)
		return 1;
	err = grammar_parse(rule->expr, &rule->expr_pos, &grammar);
	if (err)
		return err;
	return says_vlan(grammar) || !grammar_next(grammar, GRAMMAR_ANY_VLAN, &i);
}

int plan_reads_tags(const struct hook *hook)
{
	_cleanup_(shape_cache_freep) struct shape_cache *shapes = shape_cache_new();
	int reads = 0;

	if (!shapes)
		return fail_oom();
	for (size_t i = 0; i < hook->n_rules && !reads; i++) {
		struct plan_rule one = { .rule = &hook->rules[i] };

		reads = plan_compile_rule(&one, shapes) ?: reads_tags(one.rule, &one.cbpf);
		plan_rule_clear(&one);
	}
	return reads;
}

static int refuse(const struct plan_hook *hook, const struct rule *rule,
		  const struct nic_tags *tags)
{
	const char *who = tags->by_peer ? hook->nic.peer.name : hook->nic.name;
	const char *how =
		tags->by_peer ? "keeps them beside the frames that it sends" : "takes them off";
	const char *feature = tags->by_peer ? "txvlan" : "rxvlan";

	if (tags->fixed || !tags->command[0])
		return fail_at(
			-EOPNOTSUPP, &rule->expr_pos,
			"this rule reads VLAN tags, which XDP on %s does not see: %s %s (%s is on, and cannot be turned off); `tc ingress` sees them",
			hook->nic.name, who, how, feature);
	return fail_at(
		-EOPNOTSUPP, &rule->expr_pos,
		"this rule reads VLAN tags, which XDP on %s does not see: %s %s (%s is on): `%s`%s%s",
		hook->nic.name, who, how, feature, tags->command,
		tags->elsewhere ? " in its network namespace" : "",
		tags->elsewhere ? "" : ", or `weir apply --fix-nic`, which restores it on detach");
}

int plan_tags(struct plan_hook *hook, const struct plan_asks *asks)
{
	const struct rule *rule = NULL;
	struct nic_tags tags;
	int err = 0;

	if (hook->hook->kind != HOOK_XDP || !asks->tags)
		return 0;
	for (size_t i = 0; i < hook->n_rules && !err; i++) {
		rule = hook->rules[i].rule;
		err = reads_tags(rule, &hook->rules[i].cbpf);
	}
	if (err <= 0)
		return err;
	err = asks->tags(&hook->nic, &tags, asks->arg);
	if (err)
		return err;
	if (tags.hidden == NIC_YES)
		return refuse(hook, rule, &tags);
	if (tags.stag_hidden)
		note_at(&rule->expr_pos,
			"the outer tags of 802.1ad stay invisible to XDP on %s%s%s%s%s",
			hook->nic.name, tags.command[0] ? ": `" : "", tags.command,
			tags.command[0] ? "`" : "",
			tags.elsewhere ? " in its peer's network namespace" : "");
	if (tags.hidden == NIC_UNKNOWN)
		note_at(&rule->expr_pos,
			"nobody knows whether XDP on %s sees VLAN tags, which this rule reads: watch its counters",
			hook->nic.name);
	return 0;
}
