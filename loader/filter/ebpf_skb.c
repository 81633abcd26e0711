// SPDX-License-Identifier: GPL-2.0-only
#include "ebpf_skb.h"

#include <linux/if_ether.h>

void skb_store_tag(struct emit *e, enum reg ctx, enum reg base, int16_t at)
{
	load(e, 4, T, ctx, SKB(vlan_proto)); /* as it is in the packet */
	store(e, 2, base, at, T);
	load(e, 4, T, ctx, SKB(vlan_tci));
	big_endian(e, T, 2);
	store(e, 2, base, at + 2, T);
}

/* Copy bytes of the packet into the window. r0 is 0 if they are all there. */
static void copy(struct emit *e, uint32_t from, uint32_t to, uint32_t n)
{
	mov(e, X, CTX);
	mov_imm(e, FROM_X, from);
	mov(e, T, FP);
	add_imm(e, T, STACK_WINDOW + (int32_t)to);
	mov_imm(e, U, n);
	call(e, BPF_FUNC_skb_load_bytes);
}

/* A window is at least so long that bytes follow the tag's place. */
void skb_fill_window(struct emit *e)
{
	size_t tagged, filled;

	load(e, 4, A, CTX, SKB(vlan_present));
	tagged = branch(e, BPF_JMP | BPF_JNE | BPF_K, A, 0, 0);
	copy(e, 0, 0, e->window);
	filled = branch(e, BPF_JMP | BPF_JA, 0, 0, 0);
	land(e, tagged);
	copy(e, 0, 0, IR_TAG);
	skb_store_tag(e, CTX, FP, STACK_WINDOW + IR_TAG);
	copy(e, IR_TAG, IR_HEAD, e->window - IR_HEAD);
	land(e, filled);
	mov(e, END, A);
	mov(e, DATA, FP);
	add_imm(e, DATA, STACK_WINDOW);
}

/* The arguments of the subprogram, and where it keeps them. */
static const enum reg S_CTX = X, S_OFF = FROM_X, S_TO = T, S_SIZE = U;
static const enum reg K_CTX = CTX, K_OFF = DATA, K_TO = END;

enum {
	TAG_AT = 2 * ETH_ALEN,
	/* Bytes 8 to 23 of the packet, the tag among them. */
	WINDOW_FROM = 8,
	WINDOW = -16,
};

static void load_bytes(struct emit *e, bool from_mac)
{
	if (from_mac)
		mov_imm(e, FIFTH, BPF_HDR_START_MAC);
	call(e, from_mac ? BPF_FUNC_skb_load_bytes_relative : BPF_FUNC_skb_load_bytes);
}

static void load_window(struct emit *e, bool from_mac, uint32_t from, int32_t at)
{
	mov(e, S_CTX, K_CTX);
	mov_imm(e, S_OFF, from);
	mov(e, S_TO, FP);
	add_imm(e, S_TO, at);
	load_bytes(e, from_mac);
}

/* The bytes around the tag, as they would stand in the packet; the end is in r0. */
static void fill_window(struct emit *e, bool from_mac)
{
	size_t no_more;

	op(e, BPF_ST | BPF_MEM | BPF_DW, FP, 0, WINDOW + 8, 0);
	no_more = branch(e, BPF_JMP | BPF_JLE | BPF_K, A, 0, IR_HEAD);
	mov(e, S_SIZE, A);
	add_imm(e, S_SIZE, -IR_HEAD);
	load_window(e, from_mac, TAG_AT, WINDOW + IR_HEAD - WINDOW_FROM);
	land(e, no_more);
	mov_imm(e, S_SIZE, TAG_AT - WINDOW_FROM);
	load_window(e, from_mac, WINDOW_FROM, WINDOW);
	skb_store_tag(e, K_CTX, FP, WINDOW + TAG_AT - WINDOW_FROM);
}

/* Four bytes from any offset of the window, by shifts: a stack has no computed addresses. */
static void take_from_window(struct emit *e)
{
	static const enum reg HIGH = X, LOW = FROM_X, SHIFT = T, REST = U;

	load(e, 8, HIGH, FP, WINDOW);
	load(e, 8, LOW, FP, WINDOW + 8);
	big_endian(e, HIGH, 8);
	big_endian(e, LOW, 8);
	mov(e, SHIFT, K_OFF);
	add_imm(e, SHIFT, -WINDOW_FROM);
	op(e, BPF_ALU64 | BPF_LSH | BPF_K, SHIFT, 0, 0, 3);
	mov_imm(e, REST, 64);
	op(e, BPF_ALU64 | BPF_SUB | BPF_X, REST, SHIFT, 0, 0);
	op(e, BPF_ALU64 | BPF_LSH | BPF_X, HIGH, SHIFT, 0, 0);
	op(e, BPF_ALU64 | BPF_RSH | BPF_X, LOW, REST, 0, 0);
	op(e, BPF_ALU64 | BPF_OR | BPF_X, HIGH, LOW, 0, 0);
	op(e, BPF_ALU64 | BPF_RSH | BPF_K, HIGH, 0, 0, 32);
	big_endian(e, HIGH, 4);
	store(e, 4, K_TO, 0, HIGH);
}

static void leave(struct emit *e, int32_t result)
{
	mov_imm(e, A, result);
	op(e, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/*
 * Bytes of which some belong to the tag. Where they end is computed anew: before Linux 6.10 the
 * verifier does not see that what was computed of an offset is small once the offset is.
 */
static void fetch_around_tag(struct emit *e, bool from_mac)
{
	size_t beyond;

	mov(e, A, S_OFF);
	op(e, BPF_ALU64 | BPF_ADD | BPF_X, A, S_SIZE, 0, 0);
	mov(e, K_CTX, S_CTX);
	mov(e, K_OFF, S_OFF);
	mov(e, K_TO, S_TO);
	load(e, 4, FIFTH, K_CTX, SKB(len));
	add_imm(e, FIFTH, SKB_TAG);
	beyond = branch(e, BPF_JMP | BPF_JGT | BPF_X, A, FIFTH, 0);
	fill_window(e, from_mac);
	take_from_window(e);
	leave(e, 0);
	land(e, beyond);
	leave(e, -1);
}

void skb_fetch(struct emit *e, bool from_mac)
{
	size_t untagged, ahead, around;

	e->label_at[fetch_label(e)] = e->prog->n_insns;
	load(e, 4, A, S_CTX, SKB(vlan_present));
	untagged = branch(e, BPF_JMP | BPF_JEQ | BPF_K, A, 0, 0);
	mov(e, A, S_OFF);
	op(e, BPF_ALU64 | BPF_ADD | BPF_X, A, S_SIZE, 0, 0);
	ahead = branch(e, BPF_JMP | BPF_JLE | BPF_K, A, 0, TAG_AT);
	around = branch(e, BPF_JMP | BPF_JLT | BPF_K, S_OFF, 0, IR_HEAD);
	add_imm(e, S_OFF, -SKB_TAG);
	land(e, untagged);
	land(e, ahead);
	load_bytes(e, from_mac);
	op(e, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	land(e, around);
	fetch_around_tag(e, from_mac);
}
