// SPDX-License-Identifier: GPL-2.0-only
/* What a person would write to drop everything: the floor that others stand on. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

SEC("xdp")
int hand_drop(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_DROP;
}

char LICENSE[] SEC("license") = "GPL";
