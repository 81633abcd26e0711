/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lists in the tree of an expression. Private to lift*.c.
 */
#pragma once
#include "shape.h"

/* A list, and the value in the tree that stands for it. */
struct lifted_list {
	struct grammar_node *node;
	enum value_kind kind;
	struct cbpf_list list;
};

struct lists {
	struct lifted_list *all;
	size_t n;
};

/* The longest run of values of one shape, under an "or" or, each with "not", an "and". */
size_t lists_longest(const struct grammar *grammar);

/*
 * Rebuild the tree: of each run of `least` values of one shape or more, all but the first become
 * one value. "and" within "and", "or" within "or" become one. 0 or -ENOMEM (reported); in either
 * case lists_free().
 */
int lists_lift(struct grammar *grammar, size_t least, struct lists *out);
void lists_free(struct lists *lists);
