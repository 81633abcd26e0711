// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parts of a program that are tc's own: a direct-action classifier, whose context is struct
 * __sk_buff. The packet is read in place as far as it is linear, by helper beyond.
 *
 * The kernel holds the outer VLAN tag beside the bytes. The program sees it in its place, bytes 12
 * to 15, whatever the packet: where there is a tag, DATA is four bytes ahead of the packet, so that
 * all that stands behind the tag is found where it should be. The addresses ahead of it are read
 * from the packet's true start (STACK_DATA), bytes 12 to 15 from a copy (STACK_TAG).
 */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>

#include "ebpf_hook.h"
#include "ebpf_skb.h"

enum { TAG_AT = 2 * ETH_ALEN };

/* What a program reads of the packet's first bytes. */
struct head {
	bool macs, tag;
};

static void read_head(struct head *head, uint32_t k, unsigned int size)
{
	head->macs |= k < TAG_AT;
	head->tag |= k < IR_HEAD && k + size > TAG_AT;
}

static struct head head_of(const struct ir *ir)
{
	struct head head = { 0 };

	for (size_t i = 0; i < ir->n; i++) {
		for (size_t j = 0; j < ir->blocks[i].n; j++) {
			const struct ir_insn *insn = &ir->blocks[i].insns[j];

			if (insn->op == IR_LOAD && !insn->indexed)
				read_head(&head, insn->k, insn->size);
		}
	}
	for (size_t i = 0; i < ir->n_values; i++) {
		const struct ir_value *value = &ir->values[i];

		if (value->op == IR_LOAD && value->a == IR_NO_VALUE)
			read_head(&head, value->k, value->size);
	}
	return head;
}

/* Bytes 12 to 15 where there is no tag beside them; 0 where they are not linear. */
static void copy_tag(struct emit *e)
{
	mov_imm(e, FROM_X, 0);
	mov(e, T, DATA);
	add_imm(e, T, IR_HEAD);
	op(e, BPF_JMP | BPF_JGT | BPF_X, T, END, 1, 0);
	load(e, 4, FROM_X, DATA, TAG_AT);
	store(e, 4, FP, STACK_TAG, FROM_X);
}

static uint32_t tc_holds(const struct emit *e)
{
	(void)e;
	return 1u << CTX | 1u << LEN;
}

static void start(struct emit *e)
{
	struct head head = head_of(e->ir);
	size_t untagged;

	mov(e, CTX, X);
	load(e, 4, LEN, CTX, SKB(len));
	load(e, 4, DATA, CTX, SKB(data));
	load(e, 4, END, CTX, SKB(data_end));
	if (head.macs)
		store(e, 8, FP, STACK_DATA, DATA);
	if (head.tag)
		copy_tag(e);
	load(e, 4, T, CTX, SKB(vlan_present));
	untagged = branch(e, BPF_JMP | BPF_JEQ | BPF_K, T, 0, 0);
	add_imm(e, DATA, -VLAN_TAG_LEN);
	add_imm(e, LEN, VLAN_TAG_LEN);
	if (head.tag)
		skb_store_tag(e, CTX, STACK_TAG);
	land(e, untagged);
}

static void length(struct emit *e, enum reg dst, enum reg scratch)
{
	mov(e, dst, LEN);
	hook_forget(e, dst, scratch);
}

/* The place of a byte of the head, or of more that lie on one side of its limits. */
static void load_piece(struct emit *e, unsigned int size, enum reg dst, uint32_t k)
{
	if (k >= IR_HEAD) {
		load_far(e, size, dst, DATA, k);
	} else if (k >= TAG_AT) {
		load(e, size, dst, FP, STACK_TAG + k - TAG_AT);
	} else {
		load(e, 8, dst, FP, STACK_DATA);
		load(e, size, dst, dst, k);
	}
}

/* Does a load touch more than one part of the head, or on the stack an unaligned place? */
static bool in_pieces(uint32_t k, unsigned int size)
{
	return k < IR_HEAD && k + size > TAG_AT && (k < TAG_AT || k % size);
}

static void load_constant(struct emit *e, unsigned int size, enum reg dst, uint32_t k,
			  enum reg scratch)
{
	if (!in_pieces(k, size)) {
		load_piece(e, size, dst, k);
		return;
	}
	/* Byte by byte, the first one lowest where that is the machine's order. */
	load_piece(e, 1, dst, k);
	for (unsigned int i = 1; i < size; i++) {
		op(e, BPF_ALU64 | BPF_LSH | BPF_K, dst, 0, 0, 8);
		load_piece(e, 1, scratch, k + i);
		op(e, BPF_ALU64 | BPF_OR | BPF_X, dst, scratch, 0, 0);
	}
	big_endian(e, dst, size);
}

static void load_bytes(struct emit *e)
{
	call_label(e, fetch_label(e));
}

static void fetch(struct emit *e)
{
	skb_fetch(e, false);
}

static void set_mark(struct emit *e, uint32_t mask, uint32_t mark)
{
	load(e, 4, X, CTX, SKB(mark));
	op(e, BPF_ALU | BPF_AND | BPF_K, X, 0, 0, ~mask);
	op(e, BPF_ALU | BPF_OR | BPF_K, X, 0, 0, mark);
	store(e, 4, CTX, SKB(mark), X);
}

static void pass_on(struct emit *e, const struct filter_rule *rule)
{
	if (rule->verb == FILTER_MARK) {
		set_mark(e, rule->mask, rule->arg);
	} else if (rule->verb == FILTER_PRIORITY) {
		mov_imm(e, X, rule->arg);
		store(e, 4, CTX, SKB(priority), X);
	}
}

static void change(struct emit *e, const struct ir_end *end)
{
	mov(e, X, CTX);
	if (end->verb == FILTER_VLAN_POP) {
		call(e, BPF_FUNC_skb_vlan_pop);
		return;
	}
	mov_imm(e, FROM_X, htons(ETH_P_8021Q));
	mov_imm(e, T, end->arg);
	call(e, BPF_FUNC_skb_vlan_push);
}

/* Copy bytes of the packet to the stack or, by BPF_FUNC_skb_store_bytes, back. */
static void copy(struct emit *e, enum bpf_func_id helper, uint32_t offset, int32_t at, uint32_t n)
{
	mov(e, X, CTX);
	mov_imm(e, FROM_X, offset);
	mov(e, T, FP);
	add_imm(e, T, at);
	mov_imm(e, U, n);
	if (helper == BPF_FUNC_skb_store_bytes)
		mov_imm(e, FIFTH, 0); /* no flags */
	call(e, helper);
}

/*
 * By helper: a program that writes to the packet in place makes the kernel unclone each packet that
 * it sees.
 */
static void swap_macs(struct emit *e)
{
	enum { AT = STACK_TAG - 2 * ETH_ALEN };

	copy(e, BPF_FUNC_skb_load_bytes, 0, AT + ETH_ALEN, ETH_ALEN);
	copy(e, BPF_FUNC_skb_load_bytes, ETH_ALEN, AT, ETH_ALEN);
	copy(e, BPF_FUNC_skb_store_bytes, 0, AT, 2 * ETH_ALEN);
}

/* The interface's index is in r1. */
static void redirect(struct emit *e, uint32_t flags)
{
	mov_imm(e, FROM_X, flags);
	call(e, BPF_FUNC_redirect);
	op(e, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

/* A copy for each target but the last, which gets the packet. */
static void hand_over(struct emit *e, const struct filter_rule *rule)
{
	uint32_t flags = rule->ingress ? BPF_F_INGRESS : 0;

	hook_count_at(e, rule->counter);
	for (size_t i = 0; i + 1 < rule->n_targets; i++) {
		mov(e, X, CTX);
		mov_imm(e, FROM_X, rule->targets[i]);
		mov_imm(e, T, flags);
		call(e, BPF_FUNC_clone_redirect);
	}
	mov_imm(e, X, rule->targets[rule->n_targets - 1]);
	mov_imm(e, FROM_X, flags);
	call(e, BPF_FUNC_redirect);
	op(e, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static void finish(struct emit *e, enum filter_verb verb)
{
	switch (verb) {
	case FILTER_PASS:
		hook_return(e, TC_ACT_UNSPEC);
		return;
	case FILTER_DROP:
		hook_return(e, TC_ACT_SHOT);
		return;
	case FILTER_REFLECT:
		swap_macs(e);
		load(e, 4, X, CTX, SKB(ifindex));
		redirect(e, 0);
		return;
	case FILTER_REDIRECT:
		load(e, 4, X, FP, STACK_TARGET);
		redirect(e, 0);
		return;
	case FILTER_REDIRECT_INGRESS:
		load(e, 4, X, FP, STACK_TARGET);
		redirect(e, BPF_F_INGRESS);
		return;
	default: /* not a shared end */
		return;
	}
}

const struct hook hook_tc = {
	.holds = tc_holds,
	.start = start,
	.length = length,
	.load = load_constant,
	.needs_scratch = in_pieces,
	.load_bytes = load_bytes,
	.fetch = fetch,
	.pass_on = pass_on,
	.change = change,
	.hand_over = hand_over,
	.finish = finish,
	.counts = true,
	.unknown = SKB(len),
};
