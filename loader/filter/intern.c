// SPDX-License-Identifier: GPL-2.0-only
#include "intern.h"

#include <stdlib.h>
#include <string.h>

/* FNV-1a; Fowler, Noll, Vo: draft-eastlake-fnv. */
static size_t hash(const uint8_t *item, size_t size)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < size; i++)
		h = (h ^ item[i]) * UINT64_C(0x100000001b3);
	return h ^ h >> 32;
}

/* Where the item is, or belongs. */
static uint32_t *find(const struct intern *in, const void *item)
{
	size_t at = hash(item, in->size) & (in->n_slots - 1);

	while (in->slots[at] && memcmp(intern_at(in, in->slots[at] - 1), item, in->size))
		at = (at + 1) & (in->n_slots - 1);
	return &in->slots[at];
}

/* Twice the room. */
static int grow(struct intern *in)
{
	size_t n = in->n_slots ? 2 * in->n_slots : 64;
	uint8_t *items = realloc(in->items, n / 2 * in->size);
	uint32_t *slots = items ? calloc(n, sizeof(*slots)) : NULL;

	if (items)
		in->items = items;
	if (!slots)
		return -1;
	free(in->slots);
	in->slots = slots;
	in->n_slots = n;
	for (size_t i = 0; i < in->n; i++)
		*find(in, intern_at(in, i)) = i + 1;
	return 0;
}

uint32_t intern_add(struct intern *in, const void *item)
{
	uint32_t *slot;

	if (in->n == in->n_slots / 2 && grow(in))
		return INTERN_OOM;
	slot = find(in, item);
	if (!*slot) {
		memcpy(in->items + in->n * in->size, item, in->size);
		*slot = ++in->n;
	}
	return *slot - 1;
}

void intern_free(struct intern *in)
{
	free(in->items);
	free(in->slots);
	*in = (struct intern){ 0 };
}
