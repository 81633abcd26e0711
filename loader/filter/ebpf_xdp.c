// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parts of a program that are XDP's own.
 */
#include <linux/if_ether.h>

#include "../../maps/abi.h"
#include "ebpf_hook.h"

/*
 * Where the packet is and how long: all of it lies between DATA and END unless it has fragments.
 * Without CAP_PERFMON the verifier refuses the difference of two pointers.
 */
static void start(struct emit *e)
{
	mov(e, CTX, X);
	if (e->run->frags || e->run->by_helper) {
		call(e, BPF_FUNC_xdp_get_buff_len);
		mov(e, LEN, A);
	}
	load(e, 4, DATA, CTX, offsetof(struct xdp_md, data));
	load(e, 4, END, CTX, offsetof(struct xdp_md, data_end));
	if (e->run->frags || e->run->by_helper)
		return;
	mov(e, LEN, END);
	op(e, BPF_ALU64 | BPF_SUB | BPF_X, LEN, DATA, 0, 0);
}

static void load_constant(struct emit *e, unsigned int size, enum reg dst, uint32_t k)
{
	load_far(e, size, dst, DATA, k);
}

static void load_bytes(struct emit *e)
{
	call(e, BPF_FUNC_xdp_load_bytes);
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
	enum { LOST_INSNS = 15 };

	map(e, X, FILTER_MAP_DEVMAP);
	mov(e, FROM_X, END);
	mov_imm(e, T, XDP_DROP);
	call(e, BPF_FUNC_redirect_map);
	op(e, BPF_JMP | BPF_JEQ | BPF_K, A, 0, LOST_INSNS + 1, XDP_REDIRECT);
	load(e, 4, X, FP, STACK_KEY);
	add_imm(e, X, WEIR_REDIRECT_LOST);
	store(e, 4, FP, STACK_KEY, X);
	hook_count(e);
	mov_imm(e, A, XDP_DROP);
	op(e, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
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
	.start = start,
	.load = load_constant,
	.load_bytes = load_bytes,
	.finish = finish,
	.unknown = offsetof(struct xdp_md, rx_queue_index),
};
