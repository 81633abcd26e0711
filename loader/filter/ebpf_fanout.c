// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parts of a program that are a fanout's own: a match returns 1, the group's second socket,
 * else 0, the first. It is for what no classic program can be exact in (cbpf_socket.h).
 *
 * The kernel asks it (packet_rcv_fanout()) for a packet that begins with its Ethernet header if it
 * is sent, and behind that if it was received, and the outer VLAN tag is beside the bytes: what a
 * load reads may be in three places. So each byte is fetched for itself, by a subprogram.
 */
#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include "ebpf_hook.h"
#include "ebpf_skb.h"

/* Where the subprogram keeps its arguments, and on its stack the byte and the tag. */
static const enum reg K_CTX = CTX, K_OFF = DATA, K_TO = END, K_SIZE = LEN;

enum { BYTE = -4, TAG = -8, SIZE_MAX_BYTES = 4 };

static uint32_t fanout_holds(const struct emit *e)
{
	(void)e;
	return 1u << CTX;
}

static void start(struct emit *e)
{
	mov(e, CTX, X);
}

static void length(struct emit *e, enum reg dst, enum reg scratch)
{
	size_t untagged, sent;

	load(e, 4, dst, CTX, SKB(len));
	load(e, 4, scratch, CTX, SKB(vlan_present));
	untagged = branch(e, BPF_JMP | BPF_JEQ | BPF_K, scratch, 0, 0);
	add_imm(e, dst, SKB_TAG);
	land(e, untagged);
	load(e, 4, scratch, CTX, SKB(pkt_type));
	sent = branch(e, BPF_JMP | BPF_JEQ | BPF_K, scratch, 0, PACKET_OUTGOING);
	add_imm(e, dst, ETH_HLEN);
	land(e, sent);
}

static void load_bytes(struct emit *e)
{
	call_label(e, fetch_label(e));
}

static void leave(struct emit *e, int32_t result)
{
	mov_imm(e, A, result);
	op(e, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static void call_for_byte(struct emit *e, enum bpf_func_id helper)
{
	mov(e, X, K_CTX);
	mov(e, T, FP);
	add_imm(e, T, BYTE);
	mov_imm(e, U, 1);
	call(e, helper);
}

/* The byte at the offset in r2, none of the tag's, from the Ethernet header on. */
static void fetch_from_packet(struct emit *e)
{
	size_t sent, header, done, there;

	load(e, 4, A, K_CTX, SKB(pkt_type));
	sent = branch(e, BPF_JMP | BPF_JEQ | BPF_K, A, 0, PACKET_OUTGOING);
	header = branch(e, BPF_JMP | BPF_JLT | BPF_K, FROM_X, 0, ETH_HLEN);
	add_imm(e, FROM_X, -ETH_HLEN);
	land(e, sent);
	call_for_byte(e, BPF_FUNC_skb_load_bytes);
	done = branch(e, BPF_JMP | BPF_JA, 0, 0, 0);
	land(e, header);
	mov_imm(e, FIFTH, BPF_HDR_START_MAC);
	call_for_byte(e, BPF_FUNC_skb_load_bytes_relative);
	land(e, done);
	there = branch(e, BPF_JMP | BPF_JEQ | BPF_K, A, 0, 0);
	leave(e, -1);
	land(e, there);
	load(e, 1, A, FP, BYTE);
}

/* The byte at the offset in r2 of a tag beside the packet. */
static void fetch_from_tag(struct emit *e)
{
	skb_store_tag(e, K_CTX, FP, TAG);
	load(e, 4, A, FP, TAG);
	big_endian(e, A, 4);
	mov_imm(e, T, IR_HEAD - 1);
	op(e, BPF_ALU | BPF_SUB | BPF_X, T, FROM_X, 0, 0);
	op(e, BPF_ALU | BPF_LSH | BPF_K, T, 0, 0, 3);
	op(e, BPF_ALU | BPF_RSH | BPF_X, A, T, 0, 0);
}

static void fetch_byte(struct emit *e, unsigned int i)
{
	size_t untagged, ahead, beside, done;

	mov(e, FROM_X, K_OFF);
	add_imm(e, FROM_X, i);
	load(e, 4, A, K_CTX, SKB(vlan_present));
	untagged = branch(e, BPF_JMP | BPF_JEQ | BPF_K, A, 0, 0);
	ahead = branch(e, BPF_JMP | BPF_JLT | BPF_K, FROM_X, 0, IR_TAG);
	beside = branch(e, BPF_JMP | BPF_JLT | BPF_K, FROM_X, 0, IR_HEAD);
	add_imm(e, FROM_X, -SKB_TAG);
	land(e, untagged);
	land(e, ahead);
	fetch_from_packet(e);
	done = branch(e, BPF_JMP | BPF_JA, 0, 0, 0);
	land(e, beside);
	fetch_from_tag(e);
	land(e, done);
	store(e, 1, K_TO, i, A);
}

/* Before Linux 6.3 the verifier wants all bytes written that may be read. */
static void fetch(struct emit *e)
{
	size_t enough[SIZE_MAX_BYTES];

	e->label_at[fetch_label(e)] = e->prog->n_insns;
	mov(e, K_CTX, X);
	mov(e, K_OFF, FROM_X);
	mov(e, K_TO, T);
	mov(e, K_SIZE, U);
	op(e, BPF_ST | BPF_MEM | BPF_W, K_TO, 0, 0, 0);
	for (unsigned int i = 0; i < SIZE_MAX_BYTES; i++) {
		enough[i] = branch(e, BPF_JMP | BPF_JLE | BPF_K, K_SIZE, 0, i);
		fetch_byte(e, i);
	}
	for (unsigned int i = 0; i < SIZE_MAX_BYTES; i++)
		land(e, enough[i]);
	leave(e, 0);
}

static void finish(struct emit *e, enum filter_verb verb)
{
	hook_return(e, verb == FILTER_PASS);
}

const struct hook hook_fanout = {
	.holds = fanout_holds,
	.start = start,
	.length = length,
	.load_bytes = load_bytes,
	.fetch = fetch,
	.finish = finish,
	.unknown = SKB(len),
};
