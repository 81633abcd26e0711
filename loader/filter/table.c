// SPDX-License-Identifier: GPL-2.0-only
#include "table.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "../fail.h"

/*
 * Latencies of a server's caches, with a part of the misses hidden behind the packet before. What
 * is beyond the last one is memory.
 */
static unsigned int load_cost(size_t bytes)
{
	static const struct {
		size_t bytes;
		unsigned int cost;
	} caches[] = { { 8 << 10, 1300 },   { 24 << 10, 2000 },	  { 64 << 10, 4000 },
		       { 192 << 10, 8000 }, { 512 << 10, 13000 }, { 2 << 20, 18000 },
		       { 16 << 20, 25000 } };

	for (size_t i = 0; i < ARRAY_SIZE(caches); i++) {
		if (bytes <= caches[i].bytes)
			return caches[i].cost;
	}
	return 60000;
}

/* What the instructions around the loads take. */
enum { COST_HASH = 5000, COST_LEVEL = 2000, COST_WINDOW = 1000, COST_STEP = 2000 };

unsigned int table_level_cost(size_t bytes)
{
	return COST_LEVEL + load_cost(bytes);
}

static unsigned int hash_cost(const struct table *table)
{
	return COST_HASH + load_cost(table->slots_at) + load_cost(table->size - table->slots_at);
}

static unsigned int trie_cost(const struct table *table)
{
	unsigned int cost = table->base || table->limit != UINT32_MAX ? COST_WINDOW : 0;

	for (unsigned int i = 0; i < table->n_levels; i++) {
		const struct table_level *level = &table->levels[i];

		cost += table_level_cost((size_t)level->n * level->size);
	}
	return cost;
}

static unsigned int buckets_cost(const struct table *table)
{
	return table_level_cost(table->slots_at) + table_level_cost(table->size - table->slots_at) +
	       table->steps * COST_STEP;
}

unsigned int table_cost(const struct table *table)
{
	switch (table->kind) {
	case TABLE_HASH:
		return hash_cost(table);
	case TABLE_BUCKETS:
		return buckets_cost(table);
	default:
		return trie_cost(table);
	}
}

void table_free(struct table *table)
{
	free(table->bytes);
	*table = (struct table){ 0 };
}

/* Take what was built, if it was: it is better. */
static int take(struct table *into, struct table *better, int err)
{
	if (!err) {
		table_free(into);
		*into = *better;
	}
	return err == -E2BIG ? 0 : err;
}

int table_build(const struct table_range *ranges, size_t n, uint32_t otherwise, uint32_t max,
		struct table *out)
{
	int err = table_build_hash(ranges, n, otherwise, out);
	unsigned int cost = err ? UINT_MAX : table_cost(out);
	struct table other;

	if (err && err != -E2BIG)
		return err;
	err = table_build_buckets(ranges, n, otherwise, max, cost, &other);
	cost = err ? cost : table_cost(&other);
	err = take(out, &other, err);
	if (!err)
		err = take(out, &other, table_build_trie(ranges, n, otherwise, max, cost, &other));
	if (err)
		table_free(out);
	return err ?: out->bytes ? 0 : -E2BIG;
}

static uint32_t element(const struct table *table, uint32_t at, unsigned int size)
{
	uint16_t half;
	uint32_t word;

	switch (size) {
	case 1:
		return table->bytes[at];
	case 2:
		memcpy(&half, &table->bytes[at], sizeof(half));
		return half;
	default:
		memcpy(&word, &table->bytes[at], sizeof(word));
		return word;
	}
}

static uint32_t find_hash(const struct table *table, uint32_t key)
{
	uint32_t bucket = (uint64_t)(key * table->seed) >> table->bucket_shift;
	uint32_t factor = element(table, 4 * bucket, 4);
	uint32_t slot = (uint64_t)(key * factor) * table->n_slots >> 32;
	uint32_t at = table->slots_at + slot * table->slot_size;

	if (element(table, at, 4) != key)
		return table->otherwise;
	return table->slot_size == 4 ? table->only : element(table, at + 4, 4);
}

static uint32_t find_trie(const struct table *table, uint32_t key)
{
	const struct table_level *level = table->levels;
	uint32_t at = key >> level->shift & ((1u << level->bits) - 1), found;

	if (key - table->base > table->limit)
		return table->otherwise;
	for (;;) {
		found = element(table, level->at + at * level->size, level->size);
		if (++level == table->levels + table->n_levels)
			return found;
		at = (found >> 8) + (key >> level->shift & found & 0xff);
	}
}

static uint32_t find_buckets(const struct table *table, uint32_t key)
{
	uint32_t node = element(table, 2 * (key >> table->bucket_shift), 2), i = 0;
	uint32_t at = table->slots_at + node * table->slot_size;

	for (uint32_t half = 1u << (table->steps - 1); half; half /= 2) {
		if (element(table, at + 4 * (i + half - 1), 4) < key)
			i += half;
	}
	return element(table, at + 4 * (i + (1u << table->steps) - 1), 4);
}

uint32_t table_find(const struct table *table, uint32_t key)
{
	switch (table->kind) {
	case TABLE_HASH:
		return find_hash(table, key);
	case TABLE_BUCKETS:
		return find_buckets(table, key);
	default:
		return find_trie(table, key);
	}
}
