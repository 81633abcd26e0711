// SPDX-License-Identifier: GPL-2.0-only
#include "ir_facts.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK = 1 << 16 };

struct chunk {
	struct chunk *before;
	size_t used;
	_Alignas(uint64_t) uint8_t bytes[CHUNK];
};

struct ir_store {
	struct chunk *chunk; /* facts lie here */
	struct ir_set *sets;
	size_t n_sets;
	uint32_t *index; /* a hash table of sets */
	size_t n_index;
	uint32_t *max; /* of each value */
	bool failed;
};

/* Sets */

void ir_set_add(struct ir_set *set, uint32_t first, uint32_t last)
{
	struct ir_range *end = set->n ? &set->ranges[set->n - 1] : NULL;

	if (end && (set->n == IR_SET_RANGES || end->last + 1 == first))
		end->last = last;
	else
		set->ranges[set->n++] = (struct ir_range){ first, last };
}

bool ir_set_holds(const struct ir_set *a, const struct ir_set *b)
{
	size_t at = 0;

	for (size_t i = 0; i < b->n; i++) {
		while (at < a->n && a->ranges[at].last < b->ranges[i].first)
			at++;
		if (at == a->n || a->ranges[at].first > b->ranges[i].first ||
		    a->ranges[at].last < b->ranges[i].last)
			return false;
	}
	return true;
}

bool ir_set_meets(const struct ir_set *set, uint32_t first, uint32_t last)
{
	for (size_t i = 0; i < set->n; i++) {
		if (set->ranges[i].first <= last && first <= set->ranges[i].last)
			return true;
	}
	return false;
}

/* Of two lists of ranges, the one whose next range begins first. */
static struct ir_set unite(const struct ir_set *a, const struct ir_set *b)
{
	struct ir_set set = { 0 };
	size_t i = 0, j = 0;

	while (i < a->n || j < b->n) {
		bool left = j == b->n || (i < a->n && a->ranges[i].first <= b->ranges[j].first);
		struct ir_range next = left ? a->ranges[i++] : b->ranges[j++];
		struct ir_range *end = set.n ? &set.ranges[set.n - 1] : NULL;

		if (end && next.first <= end->last)
			end->last = next.last > end->last ? next.last : end->last;
		else
			ir_set_add(&set, next.first, next.last);
	}
	return set;
}

static size_t hash(const struct ir_set *set)
{
	uint64_t h = set->n;

	for (size_t i = 0; i < set->n; i++) {
		h = (h ^ set->ranges[i].first) * 0x9e3779b97f4a7c15;
		h = (h ^ h >> 29 ^ set->ranges[i].last) * 0xbf58476d1ce4e5b9;
	}
	return h ^ h >> 32;
}

static bool is_equal(const struct ir_set *a, const struct ir_set *b)
{
	return a->n == b->n && !memcmp(a->ranges, b->ranges, a->n * sizeof(*a->ranges));
}

static uint32_t *place(const struct ir_store *store, const struct ir_set *set)
{
	size_t mask = store->n_index - 1, at = hash(set) & mask;

	while (store->index[at] && !is_equal(&store->sets[store->index[at]], set))
		at = (at + 1) & mask;
	return &store->index[at];
}

/* Keep the table of sets at least half empty. IR_SET_ALL, index 0, is not in it. */
static bool grow(struct ir_store *store)
{
	size_t n = store->n_index ? 2 * store->n_index : 64;

	if (2 * (store->n_sets + 1) <= store->n_index)
		return true;
	free(store->index);
	store->n_index = 0;
	store->index = calloc(n, sizeof(*store->index));
	if (!store->index)
		return false;
	store->n_index = n;
	for (size_t i = 1; i < store->n_sets; i++)
		*place(store, &store->sets[i]) = i;
	return true;
}

static uint32_t max_of(const struct ir_store *store, ir_quantity quantity)
{
	return quantity & IR_BYTES ? UINT32_MAX : store->max[quantity];
}

uint32_t ir_store_set(struct ir_store *store, ir_quantity quantity, const struct ir_set *set)
{
	struct ir_set *added;
	uint32_t *at;

	if (set->n == 1 && !set->ranges[0].first && set->ranges[0].last >= max_of(store, quantity))
		return IR_SET_ALL;
	if (!grow(store)) {
		store->failed = true;
		return IR_SET_ALL;
	}
	at = place(store, set);
	if (*at)
		return *at;
	added = array_add(store->sets, store->n_sets);
	if (!added) {
		store->failed = true;
		return IR_SET_ALL;
	}
	*added = *set;
	return *at = store->n_sets - 1;
}

const struct ir_set *ir_set_at(const struct ir_store *store, uint32_t set)
{
	return &store->sets[set];
}

/* Facts */

const struct ir_facts *ir_facts_none(void)
{
	static const struct ir_facts none;

	return &none;
}

static struct ir_facts *new_facts(struct ir_store *store, size_t n)
{
	size_t size = (sizeof(struct ir_facts) + n * sizeof(struct ir_fact) + 7) & ~7ul;
	struct ir_facts *facts;

	if (!store->chunk || store->chunk->used + size > CHUNK) {
		struct chunk *chunk = malloc(sizeof(*chunk));

		if (!chunk) {
			store->failed = true;
			return NULL;
		}
		chunk->before = store->chunk;
		chunk->used = 0;
		store->chunk = chunk;
	}
	facts = (struct ir_facts *)(store->chunk->bytes + store->chunk->used);
	store->chunk->used += size;
	facts->n = 0;
	return facts;
}

static const struct ir_facts *keep(struct ir_store *store, const struct ir_fact *facts, size_t n)
{
	struct ir_facts *kept = n ? new_facts(store, n) : NULL;

	if (!kept)
		return ir_facts_none();
	kept->n = n;
	memcpy(kept->facts, facts, n * sizeof(*facts));
	return kept;
}

uint32_t ir_facts_index(const struct ir_facts *facts, ir_quantity quantity)
{
	for (size_t i = 0; i < facts->n && facts->facts[i].quantity <= quantity; i++) {
		if (facts->facts[i].quantity == quantity)
			return facts->facts[i].set;
	}
	return IR_SET_ALL;
}

struct ir_set ir_facts_set(const struct ir_store *store, const struct ir_facts *facts,
			   ir_quantity quantity)
{
	uint32_t index = ir_facts_index(facts, quantity);

	if (index == IR_SET_ALL)
		return (struct ir_set){ 1, { { 0, max_of(store, quantity) } } };
	return store->sets[index];
}

const struct ir_facts *ir_facts_with(struct ir_store *store, const struct ir_facts *facts,
				     ir_quantity quantity, uint32_t set)
{
	struct ir_fact now[IR_FACTS_MAX + 1];
	size_t n = 0, at = 0;

	if (ir_facts_index(facts, quantity) == set)
		return facts;
	while (at < facts->n && facts->facts[at].quantity < quantity)
		now[n++] = facts->facts[at++];
	if (set != IR_SET_ALL)
		now[n++] = (struct ir_fact){ quantity, set };
	at += at < facts->n && facts->facts[at].quantity == quantity;
	while (at < facts->n)
		now[n++] = facts->facts[at++];
	if (n > IR_FACTS_MAX)
		return facts;
	return keep(store, now, n);
}

const struct ir_facts *ir_facts_meet(struct ir_store *store, const struct ir_facts *a,
				     const struct ir_facts *b)
{
	struct ir_fact now[IR_FACTS_MAX];
	size_t n = 0, j = 0;

	if (a == b)
		return a;
	for (size_t i = 0; i < a->n; i++) {
		struct ir_fact fact = a->facts[i];

		while (j < b->n && b->facts[j].quantity < fact.quantity)
			j++;
		if (j == b->n)
			break;
		if (b->facts[j].quantity != fact.quantity)
			continue;
		if (fact.set != b->facts[j].set) {
			struct ir_set set =
				unite(&store->sets[fact.set], &store->sets[b->facts[j].set]);

			fact.set = ir_store_set(store, fact.quantity, &set);
		}
		if (fact.set != IR_SET_ALL)
			now[n++] = fact;
	}
	if (n == a->n && !memcmp(now, a->facts, n * sizeof(*now)))
		return a;
	return keep(store, now, n);
}

/* The store */

static bool find_maxima(struct ir_store *store, const struct ir *ir)
{
	store->max = malloc((ir->n_values + 1) * sizeof(*store->max));
	if (!store->max)
		return false;
	for (size_t i = 0; i < ir->n_values; i++)
		store->max[i] = ir_value_max(ir, i);
	return true;
}

struct ir_store *ir_store_new(const struct ir *ir)
{
	struct ir_store *store = calloc(1, sizeof(*store));

	/* Set 0 is IR_SET_ALL. */
	if (store && find_maxima(store, ir) && array_add(store->sets, store->n_sets))
		return store;
	ir_store_free(store);
	return NULL;
}

void ir_store_free(struct ir_store *store)
{
	if (!store)
		return;
	while (store->chunk) {
		struct chunk *before = store->chunk->before;

		free(store->chunk);
		store->chunk = before;
	}
	free(store->sets);
	free(store->index);
	free(store->max);
	free(store);
}

void ir_store_freep(struct ir_store **store)
{
	ir_store_free(*store);
	*store = NULL;
}

bool ir_store_failed(const struct ir_store *store)
{
	return store->failed;
}
