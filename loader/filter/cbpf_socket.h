/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A classic program for a socket, where the kernel translates it to its own: of the programs that a
 * socket can have, those are the only ones that read a packet in place. The kernel's way differs
 * from libpcap's, and it keeps the outer VLAN tag of a packet beside the bytes; so a program is
 * made anew for it, which is exact, or it is said why there is none.
 */
#pragma once
#include "cbpf.h"

enum cbpf_seat {
	CBPF_FILTER, /* SO_ATTACH_FILTER of a packet socket: a match returns all of the packet */
	/*
	 * PACKET_FANOUT_CBPF: a match returns 1, the group's second socket. A received packet
	 * begins behind its Ethernet header there.
	 */
	CBPF_FANOUT,
};

/*
 * Make a program that matches the packets, as they are on the wire, that `prog` matches by
 * libpcap's bpf_filter(). 0; -EOPNOTSUPP where there is none, with half a sentence in *why
 * (static): "the classic program …"; -ENOMEM, reported. The caller owns *out: cbpf_free().
 */
int cbpf_for_socket(const struct cbpf *prog, enum cbpf_seat seat, struct cbpf *out,
		    const char **why);
