// SPDX-License-Identifier: GPL-2.0-only
#include "watch_facts.h"

#include <net/if.h>
#include <string.h>

#include "../attach_tc.h"
#include "../attach_xdp.h"
#include "../nic_tags.h"

const char *watch_fact_name(enum watch_fact fact)
{
	static const char *const names[] = {
		[FACT_MTU] = "its MTU",
		[FACT_PEER_MTU] = "its peer's MTU",
		[FACT_QUEUES] = "its queues",
		[FACT_FEATURES] = "its offloads",
		[FACT_TAGS] = "VLAN tags on XDP",
		[FACT_XDP_MODE] = "its mode",
		[FACT_XDP_OTHERS] = "another program on xdp",
		[FACT_INGRESS_OTHERS] = "others on tc ingress",
		[FACT_EGRESS_OTHERS] = "others on tc egress",
	};

	return names[fact];
}

void watch_facts_clear(struct watch_facts *facts)
{
	for (size_t i = 0; i < FACTS; i++)
		free(facts->text[i]);
	memset(facts, 0, sizeof(*facts));
}

static int _printf_(3, 4)
	put(struct watch_facts *out, enum watch_fact fact, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vasprintf(&out->text[fact], format, args);
	va_end(args);
	if (len >= 0)
		return 0;
	out->text[fact] = NULL;
	return fail_oom();
}

static int put_features(const struct nic_ethtool *now, struct watch_facts *out)
{
	size_t len = 0;
	FILE *text = open_memstream(&out->text[FACT_FEATURES], &len);

	if (!text)
		return fail_oom();
	for (size_t i = 0; i < NIC_FEATURES; i++)
		if (now->features[i].there)
			fprintf(text, "%s%s %s", ftell(text) ? ", " : "", nic_feature_name(i),
				now->features[i].on ? "on" : "off");
	return fclose(text) ? fail_oom() : 0;
}

/* -ENODEV, not reported: it has gone meanwhile. */
static int read_nic(const struct nic *nic, struct watch_facts *out)
{
	static const char *const seen[] = { "unknown", "seen", "hidden" };
	struct nic_ethtool now;
	struct nic_tags tags;
	int err = nic_ethtool_try(nic, &now);

	if (!err)
		err = put(out, FACT_MTU, "%u", nic->mtu);
	if (!err && nic->peer.mtu)
		err = put(out, FACT_PEER_MTU, "%u", nic->peer.mtu);
	if (!err)
		err = put(out, FACT_QUEUES, "%u to receive and %u to transmit", nic->rx_queues,
			  nic->tx_queues);
	if (!err)
		err = put_features(&now, out);
	if (!err)
		err = nic_tags_judge(nic, &now, &tags);
	return err ? err : put(out, FACT_TAGS, "%s", seen[tags.hidden]);
}

static int read_xdp(const struct chain *chain, const struct nic *nic, struct watch_facts *out)
{
	struct xdp_holder holders[XDP_HOLDERS_MAX];
	int n = attach_xdp_query(nic, holders), err = 0;
	bool others = false;

	for (int i = 0; i < n && !err; i++) {
		if (chain->at.attached && holders[i].prog_id == chain->at.prog_id) {
			err = put(out, FACT_XDP_MODE, "%s", policy_mode_name(holders[i].mode));
		} else if (!others) {
			err = put(out, FACT_XDP_OTHERS, "'%s' (id %u)", holders[i].prog_name,
				  holders[i].prog_id);
			others = true;
		}
	}
	if (n >= 0 && !err && !others)
		err = put(out, FACT_XDP_OTHERS, "none");
	return n < 0 ? n : err;
}

static void print_holder(FILE *text, const struct tc_holder *holder)
{
	fprintf(text, "%s", ftell(text) ? ", " : "");
	if (holder->prog_id)
		fprintf(text, "'%s' (%s, id %u)", holder->name, policy_mode_name(holder->mode),
			holder->prog_id);
	else
		fprintf(text, "%s (preference %u)", holder->name, holder->pref);
}

static int read_tc(const struct chain *chain, const struct nic *nic, struct watch_facts *out)
{
	enum watch_fact fact =
		chain->kind == HOOK_INGRESS ? FACT_INGRESS_OTHERS : FACT_EGRESS_OTHERS;
	_free_ struct tc_holder *holders = NULL;
	size_t n = 0, len = 0;
	int err = attach_tc_query(nic->ifindex, nic->name, chain->kind, &holders, &n);
	FILE *text = err ? NULL : open_memstream(&out->text[fact], &len);

	if (!text)
		return err ? err : fail_oom();
	for (size_t i = 0; i < n; i++)
		if (!chain->at.attached || holders[i].prog_id != chain->at.prog_id)
			print_holder(text, &holders[i]);
	if (!ftell(text))
		fputs("none", text);
	return fclose(text) ? fail_oom() : 0;
}

static int read_chain(const struct pin_tree *tree, const struct nic *nic, enum hook_kind kind,
		      struct watch_facts *out)
{
	struct chain chain;
	int err = chain_open(tree, nic->name, kind, &chain);

	if (err)
		return err == -ENOENT ? 0 : err;
	out->attached &= chain.at.attached && chain.at.ifindex == nic->ifindex;
	err = kind == HOOK_XDP ? read_xdp(&chain, nic, out) : read_tc(&chain, nic, out);
	chain_close(&chain);
	return err;
}

int watch_facts_read(const struct pin_tree *tree, const char *interface, struct watch_facts *out)
{
	struct nic nic;
	int err;

	memset(out, 0, sizeof(*out));
	if (!if_nametoindex(interface))
		return 0;
	err = nic_probe(interface, &nic);
	if (!err)
		err = read_nic(&nic, out);
	out->ifindex = nic.ifindex;
	out->attached = true;
	for (enum hook_kind kind = HOOK_XDP; kind <= HOOK_EGRESS && !err; kind++)
		err = read_chain(tree, &nic, kind, out);
	if (err != -ENODEV)
		return err;
	watch_facts_clear(out);
	return 0;
}
