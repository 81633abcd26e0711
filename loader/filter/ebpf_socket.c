// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parts of a program that are a socket's own: a match returns the whole packet, else nothing.
 *
 * It has no access to the packet in place, so it copies the packet's first bytes to its stack, an
 * outer VLAN tag where it belongs, by one helper call.
 * A program of few loads has no window: each is a BPF_LD_ABS, which the kernel runs faster than
 * bpf_skb_load_bytes().
 */
#include "ebpf_hook.h"
#include "ebpf_skb.h"

static uint32_t socket_holds(const struct emit *e)
{
	(void)e;
	return 1u << CTX;
}

static void start(struct emit *e)
{
	mov(e, CTX, X);
	if (e->window)
		skb_fill_window(e);
}

static void length(struct emit *e, enum reg dst, enum reg scratch)
{
	size_t untagged;

	load(e, 4, dst, CTX, SKB(len));
	load(e, 4, scratch, CTX, SKB(vlan_present));
	untagged = branch(e, BPF_JMP | BPF_JEQ | BPF_K, scratch, 0, 0);
	add_imm(e, dst, SKB_TAG);
	land(e, untagged);
}

static void load_bytes(struct emit *e)
{
	call_label(e, fetch_label(e));
}

static void fetch(struct emit *e)
{
	skb_fetch(e, false);
}

static void load_abs(struct emit *e, unsigned int size, uint32_t k)
{
	op(e, BPF_LD | BPF_ABS | mem_size(size), 0, 0, 0, k);
}

/* A part of the tag that is beside the bytes. */
static void load_tag(struct emit *e, unsigned int size, uint32_t k)
{
	skb_store_tag(e, CTX, FP, STACK_TAG);
	load(e, size, A, FP, STACK_TAG + (int16_t)(k - IR_TAG));
	big_endian(e, A, size);
}

static void load_direct(struct emit *e, const struct ir_end *end)
{
	size_t tagged, done;

	if (end->k + end->size <= IR_TAG) {
		load_abs(e, end->size, end->k);
		return;
	}
	load(e, 4, T, CTX, SKB(vlan_present));
	tagged = branch(e, BPF_JMP | BPF_JNE | BPF_K, T, 0, 0);
	load_abs(e, end->size, end->k);
	done = branch(e, BPF_JMP | BPF_JA, 0, 0, 0);
	land(e, tagged);
	if (end->k < IR_HEAD)
		load_tag(e, end->size, end->k);
	else
		load_abs(e, end->size, end->k - SKB_TAG);
	land(e, done);
}

static void finish(struct emit *e, enum filter_verb verb)
{
	hook_return(e, verb == FILTER_PASS ? -1 : 0);
}

const struct hook hook_socket = {
	.holds = socket_holds,
	.start = start,
	.length = length,
	.load_bytes = load_bytes,
	.load_direct = load_direct,
	.fetch = fetch,
	.finish = finish,
	.unknown = SKB(len),
};
