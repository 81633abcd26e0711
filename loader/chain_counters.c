// SPDX-License-Identifier: GPL-2.0-only
/*
 * The counters of a chain. Programs count in a map that they were loaded with; when a generation
 * needs more indices than there are, it gets a larger map, and those before keep theirs. An index
 * is the same rule's in all of them, so a rule has counted the sum: nothing is copied while packets
 * count, and a rollback counts on where it did. Each map is at least twice the one before.
 */
#include <string.h>

#include "chain_parts.h"
#include "maps.h"

/* "counters", and then "counters-1" … */
static void counters_path(const struct chain *chain, size_t number, char *path)
{
	char name[32] = "counters";

	if (number)
		snprintf(name, sizeof(name), "counters-%zu", number);
	pin_path(path, chain->dir, name);
}

int chain_open_counters(struct chain *chain)
{
	char path[PIN_PATH_MAX];

	for (; chain->n_counters < CHAIN_COUNTERS; chain->n_counters++) {
		int fd;

		counters_path(chain, chain->n_counters, path);
		fd = pin_get(path);
		if (fd == -ENOENT)
			return chain->n_counters || !chain->linked ? 0 : chain_missing(chain, path);
		if (fd < 0)
			return fd;
		chain->counters_fds[chain->n_counters] = fd;
	}
	return 0;
}

int chain_check_counters(const struct chain *chain)
{
	char path[PIN_PATH_MAX];

	if (!chain->live || chain->live_meta->counters < chain->n_counters)
		return 0;
	counters_path(chain, chain->n_counters, path);
	return chain_missing(chain, path);
}

void chain_close_counters(struct chain *chain)
{
	while (chain->n_counters)
		own_close(&chain->counters_fds[--chain->n_counters]);
}

/* Room for the live generation, the one to roll back to and the one being made. */
static uint32_t size_for(uint32_t needed)
{
	uint32_t size = WEIR_COUNTERS_MIN;

	while (size / 3 < needed && size < 1u << 31)
		size *= 2;
	return size;
}

int chain_choose_counters(const struct chain *chain, uint32_t needed, uint32_t *number)
{
	uint32_t size = 0;
	int err;

	*number = 0;
	if (!chain->n_counters)
		return 0;
	*number = chain->n_counters - 1;
	err = maps_size(chain->counters_fds[*number], &size);
	if (!err && needed > size)
		++*number;
	return err;
}

int chain_add_counters(struct chain *chain, uint32_t number, uint32_t needed)
{
	char path[PIN_PATH_MAX];
	int fd;

	if (number < chain->n_counters)
		return 0;
	if (number >= CHAIN_COUNTERS)
		return fail(-ENOSPC, "%s %s: a policy of %u counters is more than a chain can have",
			    chain->interface, policy_hook_name(chain->kind), needed);
	fd = maps_create_counters(size_for(needed));
	if (fd < 0)
		return fd;
	chain->counters_fds[chain->n_counters++] = fd;
	counters_path(chain, number, path);
	return pin_put(fd, path);
}

/* How many of n counters from `index` on a map has. */
static int count_here(int fd, uint32_t index, size_t n, size_t *here)
{
	uint32_t size = 0;
	int err = maps_size(fd, &size);

	*here = index >= size ? 0 : size - index < n ? size - index : n;
	return err;
}

int chain_read_counters(const struct chain *chain, uint32_t index, size_t n,
			struct weir_counter *out)
{
	_free_ struct weir_counter *counters = calloc(n + 1, sizeof(*counters));
	int err = counters ? 0 : fail_oom();

	memset(out, 0, n * sizeof(*out));
	for (size_t i = 0; i < chain->n_counters && !err; i++) {
		size_t here = 0;

		err = count_here(chain->counters_fds[i], index, n, &here);
		if (!err)
			err = maps_read_counters(chain->counters_fds[i], index, here, counters);
		for (size_t j = 0; j < here && !err; j++) {
			out[j].packets += counters[j].packets;
			out[j].bytes += counters[j].bytes;
		}
	}
	return err;
}

int chain_zero_counters(const struct chain *chain, uint32_t index, size_t n)
{
	int err = 0;

	for (size_t i = 0; i < chain->n_counters && !err; i++) {
		size_t here = 0;

		err = count_here(chain->counters_fds[i], index, n, &here);
		if (!err)
			err = maps_zero_counters(chain->counters_fds[i], index, here);
	}
	return err;
}

/* 1, 0 or a reported error: has anything been counted in this map? */
static int has_counted(int fd)
{
	_free_ struct weir_counter *counters = NULL;
	uint32_t size = 0;
	int err = maps_size(fd, &size), found = 0;

	counters = calloc(size + 1, sizeof(*counters));
	if (!counters)
		return fail_oom();
	if (!err)
		err = maps_read_counters(fd, 0, size, counters);
	for (uint32_t i = 0; i < size && !err; i++)
		found |= counters[i].packets != 0;
	return err ? err : found;
}

static bool is_needed(const struct meta *meta, size_t number)
{
	return meta && number <= meta->counters;
}

int chain_sweep_counters(struct chain *chain)
{
	for (; chain->n_counters; chain->n_counters--) {
		size_t last = chain->n_counters - 1;
		char path[PIN_PATH_MAX];
		int err;

		if (is_needed(chain->live_meta, last) || is_needed(chain->rollback_meta, last))
			return 0;
		err = has_counted(chain->counters_fds[last]);
		if (err)
			return err > 0 ? 0 : err;
		counters_path(chain, last, path);
		err = pin_remove(path);
		if (err)
			return err;
		own_close(&chain->counters_fds[last]);
	}
	return 0;
}
