/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A classic program for the kernel's translation of it: it is followed on each way through it, with
 * what is known there of the packet, and written down again without what that decides:
 *
 *   - tests that are decided, and loads of what is at hand;
 *   - the length of an IPv4 header, which is 20 as a rule: where its first byte is 0x45 loads
 * behind it are at constant offsets, which the kernel's translation reads in place (seven
 * instructions instead of some thirty for a call).
 *
 * A packet may have its outer VLAN tag beside the bytes. What the program says of it then, T, is
 * the same program followed with other loads: what is behind the tag is four bytes nearer, the tag
 * is asked for by ancillary loads. All that is known of a tag beside the bytes is that it begins
 * with 0x8100 or 0x88a8; for most expressions that decides T. So a packet is asked for its tag only
 * at ends, and only at those where T, with what is known there, says something else; or before it
 * is rejected for want of bytes, if T might not.
 *
 * Private to ways*.c and cbpf_socket.c. What is called `ways` here is always the same; functions
 * that return a number return that of a node: the program from there on.
 */
#pragma once
#include "cbpf_graph.h"
#include "cbpf_known.h"
#include "cbpf_socket.h"

/* How a packet lies before the program: bits. */
enum ways_view {
	WAYS_TAGGED = 1, /* its outer tag is beside the bytes */
	WAYS_PULLED = 2, /* it begins behind the Ethernet header */
	WAYS_VIEWS = 4,
	WAYS_SURE = 4, /* without TAGGED: it has been asked for its tag, and has none there */
};

enum { WAYS_USUAL = 20 }; /* bytes of an IPv4 header without options */

/* A point on a way: what is about to be done, and what is known. No padding: it is compared. */
struct way {
	uint32_t view, pc;
	uint32_t a, x, m[BPF_MEMWORDS]; /* values */
	struct cbpf_known known;
};

enum ways_verdict { NO, YES, DEPENDS };

struct ways {
	const struct cbpf *prog;
	enum cbpf_seat seat;
	struct cbpf_graph graph;
	struct cbpf_values values;
	struct intern points; /* struct way */
	uint32_t *nodes;      /* by point: what it has become */
	size_t n_nodes;
	uint32_t spare; /* a word of M[] that the program has no use for; BPF_MEMWORDS: none */
	uint32_t *live; /* by instruction: what of A, X and M[] is read from there on */
	uint64_t *ahead[WAYS_VIEWS]; /* by instruction: loads from there on, as cbpf_offset() */
	/* T, by the view without TAGGED, if it depends on nothing. */
	enum ways_verdict tagged[WAYS_VIEWS];
	const char *why; /* there is no program; half a sentence: "the classic program …" */
	uint32_t depth;	 /* of calls: points on the way to the one at hand */
	bool oom;
};

/* The program from a point on. */
uint32_t ways_walk(struct ways *ways, struct way way);
/* The same from the next instruction on, with A and X at these values. */
uint32_t ways_go_on(struct ways *ways, const struct way *from, uint32_t a, uint32_t x);

uint32_t ways_reject(struct ways *ways);
uint32_t ways_give_up(struct ways *ways, const char *why);

uint32_t ways_compute(struct ways *ways, uint16_t code, uint32_t k, uint32_t a, uint32_t x);
uint32_t ways_settle(struct ways *ways, const struct way *way, uint32_t value);

/*
 * A, or X, gets a value that it may have from elsewhere than this instruction, or has already. The
 * instruction `ends` if it may reject the packet.
 */
uint32_t ways_put_a(struct ways *ways, const struct way *from, uint32_t value,
		    struct sock_filter insn, bool ends, uint32_t next);
uint32_t ways_put_x(struct ways *ways, const struct way *from, uint32_t value,
		    struct sock_filter insn, bool ends, uint32_t next);

/* Where a load in a packet on the wire finds its bytes. */
enum ways_place { IN_BYTES, IN_TAG, NOWHERE, ASTRIDE };

/* IN_BYTES: *k becomes where the kernel is to look. */
enum ways_place ways_locate(uint32_t view, unsigned int size, uint32_t *k);
unsigned int ways_size(uint16_t code);

/* Instructions of the classes LD and LDX. */
uint32_t ways_load(struct ways *ways, const struct way *from, const struct sock_filter *insn);
uint32_t ways_load_x(struct ways *ways, const struct way *from, const struct sock_filter *insn);

/* RET. */
uint32_t ways_finish(struct ways *ways, const struct way *at, const struct sock_filter *insn);
uint32_t ways_end(struct ways *ways, bool match);

struct way ways_begin(struct ways *ways, uint32_t view);
/* T, for a packet of which this is known. */
uint32_t ways_begin_tagged(struct ways *ways, uint32_t view, const struct cbpf_known *known);

/* May the instruction at hand reject a packet that has a tag beside its bytes? */
bool ways_may_reject(const struct ways *ways, const struct way *at);
/*
 * The packet is asked for its tag before it: with one it is up to `tagged`. The question takes A,
 * which is kept in a word that the program has no use for.
 */
uint32_t ways_ask_first(struct ways *ways, const struct way *from, uint32_t tagged);
