/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A classic program in the making, from its ends backward: a graph of instructions, of which those
 * that do the same and go on alike are one, and what nobody needs is not there at all.
 */
#pragma once
#include "cbpf.h"
#include "intern.h"

/* A, X and M[] as bits. */
enum { CBPF_A = 1 << 0, CBPF_X = 1 << 1, CBPF_M = 1 << 2 };

/* What an instruction reads of them, and what it sets. */
struct cbpf_effects {
	uint32_t uses, sets;
};

struct cbpf_effects cbpf_effects(uint16_t code, uint32_t k);

struct cbpf_graph {
	struct intern nodes; /* struct cbpf_node */
	bool oom;	     /* once memory was out; nodes mean nothing then */
};

struct cbpf_node {
	uint32_t code, k;
	uint32_t next[2]; /* of a jump, where its condition holds and where not; else both equal */
	uint32_t live;	  /* what this and all behind it read */
};

void cbpf_graph_init(struct cbpf_graph *graph);
void cbpf_graph_free(struct cbpf_graph *graph);
const struct cbpf_node *cbpf_node(const struct cbpf_graph *graph, uint32_t number);

/* A program that begins with this instruction: the number of its node. */
uint32_t cbpf_ret(struct cbpf_graph *graph, uint32_t k);
uint32_t cbpf_ret_a(struct cbpf_graph *graph);
/* No jump, no end. `ends` if it rejects some packets, so that it has to stay. */
uint32_t cbpf_step(struct cbpf_graph *graph, uint16_t code, uint32_t k, bool ends, uint32_t next);
uint32_t cbpf_branch(struct cbpf_graph *graph, uint16_t code, uint32_t k, uint32_t yes,
		     uint32_t no);

/* Does it return k, whatever the packet is? */
bool cbpf_returns(const struct cbpf_graph *graph, uint32_t number, uint32_t k);

/*
 * In an order in which the kernel's translation (bpf_convert_filter()) needs few jumps. 0 or
 * -ENOMEM. The caller owns *out: cbpf_free().
 */
int cbpf_layout(const struct cbpf_graph *graph, uint32_t first, struct cbpf *out);
