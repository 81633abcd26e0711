// SPDX-License-Identifier: GPL-2.0-only
/* What a person would write to go from program to program: eight tail calls from step0 on. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

int step1(struct xdp_md *ctx);
int step2(struct xdp_md *ctx);
int step3(struct xdp_md *ctx);
int step4(struct xdp_md *ctx);
int step5(struct xdp_md *ctx);
int step6(struct xdp_md *ctx);
int step7(struct xdp_md *ctx);
int last(struct xdp_md *ctx);

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 9);
	__uint(key_size, sizeof(__u32));
	__array(values, int(struct xdp_md *));
} steps SEC(".maps") = {
	.values = {
		[1] = (void *)&step1,
		[2] = (void *)&step2,
		[3] = (void *)&step3,
		[4] = (void *)&step4,
		[5] = (void *)&step5,
		[6] = (void *)&step6,
		[7] = (void *)&step7,
		[8] = (void *)&last,
	},
};

#define STEP(name, next)                                 \
	SEC("xdp") int name(struct xdp_md *ctx)          \
	{                                                \
		bpf_tail_call_static(ctx, &steps, next); \
		return XDP_ABORTED;                      \
	}

STEP(step0, 1)
STEP(step1, 2)
STEP(step2, 3)
STEP(step3, 4)
STEP(step4, 5)
STEP(step5, 6)
STEP(step6, 7)
STEP(step7, 8)

SEC("xdp")
int last(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
