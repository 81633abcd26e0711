// SPDX-License-Identifier: GPL-2.0-only
#include "nic_tags.h"

#include <stdio.h>
#include <string.h>

#include "nic_peer.h"

static int judge_veth(const struct nic *nic, struct nic_tags *out)
{
	struct nic_peer_settings peer;
	int err = nic_peer_of(nic, &peer);

	if (err)
		return err;
	out->by_peer = true;
	out->elsewhere = nic->peer.elsewhere;
	out->hidden = peer.txvlan;
	if (out->hidden == NIC_YES)
		snprintf(out->command, sizeof(out->command), "ethtool -K %s txvlan off",
			 nic->peer.name);
	return 0;
}

int nic_tags_judge(const struct nic *nic, const struct nic_ethtool *ethtool, struct nic_tags *out)
{
	const struct nic_feature *rxvlan = &ethtool->features[NIC_RXVLAN];

	*out = (struct nic_tags){ .hidden = NIC_UNKNOWN };
	if (!strcmp(nic->kind, "veth"))
		return judge_veth(nic, out);
	if (rxvlan->on)
		out->hidden = NIC_YES;
	else if (!nic->kind[0] || !strcmp(nic->kind, "tun"))
		out->hidden = NIC_NO;
	out->fixed = rxvlan->on && rxvlan->fixed;
	if (rxvlan->on && !rxvlan->fixed)
		snprintf(out->command, sizeof(out->command), "ethtool -K %s rxvlan off", nic->name);
	return 0;
}

int nic_tags_read(const struct nic *nic, struct nic_tags *out)
{
	struct nic_ethtool ethtool;
	int err = nic_ethtool_read(nic, &ethtool);

	return err ? err : nic_tags_judge(nic, &ethtool, out);
}
