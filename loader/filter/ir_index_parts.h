/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An index in the making: what rules ask, and what is looked up of it. Private to ir_index*.c.
 */
#pragma once
#include "ir_index.h"

enum {
	WORD = 64,
	RULE_BOXES = 2, /* bits of a rule */
};

struct rule_bits {
	struct ir_box boxes[INDEX_KINDS][RULE_BOXES];
	size_t n[INDEX_KINDS];
	uint32_t bit; /* the first of them, in the order of the boxes */
	size_t n_bits;
};

struct build {
	struct ir *ir;
	const struct filter_run *run;
	struct ir_view view;
	struct ir_index *index;
	struct rule_bits *rules;
	size_t n_rules; /* that have bits */
};

static inline void set_bit(uint64_t *vector, uint32_t bit)
{
	vector[bit / WORD] |= (uint64_t)1 << bit % WORD;
}

/* Is the field in place in each packet that has it? */
bool is_sure(const struct build *b, const struct ir_field *field);

/* Does one field tell what the other is? */
bool field_tells(const struct ir_field *field, const struct ir_field *other);

/* What is looked up of packets of a kind, once all rules have their bits. 0 or -ENOMEM. */
int build_part(struct build *b, enum index_kind kind);
void part_free(struct index_part *part);
