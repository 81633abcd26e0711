// SPDX-License-Identifier: GPL-2.0-only
/*
 * A perfect hash: keys fall into buckets of about four; for each bucket, the fullest first, a
 * multiplier is sought that takes all of its keys to slots that are still free.
 */
#include "table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../fail.h"

enum {
	KEYS_MAX = 1 << 20,
	BUCKET_KEYS = 4,
	BUCKET_MAX = 64,     /* keys in one bucket: then the seed is a bad one */
	SEEDS = 8,	     /* to try */
	MULTIPLIERS = 20000, /* to try for a bucket */
	SLOTS_PER_8 = 9,     /* for each 8 keys */
	GOLDEN = 0x9e3779b1,
};

struct key {
	uint32_t key, result;
};

struct build {
	struct key *keys; /* sorted by bucket once those are known */
	size_t n;
	uint32_t *starts; /* where in keys a bucket begins; one more than buckets */
	uint32_t *order;  /* buckets, the fullest first */
	size_t n_buckets;
	bool *taken; /* slots */
	uint32_t random;
};

static uint32_t next_random(struct build *b)
{
	b->random ^= b->random << 13;
	b->random ^= b->random >> 17;
	return b->random ^= b->random << 5;
}

static uint32_t bucket_of(const struct table *table, uint32_t key)
{
	return (uint64_t)(key * table->seed) >> table->bucket_shift;
}

static uint32_t slot_of(const struct table *table, uint32_t key, uint32_t factor)
{
	return (uint64_t)(key * factor) * table->n_slots >> 32;
}

static size_t count_keys(const struct table_range *ranges, size_t n)
{
	uint64_t keys = 0;

	for (size_t i = 0; i < n && keys <= KEYS_MAX; i++)
		keys += (uint64_t)ranges[i].last - ranges[i].first + 1;
	return keys <= KEYS_MAX ? keys : SIZE_MAX;
}

static void list_keys(struct build *b, const struct table_range *ranges, size_t n)
{
	size_t at = 0;

	for (size_t i = 0; i < n; i++) {
		for (uint64_t key = ranges[i].first; key <= ranges[i].last; key++)
			b->keys[at++] = (struct key){ key, ranges[i].result };
	}
}

/* Sort the keys by their buckets (counting sort). -EAGAIN if one is too full. */
static int fill_buckets(struct build *b, const struct table *table)
{
	_free_ struct key *sorted = malloc(b->n * sizeof(*sorted));
	_free_ uint32_t *fill = calloc(b->n_buckets, sizeof(*fill));

	if (!sorted || !fill)
		return fail_oom();
	memset(b->starts, 0, (b->n_buckets + 1) * sizeof(*b->starts));
	for (size_t i = 0; i < b->n; i++)
		/* NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): list_keys() wrote all n */
		b->starts[bucket_of(table, b->keys[i].key) + 1]++;
	for (size_t i = 0; i < b->n_buckets; i++) {
		if (b->starts[i + 1] > BUCKET_MAX)
			return -EAGAIN;
		b->starts[i + 1] += b->starts[i];
	}
	for (size_t i = 0; i < b->n; i++) {
		uint32_t bucket = bucket_of(table, b->keys[i].key);

		sorted[b->starts[bucket] + fill[bucket]++] = b->keys[i];
	}
	memcpy(b->keys, sorted, b->n * sizeof(*sorted));
	return 0;
}

static void order_buckets(struct build *b)
{
	size_t at = 0;

	for (uint32_t size = BUCKET_MAX + 1; size--;) {
		for (size_t i = 0; i < b->n_buckets; i++) {
			if (b->starts[i + 1] - b->starts[i] == size)
				b->order[at++] = i;
		}
	}
}

/* Take the slots of a bucket's keys under a multiplier, or none of them. */
static bool take_slots(struct build *b, const struct table *table, uint32_t bucket, uint32_t factor)
{
	uint32_t first = b->starts[bucket], last = b->starts[bucket + 1];

	for (uint32_t i = first; i < last; i++) {
		bool *taken = &b->taken[slot_of(table, b->keys[i].key, factor)];

		if (!*taken) {
			*taken = true;
			continue;
		}
		while (i-- > first)
			b->taken[slot_of(table, b->keys[i].key, factor)] = false;
		return false;
	}
	return true;
}

static void put(struct table *table, uint32_t at, uint32_t word)
{
	memcpy(&table->bytes[at], &word, sizeof(word));
}

static void put_slot(struct table *table, uint32_t slot, const struct key *key)
{
	uint32_t at = table->slots_at + slot * table->slot_size;

	put(table, at, key->key);
	if (table->slot_size > 4)
		put(table, at + 4, key->result);
}

static int place_bucket(struct build *b, struct table *table, uint32_t bucket)
{
	for (int i = 0; i < MULTIPLIERS; i++) {
		uint32_t factor = next_random(b) | 1;

		if (!take_slots(b, table, bucket, factor))
			continue;
		put(table, 4 * bucket, factor);
		for (uint32_t k = b->starts[bucket]; k < b->starts[bucket + 1]; k++)
			put_slot(table, slot_of(table, b->keys[k].key, factor), &b->keys[k]);
		return 0;
	}
	return -EAGAIN;
}

/* In a free slot stands a key that is found elsewhere. */
static void fill_free(const struct build *b, struct table *table)
{
	for (uint32_t slot = 0; slot < table->n_slots; slot++) {
		if (!b->taken[slot])
			put_slot(table, slot, &b->keys[0]);
	}
}

static int try_seed(struct build *b, struct table *table)
{
	int err = fill_buckets(b, table);

	if (err)
		return err;
	order_buckets(b);
	memset(b->taken, 0, table->n_slots * sizeof(*b->taken));
	for (size_t i = 0; i < b->n_buckets && !err; i++)
		err = place_bucket(b, table, b->order[i]);
	if (!err)
		fill_free(b, table);
	return err;
}

static void layout(struct build *b, struct table *table, bool one_result)
{
	unsigned int bits = 1;

	while ((size_t)BUCKET_KEYS << bits < b->n)
		bits++;
	b->n_buckets = (size_t)1 << bits;
	table->bucket_shift = 32 - bits;
	table->n_slots = b->n + b->n / 8 * (SLOTS_PER_8 - 8) + 1;
	table->slot_size = one_result ? 4 : 8;
	table->slots_at = (4 * b->n_buckets + 63) & ~63u;
	table->size = table->slots_at + (size_t)table->n_slots * table->slot_size;
}

static bool one_result(const struct table_range *ranges, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		if (ranges[i].result != ranges[0].result)
			return false;
	}
	return true;
}

static void build_free(struct build *b)
{
	free(b->keys);
	free(b->starts);
	free(b->order);
	free(b->taken);
}

static int allocate(struct build *b, struct table *table)
{
	b->keys = malloc(b->n * sizeof(*b->keys));
	b->starts = malloc((b->n_buckets + 1) * sizeof(*b->starts));
	b->order = malloc(b->n_buckets * sizeof(*b->order));
	b->taken = malloc(table->n_slots * sizeof(*b->taken));
	table->bytes = calloc(1, table->size);
	return b->keys && b->starts && b->order && b->taken && table->bytes ? 0 : fail_oom();
}

int table_build_hash(const struct table_range *ranges, size_t n, uint32_t otherwise,
		     struct table *out)
{
	struct build b = { .n = count_keys(ranges, n), .random = GOLDEN };
	int err;

	*out = (struct table){ .kind = TABLE_HASH, .otherwise = otherwise };
	if (!n || b.n == SIZE_MAX)
		return -E2BIG;
	layout(&b, out, one_result(ranges, n));
	out->only = ranges[0].result;
	err = allocate(&b, out);
	if (!err)
		list_keys(&b, ranges, n);
	for (int i = 0; !err && i < SEEDS; i++) {
		out->seed = i ? next_random(&b) | 1 : GOLDEN;
		err = try_seed(&b, out);
		if (err != -EAGAIN)
			break;
		err = i == SEEDS - 1 ? -E2BIG : 0;
	}
	build_free(&b);
	if (err)
		table_free(out);
	return err;
}
