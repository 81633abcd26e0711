/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The cases of a switch that grows, case by case, in any order: what is covered already stays as it
 * is. Sorted cases are kept in two arrays, one long and one short, so that an insertion moves
 * little.
 */
#pragma once
#include "ir.h"

enum { IR_CASES_RECENT = 256 };

struct ir_cases {
	struct ir_case *old, *recent;
	size_t n_old, n_recent;
	bool failed; /* memory was out */
};

void ir_cases_free(struct ir_cases *cases);

/* The first case that ends at `from` or later; NULL: none does. Valid until one is added. */
const struct ir_case *ir_cases_after(const struct ir_cases *cases, uint32_t from);

/* Add a case that meets none that is there. */
void ir_cases_add(struct ir_cases *cases, struct ir_case one);

/* All of them, sorted: the caller owns *out. */
size_t ir_cases_take(struct ir_cases *cases, struct ir_case **out);
