// SPDX-License-Identifier: GPL-2.0-only
/*
 * What BPF_PROG_TEST_RUN cannot make of a packet on tc (bpf_prog_test_run_skb(),
 * net/bpf/test_run.c) is made here, before the program under test runs: longer frames than its
 * page, IP packets shorter than their header, and a VLAN tag in the skb, where an interface's
 * ingress has it.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

#include "abi.h"

enum { CHUNK = 512 };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct weir_replay);
	__uint(max_entries, 1);
} frame SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, 1);
} tested SEC(".maps");

static __always_inline int write_bytes(struct __sk_buff *skb, struct weir_replay *r)
{
	for (__u32 i = 0; i < WEIR_REPLAY_MAX / CHUNK; i++) {
		__u32 at = i * CHUNK;
		__u64 n = r->len;

		if (at >= n)
			break;
		n = n - at > CHUNK ? CHUNK : n - at;
		barrier_var(n); /* or clang knows these bounds, and the verifier does not */
		if (!n || n > CHUNK || bpf_skb_store_bytes(skb, at, r->data + at, n, 0))
			return -1;
	}
	return 0;
}

SEC("tc")
int weir_replay(struct __sk_buff *skb)
{
	__u32 key = 0;
	struct weir_replay *r = bpf_map_lookup_elem(&frame, &key);

	if (!r || r->len > WEIR_REPLAY_MAX)
		return WEIR_REPLAY_NOT_RUN;
	if (r->len != skb->len && bpf_skb_change_tail(skb, r->len, 0))
		return WEIR_REPLAY_NOT_RUN;
	if (r->rewrite && write_bytes(skb, r))
		return WEIR_REPLAY_NOT_RUN;
	if (r->vlan_proto && bpf_skb_vlan_push(skb, r->vlan_proto, r->vlan_tci))
		return WEIR_REPLAY_NOT_RUN;
	bpf_tail_call(skb, &tested, 0);
	return WEIR_REPLAY_NOT_RUN;
}

char _license[] SEC("license") = "GPL";
