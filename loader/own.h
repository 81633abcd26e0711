/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ownership: a variable marked _cleanup_(f) is released by f when it goes out of scope; TAKE()
 * hands it to somebody else. Destructors take NULL and half-built objects.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f)   __attribute__((cleanup(f)))
#define _printf_(a, b) __attribute__((format(printf, a, b)))
#define ARRAY_SIZE(a)  (sizeof(a) / sizeof(*(a)))

/* The pointer's value; the variable is left NULL, so that its cleanup has nothing to do. */
#define TAKE(ptr)                                                \
	({                                                       \
		__typeof__(ptr) *_take = &(ptr), _took = *_take; \
		*_take = NULL;                                   \
		_took;                                           \
	})

static inline void own_free(void *p)
{
	free(*(void **)p);
	*(void **)p = NULL;
}

static inline void own_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static inline void own_fclose(FILE **f)
{
	if (*f)
		fclose(*f);
	*f = NULL;
}

static inline int take_fd(int *fd)
{
	int took = *fd;

	*fd = -1;
	return took;
}

#define _free_	 _cleanup_(own_free)
#define _close_	 _cleanup_(own_close)
#define _fclose_ _cleanup_(own_fclose)

/*
 * Room for one more element behind the `n` that `array` holds, zeroed: a pointer to it, and n is
 * one more; NULL when memory is out (array and n unchanged). Grows by doubling at powers of two.
 */
#define array_add(array, n) \
	((__typeof__(array))own_array_add((void **)&(array), &(n), sizeof(*(array))))

void *own_array_add(void **array, size_t *n, size_t size);
