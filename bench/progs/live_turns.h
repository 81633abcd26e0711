/* SPDX-License-Identifier: GPL-2.0-only */
/* What live_turns.bpf.c and live.c agree on. */
#pragma once

enum {
	LIVE_SLOTS = 65536, /* a power of two */
	LIVE_BYTES = 60,    /* that differ: the beginning of a frame, and all of the smallest */
};

/* The padding puts what follows the Ethernet header on a multiple of four. */
struct live_slot {
	unsigned short padding;
	unsigned char frame[LIVE_BYTES];
};

/* The program's .bss. */
struct live_memory {
	unsigned int turn, n; /* the next slot; slots in use */
	struct live_slot slots[LIVE_SLOTS];
};
