/* SPDX-License-Identifier: GPL-2.0-only */
/* What a series of measurements says. */
#pragma once
#include <stddef.h>

/* Ascending, in place. */
void statistics_sort(double *values, size_t n);

/*
 * Of sorted values: between the two nearest, in proportion (0 is the least, 50 the median, 100 the
 * most). 0 of none.
 */
double statistics_percentile(const double *sorted, size_t n, double percent);
