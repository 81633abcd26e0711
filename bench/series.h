/* SPDX-License-Identifier: GPL-2.0-only */
/* What happened when: counts at moments, rates between them. */
#pragma once
#include <stddef.h>
#include <stdint.h>

enum series_kind { SERIES_OFFERED, SERIES_RECEIVED, SERIES_KINDS };

struct series_moment {
	double seconds; /* since the start */
	uint64_t packets[SERIES_KINDS];
};

struct series {
	struct series_moment *moments;
	size_t n;
};

/* Packets a second over the intervals between moments. */
struct series_spread {
	size_t n; /* intervals */
	double p5, median, p95;
};

/* Errors are reported. */
int series_add(struct series *series, const struct series_moment *moment);
void series_free(struct series *series);

/* Between moment i and the next. */
double series_rate(const struct series *series, size_t i, enum series_kind kind);

/* Of the intervals that begin after `warm_up` seconds. Errors are reported. */
int series_spread(const struct series *series, enum series_kind kind, double warm_up,
		  struct series_spread *out);
