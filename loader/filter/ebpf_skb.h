/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What tc and sockets have alike: a packet with its outer VLAN tag beside the bytes, read the slow
 * way as if the tag were in them. Private to ebpf*.c.
 */
#pragma once
#include "ebpf_asm.h"

#define SKB(field) ((int16_t)offsetof(struct __sk_buff, field))

enum { SKB_TAG = 4 /* bytes of a VLAN tag */ };

/* Store the tag beside a packet as the packet would have it. Clobbers r3. */
void skb_store_tag(struct emit *e, enum reg ctx, enum reg base, int16_t at);

/*
 * Copy the packet's first bytes to the window on the stack, an outer VLAN tag where it belongs:
 * then DATA points there, and END is 0 if the packet has them all. Clobbers r0 to r5.
 */
void skb_fill_window(struct emit *e);

/*
 * The subprogram of the arguments and result of bpf_skb_load_bytes(), of at most 4 bytes; it may
 * write 4 bytes for less. from_mac: the packet's bytes are counted from its MAC header on, wherever
 * the kernel's own are.
 */
void skb_fetch(struct emit *e, bool from_mac);
