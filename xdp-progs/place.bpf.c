// SPDX-License-Identifier: GPL-2.0-only
/*
 * A place for a program of type EXT, which the kernel loads for a given place only: like those in
 * libxdp's dispatcher, to one of which it is attached instead. The call does nothing: from Linux
 * 6.13 on, only a function that may change the packet can be replaced by one that does, and whoever
 * makes a tail call does, for all that the verifier knows.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("xdp")
int weir_place(struct xdp_md *ctx)
{
	bpf_xdp_adjust_tail(ctx, 0);
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
