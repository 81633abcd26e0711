// SPDX-License-Identifier: GPL-2.0-only
#include "ebpf_cache.h"

#include <stdlib.h>
#include <string.h>

int cache_init(struct cache *cache, size_t n_blocks, uint32_t usable)
{
	*cache = (struct cache){ .usable = usable };
	cache->at = calloc(n_blocks, sizeof(*cache->at));
	cache_forget(cache, UINT32_MAX);
	return cache->at ? 0 : fail_oom();
}

void cache_free(struct cache *cache)
{
	free(cache->items);
	free(cache->index);
	free(cache->uses);
	free(cache->first_use);
	free(cache->at);
	*cache = (struct cache){ 0 };
}

/* Items */

static bool is_equal(const struct item *a, const struct item *b)
{
	return a->kind == b->kind && a->size == b->size && a->base == b->base && a->off == b->off &&
	       a->mask == b->mask;
}

static size_t hash(const struct item *item)
{
	uint64_t h = item->kind | item->size << 8 | (uint64_t)item->off << 16;

	h = (h ^ item->base) * 0x9e3779b97f4a7c15;
	h = (h ^ h >> 29 ^ item->mask) * 0xbf58476d1ce4e5b9;
	return h ^ h >> 32;
}

static uint32_t *place_of(const struct cache *cache, const struct item *item)
{
	size_t mask = cache->n_index - 1, at = hash(item) & mask;

	while (cache->index[at] != NO_ITEM && !is_equal(&cache->items[cache->index[at]], item))
		at = (at + 1) & mask;
	return &cache->index[at];
}

/* Keep the table at least half empty. */
static bool grow(struct cache *cache)
{
	size_t n = cache->n_index ? 2 * cache->n_index : 64;
	uint32_t *index;

	if (2 * (cache->n_items + 1) <= cache->n_index)
		return true;
	index = malloc(n * sizeof(*index));
	if (!index)
		return false;
	free(cache->index);
	cache->index = index;
	cache->n_index = n;
	memset(index, 0xff, n * sizeof(*index));
	for (size_t i = 0; i < cache->n_items; i++)
		*place_of(cache, &cache->items[i]) = i;
	return true;
}

uint32_t cache_item(struct cache *cache, struct item item)
{
	struct item *added;
	uint32_t *at;

	if (!grow(cache)) {
		cache->oom = true;
		return NO_ITEM;
	}
	at = place_of(cache, &item);
	if (*at != NO_ITEM)
		return *at;
	added = array_add(cache->items, cache->n_items);
	if (!added) {
		cache->oom = true;
		return NO_ITEM;
	}
	*added = item;
	return *at = cache->n_items - 1;
}

/* Uses */

int cache_plan(struct cache *cache, const struct item_use *uses, size_t n)
{
	size_t n_items = cache->n_planned = cache->n_items;

	cache->first_use = calloc(n_items + 2, sizeof(*cache->first_use));
	cache->uses = calloc(n + 1, sizeof(*cache->uses));
	if (!cache->first_use || !cache->uses)
		return fail_oom();
	/* A counting sort: first how many, then where the next one goes. */
	for (size_t i = 0; i < n; i++)
		cache->first_use[uses[i].item + 2]++;
	for (size_t i = 2; i < n_items + 2; i++)
		cache->first_use[i] += cache->first_use[i - 1];
	for (size_t i = 0; i < n; i++)
		cache->uses[cache->first_use[uses[i].item + 1]++] = uses[i].place;
	return 0;
}

/* The place behind this one where an item is asked for next; UINT32_MAX: none. */
static uint32_t next_use(const struct cache *cache, uint32_t item)
{
	uint32_t low, high;

	if (item >= cache->n_planned)
		return UINT32_MAX;
	low = cache->first_use[item];
	high = cache->first_use[item + 1];
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (cache->uses[mid] <= cache->place)
			low = mid + 1;
		else
			high = mid;
	}
	return low < cache->first_use[item + 1] ? cache->uses[low] : UINT32_MAX;
}

bool cache_wanted(const struct cache *cache, uint32_t item)
{
	return next_use(cache, item) != UINT32_MAX;
}

/* States */

static void meet(struct cache_state *into, const struct cache_state *from)
{
	if (!into->reached) {
		*into = *from;
		into->reached = true;
		return;
	}
	if (from->linear < into->linear)
		into->linear = from->linear;
	for (int i = 0; i < CACHE_REGS; i++) {
		struct held *a = &into->regs[i];
		const struct held *b = &from->regs[i];

		if (a->item != b->item || a->ahead != b->ahead)
			a->item = NO_ITEM;
		a->narrowed |= b->narrowed;
		if (b->range < a->range)
			a->range = b->range;
		if (b->limit > a->limit)
			a->limit = b->limit;
	}
}

void cache_enter(struct cache *cache, uint32_t block, uint32_t place, bool loop)
{
	cache->now = cache->at[block];
	cache->place = place;
	cache->pinned = 0;
	/* What is proven of the packet's start stays so in every round; registers change. */
	if (loop || !cache->now.reached)
		cache_forget(cache, UINT32_MAX);
}

void cache_flow(struct cache *cache, uint32_t block, bool same_rule)
{
	struct cache_state state = cache->now;

	for (int reg = 0; reg < CACHE_REGS && !same_rule; reg++) {
		if (state.regs[reg].narrowed)
			state.regs[reg] = (struct held){ .item = NO_ITEM };
	}
	meet(&cache->at[block], &state);
}

void cache_narrow(struct cache *cache, int reg)
{
	cache->now.regs[reg].narrowed = true;
}

/* Registers */

int cache_find(const struct cache *cache, uint32_t item)
{
	for (int reg = 0; reg < CACHE_REGS && item != NO_ITEM; reg++) {
		if (cache->now.regs[reg].item == item)
			return reg;
	}
	return -1;
}

int cache_take(struct cache *cache, uint32_t avoid)
{
	uint32_t left = cache->usable & ~(cache->reserved | cache->pinned | avoid), latest = 0;
	int best = -1;

	for (int reg = CACHE_REGS - 1; reg >= 0; reg--) {
		uint32_t next;

		if (!(left & 1u << reg))
			continue;
		next = next_use(cache, cache->now.regs[reg].item);
		/* Among those that nobody asks for, one that holds nothing. */
		if (best < 0 || next > latest ||
		    (next == latest && cache->now.regs[reg].item == NO_ITEM)) {
			best = reg;
			latest = next;
		}
	}
	if (best >= 0)
		cache_forget(cache, 1u << best);
	return best;
}

void cache_hold(struct cache *cache, int reg, uint32_t item)
{
	cache->now.regs[reg] = (struct held){ .item = item };
}

void cache_forget(struct cache *cache, uint32_t regs)
{
	for (int reg = 0; reg < CACHE_REGS; reg++) {
		if (regs & 1u << reg)
			cache->now.regs[reg] = (struct held){ .item = NO_ITEM };
	}
}
