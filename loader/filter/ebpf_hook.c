// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parts of a program that are XDP's own.
 */
#include "ebpf_hook.h"

#include <linux/if_ether.h>

#include "../../maps/abi.h"

enum bpf_func_id hook_load_bytes(const struct emit *e)
{
	(void)e;
	return BPF_FUNC_xdp_load_bytes;
}

void hook_forget(struct emit *e, enum reg reg)
{
	load(e, 4, T, CTX, offsetof(struct xdp_md, rx_queue_index));
	op(e, BPF_ALU | BPF_ADD | BPF_X, reg, T, 0, 0);
	op(e, BPF_ALU | BPF_SUB | BPF_X, reg, T, 0, 0);
}

void hook_count(struct emit *e)
{
	map(e, X, FILTER_MAP_COUNTERS);
	mov(e, FROM_X, FP);
	add_imm(e, FROM_X, STACK_KEY);
	call(e, BPF_FUNC_map_lookup_elem);
	op(e, BPF_JMP | BPF_JEQ | BPF_K, A, 0, 6, 0);
	load(e, 8, X, A, offsetof(struct weir_counter, packets));
	add_imm(e, X, 1);
	store(e, 8, A, offsetof(struct weir_counter, packets), X);
	load(e, 8, X, A, offsetof(struct weir_counter, bytes));
	op(e, BPF_ALU64 | BPF_ADD | BPF_X, X, LEN, 0, 0);
	store(e, 8, A, offsetof(struct weir_counter, bytes), X);
}

/* Shared ends: the counter's index is at STACK_KEY, a redirect's target in r8. */

static void emit_return(struct emit *e, enum xdp_action action)
{
	mov_imm(e, A, action);
	op(e, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static void emit_swap_macs(struct emit *e)
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
static void emit_redirect(struct emit *e)
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

void hook_verb(struct emit *e, enum filter_verb verb)
{
	e->label_at[verb_label(e, verb)] = e->prog->n_insns;
	hook_count(e);
	switch (verb) {
	case FILTER_PASS:
		emit_return(e, XDP_PASS);
		return;
	case FILTER_DROP:
		emit_return(e, XDP_DROP);
		return;
	case FILTER_REFLECT:
		emit_swap_macs(e);
		emit_return(e, XDP_TX);
		return;
	case FILTER_REDIRECT:
		emit_redirect(e);
		return;
	default:
		return;
	}
}

/*
 * Where the packet is and how long: all of it lies between DATA and END unless it has fragments.
 * Without CAP_PERFMON the verifier refuses the difference of two pointers.
 */
void hook_start(struct emit *e)
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
