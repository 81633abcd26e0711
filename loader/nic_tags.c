// SPDX-License-Identifier: GPL-2.0-only
#include "nic_tags.h"

#include <stdio.h>
#include <string.h>

#include "nic_peer.h"
#include "own.h"

/* What hides tags: of 802.1Q, and of 802.1ad. */
struct hiding {
	const char *name;
	enum nic_feature_id tag, stag;
};

static void put_command(const struct hiding *hiding, const struct nic_ethtool *ethtool,
			struct nic_tags *out)
{
	const enum nic_feature_id ids[] = { hiding->tag, hiding->stag };
	int len = snprintf(out->command, sizeof(out->command), "ethtool -K %s", hiding->name);
	bool any = false;

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		if (!ethtool->features[ids[i]].on || ethtool->features[ids[i]].fixed)
			continue;
		len += snprintf(out->command + len, sizeof(out->command) - len, " %s off",
				nic_feature_name(ids[i]));
		any = true;
	}
	if (!any)
		out->command[0] = '\0';
}

static void judge(const struct hiding *hiding, const struct nic_ethtool *ethtool,
		  struct nic_tags *out)
{
	const struct nic_feature *tag = &ethtool->features[hiding->tag];

	if (tag->on)
		out->hidden = NIC_YES;
	out->fixed = tag->on && tag->fixed;
	out->stag_hidden = ethtool->features[hiding->stag].on;
	put_command(hiding, ethtool, out);
}

static int judge_veth(const struct nic *nic, struct nic_tags *out)
{
	const struct hiding hiding = { nic->peer.name, NIC_TXVLAN, NIC_TXSTAG };
	struct nic_ethtool peer;
	int known = nic_peer_of(nic, &peer);

	out->by_peer = true;
	out->elsewhere = nic->peer.elsewhere;
	if (known <= 0)
		return known;
	out->hidden = NIC_NO;
	judge(&hiding, &peer, out);
	return 0;
}

int nic_tags_judge(const struct nic *nic, const struct nic_ethtool *ethtool, struct nic_tags *out)
{
	const struct hiding hiding = { nic->name, NIC_RXVLAN, NIC_RXSTAG };

	*out = (struct nic_tags){ .hidden = NIC_UNKNOWN };
	if (!strcmp(nic->kind, "veth"))
		return judge_veth(nic, out);
	if (!nic->kind[0] || !strcmp(nic->kind, "tun"))
		out->hidden = NIC_NO;
	judge(&hiding, ethtool, out);
	return 0;
}

int nic_tags_read(const struct nic *nic, struct nic_tags *out)
{
	struct nic_ethtool ethtool;
	int err = nic_ethtool_read(nic, &ethtool);

	return err ? err : nic_tags_judge(nic, &ethtool, out);
}
