/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Items of which equal ones are one: each has a number, from 0 in the order in which they came.
 * Items are compared byte by byte, so they have no padding.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct intern {
	size_t size; /* bytes of an item: set it, all else begins with 0 */
	uint8_t *items;
	size_t n;
	uint32_t *slots; /* number + 1 of the item; 0: free */
	size_t n_slots;
};

enum { INTERN_OOM = UINT32_MAX };

/* The number of an item equal to this one, which is copied if there was none. INTERN_OOM. */
uint32_t intern_add(struct intern *in, const void *item);

/* Valid until the next one is added. */
static inline const void *intern_at(const struct intern *in, uint32_t number)
{
	return in->items + number * in->size;
}

void intern_free(struct intern *in);
