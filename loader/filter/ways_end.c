// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ends, and where a packet is asked whether it has a tag beside its bytes: at ends, if with a tag
 * it would have another, and ahead of what may reject it, if with a tag it would not be.
 */
#include "ways.h"

#include <limits.h>
#include <linux/if_ether.h>

uint32_t ways_end(struct ways *ways, bool match)
{
	return cbpf_ret(&ways->graph, !match ? 0 : ways->seat == CBPF_FANOUT ? 1 : UINT32_MAX);
}

/* It matches if there is a tag beside the bytes, or else: A as 0 or 1 becomes what is returned. */
static uint32_t match_by_tag(struct ways *ways, bool tag)
{
	uint32_t next = cbpf_ret_a(&ways->graph);

	if (ways->seat == CBPF_FANOUT)
		return tag ? next
			   : cbpf_step(&ways->graph, BPF_ALU | BPF_XOR | BPF_K, 1, false, next);
	return tag ? cbpf_step(&ways->graph, BPF_ALU | BPF_NEG, 0, false, next)
		   : cbpf_step(&ways->graph, BPF_ALU | BPF_SUB | BPF_K, 1, false, next);
}

struct way ways_begin(struct ways *ways, uint32_t view)
{
	uint32_t zero = cbpf_constant(&ways->values, 0);
	struct way way = { .view = view, .a = zero, .x = zero };

	for (size_t i = 0; i < BPF_MEMWORDS; i++)
		way.m[i] = zero;
	return way;
}

/* The program for a packet with its tag beside the bytes of which this is known. */
uint32_t ways_begin_tagged(struct ways *ways, uint32_t view, const struct cbpf_known *known)
{
	struct way way = ways_begin(ways, view | WAYS_TAGGED);
	uint32_t next;

	way.known = *known;
	next = ways_walk(ways, way);
	next = cbpf_step(&ways->graph, BPF_LDX | BPF_IMM, 0, false, next);
	return cbpf_step(&ways->graph, BPF_LD | BPF_IMM, 0, false, next);
}

/* The question, which takes A: without a tag the verdict is `match`, with one it is up to `yes`. */
static uint32_t ask(struct ways *ways, bool match, uint32_t yes)
{
	uint32_t next;

	if (yes == ways_end(ways, match))
		return yes;
	if (yes == ways_end(ways, !match))
		next = match_by_tag(ways, !match);
	else
		next = cbpf_branch(&ways->graph, BPF_JMP | BPF_JEQ | BPF_K, 0,
				   ways_end(ways, match), yes);
	return cbpf_step(&ways->graph, BPF_LD | BPF_W | BPF_ABS,
			 SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT, false, next);
}

/*
 * T where it is no more than a test of what A is at this end: that test comes ahead of the
 * question, since most packets need no other then. False: it is more.
 */
static bool test_first(struct ways *ways, const struct way *at, bool match, uint32_t *out)
{
	struct way way = ways_begin(ways, at->view | WAYS_TAGGED);
	uint32_t other = ways_end(ways, !match);
	struct cbpf_node test;

	if (ways->live[0] & CBPF_A)
		return false;
	way.a = at->a;
	way.known = at->known;
	*out = ways_walk(ways, way);
	if (ways->oom || ways->graph.oom)
		return true;
	test = *cbpf_node(&ways->graph, *out);
	if (BPF_CLASS(test.code) != BPF_JMP || (test.next[0] != other && test.next[1] != other) ||
	    cbpf_node(&ways->graph, test.next[0])->live ||
	    cbpf_node(&ways->graph, test.next[1])->live)
		return false;
	for (unsigned int side = 0; side < 2; side++) {
		if (test.next[side] == other)
			test.next[side] = ask(ways, match, other);
	}
	*out = cbpf_branch(&ways->graph, test.code, test.k, test.next[0], test.next[1]);
	return true;
}

static uint32_t at_end(struct ways *ways, const struct way *at, bool match)
{
	uint32_t tested;

	if (ways->tagged[at->view] == (enum ways_verdict)match)
		return ways_end(ways, match);
	if (ways->tagged[at->view] == DEPENDS && test_first(ways, at, match, &tested))
		return tested;
	return ask(ways, match, ways_begin_tagged(ways, at->view, &at->known));
}

static uint32_t end_with(struct ways *ways, const struct way *at, bool match)
{
	return at->view & (WAYS_TAGGED | WAYS_SURE) ? ways_end(ways, match)
						    : at_end(ways, at, match);
}

/* A return of A matches by any number but 0. */
uint32_t ways_finish(struct ways *ways, const struct way *at, const struct sock_filter *insn)
{
	uint32_t k = insn->k;

	if (BPF_RVAL(insn->code) != BPF_A || cbpf_is_constant(&ways->values, at->a, &k))
		return end_with(ways, at, k);
	return cbpf_branch(&ways->graph, BPF_JMP | BPF_JEQ | BPF_K, 0, end_with(ways, at, false),
			   end_with(ways, at, true));
}

/* Ahead of what may reject a packet */

/* Are bytes of a load surely there, if there is a tag beside them? Then a header is. */
static bool is_there(const struct way *at, unsigned int size, uint32_t k)
{
	uint32_t least = at->view & WAYS_PULLED ? 0 : ETH_HLEN;

	if (ways_locate(at->view, size, &k) != IN_BYTES)
		return false;
	least = least > at->known.length ? least : at->known.length;
	return k > INT_MAX || k + size <= least;
}

bool ways_may_reject(const struct ways *ways, const struct way *at)
{
	const struct sock_filter *insn = &ways->prog->insns[at->pc];
	uint32_t x;

	switch (BPF_CLASS(insn->code)) {
	case BPF_LD:
	case BPF_LDX:
		if (BPF_MODE(insn->code) == BPF_IND)
			return !cbpf_is_constant(&ways->values, at->x, &x) ||
			       insn->k > UINT32_MAX - x ||
			       !is_there(at, ways_size(insn->code), insn->k + x);
		return (BPF_MODE(insn->code) == BPF_ABS || BPF_MODE(insn->code) == BPF_MSH) &&
		       !is_there(at, ways_size(insn->code), insn->k);
	case BPF_ALU:
		return BPF_SRC(insn->code) == BPF_X &&
		       (BPF_OP(insn->code) == BPF_DIV || BPF_OP(insn->code) == BPF_MOD);
	default:
		return false;
	}
}

uint32_t ways_ask_first(struct ways *ways, const struct way *from, uint32_t tagged)
{
	const bool needed = ways->live[from->pc] & CBPF_A;
	struct way to = *from;
	uint32_t next;

	if (needed && ways->spare == BPF_MEMWORDS)
		return ways_give_up(ways, "has no word of memory to spare");
	to.view |= WAYS_SURE;
	if (!needed)
		to.a = cbpf_constant(&ways->values, 0);
	next = ways_walk(ways, to);
	if (needed)
		next = cbpf_step(&ways->graph, BPF_LD | BPF_MEM, ways->spare, false, next);
	next = cbpf_branch(&ways->graph, BPF_JMP | BPF_JEQ | BPF_K, 0, next, tagged);
	next = cbpf_step(&ways->graph, BPF_LD | BPF_W | BPF_ABS,
			 SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT, false, next);
	return needed ? cbpf_step(&ways->graph, BPF_ST, ways->spare, false, next) : next;
}
