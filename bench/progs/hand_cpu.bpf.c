// SPDX-License-Identifier: GPL-2.0-only
/* What a person would write to send everything to another CPU, and nothing else. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_CPUMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct bpf_cpumap_val);
} cpus SEC(".maps");

SEC("xdp")
int hand_cpu(struct xdp_md *ctx)
{
	(void)ctx;
	return bpf_redirect_map(&cpus, 0, XDP_DROP);
}

char LICENSE[] SEC("license") = "GPL";
