// SPDX-License-Identifier: GPL-2.0-only
/* What was measured, as text, JSON, CSV, and as a plot. */
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

	printf("%-24s", subject->subject.name);
	for (enum timing_kind kind = 0; kind < TIMING_KINDS; kind++) {
		printf(" %8u", timing_least(&cost->timed[i], kind));
		if (i)
			printf(" %8.0f %8.1f", cost_over(cost, i, kind), over(cost, i, kind, 50));
		else
			printf(" %8s %8s", "", "");
	}
	if (subject->promised && !cost->counted)
		printf(" %12.0f", subject->most);
	else if (i)
		printf(" %6zu %4zu %7zu %7.3f", subject->subject.rules, subject->subject.programs,
		       subject->subject.instructions, subject->subject.load_seconds);
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
	printf("\n%-24s %26s %26s\n%-24s",
	       cost->counted ? "instructions a packet" : "nanoseconds a packet",
	       "one hot packet, repeated", "16,384 mixed packets", "");
	for (enum timing_kind kind = 0; kind < TIMING_KINDS; kind++)
		printf(" %8s %8s %8s", "least", "over", "median");
	puts(promised ? " hot promised" : "  rules progs  insns load s");
	for (size_t i = 0; i < cost->n; i++)
		if (!cost->subjects[i].part)
			print_row(cost, i);
	print_parts(cost);
	puts("\nover: the least over the least of the empty program; median: of the differences, round "
	     "by round");
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
		json_pack("{s:s, s:I, s:I, s:I, s:f}", "name", subject->name, "rules",
			  (json_int_t)subject->rules, "programs", (json_int_t)subject->programs,
			  "instructions", (json_int_t)subject->instructions, "load_seconds",
			  subject->load_seconds);

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

static int fill_and_plot(const struct cost *cost, double *rules, double *hot, double *mixed)
{
	size_t n = cost->n - 1;
	const struct plot_series series[] = {
		{ "one hot packet", rules, hot, NULL, NULL, n },
		{ "16,384 mixed packets", rules, mixed, NULL, NULL, n },
	};
	const struct plot plot = {
		.title = "What a packet pays for the rules of a policy",
		.x_label = "rules",
		.y_label = "ns a packet, over an empty program",
		.log_x = true,
		.series = series,
		.n_series = ARRAY_SIZE(series),
	};

	for (size_t i = 0; i < n; i++) {
		rules[i] = cost->subjects[i + 1].subject.rules;
		hot[i] = cost_over(cost, i + 1, TIMING_HOT);
		mixed[i] = cost_over(cost, i + 1, TIMING_MIXED);
	}
	return plot_write(&plot, cost->plot);
}

int cost_plot(const struct cost *cost)
{
	size_t n = cost->n - 1;
	_free_ double *memory = calloc(3 * n, sizeof(*memory));

	return memory ? fill_and_plot(cost, memory, memory + n, memory + 2 * n) : fail_oom();
}
