/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Facts: what a path through the graph has proven of the packet. For each of a few quantities, the
 * set of numbers that it may be: a set never lacks a possible number, but may have impossible ones.
 *
 * A quantity is a value, or how many bytes are in the linear part: from the packet's start on, or
 * from where a value says on (IR_CHECK asks these). Nothing here ever changes once it is made, so
 * paths share their facts; all are freed with the store.
 */
#pragma once
#include "ir.h"

enum {
	IR_SET_RANGES = 8, /* a set that would need more gets impossible numbers */
	IR_FACTS_MAX = 24, /* quantities that one path remembers */
};

typedef uint32_t ir_quantity; /* a value, or one of these */
enum { IR_BYTES = 0x80000000 };

static inline ir_quantity ir_bytes_from(uint32_t value)
{
	/* IR_NO_VALUE, the packet's start, has that bit already. */
	return value | IR_BYTES;
}

struct ir_range {
	uint32_t first, last;
};

struct ir_set {
	uint32_t n;			       /* 0: this path cannot be */
	struct ir_range ranges[IR_SET_RANGES]; /* sorted, disjoint, not adjacent */
};

struct ir_fact {
	ir_quantity quantity;
	uint32_t set; /* ir_store.sets; equal index, equal set */
};

struct ir_facts {
	uint32_t n;
	struct ir_fact facts[]; /* sorted by quantity */
};

struct ir_store;

/* NULL if memory is out. The graph's values may not change while it is in use. */
struct ir_store *ir_store_new(const struct ir *ir);
void ir_store_free(struct ir_store *store);
void ir_store_freep(struct ir_store **store);

/* Was memory out in any call so far? Then nothing that they returned is of use. */
bool ir_store_failed(const struct ir_store *store);

/* What is known where nothing is. */
const struct ir_facts *ir_facts_none(void);

/* The index of a set: IR_SET_ALL if it says nothing about that quantity. */
enum { IR_SET_ALL = 0 };
uint32_t ir_store_set(struct ir_store *store, ir_quantity quantity, const struct ir_set *set);
const struct ir_set *ir_set_at(const struct ir_store *store, uint32_t set);

/* What these facts say of a quantity: an index, and the set, bounded by what the quantity can be.
 */
uint32_t ir_facts_index(const struct ir_facts *facts, ir_quantity quantity);
struct ir_set ir_facts_set(const struct ir_store *store, const struct ir_facts *facts,
			   ir_quantity quantity);

/* The facts with this one in place of what they said of the quantity. */
const struct ir_facts *ir_facts_with(struct ir_store *store, const struct ir_facts *facts,
				     ir_quantity quantity, uint32_t set);

/* What holds on both of two paths. */
const struct ir_facts *ir_facts_meet(struct ir_store *store, const struct ir_facts *a,
				     const struct ir_facts *b);

/* Is every number of b in a? */
bool ir_set_holds(const struct ir_set *a, const struct ir_set *b);

/* Is any number from first to last in the set? */
bool ir_set_meets(const struct ir_set *set, uint32_t first, uint32_t last);

/* Append a range behind all others of a set under way; where there is no room the last one grows.
 */
void ir_set_add(struct ir_set *set, uint32_t first, uint32_t last);
