// SPDX-License-Identifier: GPL-2.0-only
/*
 * Drops that a packet gets around. A tcpdump expression looks for a header where it is without VLAN
 * tags and IPv6 extension headers, and a later fragment has no ports.
 */
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <stddef.h>

#include "filter/expr.h"
#include "plan_parts.h"

enum {
	ETHERTYPE = 2 * ETH_ALEN,
	FRAGMENT = ETH_HLEN + offsetof(struct iphdr, frag_off),
	NEXT_HEADER = ETH_HLEN + offsetof(struct ipv6hdr, nexthdr),
	OFFSET_MASK = 0x1fff, /* RFC 791 */
	LOAD_16 = BPF_LD | BPF_H | BPF_ABS,
	LOAD_8 = BPF_LD | BPF_B | BPF_ABS,
};

struct around {
	bool tag, header, fragment;
};

/* What a test of what was loaded right before it tells; libpcap has them in a row. */
static void read_test(const struct sock_filter *load, const struct sock_filter *test,
		      struct around *out)
{
	bool equals = test->code == (BPF_JMP | BPF_JEQ | BPF_K);

	out->tag |= equals && load->code == LOAD_16 && load->k == ETHERTYPE;
	out->header |= equals && load->code == LOAD_8 && load->k == NEXT_HEADER;
	out->fragment |= test->code == (BPF_JMP | BPF_JSET | BPF_K) && test->k == OFFSET_MASK &&
			 load->code == LOAD_16 && load->k == FRAGMENT;
}

static bool follows_headers(const struct grammar *grammar)
{
	const struct grammar_node *node;
	size_t i = 0;

	while ((node = grammar_next(grammar, GRAMMAR_VALUE, &i)))
		if (node->quals.type == GRAMMAR_PROTOCHAIN)
			return true;
	return false;
}

/* "not tcp" is true of a tag, too, and what a comparison means nobody knows: nothing is said then.
 */
static bool is_plain(const struct grammar *grammar)
{
	size_t nots = 0, relations = 0;

	return !grammar_next(grammar, GRAMMAR_NOT, &nots) &&
	       !grammar_next(grammar, GRAMMAR_RELATION, &relations);
}

/* 1: there is a way; 0, or a reported error. */
static int find_around(const struct plan_rule *rule, struct around *out)
{
	_cleanup_(grammar_freep) struct grammar *grammar = NULL;
	const struct sock_filter *insns = rule->cbpf.insns, *load = NULL;
	int err = grammar_parse(rule->rule->expr, &rule->rule->expr_pos, &grammar);

	*out = (struct around){ 0 };
	if (err || !is_plain(grammar))
		return err;
	for (size_t i = 0; i < rule->cbpf.n; i++) {
		if (BPF_CLASS(insns[i].code) == BPF_LD)
			load = &insns[i];
		else if (load)
			read_test(load, &insns[i], out);
	}
	out->tag &= !plan_compares_tag(&rule->cbpf);
	out->header &= !follows_headers(grammar);
	return out->tag || out->header || out->fragment;
}

/* Whoever ends with a drop of all the rest lists what may pass. */
static bool drops_the_rest(const struct plan_hook *hook)
{
	for (size_t i = 0; i < hook->n_rules; i++) {
		const struct rule *rule = hook->rules[i].rule;

		if (!rule->expr && !rule->bytecode && policy_action_is_final(&rule->action))
			return rule->action.kind == ACTION_DROP;
	}
	return false;
}

static void say(const struct plan_rule *rule, const struct around *around, size_t more)
{
	const char *comma = around->tag ? ", " : "";
	char others[64] = "";

	if (more)
		snprintf(others, sizeof(others), "; and around %zu more of the rules below", more);
	note_at(&rule->rule->expr_pos, "a packet gets around this drop %s%s%s%s%s%s",
		around->tag ? "by a VLAN tag ('any-vlan' before the expression sees into it)" : "",
		around->header ? comma : "", around->header ? "by an IPv6 extension header" : "",
		around->fragment ? around->header ? ", " : comma : "",
		around->fragment ? "as a later fragment" : "", others);
}

int plan_note_around(const struct plan_hook *hook)
{
	const struct plan_rule *first = NULL;
	struct around found, of_first = { 0 };
	size_t more = 0;

	if (drops_the_rest(hook))
		return 0;
	for (size_t i = 0; i < hook->n_rules; i++) {
		const struct plan_rule *rule = &hook->rules[i];
		bool drops = rule->rule->action.kind == ACTION_DROP && rule->rule->expr;
		int found_one = drops ? find_around(rule, &found) : 0;

		if (found_one < 0)
			return found_one;
		if (!found_one)
			continue;
		more += first != NULL;
		of_first = first ? of_first : found;
		first = first ?: rule;
	}
	if (first)
		say(first, &of_first, more);
	return 0;
}
