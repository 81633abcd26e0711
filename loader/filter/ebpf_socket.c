// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parts of a program that are a socket's own: a match returns the whole packet, else nothing.
 *
 * It has no access to the packet in place, so it copies the packet's first bytes to its stack, an
 * outer VLAN tag where it belongs, by one helper call.
 * A direct program (ir_view.direct) has no window: each load is a BPF_LD_ABS or BPF_LD_IND, which
 * the kernel runs faster than bpf_skb_load_bytes().
 */
#include "ebpf_hook.h"
#include "ebpf_skb.h"

/*
 * Of a direct program, which has no packet in place: from an offset behind the tag's place to where
 * that is in the bytes. -SKB_TAG if there is a tag beside them, else 0.
 */
static const enum reg SHIFT = DATA;

static uint32_t socket_holds(const struct emit *e)
{
	(void)e;
	return 1u << CTX;
}

/* Does a load read what is behind the tag's place? */
static bool needs_shift(const struct ir *ir)
{
	for (size_t i = 0; i < ir->n; i++) {
		const struct ir_end *end = &ir->blocks[i].end;

		if (end->kind == IR_FETCH && (end->indexed || end->k >= IR_HEAD))
			return true;
	}
	return false;
}

static void start(struct emit *e)
{
	mov(e, CTX, X);
	if (e->window)
		skb_fill_window(e);
	if (!e->view.direct || !needs_shift(e->ir))
		return;
	e->holds |= 1u << SHIFT;
	load(e, 4, SHIFT, CTX, SKB(vlan_present));
	op(e, BPF_ALU64 | BPF_MUL | BPF_K, SHIFT, 0, 0, -SKB_TAG);
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

/* The same at the offset in r2, none of the tag and what is ahead of it. */
static void load_behind_tag(struct emit *e, unsigned int size)
{
	op(e, BPF_ALU64 | BPF_ADD | BPF_X, FROM_X, SHIFT, 0, 0);
	op(e, BPF_LD | BPF_IND | mem_size(size), 0, FROM_X, 0, 0);
}

/* A part of the tag, which may be beside the bytes. */
static void load_tag(struct emit *e, unsigned int size, uint32_t k)
{
	size_t untagged, done;

	if (!holds(e, SHIFT))
		load(e, 4, T, CTX, SKB(vlan_present));
	untagged = branch(e, BPF_JMP | BPF_JEQ | BPF_K, holds(e, SHIFT) ? SHIFT : T, 0, 0);
	skb_store_tag(e, CTX, FP, STACK_TAG);
	load(e, size, A, FP, STACK_TAG + (int16_t)(k - IR_TAG));
	big_endian(e, A, size);
	done = branch(e, BPF_JMP | BPF_JA, 0, 0, 0);
	land(e, untagged);
	load_abs(e, size, k);
	land(e, done);
}

/* At the offset in r2, from the subprogram. */
static void load_around_tag(struct emit *e, unsigned int size)
{
	size_t read;

	mov(e, X, CTX);
	mov(e, T, FP);
	add_imm(e, T, STACK_BYTES);
	mov_imm(e, U, size);
	load_bytes(e);
	read = branch(e, BPF_JMP | BPF_JEQ | BPF_K, A, 0, 0);
	hook_return(e, 0);
	land(e, read);
	load(e, size, A, FP, STACK_BYTES);
	big_endian(e, A, size);
}

/* At the offset in r2. */
static void load_anywhere(struct emit *e, unsigned int size)
{
	size_t behind, done;

	behind = branch(e, BPF_JMP | BPF_JGE | BPF_K, FROM_X, 0, IR_HEAD);
	load_around_tag(e, size);
	done = branch(e, BPF_JMP | BPF_JA, 0, 0, 0);
	land(e, behind);
	load_behind_tag(e, size);
	land(e, done);
}

static void load_constant(struct emit *e, unsigned int size, uint32_t k)
{
	if (k + size <= IR_TAG)
		load_abs(e, size, k);
	else if (k >= IR_HEAD)
		op(e, BPF_LD | BPF_IND | mem_size(size), 0, SHIFT, 0, (int32_t)k);
	else if (ir_spares_tag(k, size))
		load_tag(e, size, k);
	else {
		mov_imm(e, FROM_X, (int32_t)k);
		load_around_tag(e, size);
	}
}

static void load_direct(struct emit *e, const struct ir_end *end)
{
	if (!end->indexed)
		load_constant(e, end->size, end->k);
	else if (end->k >= IR_HEAD)
		load_behind_tag(e, end->size);
	else
		load_anywhere(e, end->size);
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
