/* SPDX-License-Identifier: GPL-2.0-only */
/* Plots by gnuplot, which need not be installed unless one is asked for. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

struct plot_series {
	const char *name;
	const double *x, *y;
	const double *low, *high; /* NULL, or the spread of each y */
	size_t n;
};

struct plot {
	const char *title, *x_label, *y_label;
	bool log_x, log_y;
	const char *const *x_names; /* NULL, or what stands at x = 0, 1, 2 … instead of numbers */
	size_t n_x_names;
	const struct plot_series *series;
	size_t n_series;
};

/* To a file whose name ends in .svg or .png. Errors are reported: so is a missing gnuplot. */
int plot_write(const struct plot *plot, const char *path);

/* Is it the name of a file that plot_write() can write? For who asks before hours of measuring. */
bool plot_can_write(const char *path);
