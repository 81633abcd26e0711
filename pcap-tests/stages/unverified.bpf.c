// SPDX-License-Identifier: GPL-2.0-only
/* A stage that reads beyond what it has checked: the verifier refuses it. */
#include "stage.bpf.h"

STAGE(unverified, "read the TTL without looking for a header")
{
	struct iphdr *ip = pkt->data + ETH_HLEN;

	return ip->ttl ? NEXT : DROP;
}
