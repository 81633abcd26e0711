// SPDX-License-Identifier: GPL-2.0-only
/* The least component of libxdp's dispatcher, which calls the next one after it. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

SEC("xdp")
int hand_pass(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
