// SPDX-License-Identifier: GPL-2.0-only
/* Before a tc program. */
#include "shuffle.bpf.h"

SEC("tc")
int shuffle_tc(struct __sk_buff *skb)
{
	if (shuffle_next((void *)(long)skb->data, (void *)(long)skb->data_end))
		bpf_tail_call(skb, &target, 0);
	return SHUFFLE_MISSED;
}
