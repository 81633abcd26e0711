/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is known on a way through a classic program: values, by how they were computed from the
 * packet, and facts, the outcomes of tests of them.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "intern.h"

/* A value: what this instruction makes of a, or of A = a and X = x. As number: of equal ones one.
 */
struct cbpf_value {
	uint32_t code, k;
	uint32_t a, x;	/* values */
	uint64_t loads; /* cbpf_loads(); set by cbpf_compute() */
};

enum { CBPF_NO_VALUE = UINT32_MAX }; /* one that nothing is known of */

/* A test of a value: JEQ, JGT, JGE or JSET of k, and its outcome. */
struct cbpf_fact {
	uint32_t value, op, k, holds;
};

enum { CBPF_FACTS = 16 };

struct cbpf_known {
	uint32_t n;
	struct cbpf_fact facts[CBPF_FACTS]; /* all behind n are 0 */
	uint32_t length;		    /* bytes that the packet has at least */
};

struct cbpf_values {
	struct intern all;
	bool oom; /* once memory was out; values mean nothing then */
};

void cbpf_values_init(struct cbpf_values *values);
void cbpf_values_free(struct cbpf_values *values);
const struct cbpf_value *cbpf_value(const struct cbpf_values *values, uint32_t number);

uint32_t cbpf_constant(struct cbpf_values *values, uint32_t k);
/* Is it one? Which, then. */
bool cbpf_is_constant(const struct cbpf_values *values, uint32_t value, uint32_t *k);

/*
 * The value that a load brings, LD of what classic programs have, or an operation of ALU: computed
 * as libpcap's bpf_filter() does where all is constant. No division by a constant 0.
 */
uint32_t cbpf_compute(struct cbpf_values *values, struct cbpf_value value);

/* A constant where that is all that it can be, else the value itself. */
uint32_t cbpf_settle(struct cbpf_values *values, const struct cbpf_known *known, uint32_t value);

enum cbpf_outcome { CBPF_FAILS, CBPF_HOLDS, CBPF_OPEN };

enum cbpf_outcome cbpf_decide(const struct cbpf_values *values, const struct cbpf_known *known,
			      uint32_t value, uint32_t op, uint32_t k);

/* A test that was open has this outcome from now on. What there is no room for is forgotten. */
void cbpf_learn(struct cbpf_known *known, uint32_t value, uint32_t op, uint32_t k, bool holds);

/*
 * The loads that a value is made of: a set of offsets, in which some look alike (cbpf_offset()). Of
 * a load at a computed offset, and of the packet's length, all.
 */
uint64_t cbpf_loads(const struct cbpf_values *values, uint32_t value);
uint64_t cbpf_offset(uint32_t k);
