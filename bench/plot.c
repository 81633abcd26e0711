// SPDX-License-Identifier: GPL-2.0-only
#include "plot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "../loader/fail.h"

/* Told apart by the colour-blind, too. */
static const char *const colours[] = { "#4477aa", "#cc3311", "#228833", "#aa3377" };

static bool ends_in(const char *path, const char *end)
{
	size_t len = strlen(path);

	return len > strlen(end) && !strcmp(path + len - strlen(end), end);
}

bool plot_can_write(const char *path)
{
	return ends_in(path, ".svg") || ends_in(path, ".png");
}

/* As gnuplot's single-quoted text, in which only a quote has a meaning. */
static void put_quoted(const char *text, FILE *out)
{
	putc('\'', out);
	for (; *text; text++) {
		if (*text == '\'')
			putc('\'', out);
		putc(*text, out);
	}
	putc('\'', out);
}

static void put_setting(const char *setting, const char *text, FILE *out)
{
	fprintf(out, "set %s ", setting);
	put_quoted(text, out);
	putc('\n', out);
}

/* A bar for each name needs its room. */
static void put_terminal(const struct plot *plot, const char *path, FILE *out)
{
	int height = plot->n_x_names ? 110 + 30 * (int)plot->n_x_names : 480;

	if (ends_in(path, ".svg"))
		fprintf(out, "set terminal svg size 800,%d noenhanced background rgb 'white'\n",
			height);
	else
		fprintf(out, "set terminal pngcairo size 800,%d noenhanced\n", height);
	put_setting("output", path, out);
}

static void put_frame(const struct plot *plot, const char *path, FILE *out)
{
	put_terminal(plot, path, out);
	put_setting("title", plot->title, out);
	put_setting("xlabel", plot->x_label, out);
	put_setting("ylabel", plot->y_label, out);
	fputs("set key outside bottom center maxcols 2 samplen 2\nset grid\nset rmargin 5\nset border 3\nset tics nomirror\n",
	      out);
	if (plot->log_x)
		fputs("set logscale x\n", out);
	fputs(plot->log_y ? "set logscale y\n" : "set yrange [0:*]\n", out);
}

/* The names from above to below, the value to the right. */
static void put_bars_frame(const struct plot *plot, FILE *out)
{
	put_setting("xlabel", plot->y_label, out);
	put_setting("ylabel", "", out);
	fputs("unset key\nset grid x\nset grid noy\nset xrange [0:*]\n", out);
	fprintf(out, "set yrange [%g:-0.6]\n", plot->n_x_names - 0.4);
	fputs("set style fill solid 0.6 noborder\n", out);
	for (size_t i = 0; i < plot->n_x_names; i++) {
		fputs(i ? "set ytics add (" : "set ytics scale 0 (", out);
		put_quoted(plot->x_names[i], out);
		fprintf(out, " %zu)\n", i);
	}
}

static void put_data(const struct plot_series *series, size_t number, FILE *out)
{
	fprintf(out, "$data%zu << EOD\n", number);
	for (size_t i = 0; i < series->n; i++)
		fprintf(out, "%g %g %g %g\n", series->x[i], series->y[i],
			series->low ? series->low[i] : series->y[i],
			series->high ? series->high[i] : series->y[i]);
	fputs("EOD\n", out);
}

static void put_script(const struct plot *plot, const char *path, FILE *out)
{
	put_frame(plot, path, out);
	for (size_t i = 0; i < plot->n_series; i++)
		put_data(&plot->series[i], i, out);
	if (plot->n_x_names) {
		put_bars_frame(plot, out);
		fputs("plot $data0 using 2:1:(0):2:($1-0.35):($1+0.35) with boxxyerror lc rgb '#4477aa', "
		      "$data0 using 2:1:3:4 with xerrorbars pt 0 lw 1.5 lc rgb '#222222'\n",
		      out);
		return;
	}
	for (size_t i = 0; i < plot->n_series; i++) {
		fprintf(out, i ? ", $data%zu" : "plot $data%zu", i);
		fprintf(out, " with %s lw 2 pt 7 ps 0.5 lc rgb '%s' title ",
			plot->series[i].low ? "yerrorlines" : "linespoints",
			colours[i % ARRAY_SIZE(colours)]);
		put_quoted(plot->series[i].name, out);
	}
	putc('\n', out);
}

/* gnuplot does not notice that a disk is full. */
static bool is_whole(const char *path)
{
	_fclose_ FILE *file = fopen(path, "re");
	char end[16] = "";

	return file && !fseek(file, -12, SEEK_END) && fread(end, 1, 12, file) == 12 &&
	       (memmem(end, 12, "</svg>", 6) || memmem(end, 12, "IEND", 4));
}

/* gnuplot would draw to its standard output instead. */
static int try_to_write(const char *path)
{
	_close_ int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);

	return fd < 0 ? fail(-errno, "cannot write %s: %s", path, strerror(errno)) : 0;
}

int plot_write(const struct plot *plot, const char *path)
{
	FILE *gnuplot;
	int err, status;

	if (!plot_can_write(path))
		return fail(-EINVAL, "cannot plot to %s: its name ends in neither .svg nor .png",
			    path);
	if (system("command -v gnuplot >/dev/null 2>&1"))
		return fail(-ENOENT, "cannot plot: gnuplot is not installed (Debian: gnuplot-nox)");
	err = try_to_write(path);
	if (err)
		return err;
	gnuplot = popen("gnuplot >/dev/null", "we"); /* whose output may be what we print */
	if (!gnuplot)
		return fail(-errno, "cannot start gnuplot: %s", strerror(errno));
	put_script(plot, path, gnuplot);
	status = pclose(gnuplot);
	if (status)
		return fail(-EIO, "gnuplot could not write %s (status %d)", path,
			    WEXITSTATUS(status));
	if (!is_whole(path))
		return fail(-ENOSPC, "%s is not whole: is the disk full?", path);
	return 0;
}
