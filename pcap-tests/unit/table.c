// SPDX-License-Identifier: GPL-2.0-only
/* Look-up tables against a naive search. */

/* Ahead of cmocka, whose macro fail() would meet our function. */
#include "../../loader/fail.h"
#include "../../loader/filter/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MANY = 100000 };

static uint64_t state = 1;

static uint32_t rnd(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (state * 0x2545f4914f6cdd1dull) >> 32;
}

static uint32_t below(uint32_t n)
{
	return rnd() % n;
}

typedef struct table_range make_range(size_t i);

static struct table_range a_host(size_t i)
{
	uint32_t key = rnd();

	return (struct table_range){ key, key, i + 1 };
}

static struct table_range a_net(size_t i)
{
	uint32_t key = rnd(), low = (1u << below(25)) - 1;

	return (struct table_range){ key & ~low, key | low, i + 1 };
}

static struct table_range a_port_range(size_t i)
{
	uint32_t key = below(1 << 16), to = key + below(1000);

	return (struct table_range){ key, to > 0xffff ? 0xffff : to, i + 1 };
}

static struct table_range a_range(size_t i)
{
	uint32_t key = rnd(), length = rnd() >> below(32);

	return (struct table_range){ key, key + length < key ? UINT32_MAX : key + length, i % 7 };
}

/* Hosts that differ in one byte only, or in their upper ones. */
static struct table_range a_neighbour(size_t i)
{
	return (struct table_range){ 0x0a000000 + i, 0x0a000000 + i, 1 };
}

static struct table_range a_far_one(size_t i)
{
	uint32_t key = i << 16 | 1;

	return (struct table_range){ key, key, i };
}

static int by_first(const void *a, const void *b)
{
	const struct table_range *s = a, *t = b;

	return s->first < t->first ? -1 : s->first > t->first;
}

/* Sorted and disjoint: what meets the one before is left out. */
static size_t make(make_range *one, size_t n, struct table_range *ranges)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		ranges[i] = one(i);
	qsort(ranges, n, sizeof(*ranges), by_first);
	for (size_t i = 0; i < n; i++) {
		if (!kept || ranges[i].first > ranges[kept - 1].last)
			ranges[kept++] = ranges[i];
	}
	return kept;
}

static uint32_t naive(const struct table_range *ranges, size_t n, uint32_t otherwise, uint32_t key)
{
	for (size_t i = 0; i < n; i++) {
		if (key >= ranges[i].first && key <= ranges[i].last)
			return ranges[i].result;
	}
	return otherwise;
}

static void assert_same(const struct table *table, const struct table_range *ranges, size_t n,
			uint32_t max, uint32_t key)
{
	uint32_t want = naive(ranges, n, table->otherwise, key);

	if (key <= max && table_find(table, key) != want)
		fail_msg("%zu ranges: %#x is %u, not %u", n, key, table_find(table, key), want);
}

/* Look at borders and at random. */
static void assert_good(const struct table *table, const struct table_range *ranges, size_t n,
			uint32_t max)
{
	size_t looks = n > 10000 ? 100 : 500;

	assert_in_range(table->size, 1, TABLE_SIZE_MAX);
	for (size_t i = 0; i < looks; i++) {
		const struct table_range *r = &ranges[i < n ? i : below(n)];

		assert_same(table, ranges, n, max, r->first);
		assert_same(table, ranges, n, max, r->last);
		assert_same(table, ranges, n, max, r->first - 1);
		assert_same(table, ranges, n, max, r->last + 1);
		assert_same(table, ranges, n, max, rnd() & max);
	}
	assert_same(table, ranges, n, max, 0);
	assert_same(table, ranges, n, max, max);
}

static void try(make_range *one, size_t n, uint32_t max, bool points)
{
	static struct table_range ranges[MANY];
	struct table table;

	n = make(one, n, ranges);
	assert_int_equal(table_build(ranges, n, 0, max, &table), 0);
	assert_good(&table, ranges, n, max);
	table_free(&table);
	assert_int_equal(table_build_trie(ranges, n, 3, max, UINT_MAX, &table), 0);
	assert_good(&table, ranges, n, max);
	table_free(&table);
	if (!table_build_buckets(ranges, n, 3, max, UINT_MAX, &table))
		assert_good(&table, ranges, n, max);
	table_free(&table);
	if (!points)
		return;
	assert_int_equal(table_build_hash(ranges, n, 0, &table), 0);
	assert_good(&table, ranges, n, max);
	table_free(&table);
}

static void a_table_finds_what_a_naive_search_finds(void **unused)
{
	static const size_t sizes[] = { 1, 2, 3, 10, 100, 1000, 10000, MANY };

	(void)unused;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		try(a_host, sizes[i], UINT32_MAX, true);
		try(a_neighbour, sizes[i], UINT32_MAX, true);
		try(a_net, sizes[i], UINT32_MAX, false);
		try(a_range, sizes[i], UINT32_MAX, false);
		try(a_port_range, sizes[i], 0xffff, false);
		if (sizes[i] <= 1 << 16)
			try(a_far_one, sizes[i], UINT32_MAX, true);
	}
	for (int i = 0; i < 300; i++)
		try(i % 2 ? a_net : a_range, 1 + below(20), UINT32_MAX, false);
}

static void ends_and_wholes_are_ranges_too(void **unused)
{
	static const struct {
		struct table_range ranges[3];
		size_t n;
	} cases[] = {
		{ { { 0, UINT32_MAX, 5 } }, 1 },
		{ { { 0, 0, 5 } }, 1 },
		{ { { UINT32_MAX, UINT32_MAX, 5 } }, 1 },
		{ { { 0, 0, 5 }, { UINT32_MAX, UINT32_MAX, 300 } }, 2 },
		{ { { 0, 9, 5 }, { 10, 10, 5 }, { 11, UINT32_MAX, 70000 } }, 3 },
		{ { { 0, UINT32_MAX, 0 } }, 1 },
		{ { { 0x0a000000, 0x0affffff, 1 } }, 1 },
		{ { { 0x0a000001, 0x0a000001, 1 }, { 0x0a000003, 0x0a0000ff, 2 } }, 2 },
	};
	static const uint32_t maxima[] = { UINT32_MAX, 0xffff, 0xff, 10, 9, 1, 0 };
	struct table table;

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		for (size_t j = 0; j < sizeof(maxima) / sizeof(*maxima); j++) {
			assert_int_equal(table_build_trie(cases[i].ranges, cases[i].n, 0, maxima[j],
							  UINT_MAX, &table),
					 0);
			assert_good(&table, cases[i].ranges, cases[i].n, maxima[j]);
			table_free(&table);
		}
	}
}

static void results_take_as_few_bytes_as_they_can(void **unused)
{
	struct table_range ranges[] = { { 1, 5, 255 }, { 10, 12, 1 } };
	struct table table;

	(void)unused;
	for (unsigned int size = 1; size <= 4;
	     size *= 2, ranges[0].result = size == 2 ? 256 : 65536) {
		assert_int_equal(table_build(ranges, 2, 0, 0xff, &table), 0);
		assert_int_equal(table.n_levels, 1);
		assert_int_equal(table.levels[0].size, size);
		table_free(&table);
	}
}

static void what_is_no_list_of_keys_has_no_hash(void **unused)
{
	const struct table_range all = { 0, UINT32_MAX, 1 };
	struct table table;

	(void)unused;
	assert_int_equal(table_build_hash(&all, 1, 0, &table), -E2BIG);
	assert_null(table.bytes);
	assert_int_equal(table_build_hash(&all, 0, 0, &table), -E2BIG);
}

static double build_ms(make_range *one, size_t n)
{
	static const char *const kinds[] = { "hash", "trie", "buckets" };
	static struct table_range ranges[MANY];
	struct timespec from, to;
	struct table table;

	n = make(one, n, ranges);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
	assert_int_equal(table_build(ranges, n, 0, UINT32_MAX, &table), 0);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
	print_message("%6zu ranges, %s: %8zu bytes, %u ns by the model\n", n, kinds[table.kind],
		      table.size, table_cost(&table) / 1000);
	table_free(&table);
	return (to.tv_sec - from.tv_sec) * 1e3 + (to.tv_nsec - from.tv_nsec) / 1e6;
}

/* Far above what it takes (4 ms, 60 ms), so that no busy machine fails it. */
static void a_table_is_built_at_once(void **unused)
{
	double ms = build_ms(a_host, 16000), many = build_ms(a_host, MANY);
	double nets = build_ms(a_net, 16000);

	(void)unused;
	print_message("16,000 hosts %.1f ms, 100,000 hosts %.1f ms, nets %.1f ms\n", ms, many,
		      nets);
	assert_true(ms < 200 && nets < 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_finds_what_a_naive_search_finds),
		cmocka_unit_test(ends_and_wholes_are_ranges_too),
		cmocka_unit_test(results_take_as_few_bytes_as_they_can),
		cmocka_unit_test(what_is_no_list_of_keys_has_no_hash),
		cmocka_unit_test(a_table_is_built_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
