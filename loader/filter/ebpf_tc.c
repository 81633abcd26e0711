// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parts of a program that are tc's own: a direct-action classifier, whose context is struct
 * __sk_buff. The packet is read in place as far as it is linear, by helper beyond.
 */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>

#include "ebpf_hook.h"

#define CTX_OFFSET(field) ((int16_t)offsetof(struct __sk_buff, field))

static void start(struct emit *e)
{
	mov(e, CTX, X);
	load(e, 4, DATA, CTX, CTX_OFFSET(data));
	load(e, 4, END, CTX, CTX_OFFSET(data_end));
	load(e, 4, LEN, CTX, CTX_OFFSET(len));
}

static void load_bytes(struct emit *e)
{
	call(e, BPF_FUNC_skb_load_bytes);
}

static void set_mark(struct emit *e, uint32_t mask, uint32_t mark)
{
	load(e, 4, X, CTX, CTX_OFFSET(mark));
	op(e, BPF_ALU | BPF_AND | BPF_K, X, 0, 0, ~mask);
	op(e, BPF_ALU | BPF_OR | BPF_K, X, 0, 0, mark);
	store(e, 4, CTX, CTX_OFFSET(mark), X);
}

static void pass_on(struct emit *e, const struct filter_rule *rule)
{
	if (rule->verb == FILTER_MARK) {
		set_mark(e, rule->mask, rule->arg);
	} else if (rule->verb == FILTER_PRIORITY) {
		mov_imm(e, X, rule->arg);
		store(e, 4, CTX, CTX_OFFSET(priority), X);
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
		mov_imm(e, U + 1, 0); /* no flags */
	call(e, helper);
}

/*
 * By helper: a program that writes to the packet in place makes the kernel unclone each packet that
 * it sees.
 */
static void swap_macs(struct emit *e)
{
	enum { AT = STACK_VARS - 8 * IR_VARS };

	copy(e, BPF_FUNC_skb_load_bytes, 0, AT + ETH_ALEN, ETH_ALEN);
	copy(e, BPF_FUNC_skb_load_bytes, ETH_ALEN, AT, ETH_ALEN);
	copy(e, BPF_FUNC_skb_store_bytes, 0, AT, 2 * ETH_ALEN);
}

/* The interface's index is in r8. */
static void redirect(struct emit *e, uint32_t flags)
{
	mov(e, X, END);
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
		load(e, 4, END, CTX, CTX_OFFSET(ifindex));
		redirect(e, 0);
		return;
	case FILTER_REDIRECT:
		redirect(e, 0);
		return;
	case FILTER_REDIRECT_INGRESS:
		redirect(e, BPF_F_INGRESS);
		return;
	default: /* not a shared end */
		return;
	}
}

const struct hook hook_tc = {
	.start = start,
	.load_bytes = load_bytes,
	.pass_on = pass_on,
	.change = change,
	.finish = finish,
	.unknown = CTX_OFFSET(len),
};
