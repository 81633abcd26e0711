// SPDX-License-Identifier: GPL-2.0-only
/*
 * On the CPU that a `cpu` rule has sent a frame to, taken out of the queue there: it is counted,
 * and goes up the stack. What was sent and does not arrive was lost to a full queue; the kernel
 * tells that to tracepoints only.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "abi.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct weir_cpu_counter);
	__uint(max_entries, 1); /* the loader says how many CPUs there are */
} cpu_counters SEC(".maps");

SEC("xdp/cpumap")
int weir_arrive(struct xdp_md *ctx)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct weir_cpu_counter *counter = bpf_map_lookup_elem(&cpu_counters, &cpu);

	(void)ctx;
	if (counter)
		counter->arrived++;
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
