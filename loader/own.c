// SPDX-License-Identifier: GPL-2.0-only
#include "own.h"

#include <string.h>

void *own_array_add(void **array, size_t *n, size_t size)
{
	char *slot;

	if (!(*n & (*n - 1))) {
		void *grown = reallocarray(*array, *n ? *n * 2 : 1, size);

		if (!grown)
			return NULL;
		*array = grown;
	}
	slot = (char *)*array + *n * size;
	memset(slot, 0, size);
	(*n)++;
	return slot;
}
