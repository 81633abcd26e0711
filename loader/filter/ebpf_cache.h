/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which register holds what of the packet, at each place of a program: a forward analysis made
 * while the blocks are emitted, each behind all that lead to it. At a block's start is known what
 * every path to it leaves; at the head of a loop, nothing. Private to ebpf*.c.
 *
 * Nothing here is needed for a program to be right: what no register holds is computed again.
 */
#pragma once
#include "ir.h"

enum { CACHE_REGS = 10, NO_ITEM = UINT32_MAX };

/* What a register can hold. */
enum item_kind {
	ITEM_RAW,     /* bytes of the packet as they lie in memory, under a mask */
	ITEM_HOST,    /* bytes of the packet, big-endian, in the machine's order */
	ITEM_VALUE,   /* a value that is not a load */
	ITEM_POINTER, /* the packet at the value `base`, plus held.ahead */
};

struct item {
	uint8_t kind, size;
	uint32_t base; /* the value that the bytes are counted from; IR_NO_VALUE: the start */
	uint32_t off;
	uint32_t mask; /* RAW: as the register has it */
};

struct held {
	uint32_t item;
	/*
	 * A comparison told the verifier more of the register, on a path that it walks before the
	 * one where it knows less.
	 */
	bool narrowed;
	/* Of a pointer, as the verifier sees it: */
	int32_t ahead;	/* where it points, from the value on */
	uint32_t range; /* bytes proven, from the value on */
	uint32_t limit; /* the largest that the value can be */
};

/* What is known at a place. */
struct cache_state {
	bool reached;
	uint32_t linear; /* bytes proven from the packet's start */
	struct held regs[CACHE_REGS];
};

struct cache {
	struct item *items; /* once each */
	size_t n_items;
	uint32_t *index; /* a hash table of n_index items */
	size_t n_index;
	/* Where in the order of blocks item i is asked for: uses[first_use[i]] and on, rising. */
	uint32_t *uses, *first_use;
	size_t n_planned;	/* items below this one */
	struct cache_state *at; /* for each block, its start */
	struct cache_state now;
	uint32_t place;	   /* of the block under way, in the order */
	uint32_t usable;   /* registers that may hold items: a set of 1 << register */
	uint32_t reserved; /* those of them that variables have in this block */
	uint32_t pinned;   /* and those that are in use right now */
	bool oom;
};

/* A cache for a graph of n blocks; 0 or -ENOMEM. cache_free() takes one that is zero, too. */
int cache_init(struct cache *cache, size_t n_blocks, uint32_t usable);
void cache_free(struct cache *cache);

uint32_t cache_item(struct cache *cache, struct item item);

/*
 * Tell what will be asked for where: `uses` are pairs of item and place, by place. 0 or -ENOMEM. Of
 * what is not told, the cache takes it that nobody asks for it again.
 */
struct item_use {
	uint32_t item, place;
};
int cache_plan(struct cache *cache, const struct item_use *uses, size_t n);

/* Is an item asked for by a block behind this one? */
bool cache_wanted(const struct cache *cache, uint32_t item);

/* Begin a block, the head of a loop or not. */
void cache_enter(struct cache *cache, uint32_t block, uint32_t place, bool loop);

/*
 * A jump from here leads to a block, of the same rule or another. Into another rule no register is
 * taken that was narrowed: the verifier would walk all rules that follow once for each thing it
 * knows of it.
 */
void cache_flow(struct cache *cache, uint32_t block, bool same_rule);

/* A comparison with a constant told something of a register. */
void cache_narrow(struct cache *cache, int reg);

/* The register that holds an item, or -1. */
int cache_find(const struct cache *cache, uint32_t item);

/*
 * A register to compute in, none of `avoid`: empty, or that of the item which will be asked for
 * last. What it held is forgotten. -1: all are pinned.
 */
int cache_take(struct cache *cache, uint32_t avoid);

void cache_hold(struct cache *cache, int reg, uint32_t item);

/* Registers are written, a set of 1 << register. */
void cache_forget(struct cache *cache, uint32_t regs);
