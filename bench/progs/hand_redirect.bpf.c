// SPDX-License-Identifier: GPL-2.0-only
/* What a person would write to send everything out of another interface, and nothing else. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} targets SEC(".maps");

SEC("xdp")
int hand_redirect(struct xdp_md *ctx)
{
	(void)ctx;
	return bpf_redirect_map(&targets, 0, XDP_DROP);
}

char LICENSE[] SEC("license") = "GPL";
