/* SPDX-License-Identifier: GPL-2.0-only */
/* What shuffle.bpf.h and shuffle.c agree on. */
#pragma once

enum {
	SHUFFLE_SLOTS = 16384, /* a power of two */
	SHUFFLE_BYTES = 94,    /* of a packet: Ethernet, two VLAN tags, IPv6, TCP */
	SHUFFLE_MISSED = 0,    /* the verdict if the measured program was not reached */
};

/* The padding puts what follows the Ethernet header on a multiple of four. */
struct shuffle_slot {
	unsigned short padding;
	unsigned char packet[SHUFFLE_BYTES];
};

/* The program's .bss. */
struct shuffle_memory {
	unsigned int turn;
	struct shuffle_slot slots[SHUFFLE_SLOTS];
};
