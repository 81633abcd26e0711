/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a branch on a value asks of the packet, in the form that costs least: masks and shifts move
 * over to the constant, until a load is left. Private to ebpf*.c.
 */
#pragma once
#include "ir.h"

enum test_kind {
	TEST_TRUE,
	TEST_EQ,    /* (value & mask) == k */
	TEST_ANY,   /* (value & mask) != 0 */
	TEST_GE,    /* value >= k */
	TEST_OTHER, /* as the branch says */
};

/*
 * Constants are in host order. The mask of what is not a load has all bits set, of a load all bits
 * that it can have.
 */
struct test {
	uint8_t kind; /* enum test_kind */
	bool negate;
	uint32_t value;
	uint32_t mask, k;
};

/*
 * An end that is one comparison with a constant: a BRANCH on a value, or a SWITCH of two outcomes
 * that one comparison tells apart. False: it is not. Of an IR_EQ, the lowest `size` bits are not
 * compared.
 */
bool branch_of(const struct ir *ir, const struct ir_end *end, struct ir_end *branch);

struct test test_of(const struct ir *ir, const struct ir_end *end);

/*
 * The bytes of a load that a mask needs: which is the first, and how many (1, 2 or 4). The mask
 * becomes that of the narrow load.
 */
struct window {
	unsigned int first, size;
	uint32_t mask;
};

struct window window_of(uint32_t mask, unsigned int size);
