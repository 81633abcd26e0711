// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loads: of bytes that may be elsewhere than on the wire, of a tag, of lengths.
 */
#include "ways.h"

#include <limits.h>
#include <linux/if_ether.h>

enum {
	TAG = 2 * ETH_ALEN, /* where a tag is in a packet on the wire */
	TAG_LEN = 4,
	USUAL = 0x45, /* first byte of an IPv4 header without options */
};

/* Where bytes are */

unsigned int ways_size(uint16_t code)
{
	return BPF_SIZE(code) == BPF_B ? 1 : BPF_SIZE(code) == BPF_H ? 2 : 4;
}

enum ways_place ways_locate(uint32_t view, unsigned int size, uint32_t *k)
{
	if (*k > INT_MAX - ETH_HLEN)
		return NOWHERE;
	if (view & WAYS_TAGGED && *k >= TAG + TAG_LEN)
		*k -= TAG_LEN;
	else if (view & WAYS_TAGGED && *k + size > TAG)
		return *k >= TAG && *k % size == 0 && size <= 2 ? IN_TAG : ASTRIDE;
	if (!(view & WAYS_PULLED))
		return IN_BYTES;
	if (*k < ETH_HLEN && ETH_HLEN - *k < size)
		return ASTRIDE;
	*k += *k < ETH_HLEN ? (uint32_t)SKF_LL_OFF : (uint32_t)-ETH_HLEN;
	return IN_BYTES;
}

/* A computed offset is as large as it may be, but not negative. */
static bool locate_computed(uint32_t view, uint32_t *k)
{
	uint32_t least = 0;

	if (view & WAYS_TAGGED)
		least = TAG + TAG_LEN;
	if (view & WAYS_PULLED)
		least += ETH_HLEN;
	if (*k < least)
		return false;
	*k -= (view & WAYS_TAGGED ? TAG_LEN : 0) + (view & WAYS_PULLED ? ETH_HLEN : 0);
	return true;
}

static const char astride[] = "would have to read what is partly beside the packet's bytes";

/* Bytes */

/* Bytes up to `end` are there, now that a load of them has been made. Was that known? */
static bool prove(struct way *way, uint32_t k, unsigned int size)
{
	uint32_t end = k + size;

	if (k > INT_MAX)
		return false; /* from the Ethernet header: another count */
	if (end <= way->known.length)
		return true;
	way->known.length = end;
	return false;
}

static uint32_t load_bytes(struct ways *ways, const struct way *from, uint16_t code, uint32_t k)
{
	const struct sock_filter insn = { code, 0, 0, k };
	struct way to = *from;
	bool proven = prove(&to, k, ways_size(code));
	uint32_t value = ways_settle(ways, from, ways_compute(ways, code, k, 0, 0));

	return ways_put_a(ways, from, value, insn, !proven, ways_go_on(ways, &to, value, to.x));
}

static uint32_t ancillary(struct ways *ways, uint32_t which)
{
	return ways_compute(ways, BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + which, 0, 0);
}

/* A half of the tag, or a byte of one. */
static uint32_t load_tag(struct ways *ways, const struct way *from, unsigned int size, uint32_t k)
{
	const uint32_t which = k < TAG + 2 ? SKF_AD_VLAN_TPID : SKF_AD_VLAN_TAG;
	const struct sock_filter load = { BPF_LD | BPF_W | BPF_ABS, 0, 0, SKF_AD_OFF + which };
	const struct sock_filter part = { BPF_ALU | (k % 2 ? BPF_AND : BPF_RSH), 0, 0,
					  k % 2 ? UINT8_MAX : 8 };
	uint32_t half = ancillary(ways, which), value = half, next;

	if (size == 1)
		value = ways_compute(ways, part.code, part.k, half, 0);
	value = ways_settle(ways, from, value);
	next = ways_go_on(ways, from, value, from->x);
	if (size == 2 || cbpf_is_constant(&ways->values, value, &half))
		return ways_put_a(ways, from, value, load, false, next);
	next = cbpf_step(&ways->graph, part.code, part.k, false, next);
	return cbpf_step(&ways->graph, load.code, load.k, false, next);
}

static uint32_t load_at(struct ways *ways, const struct way *from, uint16_t code, uint32_t k)
{
	uint32_t wire = k;

	switch (ways_locate(from->view, ways_size(code), &k)) {
	case IN_BYTES:
		return load_bytes(ways, from, BPF_LD | BPF_SIZE(code) | BPF_ABS, k);
	case IN_TAG:
		return load_tag(ways, from, ways_size(code), wire);
	case NOWHERE:
		return ways_reject(ways);
	default:
		return ways_give_up(ways, astride);
	}
}

static uint32_t load_computed(struct ways *ways, const struct way *from,
			      const struct sock_filter *insn)
{
	uint32_t x, k = insn->k, value;

	if (cbpf_is_constant(&ways->values, from->x, &x))
		return k > UINT32_MAX - x ? ways_reject(ways)
					  : load_at(ways, from, insn->code, k + x);
	if (!locate_computed(from->view, &k))
		return ways_give_up(ways, astride);
	value = ways_settle(ways, from, ways_compute(ways, insn->code, k, 0, from->x));
	return ways_put_a(ways, from, value, (struct sock_filter){ insn->code, 0, 0, k }, true,
			  ways_go_on(ways, from, value, from->x));
}

/* Lengths of packets */

/* Bytes on the wire that the kernel does not count. */
static uint32_t uncounted(uint32_t view)
{
	return (view & WAYS_TAGGED ? TAG_LEN : 0) + (view & WAYS_PULLED ? ETH_HLEN : 0);
}

/* A test of A, which nobody reads behind it, ahead of which `add` is to be added to it. */
static bool takes_sum(const struct cbpf_graph *graph, uint32_t number, uint32_t add)
{
	const struct cbpf_node *node = graph->oom ? NULL : cbpf_node(graph, number);

	return node &&
	       (node->code == (BPF_JMP | BPF_JGT | BPF_K) ||
		node->code == (BPF_JMP | BPF_JGE | BPF_K)) &&
	       node->k >= add &&
	       !((cbpf_node(graph, node->next[0])->live | cbpf_node(graph, node->next[1])->live) &
		 CBPF_A);
}

/* The sum does not wrap around: it is a packet's length. */
static uint32_t add_to_length(struct ways *ways, uint32_t add, uint32_t next)
{
	struct cbpf_node test;

	if (!add)
		return next;
	if (!takes_sum(&ways->graph, next, add))
		return cbpf_step(&ways->graph, BPF_ALU | BPF_ADD | BPF_K, add, false, next);
	test = *cbpf_node(&ways->graph, next);
	return cbpf_branch(&ways->graph, test.code, test.k - add, test.next[0], test.next[1]);
}

static uint32_t load_length(struct ways *ways, const struct way *from, bool to_x)
{
	const struct sock_filter insn = { BPF_LD | BPF_W | BPF_LEN, 0, 0, 0 };
	uint32_t counted = ways_compute(ways, insn.code, 0, 0, 0), value = counted, next;
	uint32_t add = uncounted(from->view);

	if (add)
		value = ways_compute(ways, BPF_ALU | BPF_ADD | BPF_K, add, value, 0);
	value = ways_settle(ways, from, value);
	if (to_x && ways->live[from->pc + 1] & CBPF_A)
		return ways_give_up(ways, "puts the packet's length beside a number that it needs");
	next = ways_go_on(ways, from, value, to_x ? value : from->x);
	if (to_x)
		next = cbpf_step(&ways->graph, BPF_MISC | BPF_TAX, 0, false, next);
	return ways_put_a(ways, from, counted, insn, false, add_to_length(ways, add, next));
}

/* What IMM and MEM load. */
static uint32_t at_hand(struct ways *ways, const struct way *from, const struct sock_filter *insn)
{
	return BPF_MODE(insn->code) == BPF_IMM ? cbpf_constant(&ways->values, insn->k)
					       : ways_settle(ways, from, from->m[insn->k]);
}

uint32_t ways_load(struct ways *ways, const struct way *from, const struct sock_filter *insn)
{
	uint32_t value;

	switch (BPF_MODE(insn->code)) {
	case BPF_IMM:
	case BPF_MEM:
		value = at_hand(ways, from, insn);
		return ways_put_a(ways, from, value, *insn, false,
				  ways_go_on(ways, from, value, from->x));
	case BPF_ABS:
		return load_at(ways, from, insn->code, insn->k);
	case BPF_IND:
		return load_computed(ways, from, insn);
	default:
		return load_length(ways, from, false);
	}
}

/* Header lengths: X = 4 * (byte & 0xf) */

/* Of any header, by A. */
static uint32_t compute_header(struct ways *ways, const struct way *from, uint32_t length)
{
	struct cbpf_graph *graph = &ways->graph;
	uint32_t next = ways_go_on(ways, from, length, length);

	next = cbpf_step(graph, BPF_MISC | BPF_TAX, 0, false, next);
	next = cbpf_step(graph, BPF_ALU | BPF_LSH | BPF_K, 2, false, next);
	return cbpf_step(graph, BPF_ALU | BPF_AND | BPF_K, 0xf, false, next);
}

/* Of the usual one, and of others. */
static uint32_t part_headers(struct ways *ways, const struct way *from, uint32_t byte,
			     uint32_t length)
{
	const uint32_t usual = cbpf_constant(&ways->values, USUAL);
	const uint32_t usual_length = cbpf_constant(&ways->values, WAYS_USUAL);
	enum cbpf_outcome is = cbpf_decide(&ways->values, &from->known, byte, BPF_JEQ, USUAL);
	struct way plain = *from, other = *from;
	uint32_t yes;

	if (is == CBPF_FAILS)
		return compute_header(ways, from, length);
	cbpf_learn(&plain.known, byte, BPF_JEQ, USUAL, true);
	cbpf_learn(&other.known, byte, BPF_JEQ, USUAL, false);
	yes = cbpf_step(&ways->graph, BPF_LDX | BPF_IMM, WAYS_USUAL, false,
			ways_go_on(ways, &plain, usual, usual_length));
	return cbpf_branch(&ways->graph, BPF_JMP | BPF_JEQ | BPF_K, USUAL, yes,
			   compute_header(ways, &other, length));
}

static uint32_t load_header(struct ways *ways, const struct way *from,
			    const struct sock_filter *insn)
{
	const uint16_t code = BPF_LD | BPF_B | BPF_ABS;
	uint32_t k = insn->k, byte, length, next, known;
	enum ways_place place = ways_locate(from->view, 1, &k);
	struct way to = *from;
	bool ends;

	if (place != IN_BYTES)
		return place == NOWHERE ? ways_reject(ways) : ways_give_up(ways, astride);
	ends = !prove(&to, k, 1);
	byte = ways_settle(ways, from, ways_compute(ways, code, k, 0, 0));
	length = ways_compute(ways, BPF_ALU | BPF_AND | BPF_K, 0xf, byte, 0);
	length = ways_compute(ways, BPF_ALU | BPF_LSH | BPF_K, 2, length, 0);
	length = ways_settle(ways, from, length);
	if (from->x == length && length != CBPF_NO_VALUE)
		return ways_go_on(ways, from, from->a, from->x);
	if (cbpf_is_constant(&ways->values, length, &known) || ways->live[from->pc + 1] & CBPF_A)
		return ways_put_x(ways, from, length, (struct sock_filter){ insn->code, 0, 0, k },
				  ends, ways_go_on(ways, &to, from->a, length));
	next = part_headers(ways, &to, byte, length);
	return ways_put_a(ways, from, byte, (struct sock_filter){ code, 0, 0, k }, ends, next);
}

uint32_t ways_load_x(struct ways *ways, const struct way *from, const struct sock_filter *insn)
{
	uint32_t value;

	switch (BPF_MODE(insn->code)) {
	case BPF_IMM:
	case BPF_MEM:
		value = at_hand(ways, from, insn);
		return ways_put_x(ways, from, value, *insn, false,
				  ways_go_on(ways, from, from->a, value));
	case BPF_MSH:
		return load_header(ways, from, insn);
	default:
		return load_length(ways, from, true);
	}
}
