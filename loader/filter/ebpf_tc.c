// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parts of a program that are tc's own: a direct-action classifier, whose context is struct
 * __sk_buff.
 */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>

#include "ebpf_copy.h"
#include "ebpf_hook.h"
#include "ebpf_skb.h"

static uint32_t tc_holds(const struct emit *e)
{
	(void)e;
	return 1u << CTX | 1u << LEN;
}

/* A packet that is as long as the kernel says, and its tag. */
static void add_tag_to_length(struct emit *e)
{
	size_t untagged;

	load(e, 4, T, CTX, SKB(vlan_present));
	untagged = branch(e, BPF_JMP | BPF_JEQ | BPF_K, T, 0, 0);
	add_imm(e, LEN, SKB_TAG);
	land(e, untagged);
}

static void start(struct emit *e)
{
	mov(e, CTX, X);
	load(e, 4, LEN, CTX, SKB(len));
	if (e->view.copies) {
		load(e, 4, DATA, CTX, SKB(data));
		load(e, 4, END, CTX, SKB(data_end));
		emit_copy(e, &copy_skb);
		return;
	}
	if (e->window)
		skb_fill_window(e);
	add_tag_to_length(e);
}

static void length(struct emit *e, enum reg dst, enum reg scratch)
{
	mov(e, dst, LEN);
	hook_forget(e, dst, scratch);
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
	.load_bytes = load_bytes,
	.fetch = fetch,
	.pass_on = pass_on,
	.change = change,
	.hand_over = hand_over,
	.finish = finish,
	.counts = true,
	.unknown = SKB(len),
};
