// SPDX-License-Identifier: GPL-2.0-only
#include "stage.bpf.h"

REASONS(TTL_LOW);

const volatile struct {
	__u8 min_ttl __doc("drop below this TTL");
} conf = { .min_ttl = 2 };

STAGE(ttl_guard, "drop IPv4 packets whose TTL is too low")
{
	struct iphdr *ip = pkt_ipv4(pkt);

	if (ip && ip->ttl < conf.min_ttl)
		return stage_drop(TTL_LOW);
	return NEXT;
}
