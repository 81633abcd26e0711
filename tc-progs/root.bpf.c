// SPDX-License-Identifier: GPL-2.0-only
/*
 * The root on tc: attached once to an interface's ingress or egress, by a tcx link or as a
 * direct-action filter of clsact, it stays while generations come and go. It does one thing:
 * tail-call slot 0. What stands there is the policy.
 */
#include <linux/pkt_cls.h>
#include <stdbool.h>

#include "chain.bpf.h"

/* Set at each flip: a generation's `miss`. */
__u32 miss_verdict = TC_ACT_UNSPEC;

/* enum weir_root_place; the loader's. */
const volatile __u32 place = WEIR_ROOT_ALONE;

static __always_inline bool is_taken(void)
{
	__u32 key = WEIR_COUNTER_TURN;
	struct weir_counter *turn = bpf_map_lookup_elem(&counters, &key);
	bool taken = turn && turn->packets;

	if (turn)
		turn->packets = place == WEIR_ROOT_TAKES;
	return taken;
}

SEC("tc")
int weir_root(struct __sk_buff *skb)
{
	__u32 key = WEIR_COUNTER_MISS;
	struct weir_counter *counter;

	if (place != WEIR_ROOT_ALONE && is_taken() && place == WEIR_ROOT_YIELDS)
		return TC_ACT_UNSPEC;
	bpf_tail_call_static(skb, &slots, 0);
	counter = bpf_map_lookup_elem(&counters, &key);
	if (counter) {
		counter->packets++;
		counter->bytes += skb->len + (skb->vlan_present ? WEIR_TAG_LEN : 0);
	}
	return miss_verdict;
}

char _license[] SEC("license") = "GPL";
