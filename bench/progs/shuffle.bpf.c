// SPDX-License-Identifier: GPL-2.0-only
/* Before an XDP program. */
#include "shuffle.bpf.h"

SEC("xdp")
int shuffle(struct xdp_md *ctx)
{
	if (shuffle_next((void *)(long)ctx->data, (void *)(long)ctx->data_end))
		bpf_tail_call(ctx, &target, 0);
	return SHUFFLE_MISSED;
}
