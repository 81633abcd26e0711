// SPDX-License-Identifier: GPL-2.0-only
/* Sends live frames, and makes of each the next of many: a call for frames has but one. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "live_turns.h"

struct live_memory memory;

SEC("xdp")
int live_turns(struct xdp_md *ctx)
{
	void *packet = (void *)(long)ctx->data;
	const void *from;

	if (memory.turn >= memory.n)
		memory.turn = 0;
	from = memory.slots[memory.turn++ % LIVE_SLOTS].frame;
	if (packet + LIVE_BYTES > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	*(volatile __u16 *)packet = *(const volatile __u16 *)from;
#pragma unroll
	for (int i = 2; i < 14; i += 4)
		*(volatile __u32 *)(packet + i) = *(const volatile __u32 *)(from + i);
#pragma unroll
	for (int i = 14; i + 4 <= LIVE_BYTES; i += 4)
		*(volatile __u32 *)(packet + i) = *(const volatile __u32 *)(from + i);
	*(volatile __u16 *)(packet + LIVE_BYTES - 2) =
		*(const volatile __u16 *)(from + LIVE_BYTES - 2);
	return XDP_TX;
}

char LICENSE[] SEC("license") = "GPL";
