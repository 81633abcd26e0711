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
enum { COST_HASH = 5000, COST_LEVEL = 2000, COST_WINDOW = 1000 };

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

unsigned int table_cost(const struct table *table)
{
	return table->kind == TABLE_HASH ? hash_cost(table) : trie_cost(table);
}

void table_free(struct table *table)
{
	free(table->bytes);
	*table = (struct table){ 0 };
}

int table_build(const struct table_range *ranges, size_t n, uint32_t otherwise, uint32_t max,
		struct table *out)
{
	struct table trie;
	int hash_err = table_build_hash(ranges, n, otherwise, out), err;

	if (hash_err && hash_err != -E2BIG)
		return hash_err;
	err = table_build_trie(ranges, n, otherwise, max, hash_err ? UINT_MAX : table_cost(out),
			       &trie);
	if (err == -E2BIG)
		return hash_err;
	table_free(out);
	if (err)
		return err;
	*out = trie;
	return 0;
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

uint32_t table_find(const struct table *table, uint32_t key)
{
	return table->kind == TABLE_HASH ? find_hash(table, key) : find_trie(table, key);
}
