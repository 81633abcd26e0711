// SPDX-License-Identifier: GPL-2.0-only
/* A run of `weir-bench rate` as text, JSON, CSV, and as a plot. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../loader/fail.h"
#include "conditions.h"
#include "plot.h"
#include "rate.h"

static const char *const series_names[SERIES_KINDS] = { "offered", "received" };

static bool has(const struct rate *rate, enum series_kind kind)
{
	return kind == SERIES_OFFERED || rate->receiver_interface;
}

static void print_rate(const struct rate *rate, const char *what, uint64_t packets, double pps,
		       FILE *out)
{
	fprintf(out, "%-9s %12" PRIu64 " frames  %9.4f Mpps  %9.4f Gbit/s on the wire\n", what,
		packets, pps / 1e6, rate_wire_bits(rate, pps) / 1e9);
}

static void print_counts(const struct rate *rate, FILE *out)
{
	for (size_t i = 0; i < job_workers(&rate->job); i++) {
		const struct generator_count *count = &rate->counts[i];
		double pps = count->seconds > 0 ? count->packets / count->seconds : 0;

		fprintf(out, "  worker %zu", i);
		if (count->cpu >= 0)
			fprintf(out, " on CPU %d", count->cpu);
		if (count->queue >= 0)
			fprintf(out, ", queue %d", count->queue);
		fprintf(out, ": %" PRIu64 " frames, %.0f a second, %.1f ns each", count->packets,
			pps, pps > 0 ? 1e9 / pps : 0);
		if (count->errors)
			fprintf(out, ", %" PRIu64 " refused by the driver", count->errors);
		putc('\n', out);
	}
}

static void print_spread(const struct rate *rate, enum series_kind kind, FILE *out)
{
	struct series_spread spread;

	if (!has(rate, kind) || series_spread(&rate->series, kind, rate->warm_up, &spread) ||
	    !spread.n)
		return;
	fprintf(out,
		"%-9s median %.0f, p5 %.0f, p95 %.0f a second\n%-9s of %zu intervals of %g s, "
		"after %g s\n",
		series_names[kind], spread.median, spread.p5, spread.p95, "", spread.n,
		rate->interval, rate->warm_up);
}

static void print_one(const char *what, uint64_t n, FILE *out)
{
	if (n)
		fprintf(out, "  %12" PRIu64 "  %s\n", n, what);
}

static void print_list(const char *what, const struct receiver_count *list, size_t n, FILE *out)
{
	if (n)
		fprintf(out, "%s\n", what);
	for (size_t i = 0; i < n; i++) {
		fprintf(out, "  %12" PRIu64 "  ", list[i].packets);
		if (list[i].line)
			fprintf(out, "line %u: ", list[i].line);
		fprintf(out, "%s\n", list[i].name);
	}
}

static void print_receiver(const struct rate *rate, FILE *out)
{
	const struct receiver *receiver = &rate->receiver;
	const struct link_counters *counters = &receiver->counters;

	print_one("dropped by the interface", counters->receive_dropped, out);
	print_one("errors", counters->receive_errors, out);
	print_one("missed: no room in the ring", counters->missed + counters->overruns, out);
	print_list("rules of the policy there:", receiver->rules, receiver->n_rules, out);
	print_list("counters of the driver there:", receiver->driver, receiver->n_driver, out);
}

void rate_print(const struct rate *rate, FILE *out)
{
	conditions_print(rate->conditions, out);
	fprintf(out, "generator: %s: %s\n\n", rate->ops->name, rate->why);
	print_rate(rate, "offered", rate->offered, rate_offered(rate), out);
	if (rate->receiver_interface)
		print_rate(rate, "received", rate->receiver.counters.received, rate_received(rate),
			   out);
	for (enum series_kind kind = 0; kind < SERIES_KINDS; kind++)
		print_spread(rate, kind, out);
	fprintf(out, "in %.3f s%s:\n", rate->seconds,
		rate->interrupted ? ", then interrupted" : "");
	print_counts(rate, out);
	fprintf(out, "%s counts %" PRIu64 " out, %" PRIu64 " dropped, %" PRIu64 " errors\n",
		rate->job.interface, rate->sender.sent, rate->sender.send_dropped,
		rate->sender.send_errors);
	if (rate_refused(rate))
		fprintf(out,
			"%s counts %" PRIu64 " of the frames in no way: its driver did not take "
			"them\n",
			rate->job.interface, rate_refused(rate));
	if (!rate->receiver_interface)
		return;
	fprintf(out, "%s counts %" PRIu64 " in\n", rate->receiver_interface,
		rate->receiver.counters.received);
	print_receiver(rate, out);
}

static json_t *counts_json(const struct rate *rate)
{
	json_t *list = json_array();

	for (size_t i = 0; i < job_workers(&rate->job); i++) {
		const struct generator_count *count = &rate->counts[i];

		json_array_append_new(list, json_pack("{s:i, s:i, s:I, s:I, s:f}", "cpu",
						      count->cpu, "queue", count->queue, "packets",
						      (json_int_t)count->packets, "errors",
						      (json_int_t)count->errors, "seconds",
						      count->seconds));
	}
	return list;
}

static json_t *spread_json(const struct rate *rate, enum series_kind kind)
{
	struct series_spread spread;

	if (series_spread(&rate->series, kind, rate->warm_up, &spread))
		return json_null();
	return json_pack("{s:I, s:f, s:f, s:f}", "intervals", (json_int_t)spread.n, "median",
			 spread.median, "p5", spread.p5, "p95", spread.p95);
}

static json_t *series_json(const struct rate *rate)
{
	json_t *list = json_array();

	for (size_t i = 0; i + 1 < rate->series.n; i++) {
		json_t *row = json_pack("{s:f}", "seconds", rate->series.moments[i].seconds);

		for (enum series_kind kind = 0; kind < SERIES_KINDS; kind++)
			if (has(rate, kind))
				json_object_set_new(row, series_names[kind],
						    json_real(series_rate(&rate->series, i, kind)));
		json_array_append_new(list, row);
	}
	return list;
}

static json_t *list_json(const struct receiver_count *counts, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_pack("{s:s, s:i, s:I}", "name", counts[i].name,
						      "line", (int)counts[i].line, "packets",
						      (json_int_t)counts[i].packets));
	return list;
}

static json_t *receiver_json(const struct rate *rate)
{
	const struct receiver *receiver = &rate->receiver;
	const struct link_counters *counters = &receiver->counters;

	return json_pack("{s:s, s:I, s:f, s:f, s:I, s:I, s:I, s:o, s:o, s:o}", "interface",
			 rate->receiver_interface, "received", (json_int_t)counters->received,
			 "packets_per_second", rate_received(rate), "wire_bits_per_second",
			 rate_wire_bits(rate, rate_received(rate)), "dropped",
			 (json_int_t)counters->receive_dropped, "errors",
			 (json_int_t)counters->receive_errors, "ring",
			 (json_int_t)(counters->missed + counters->overruns), "rules",
			 list_json(receiver->rules, receiver->n_rules), "driver",
			 list_json(receiver->driver, receiver->n_driver), "spread",
			 spread_json(rate, SERIES_RECEIVED));
}

json_t *rate_json(const struct rate *rate)
{
	double pps = rate_offered(rate);
	json_t *object = json_pack("{s:s, s:s, s:s, s:I, s:f, s:f, s:f, s:f, s:b, s:f}",
				   "interface", rate->job.interface, "generator", rate->ops->word,
				   "why", rate->why, "sent", (json_int_t)rate->offered, "seconds",
				   rate->seconds, "packets_per_second", pps, "ns_per_packet",
				   pps > 0 ? job_workers(&rate->job) * 1e9 / pps : 0,
				   "wire_bits_per_second", rate_wire_bits(rate, pps), "interrupted",
				   rate->interrupted, "warm_up", rate->warm_up);

	json_object_set_new(object, "counters",
			    json_pack("{s:I, s:I, s:I, s:I}", "sent", (json_int_t)rate->sender.sent,
				      "dropped", (json_int_t)rate->sender.send_dropped, "errors",
				      (json_int_t)rate->sender.send_errors, "refused",
				      (json_int_t)rate_refused(rate)));
	json_object_set_new(object, "workers", counts_json(rate));
	json_object_set_new(object, "spread", spread_json(rate, SERIES_OFFERED));
	json_object_set_new(object, "intervals", series_json(rate));
	if (rate->receiver_interface)
		json_object_set_new(object, "receiver", receiver_json(rate));
	json_object_set(object, "conditions", rate->conditions);
	return object;
}

void rate_print_csv(const struct rate *rate, FILE *out)
{
	fprintf(out, "seconds,offered_pps%s\n", rate->receiver_interface ? ",received_pps" : "");
	for (size_t i = 0; i + 1 < rate->series.n; i++) {
		fprintf(out, "%.3f", rate->series.moments[i].seconds);
		for (enum series_kind kind = 0; kind < SERIES_KINDS; kind++)
			if (has(rate, kind))
				fprintf(out, ",%.0f", series_rate(&rate->series, i, kind));
		putc('\n', out);
	}
}

int rate_plot(const struct rate *rate, const char *path)
{
	size_t n = rate->series.n ? rate->series.n - 1 : 0;
	_free_ double *memory = calloc(3 * (n ?: 1), sizeof(*memory));
	char title[128];
	double *x = memory, *y[SERIES_KINDS] = { memory + n, memory + 2 * n };
	const struct plot_series series[SERIES_KINDS] = {
		{ "offered", x, y[SERIES_OFFERED], NULL, NULL, n },
		{ "received", x, y[SERIES_RECEIVED], NULL, NULL, n },
	};
	const struct plot plot = {
		.title = title,
		.x_label = "seconds",
		.y_label = "million a second",
		.series = series,
		.n_series = rate->receiver_interface ? 2 : 1,
	};

	if (!memory)
		return fail_oom();
	snprintf(title, sizeof(title), "Frames a second by %s: %s", rate->job.interface,
		 rate->ops->name);
	if (!n)
		return fail(-ENODATA, "nothing to plot: the run was shorter than an interval");
	for (size_t i = 0; i < n; i++) {
		x[i] = rate->series.moments[i].seconds;
		for (enum series_kind kind = 0; kind < SERIES_KINDS; kind++)
			y[kind][i] = series_rate(&rate->series, i, kind) / 1e6;
	}
	return plot_write(&plot, path);
}
