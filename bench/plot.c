// SPDX-License-Identifier: GPL-2.0-only
#include "plot.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "../loader/fail.h"

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

static void put_frame(const struct plot *plot, const char *path, FILE *out)
{
	if (ends_in(path, ".svg"))
		fputs("set terminal svg size 800,480 noenhanced background rgb 'white'\n", out);
	else
		fputs("set terminal pngcairo size 800,480 noenhanced\n", out);
	put_setting("output", path, out);
	put_setting("title", plot->title, out);
	put_setting("xlabel", plot->x_label, out);
	put_setting("ylabel", plot->y_label, out);
	fputs("set key left top\nset grid\n", out);
	if (plot->log_x)
		fputs("set logscale x\n", out);
	fputs(plot->log_y ? "set logscale y\n" : "set yrange [0:*]\n", out);
	for (size_t i = 0; i < plot->n_x_names; i++) {
		fputs(i ? "set xtics add (" : "set xtics rotate by -30 (", out);
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
	for (size_t i = 0; i < plot->n_series; i++) {
		fprintf(out, i ? ", $data%zu" : "plot $data%zu", i);
		fputs(plot->series[i].low ? " with yerrorlines title " : " with linespoints title ",
		      out);
		put_quoted(plot->series[i].name, out);
	}
	putc('\n', out);
}

int plot_write(const struct plot *plot, const char *path)
{
	FILE *gnuplot;
	int status;

	if (!plot_can_write(path))
		return fail(-EINVAL, "cannot plot to %s: its name ends in neither .svg nor .png",
			    path);
	if (system("command -v gnuplot >/dev/null 2>&1"))
		return fail(-ENOENT, "cannot plot: gnuplot is not installed (Debian: gnuplot-nox)");
	gnuplot = popen("gnuplot", "we");
	if (!gnuplot)
		return fail(-errno, "cannot start gnuplot: %s", strerror(errno));
	put_script(plot, path, gnuplot);
	status = pclose(gnuplot);
	if (status)
		return fail(-EIO, "gnuplot could not write %s (status %d)", path,
			    WEXITSTATUS(status));
	return 0;
}
