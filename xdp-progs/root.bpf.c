// SPDX-License-Identifier: GPL-2.0-only
/*
 * The root: attached once to an interface, it stays while generations come and go. It does one
 * thing: tail-call slot 0. What stands there is the policy.
 */
#include "chain.bpf.h"

/* Set at each flip: a generation's `miss` (XDP_PASS or XDP_DROP). */
__u32 miss_verdict = XDP_PASS;

/*
 * For libxdp, where the root is a component of its dispatcher: what passes goes on to the next one.
 * The loader puts the policy's priority in the place of the number (chain_root.c).
 */
struct {
	__uint(priority, 65537);
	__uint(XDP_PASS, 1);
} _weir_root SEC(".xdp_run_config");

SEC("xdp")
int weir_root(struct xdp_md *ctx)
{
	__u32 key = WEIR_COUNTER_MISS;
	struct weir_counter *counter;

	bpf_tail_call_static(ctx, &slots, 0);
	counter = bpf_map_lookup_elem(&counters, &key);
	if (counter) {
		counter->packets++;
		counter->bytes += bpf_xdp_get_buff_len(ctx);
	}
	return miss_verdict;
}

char _license[] SEC("license") = "GPL";
