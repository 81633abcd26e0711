/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a rule can match, from outside: boxes, each a range for some fields of the packet. Every
 * packet that the rule matches lies in one of its boxes; a packet in a box need not match.
 */
#pragma once
#include "ir.h"

enum { BOX_BOUNDS = 12, BOXES_MAX = 48 };

/*
 * Bytes of the packet, big-endian, at k or, behind an IPv4 header, at 4 * ([14] & 0xf) + k; of
 * these the bits of the mask.
 */
struct ir_field {
	uint32_t k, mask;
	uint8_t size; /* 1, 2, 4 */
	bool behind_ip;
};

static inline bool ir_field_equal(const struct ir_field *a, const struct ir_field *b)
{
	return a->k == b->k && a->mask == b->mask && a->size == b->size &&
	       a->behind_ip == b->behind_ip;
}

/* The packet has the field, and it is from first to last. */
struct ir_bound {
	struct ir_field field;
	uint32_t first, last;
};

struct ir_box {
	struct ir_bound bounds[BOX_BOUNDS];
	size_t n;
	bool exact; /* the rule matches every packet in it */
};

/*
 * The boxes of a rule, for packets that are all linear: at most BOXES_MAX; one without bounds if
 * nothing is known. Its caller frees *boxes. 0 or -ENOMEM.
 */
int ir_boxes(const struct filter_rule *rule, struct ir_box **boxes, size_t *n);

/* The bound of a field; NULL: none. */
struct ir_bound *ir_box_bound(struct ir_box *box, const struct ir_field *field);

/* Make them `most` at most, larger ones for more. The number of those that are left. */
size_t ir_boxes_merge(struct ir_box *boxes, size_t n, size_t most);
