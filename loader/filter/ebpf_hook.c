// SPDX-License-Identifier: GPL-2.0-only
/*
 * What all hooks have alike.
 */
#include "ebpf_hook.h"

#include "../../maps/abi.h"
#include "ebpf_var.h"

const struct hook *hook_of(enum filter_hook hook)
{
	static const struct hook *const hooks[] = {
		[FILTER_XDP] = &hook_xdp,
		[FILTER_TC] = &hook_tc,
		[FILTER_SOCKET] = &hook_socket,
		[FILTER_FANOUT] = &hook_fanout,
	};

	return hooks[hook];
}

void hook_forget(struct emit *e, enum reg reg, enum reg scratch)
{
	load(e, 4, scratch, CTX, e->hook->unknown);
	op(e, BPF_ALU | BPF_ADD | BPF_X, reg, scratch, 0, 0);
	op(e, BPF_ALU | BPF_SUB | BPF_X, reg, scratch, 0, 0);
}

void hook_count(struct emit *e)
{
	enum reg length = LEN;
	size_t none;

	map(e, X, FILTER_MAP_COUNTERS);
	mov(e, FROM_X, FP);
	add_imm(e, FROM_X, STACK_KEY);
	call(e, BPF_FUNC_map_lookup_elem);
	none = branch(e, BPF_JMP | BPF_JEQ | BPF_K, A, 0, 0);
	if (!holds(e, LEN)) {
		length = FROM_X;
		e->hook->length(e, length, T);
	}
	load(e, 8, X, A, offsetof(struct weir_counter, packets));
	add_imm(e, X, 1);
	store(e, 8, A, offsetof(struct weir_counter, packets), X);
	load(e, 8, X, A, offsetof(struct weir_counter, bytes));
	op(e, BPF_ALU64 | BPF_ADD | BPF_X, X, length, 0, 0);
	store(e, 8, A, offsetof(struct weir_counter, bytes), X);
	land(e, none);
}

void hook_count_at(struct emit *e, uint32_t counter)
{
	op(e, BPF_ST | BPF_MEM | BPF_W, FP, 0, STACK_KEY, counter);
	hook_count(e);
}

void hook_miss(struct emit *e)
{
	set_key(e, WEIR_COUNTER_MISS);
	jump_verb(e, miss_verb(e));
}

void hook_return(struct emit *e, int32_t verdict)
{
	mov_imm(e, A, verdict);
	op(e, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

void hook_verb(struct emit *e, enum filter_verb verb)
{
	e->label_at[verb_label(e, verb)] = e->prog->n_insns;
	if (e->hook->counts)
		hook_count(e);
	e->hook->finish(e, verb);
}
