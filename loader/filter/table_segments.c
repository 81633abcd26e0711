// SPDX-License-Identifier: GPL-2.0-only
#include "table_segments.h"

#include <stdlib.h>

#include "../fail.h"

static void add_segment(struct table_segments *s, uint32_t first, uint32_t result)
{
	if (s->n && s->at[s->n - 1].result == result)
		return;
	s->at[s->n++] = (struct table_segment){ first, result };
	s->results = result < s->results ? s->results : result + 1;
}

int table_segments(const struct table_range *ranges, size_t n, uint32_t otherwise, uint32_t max,
		   struct table_segments *out)
{
	uint64_t next = 0;

	*out = (struct table_segments){ .at = malloc((2 * n + 1) * sizeof(*out->at)),
					.results = otherwise + 1 };
	if (!out->at)
		return fail_oom();
	for (size_t i = 0; i < n && ranges[i].first <= max; i++) {
		if (next < ranges[i].first)
			add_segment(out, next, otherwise);
		add_segment(out, ranges[i].first, ranges[i].result);
		next = (uint64_t)ranges[i].last + 1;
	}
	if (next <= max)
		add_segment(out, next, otherwise);
	return 0;
}
