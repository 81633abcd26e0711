// SPDX-License-Identifier: GPL-2.0-only
#include "series.h"

#include "../loader/fail.h"
#include "statistics.h"

int series_add(struct series *series, const struct series_moment *moment)
{
	struct series_moment *place = array_add(series->moments, series->n);

	if (!place)
		return fail_oom();
	*place = *moment;
	return 0;
}

void series_free(struct series *series)
{
	free(series->moments);
	*series = (struct series){ 0 };
}

double series_rate(const struct series *series, size_t i, enum series_kind kind)
{
	const struct series_moment *from = &series->moments[i], *to = from + 1;
	double seconds = to->seconds - from->seconds;

	return seconds > 0 ? (to->packets[kind] - from->packets[kind]) / seconds : 0;
}

int series_spread(const struct series *series, enum series_kind kind, double warm_up,
		  struct series_spread *out)
{
	_free_ double *rates = calloc(series->n ?: 1, sizeof(*rates));

	if (!rates)
		return fail_oom();
	*out = (struct series_spread){ 0 };
	for (size_t i = 0; i + 1 < series->n; i++)
		if (series->moments[i].seconds >= warm_up)
			rates[out->n++] = series_rate(series, i, kind);
	statistics_sort(rates, out->n);
	out->p5 = statistics_percentile(rates, out->n, 5);
	out->median = statistics_percentile(rates, out->n, 50);
	out->p95 = statistics_percentile(rates, out->n, 95);
	return 0;
}
