// SPDX-License-Identifier: GPL-2.0-only
/*
 * Buckets: keys with the same uppermost bits. Of each the index tells a node, a row of the last
 * keys of its segments and of their results, which is searched without a branch: a cache line, or
 * less. Buckets of only one result share a node.
 */
#include "table_segments.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../fail.h"

enum { KEY_BITS = 32, INDEX_BITS_MIN = 4, INDEX_BITS_MAX = 15, STEPS_MAX = 4, NODES_MAX = 1 << 16 };

struct build {
	struct table *table;
	struct table_segments segments;
	uint32_t *uniform; /* for each result, 1 + the number of its node */
	uint32_t nodes;	   /* that there are so far */
};

/* What a way to cut takes. */
struct survey {
	size_t most;  /* boundaries in one bucket */
	size_t mixed; /* buckets with boundaries */
};

static struct survey survey(const struct table_segments *s, unsigned int shift)
{
	struct survey found = { 0 };
	uint32_t bucket = UINT32_MAX;
	size_t n = 0;

	for (size_t i = 1; i < s->n; i++) {
		uint32_t first = s->at[i].first;

		if (!(first & ((1u << shift) - 1)))
			continue;
		n = first >> shift == bucket ? n + 1 : 1;
		bucket = first >> shift;
		found.mixed += n == 1;
		found.most = n > found.most ? n : found.most;
	}
	return found;
}

static unsigned int steps_for(size_t boundaries)
{
	unsigned int steps = 1;

	while ((1u << steps) - 1 < boundaries)
		steps++;
	return steps;
}

/* The last keys of all segments but one, the results of all; a power of two, for alignment. */
static size_t node_size(unsigned int steps)
{
	return (size_t)8 << steps;
}

static void lay_out(struct table *table, const struct build *b, unsigned int shift,
		    unsigned int top)
{
	struct survey found = survey(&b->segments, shift);
	size_t uniform = b->segments.results < b->segments.n ? b->segments.results : b->segments.n;
	size_t index = (size_t)2 << (top - shift);

	table->bucket_shift = shift;
	table->steps = steps_for(found.most);
	table->n_slots = found.mixed + uniform;
	table->slot_size = node_size(table->steps);
	table->slots_at = (index + 63) & ~(size_t)63;
	table->size = table->slots_at + (size_t)table->n_slots * table->slot_size;
}

/* The cheapest cut by the model; -E2BIG: none does. */
static int plan(struct build *b, uint32_t max)
{
	unsigned int top = max ? KEY_BITS - __builtin_clz(max) : 1, best = -1;

	for (unsigned int bits = INDEX_BITS_MIN; bits <= INDEX_BITS_MAX && bits < top; bits++) {
		struct table table = *b->table;

		if (survey(&b->segments, top - bits).most >= 1u << STEPS_MAX)
			continue;
		lay_out(&table, b, top - bits, top);
		if (table.n_slots > NODES_MAX || table_cost(&table) >= best)
			continue;
		best = table_cost(&table);
		*b->table = table;
	}
	return best == -1u ? -E2BIG : 0;
}

static void put(struct build *b, size_t at, uint32_t value)
{
	memcpy(&b->table->bytes[at], &value, sizeof(value));
}

/* A node for the keys up to `last`, the first of which lies in segment i. */
static uint32_t add_node(struct build *b, size_t i, uint32_t last)
{
	size_t keys = b->table->slots_at + (size_t)b->nodes * b->table->slot_size;
	size_t n = (1u << b->table->steps) - 1, results = keys + 4 * n;

	for (size_t j = 0; j <= n; j++) {
		uint32_t end = segment_last(&b->segments, i);

		if (j < n)
			put(b, keys + 4 * j, end);
		put(b, results + 4 * j, b->segments.at[i].result);
		i += end < last;
	}
	return b->nodes++;
}

static uint32_t node_of(struct build *b, size_t i, uint32_t last)
{
	uint32_t *uniform = &b->uniform[b->segments.at[i].result];

	if (segment_last(&b->segments, i) < last)
		return add_node(b, i, last);
	if (!*uniform)
		*uniform = add_node(b, i, last) + 1;
	return *uniform - 1;
}

static int fill(struct build *b)
{
	uint32_t buckets = b->table->slots_at / 2;
	size_t i = 0;

	b->table->bytes = calloc(1, b->table->size);
	b->uniform = calloc(b->segments.results, sizeof(*b->uniform));
	if (!b->table->bytes || !b->uniform)
		return fail_oom();
	for (uint64_t bucket = 0; bucket < buckets; bucket++) {
		uint64_t first = bucket << b->table->bucket_shift;
		uint16_t node;

		if (first > UINT32_MAX)
			break;
		while (segment_last(&b->segments, i) < first)
			i++;
		node = node_of(b, i, first + ((1u << b->table->bucket_shift) - 1));
		memcpy(&b->table->bytes[2 * bucket], &node, sizeof(node));
	}
	return 0;
}

int table_build_buckets(const struct table_range *ranges, size_t n, uint32_t otherwise,
			uint32_t max, unsigned int cost_max, struct table *out)
{
	struct build b = { .table = out };
	int err;

	*out = (struct table){ .kind = TABLE_BUCKETS, .otherwise = otherwise };
	err = table_segments(ranges, n, otherwise, max, &b.segments);
	err = err ?: plan(&b, max);
	if (!err)
		err = table_cost(out) < cost_max ? fill(&b) : -E2BIG;
	free(b.uniform);
	free(b.segments.at);
	if (err)
		table_free(out);
	return err;
}
