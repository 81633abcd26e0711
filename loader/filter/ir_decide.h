/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tests: ends that facts can decide. A switch on a value asks that value; a check asks how many
 * bytes are in the linear part, as if it were a switch with one case, from k on.
 */
#pragma once
#include "ir_facts.h"

struct ir_test {
	ir_quantity quantity;
	const struct ir_case *cases; /* of a check: `check` */
	size_t n;
	uint32_t no;
	struct ir_case check;
};

/* Is this end a test? If so *test is about it, and must stay where it is. */
bool ir_test_of(const struct ir_end *end, struct ir_test *test);

/* The parts of a set, in order, each with the block that the test leads it to. */
struct ir_parts {
	const struct ir_test *test;
	const struct ir_set *set;
	size_t range, at; /* the next range, the next case that may matter */
	uint64_t from;
};

/* false: that was the last one. Begin with zeroes behind `test` and `set`. */
bool ir_next_part(struct ir_parts *parts, struct ir_case *part);

/* Where a test leads every number of a set; IR_NO_BLOCK: to more places than one. */
uint32_t ir_decide(const struct ir_test *test, const struct ir_set *set);
