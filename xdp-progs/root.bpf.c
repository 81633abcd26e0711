// SPDX-License-Identifier: GPL-2.0-only
/*
 * The root: attached once to an interface, it stays while generations come and go. It does one
 * thing: tail-call slot 0. What stands there is the policy.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "abi.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, WEIR_SLOTS);
} slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct weir_counter);
	__uint(max_entries, WEIR_COUNTERS_MIN);
} counters SEC(".maps");

/* Set at each flip: a generation's `miss` (XDP_PASS or XDP_DROP). */
__u32 miss_verdict = XDP_PASS;

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
