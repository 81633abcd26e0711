// SPDX-License-Identifier: GPL-2.0-only
/* Who did a scenario's job, and what it cost: text, JSON, CSV, a plot. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../loader/fail.h"
#include "../loader/wrap.h"
#include "compare.h"
#include "plot.h"
#include "statistics.h"

const struct contestant *compare_first(const struct compare *compare)
{
	for (size_t i = 0; i < compare->scenario.n; i++)
		if (!compare->contestants[i].skipped)
			return &compare->contestants[i];
	return NULL;
}

static double least(const struct compare *compare, const struct contestant *c)
{
	uint32_t ns = UINT32_MAX;

	for (unsigned int round = 0; round < compare->rounds; round++)
		ns = c->rounds[round] < ns ? c->rounds[round] : ns;
	return ns;
}

/* The rounds of one over those of another, or as they are; in order. */
static void fill(const struct compare *compare, const struct contestant *c,
		 const struct contestant *base, double *out)
{
	for (unsigned int round = 0; round < compare->rounds; round++)
		out[round] = (double)c->rounds[round] / (base ? base->rounds[round] ?: 1 : 1);
	statistics_sort(out, compare->rounds);
}

int compare_result(const struct compare *compare, size_t i, struct compare_result *out)
{
	_free_ double *memory = calloc(3 * compare->rounds, sizeof(*memory));
	const struct contestant *c = &compare->contestants[i];
	unsigned int n = compare->rounds;
	double *ns = memory, *ratios, *paced;

	if (!memory)
		return fail_oom();
	ratios = ns + n;
	paced = ratios + n;
	fill(compare, c, NULL, ns);
	fill(compare, c, compare_first(compare), ratios);
	fill(compare, c, &compare->yardstick, paced);
	*out = (struct compare_result){
		.least = ns[0],
		.median = statistics_percentile(ns, n, 50),
		.p5 = statistics_percentile(ns, n, 5),
		.p95 = statistics_percentile(ns, n, 95),
		.ratio = statistics_percentile(ratios, n, 50),
		.ratio_p5 = statistics_percentile(ratios, n, 5),
		.ratio_p95 = statistics_percentile(ratios, n, 95),
		.least_ratio = ns[0] / fmax(least(compare, compare_first(compare)), 1),
		.paced = statistics_percentile(paced, n, 50),
		.paced_p5 = statistics_percentile(paced, n, 5),
		.paced_p95 = statistics_percentile(paced, n, 95),
	};
	out->judged = compare->scenario.delivers ? out->ratio : out->least_ratio;
	return 0;
}

static bool has_promise(const struct compare *compare)
{
	for (size_t i = 0; i < compare->scenario.n; i++)
		if (compare->contestants[i].is->promised)
			return true;
	return false;
}

static void print_row(const struct contestant *c, const struct compare_result *r, FILE *out)
{
	fprintf(out, "%-30.30s %6.0f %6.0f %6.0f %6.2f %6.2f .. %5.2f", c->is->name, r->least,
		r->median, r->p95, r->ratio, r->ratio_p5, r->ratio_p95);
	if (c->is->promised)
		fprintf(out, " %s%g", r->judged >= c->is->promised ? "" : "NOT ", c->is->promised);
	putc('\n', out);
}

static void print_skipped(const struct contestant *c, FILE *out)
{
	fprintf(out, "%-30.30s does not take part:\n", c->is->name);
	wrap_text(out, 4, c->skipped);
}

void compare_print(const struct compare *compare, FILE *out)
{
	_free_ char *title = NULL;

	if (asprintf(&title, "%s: %s", compare->scenario.name, compare->scenario.about ?: "") < 0)
		title = NULL;
	putc('\n', out);
	wrap_text(out, 0, title ?: compare->scenario.name);
	fprintf(out, "%-30s %6s %6s %6s %6s %15s%s\n", "ns a packet", "least", "median", "p95",
		"ratio", "p5 .. p95 ", has_promise(compare) ? " >=" : "");
	for (size_t i = 0; i < compare->scenario.n; i++) {
		const struct contestant *c = &compare->contestants[i];
		struct compare_result r;

		if (c->skipped)
			print_skipped(c, out);
		else if (!compare_result(compare, i, &r))
			print_row(c, &r, out);
	}
}

void compare_print_csv(const struct compare *compare, FILE *out)
{
	for (size_t i = 0; i < compare->scenario.n; i++) {
		const struct contestant *c = &compare->contestants[i];
		struct compare_result r;

		if (!c->skipped && !compare_result(compare, i, &r))
			fprintf(out, "\"%s\",\"%s\",%.0f,%.1f,%.1f,%.1f,%.3f,%.3f,%.3f\n",
				compare->scenario.name, c->is->name, r.least, r.median, r.p5, r.p95,
				r.ratio, r.ratio_p5, r.ratio_p95);
	}
}

static json_t *contestant_json(const struct compare *compare, size_t i)
{
	const struct contestant *c = &compare->contestants[i];
	struct compare_result r;

	if (c->skipped)
		return json_pack("{s:s, s:s}", "name", c->is->name, "skipped", c->skipped);
	if (compare_result(compare, i, &r))
		return json_null();
	return json_pack(
		"{s:s, s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f}",
		"name", c->is->name, "sent", (json_int_t)c->sent, "received",
		(json_int_t)c->counters.received, "least_ns", r.least, "median_ns", r.median,
		"p5_ns", r.p5, "p95_ns", r.p95, "ratio", r.ratio, "ratio_p5", r.ratio_p5,
		"ratio_p95", r.ratio_p95, "least_ratio", r.least_ratio, "promised", c->is->promised,
		"judged", r.judged, "paced", r.paced, "paced_p5", r.paced_p5, "paced_p95",
		r.paced_p95);
}

static double yardstick_ns(const struct compare *compare)
{
	_free_ double *ns = calloc(compare->rounds, sizeof(*ns));

	if (!ns)
		return 0;
	fill(compare, &compare->yardstick, NULL, ns);
	return statistics_percentile(ns, compare->rounds, 50);
}

json_t *compare_json(const struct compare *compare)
{
	json_t *list = json_array();

	for (size_t i = 0; i < compare->scenario.n; i++)
		json_array_append_new(list, contestant_json(compare, i));
	return json_pack("{s:s, s:s, s:f, s:o}", "scenario", compare->scenario.name, "about",
			 compare->scenario.about ?: "", "yardstick_ns", yardstick_ns(compare),
			 "contestants", list);
}

/* memory: room for four numbers, and names, of each. */
static int plot_with(const struct compare *compare, double *memory, const char **names)
{
	size_t n = 0, most = compare->scenario.n;
	double *x = memory, *y = x + most, *low = y + most, *high = low + most;
	struct compare_result r;

	for (size_t i = 0; i < most; i++) {
		if (compare->contestants[i].skipped || compare_result(compare, i, &r))
			continue;
		x[n] = n;
		y[n] = r.median;
		low[n] = r.p5;
		high[n] = r.p95;
		names[n++] = compare->contestants[i].is->name;
	}

	const struct plot_series series = { "median, p5 to p95", x, y, low, high, n };
	const struct plot plot = {
		.title = compare->scenario.about ?: compare->scenario.name,
		.x_label = "",
		.y_label = "ns a packet: median, p5 to p95",
		.x_names = names,
		.n_x_names = n,
		.series = &series,
		.n_series = 1,
	};

	return n ? plot_write(&plot, compare->plot)
		 : fail(-ENODATA, "nothing to plot: nobody took part");
}

int compare_plot(const struct compare *compare)
{
	_free_ double *memory = calloc(4 * compare->scenario.n, sizeof(*memory));
	_free_ const char **names = calloc(compare->scenario.n, sizeof(*names));

	return memory && names ? plot_with(compare, memory, names) : fail_oom();
}
