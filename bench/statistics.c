// SPDX-License-Identifier: GPL-2.0-only
#include "statistics.h"

#include <stdlib.h>

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void statistics_sort(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), compare);
}

double statistics_percentile(const double *sorted, size_t n, double percent)
{
	double at, part;
	size_t i;

	if (!n)
		return 0;
	at = percent / 100 * (n - 1);
	i = at;
	part = at - i;
	/* Of equal values it is that value: weights that sum to 1 would be off by a bit. */
	return i + 1 < n ? sorted[i] + part * (sorted[i + 1] - sorted[i]) : sorted[n - 1];
}
