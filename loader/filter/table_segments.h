/* SPDX-License-Identifier: GPL-2.0-only */
/* What all keys have as results, in a row: what a table is built from. Private to table*.c. */
#pragma once
#include "table.h"

/* Keys from `first` to the next one's have this result. The first one begins at 0. */
struct table_segment {
	uint32_t first, result;
};

struct table_segments {
	struct table_segment *at;
	size_t n;
	uint32_t results; /* one more than the largest */
};

/*
 * Of ranges, sorted and disjoint, and what lies between. Boundaries above `max` are left out: no
 * key comes there. 0 or -ENOMEM; the caller frees out->at.
 */
int table_segments(const struct table_range *ranges, size_t n, uint32_t otherwise, uint32_t max,
		   struct table_segments *out);

/* The largest key of a segment. */
static inline uint32_t segment_last(const struct table_segments *s, size_t i)
{
	return i + 1 < s->n ? s->at[i + 1].first - 1 : UINT32_MAX;
}
