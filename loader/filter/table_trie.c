// SPDX-License-Identifier: GPL-2.0-only
/*
 * A trie of arrays. Every key goes through all levels: where a subtree has only one result, the
 * mask 0 takes all its keys to one element, which all such subtrees of a level share.
 */
#include "table_segments.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../fail.h"

enum {
	KEY_BITS = 32,
	FIRST_BITS_MAX = 20,
	BITS_MAX = 8, /* of the other levels: what an element has room for */
	ELEMENTS_MAX = 1 << 24,
	RESULTS_MAX = 1 << 22,
	COST_WINDOW = 4000,
	COST_NEVER = 1 << 30,
};

/* How to cut: from[l][s] is the best way on where all bits above bit s have been used, in at most
 * l levels. */
struct cut {
	unsigned int cost;
	uint8_t bits;
};

struct build {
	struct table *table;
	struct table_segments segments;
	uint32_t blocks[KEY_BITS + 1]; /* prefixes above bit s that have several results */
	unsigned int top, low;	       /* the key's bits that count: from top - 1 to low */
	struct cut from[TABLE_LEVELS + 1][KEY_BITS + 1];
	uint32_t *uniform[TABLE_LEVELS]; /* for each result, an element of the level; 0: none yet */
};

static uint32_t low_bits(unsigned int bits)
{
	return bits < KEY_BITS ? (1u << bits) - 1 : UINT32_MAX;
}

static unsigned int width(uint32_t key)
{
	return key ? KEY_BITS - __builtin_clz(key) : 0;
}

/* Count the blocks of each depth, and see which of the lowest bits never count. */
static void survey(struct build *b)
{
	b->low = KEY_BITS;
	memset(b->blocks, 0, sizeof(b->blocks));
	for (unsigned int shift = 1; shift <= KEY_BITS; shift++) {
		uint64_t last = UINT64_MAX;

		for (size_t i = 1; i < b->segments.n; i++) {
			uint32_t first = b->segments.at[i].first;
			uint64_t prefix = (uint64_t)first >> shift;

			if (!(first & low_bits(shift)) || prefix == last)
				continue;
			last = prefix;
			b->blocks[shift]++;
		}
		if (b->blocks[shift] && b->low == KEY_BITS)
			b->low = shift - 1;
	}
}

static unsigned int result_size(const struct build *b)
{
	return b->segments.results <= 1 << 8 ? 1 : b->segments.results <= 1 << 16 ? 2 : 4;
}

/* The elements of a level that uses `bits` bits below bit `shift`; at most, but for the first. */
static uint64_t elements(const struct build *b, unsigned int shift, unsigned int bits)
{
	uint64_t shared = b->segments.results < b->segments.n ? b->segments.results : b->segments.n;

	if (shift == b->top)
		return (uint64_t)1 << bits;
	return ((uint64_t)b->blocks[shift] << bits) + shared + 1;
}

static struct cut best_cut(const struct build *b, unsigned int levels, unsigned int shift,
			   size_t size_max)
{
	unsigned int most = shift == b->top ? FIRST_BITS_MAX : BITS_MAX;
	struct cut best = { .cost = COST_NEVER };

	for (unsigned int bits = 1; bits <= most && bits <= shift - b->low; bits++) {
		unsigned int to = shift - bits, size = to == b->low ? result_size(b) : 4;
		uint64_t n = elements(b, shift, bits);
		unsigned int cost;

		if (n > ELEMENTS_MAX || n * size > size_max)
			break;
		cost = table_level_cost(n * size) + b->from[levels - 1][to].cost;
		if (cost < best.cost)
			best = (struct cut){ cost, bits };
	}
	return best;
}

/* From the key's lowest bit up. -E2BIG if no level may be so large. */
static int cut(struct build *b, size_t size_max)
{
	for (unsigned int levels = 0; levels <= TABLE_LEVELS; levels++) {
		for (unsigned int shift = b->low; shift <= b->top; shift++) {
			struct cut *from = &b->from[levels][shift];

			if (shift == b->low)
				*from = (struct cut){ 0 };
			else if (!levels)
				*from = (struct cut){ .cost = COST_NEVER };
			else
				*from = best_cut(b, levels, shift, size_max);
		}
	}
	return b->from[TABLE_LEVELS][b->top].cost < COST_NEVER ? 0 : -E2BIG;
}

/* Of the bits from top to low. */
static unsigned int cut_cost(const struct build *b)
{
	return b->from[TABLE_LEVELS][b->top].cost;
}

static int lay_out(struct build *b)
{
	struct table *table = b->table;
	unsigned int shift = b->top;
	uint64_t at = 0;

	for (table->n_levels = 0; shift > b->low; table->n_levels++) {
		struct table_level *level = &table->levels[table->n_levels];
		unsigned int bits = b->from[TABLE_LEVELS - table->n_levels][shift].bits;

		level->bits = bits;
		level->n = elements(b, shift, bits);
		level->shift = shift -= bits;
		level->size = shift == b->low ? result_size(b) : 4;
		level->at = at;
		at = (at + (uint64_t)level->n * level->size + 63) & ~(uint64_t)63;
	}
	table->size = at;
	return at <= TABLE_SIZE_MAX ? 0 : -E2BIG;
}

/* The fastest cut; if that is too large, the fastest of smaller levels. */
static int plan(struct build *b)
{
	int err = -E2BIG;

	for (size_t size = TABLE_SIZE_MAX; err && size > 1 << 10; size /= 2) {
		err = cut(b, size);
		if (err)
			return err;
		err = lay_out(b);
	}
	return err;
}

/* All keys that have another result than `otherwise` begin alike: look at the rest of the bits. */
static void set_window(struct build *b, uint32_t max)
{
	uint32_t otherwise = b->table->otherwise, from, to;
	size_t first = b->segments.at[0].result == otherwise;
	size_t last = b->segments.n - 1 - (b->segments.at[b->segments.n - 1].result == otherwise);

	from = b->segments.at[first].first;
	to = segment_last(&b->segments, last);
	to = to < max ? to : max;
	b->top = width(from ^ to);
	b->table->limit = low_bits(b->top);
	b->table->base = from & ~b->table->limit;
}

/* A window costs a compare and a branch, and spares bits. */
static int plan_with_window(struct build *b, uint32_t max)
{
	unsigned int cost = cut_cost(b), top = b->top;

	if (b->segments.n > 1)
		set_window(b, max);
	if (b->top < top && b->top > b->low && !plan(b) && cut_cost(b) + COST_WINDOW < cost)
		return 0;
	b->top = top;
	b->table->base = 0;
	b->table->limit = UINT32_MAX;
	return plan(b);
}

static void put(struct build *b, unsigned int l, uint32_t at, uint32_t value)
{
	const struct table_level *level = &b->table->levels[l];
	uint8_t byte = value;
	uint16_t half = value;
	const void *from = level->size == 1 ? &byte : level->size == 2 ? (void *)&half : &value;

	memcpy(&b->table->bytes[level->at + (size_t)at * level->size], from, level->size);
}

/* An element of a level that leads to a result whatever the bits below. */
static uint32_t uniform(struct build *b, unsigned int l, uint32_t result)
{
	struct table_level *level = &b->table->levels[l];
	uint32_t *at = &b->uniform[l][result];

	if (!*at) {
		*at = level->n++;
		put(b, l, *at,
		    l + 1 == b->table->n_levels ? result : uniform(b, l + 1, result) << 8);
	}
	return *at;
}

/* Fill a block for the keys from `key` on, which lies in segment i. */
static void fill_block(struct build *b, unsigned int l, uint32_t at, uint32_t key, size_t i)
{
	struct table_level *level = &b->table->levels[l];
	bool last = l + 1 == b->table->n_levels;

	for (uint32_t slot = 0; slot < 1u << level->bits; slot++, key += 1u << level->shift) {
		uint32_t base, mask;

		while (segment_last(&b->segments, i) < key)
			i++;
		if (last || segment_last(&b->segments, i) - key >= low_bits(level->shift)) {
			uint32_t result = b->segments.at[i].result;

			put(b, l, at + slot, last ? result : uniform(b, l + 1, result) << 8);
			continue;
		}
		mask = low_bits(level[1].bits);
		base = level[1].n;
		level[1].n += mask + 1;
		put(b, l, at + slot, base << 8 | mask);
		fill_block(b, l + 1, base, key, i);
	}
}

/* Element 0 of the levels behind the first is not used: in `uniform` it says that there is none. */
static int fill(struct build *b)
{
	struct table *table = b->table;
	size_t i = 0;

	table->bytes = calloc(1, table->size);
	if (!table->bytes)
		return fail_oom();
	for (unsigned int l = 1; l < table->n_levels; l++) {
		b->uniform[l] = calloc(b->segments.results, sizeof(*b->uniform[l]));
		if (!b->uniform[l])
			return fail_oom();
		table->levels[l].n = 1;
	}
	while (segment_last(&b->segments, i) < table->base)
		i++;
	fill_block(b, 0, 0, table->base, i);
	return 0;
}

int table_build_trie(const struct table_range *ranges, size_t n, uint32_t otherwise, uint32_t max,
		     unsigned int cost_max, struct table *out)
{
	struct build b = { .table = out };
	int err;

	*out = (struct table){ .kind = TABLE_TRIE, .otherwise = otherwise, .limit = UINT32_MAX };
	err = table_segments(ranges, n, otherwise, max, &b.segments);
	if (!err && b.segments.results > RESULTS_MAX)
		err = -E2BIG;
	if (!err) {
		survey(&b);
		b.top = max ? width(max) : 1;
		/* Of one result only: one level all the same. */
		b.low = b.low < b.top ? b.low : b.top - 1;
		err = plan(&b);
	}
	if (!err)
		err = plan_with_window(&b, max);
	if (!err)
		err = table_cost(out) < cost_max ? fill(&b) : -E2BIG;
	for (unsigned int l = 0; l < TABLE_LEVELS; l++)
		free(b.uniform[l]);
	free(b.segments.at);
	if (err)
		table_free(out);
	return err;
}
