/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Look-up tables: from a 32-bit key to a number, read by straight-line code.
 *
 *   TABLE_HASH  keys one by one: a perfect hash (hash and displace; Belazzougui, Botelho,
 *               Dietzfelbinger, ESA 2009, with a multiplier for each bucket in place of a
 *               displacement). Two loads and one compare, whatever the key.
 *   TABLE_TRIE  ranges: an array indexed by the key's uppermost bits, whose elements say where in
 *               the next array the next bits count, and so on; the last one holds the results.
 *               As many loads as levels, no branch. Keys of 16 bits have one level.
 *   TABLE_BUCKETS  ranges, where they are spread: the key's uppermost bits tell a node, which is a
 *               row of up to 15 last keys, searched without a branch. Two loads that may miss.
 *
 * Which one, and how it cuts the key, is what costs least by a model of this kind of machine's
 * caches (docs/DESIGN.md). Bytes are in the machine's order. Nothing here calls the kernel.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	TABLE_LEVELS = 8,
	/* Larger ones are not made: 32 bytes for each of a million prefixes. */
	TABLE_SIZE_MAX = 32 << 20,
};

/* Keys from first to last. */
struct table_range {
	uint32_t first, last;
	uint32_t result;
};

enum table_kind { TABLE_HASH, TABLE_TRIE, TABLE_BUCKETS };

/*
 * A level of a trie. The element of the first one is number (key >> shift) % (1 << bits). An
 * element of it, but in the last one, is base << 8 | mask: go on in the next level with element
 * base + (key >> its shift & mask).
 */
struct table_level {
	uint8_t shift, bits;
	uint8_t size;	/* of an element, in bytes: 4, in the last level also 1 or 2 */
	uint32_t at, n; /* offset in the table's bytes; elements */
};

struct table {
	enum table_kind kind;
	uint32_t otherwise; /* the result of keys that are in no range */
	uint8_t *bytes;
	size_t size;
	/* TABLE_TRIE. Keys outside of base … base + limit have no element; their result is
	 * `otherwise`. */
	uint32_t base, limit;
	struct table_level levels[TABLE_LEVELS];
	unsigned int n_levels;
	/*
	 * TABLE_HASH. Bucket key * seed >> bucket_shift holds a multiplier m, a u32; the slot is
	 * (uint32_t)(key * m) * n_slots >> 32. A slot is the only key that may be found there, a
	 * u32, and, unless there is only one result, that key's result, a u32.
	 */
	uint32_t seed, n_slots, slots_at;
	uint8_t bucket_shift, slot_size;
	uint32_t only; /* the result of all slots, if slot_size is 4 */
	/*
	 * TABLE_BUCKETS. Element key >> bucket_shift of the index, a u16, is the number of one of
	 * n_slots nodes, of slot_size bytes each: the last keys of (1 << steps) - 1 segments, u32
	 * and ascending, then their results, u32, and that of the keys behind them.
	 */
	uint8_t steps;
};

/*
 * Build the best table of n ranges, sorted and disjoint, for keys up to `max`. -E2BIG (not
 * reported) if all are larger than TABLE_SIZE_MAX, -ENOMEM (reported). The caller owns *out:
 * table_free().
 */
int table_build(const struct table_range *ranges, size_t n, uint32_t otherwise, uint32_t max,
		struct table *out);
void table_free(struct table *table);

/* What the instructions made for a table find; for tests. */
uint32_t table_find(const struct table *table, uint32_t key);

/*
 * Of one kind; table_build() chooses. -E2BIG also if no hash was found, if a bucket has too many
 * ranges, and if what it would cost is `cost_max` (table_cost()) or more.
 */
int table_build_hash(const struct table_range *ranges, size_t n, uint32_t otherwise,
		     struct table *out);
int table_build_trie(const struct table_range *ranges, size_t n, uint32_t otherwise, uint32_t max,
		     unsigned int cost_max, struct table *out);
int table_build_buckets(const struct table_range *ranges, size_t n, uint32_t otherwise,
			uint32_t max, unsigned int cost_max, struct table *out);

/* What a level of so many bytes costs where packets differ, in picoseconds: a model. */
unsigned int table_level_cost(size_t bytes);

/* What a look-up costs by the same model. */
unsigned int table_cost(const struct table *table);
