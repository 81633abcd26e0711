// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parts of a program that are XDP's own.
 */
#include <linux/if_ether.h>

#include "../../maps/abi.h"
#include "ebpf_cpu.h"
#include "ebpf_copy.h"
#include "ebpf_hook.h"

/*
 * The length is data_end - data, unless there are fragments. Without CAP_PERFMON the verifier
 * refuses that difference of two pointers.
 */
static uint32_t xdp_holds(const struct emit *e)
{
	return e->run->frags || e->run->by_helper ? 1u << CTX | 1u << LEN : 0;
}

static void start(struct emit *e)
{
	enum reg ctx = holds(e, CTX) ? CTX : X;

	if (holds(e, CTX))
		mov(e, CTX, X);
	if (holds(e, LEN)) {
		call(e, BPF_FUNC_xdp_get_buff_len);
		mov(e, LEN, A);
	}
	load(e, 4, DATA, ctx, offsetof(struct xdp_md, data));
	load(e, 4, END, ctx, offsetof(struct xdp_md, data_end));
	if (e->view.copies)
		emit_copy(e, &copy_xdp);
}

static void length(struct emit *e, enum reg dst, enum reg scratch)
{
	if (holds(e, LEN)) {
		mov(e, dst, LEN);
		hook_forget(e, dst, scratch);
	} else {
		mov(e, dst, END);
		op(e, BPF_ALU64 | BPF_SUB | BPF_X, dst, DATA, 0, 0);
	}
}

static void load_bytes(struct emit *e)
{
	call(e, BPF_FUNC_xdp_load_bytes);
}

/* Back to the packet itself, of which every driver has the header in the first buffer. */
static void leave_copy(struct emit *e)
{
	size_t there;

	load(e, 4, DATA, CTX, offsetof(struct xdp_md, data));
	load(e, 4, END, CTX, offsetof(struct xdp_md, data_end));
	mov(e, X, DATA);
	add_imm(e, X, ETH_HLEN);
	there = branch(e, BPF_JMP | BPF_JLE | BPF_X, X, END, 0);
	hook_return(e, XDP_ABORTED);
	land(e, there);
}

static void swap_macs(struct emit *e)
{
	load(e, 4, X, DATA, 0);
	load(e, 2, FROM_X, DATA, 4);
	load(e, 4, T, DATA, ETH_ALEN);
	load(e, 2, U, DATA, ETH_ALEN + 4);
	store(e, 4, DATA, 0, T);
	store(e, 2, DATA, 4, U);
	store(e, 4, DATA, ETH_ALEN, X);
	store(e, 2, DATA, ETH_ALEN + 4, FROM_X);
}

/* A target that is not in the devmap makes bpf_redirect_map() return its flags. */
static void redirect(struct emit *e)
{
	size_t done;

	map(e, X, FILTER_MAP_DEVMAP);
	load(e, 4, FROM_X, FP, STACK_TARGET);
	mov_imm(e, T, XDP_DROP);
	call(e, BPF_FUNC_redirect_map);
	done = branch(e, BPF_JMP | BPF_JEQ | BPF_K, A, 0, XDP_REDIRECT);
	load(e, 4, X, FP, STACK_KEY);
	add_imm(e, X, WEIR_REDIRECT_LOST);
	store(e, 4, FP, STACK_KEY, X);
	hook_count(e);
	mov_imm(e, A, XDP_DROP);
	land(e, done);
	op(e, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static bool has_queue(const struct filter_rule *rule, uint32_t queue)
{
	return queue < WEIR_SOCKET_QUEUES && rule->queues[queue / 64] >> queue % 64 & 1;
}

/* Jumps forward that are to meet at one place. */
struct jumps {
	size_t at[WEIR_SOCKET_QUEUES], n;
};

/* A jump for each stretch of queues that the rule means; all others fall through. */
static void jump_if_meant(struct emit *e, struct jumps *jumps, enum reg queue,
			  const struct filter_rule *rule)
{
	for (uint32_t first = 0, last; first < WEIR_SOCKET_QUEUES; first = last + 1) {
		last = first;
		if (!has_queue(rule, first))
			continue;
		while (has_queue(rule, last + 1))
			last++;
		if (first)
			op(e, BPF_JMP | BPF_JLT | BPF_K, queue, 0, 1, first);
		jumps->at[jumps->n++] = branch(e, BPF_JMP | BPF_JLE | BPF_K, queue, 0, last);
	}
}

/* A queue without a socket makes bpf_redirect_map() return its flags. */
static void to_socket(struct emit *e, const struct filter_rule *rule)
{
	enum xdp_action otherwise = rule->otherwise_drop ? XDP_DROP : XDP_PASS;
	struct jumps meant = { .n = 0 };
	size_t others = 0;

	hook_count_at(e, rule->counter);
	load(e, 4, FROM_X, CTX, offsetof(struct xdp_md, rx_queue_index));
	jump_if_meant(e, &meant, FROM_X, rule);
	if (meant.n)
		others = branch(e, BPF_JMP | BPF_JA, 0, 0, 0);
	for (size_t i = 0; i < meant.n; i++)
		land(e, meant.at[i]);
	map(e, X, FILTER_MAP_XSK + rule->arg);
	mov_imm(e, T, otherwise);
	call(e, BPF_FUNC_redirect_map);
	op(e, BPF_JMP | BPF_JNE | BPF_K, A, 0, 1, XDP_REDIRECT);
	op(e, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	if (meant.n)
		land(e, others);
	hook_count_at(e, rule->counter + WEIR_REDIRECT_LOST);
	hook_return(e, otherwise);
}

/* The kernel makes the copies, and tells nobody of one that is lost. */
static void to_group(struct emit *e, const struct filter_rule *rule)
{
	hook_count_at(e, rule->counter);
	map(e, X, FILTER_MAP_GROUP + rule->arg);
	mov_imm(e, FROM_X, 0);
	mov_imm(e, T, BPF_F_BROADCAST);
	call(e, BPF_FUNC_redirect_map);
	op(e, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static void hand_over(struct emit *e, const struct filter_rule *rule)
{
	if (rule->verb == FILTER_XSK)
		to_socket(e, rule);
	else if (rule->verb == FILTER_CPU)
		ebpf_to_cpu(e, rule);
	else
		to_group(e, rule);
}

static void finish(struct emit *e, enum filter_verb verb)
{
	switch (verb) {
	case FILTER_PASS:
		hook_return(e, XDP_PASS);
		return;
	case FILTER_DROP:
		hook_return(e, XDP_DROP);
		return;
	case FILTER_REFLECT:
		if (e->view.copies)
			leave_copy(e);
		swap_macs(e);
		hook_return(e, XDP_TX);
		return;
	case FILTER_REDIRECT:
		redirect(e);
		return;
	default: /* tc's own */
		return;
	}
}

const struct hook hook_xdp = {
	.holds = xdp_holds,
	.start = start,
	.length = length,
	.load_bytes = load_bytes,
	.hand_over = hand_over,
	.finish = finish,
	.counts = true,
	.unknown = offsetof(struct xdp_md, rx_queue_index),
};
