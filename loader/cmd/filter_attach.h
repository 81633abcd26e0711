/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A compiled expression on a packet socket: an example of a consumer, and what tests of socket
 * filters look at.
 */
#pragma once
#include <stdbool.h>

#include "../filter/cbpf.h"

enum attach_as {
	ATTACH_BEST,	/* classic where that is exact, else bpf */
	ATTACH_BPF,	/* the compiler's own program, SO_ATTACH_BPF */
	ATTACH_CLASSIC, /* a classic one, SO_ATTACH_FILTER, or an error if none is exact */
	/*
	 * As what tells two sockets of a group apart, the second of which has the packets that
	 * match: PACKET_FANOUT_CBPF where that is exact, else PACKET_FANOUT_EBPF.
	 */
	ATTACH_FANOUT,
	ATTACH_FANOUT_BPF, /* PACKET_FANOUT_EBPF */
};

/* The way of that name; false: there is none, which is reported. */
bool attach_as_find(const char *name, enum attach_as *as);

struct attach {
	const char *interface;
	enum attach_as as;
	unsigned long count; /* packets to print; 0: until a signal comes */
};

/*
 * Print what the filter lets through, one packet a line: its bytes in hexadecimal, its outer VLAN
 * tag where it was on the wire. Reported.
 */
int attach_run(const struct attach *attach, const struct cbpf *prog);
