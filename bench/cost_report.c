// SPDX-License-Identifier: GPL-2.0-only
/* What was measured, as text, JSON, CSV, and as a plot. */
#include <inttypes.h>
#include <stdio.h>

#include "../loader/fail.h"
#include "conditions.h"
#include "cost.h"
#include "plot.h"

static const char *const kind_names[TIMING_KINDS] = { "hot", "mixed" };

static double over(const struct cost *cost, size_t i, enum timing_kind kind, double percent)
{
	return timing_over(&cost->timed[i], &cost->timed[0], kind, percent);
}

static void print_row(const struct cost *cost, size_t i)
{
	const struct cost_subject *subject = &cost->subjects[i];

	printf("%-22.22s", subject->subject.name);
	for (enum timing_kind kind = 0; kind < TIMING_KINDS; kind++)
		printf(" %5.0f %6.1f", cost_over(cost, i, kind), over(cost, i, kind, 50));
	if (subject->promised && !cost->counted)
		printf(" %13.0f", subject->most);
	else
		printf(" %5zu %3zu %6zu %7" PRIu64 " %6.3f", subject->subject.rules,
		       subject->subject.programs, subject->subject.instructions,
		       subject->subject.verified, subject->subject.load_seconds);
	putchar('\n');
}

/* How it is cut: the whole policy stands before its parts. */
static void print_parts(const struct cost *cost)
{
	for (size_t i = 1; i < cost->n; i++) {
		const struct cost_subject *subject = &cost->subjects[i];

		if (subject->part == COST_ROOT)
			printf("\n%s of each part of\n%-54.54s %8s %8s\n", cost_unit(cost),
			       subject->subject.name, kind_names[TIMING_HOT],
			       kind_names[TIMING_MIXED]);
		if (subject->part)
			printf("  %-52.52s %8.1f %8.1f\n", subject->part_name,
			       cost_own(cost, i, TIMING_HOT), cost_own(cost, i, TIMING_MIXED));
	}
}

static void print_text(const struct cost *cost, const json_t *conditions)
{
	bool promised = cost->n > 1 && cost->subjects[1].promised && !cost->counted;

	conditions_print(conditions, stdout);
	printf("\n%s a packet, over the %u (mixed: %u) of an empty program\n%-22s %12s %12s\n%-22s",
	       cost->counted ? "instructions" : "nanoseconds",
	       timing_least(&cost->timed[0], TIMING_HOT),
	       timing_least(&cost->timed[0], TIMING_MIXED), "", "one hot packet", "16,384 mixed",
	       "");
	for (enum timing_kind kind = 0; kind < TIMING_KINDS; kind++)
		printf(" %5s %6s", "least", "median");
	puts(promised ? "  promised hot" : " rules prg  insns verified load s");
	for (size_t i = 1; i < cost->n; i++)
		if (!cost->subjects[i].part)
			print_row(cost, i);
	print_parts(cost);
	puts("\nleast: of the fastest rounds; median: of the differences, round by round;\n"
	     "prg: programs; verified: instructions that the verifier walked");
}

static void print_csv(const struct cost *cost)
{
	printf("name,rules,programs,instructions,load_seconds,packets,%s,over_empty,median_over_empty\n",
	       cost->counted ? "instructions_run" : "ns");
	for (size_t i = 0; i < cost->n; i++) {
		const struct subject *subject = &cost->subjects[i].subject;

		if (cost->subjects[i].part)
			continue;
		for (enum timing_kind kind = 0; kind < TIMING_KINDS; kind++)
			printf("\"%s\",%zu,%zu,%zu,%.6f,%s,%u,%.0f,%.1f\n", subject->name,
			       subject->rules, subject->programs, subject->instructions,
			       subject->load_seconds, kind_names[kind],
			       timing_least(&cost->timed[i], kind), cost_over(cost, i, kind),
			       over(cost, i, kind, 50));
	}
}

static json_t *timing_json(const struct cost *cost, size_t i, enum timing_kind kind)
{
	return json_pack("{s:i, s:f, s:f, s:f, s:f}", cost_unit(cost),
			 (int)timing_least(&cost->timed[i], kind), "over_empty",
			 cost_over(cost, i, kind), "median_over_empty", over(cost, i, kind, 50),
			 "p5_over_empty", over(cost, i, kind, 5), "p95_over_empty",
			 over(cost, i, kind, 95));
}

static json_t *part_json(const struct cost *cost, size_t i)
{
	return json_pack("{s:s, s:f, s:f}", "name", cost->subjects[i].part_name, "hot",
			 cost_own(cost, i, TIMING_HOT), "mixed", cost_own(cost, i, TIMING_MIXED));
}

static json_t *subject_json(const struct cost *cost, size_t i)
{
	const struct subject *subject = &cost->subjects[i].subject;
	json_t *object =
		json_pack("{s:s, s:I, s:I, s:I, s:I, s:f}", "name", subject->name, "rules",
			  (json_int_t)subject->rules, "programs", (json_int_t)subject->programs,
			  "instructions", (json_int_t)subject->instructions, "verified",
			  (json_int_t)subject->verified, "load_seconds", subject->load_seconds);

	for (enum timing_kind kind = 0; kind < TIMING_KINDS; kind++)
		json_object_set_new(object, kind_names[kind], timing_json(cost, i, kind));
	if (cost->subjects[i].part)
		json_object_set_new(object, "part", part_json(cost, i));
	if (cost->subjects[i].promised && !cost->counted)
		json_object_set_new(object, "promised", json_real(cost->subjects[i].most));
	return object;
}

static int print_json(const struct cost *cost, json_t *conditions, int status)
{
	json_t *results = json_array();

	for (size_t i = 0; i < cost->n; i++)
		json_array_append_new(results, subject_json(cost, i));
	return cmd_print_json(json_pack("{s:s, s:O, s:o}", "unit", cost_unit(cost), "conditions",
					conditions, "results", results),
			      status);
}

int cost_report(const struct cost *cost, int status)
{
	json_t *conditions = conditions_read();

	if (!conditions)
		return fail_oom(), CMD_FAILED;
	if (cost->common.json)
		status = print_json(cost, conditions, status);
	else if (cost->csv)
		print_csv(cost);
	else
		print_text(cost, conditions);
	json_decref(conditions);
	return status;
}

static const char *const series_names[RULESET_KINDS][TIMING_KINDS] = {
	[RULESET_HOSTS] = { "hosts, one hot packet", "hosts, 16,384 mixed packets" },
	[RULESET_MIXED] = { "mixed rules, one hot packet", "mixed rules, 16,384 mixed packets" },
};

/* Where the subjects of a kind begin; they stand in one row. */
static size_t find_kind(const struct cost *cost, enum ruleset_kind kind, size_t *n)
{
	size_t first = 1, end;

	while (first < cost->n && cost->subjects[first].kind != kind)
		first++;
	for (end = first; end < cost->n && cost->subjects[end].kind == kind; end++)
		continue;
	*n = end - first;
	return first;
}

static size_t fill_series(const struct cost *cost, const double *rules, double *costs[TIMING_KINDS],
			  struct plot_series *series)
{
	size_t n_series = 0;

	for (enum ruleset_kind kind = 0; kind < RULESET_KINDS; kind++) {
		size_t n, first = find_kind(cost, kind, &n);

		for (enum timing_kind timing = 0; timing < TIMING_KINDS && n; timing++)
			series[n_series++] = (struct plot_series){
				.name = series_names[kind][timing],
				.x = rules + first,
				.y = costs[timing] + first,
				.n = n,
			};
	}
	return n_series;
}

int cost_plot(const struct cost *cost)
{
	_free_ double *rules = calloc((1 + TIMING_KINDS) * cost->n, sizeof(*rules));
	struct plot_series series[RULESET_KINDS * TIMING_KINDS];
	double *costs[TIMING_KINDS];
	struct plot plot = {
		.title = "What a packet pays for the rules of a policy",
		.x_label = "rules",
		.y_label = "ns a packet, over an empty program",
		.log_x = true,
		.log_y = true,
		.series = series,
	};

	if (!rules)
		return fail_oom();
	for (enum timing_kind timing = 0; timing < TIMING_KINDS; timing++)
		costs[timing] = rules + (1 + timing) * cost->n;
	for (size_t i = 1; i < cost->n; i++) {
		rules[i] = cost->subjects[i].subject.rules;
		for (enum timing_kind timing = 0; timing < TIMING_KINDS; timing++)
			costs[timing][i] = cost_over(cost, i, timing);
	}
	plot.n_series = fill_series(cost, rules, costs, series);
	return plot_write(&plot, cost->plot);
}
