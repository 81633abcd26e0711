// SPDX-License-Identifier: GPL-2.0-only
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../loader/fail.h"
#include "arguments.h"
#include "bench.h"
#include "conditions.h"

/* Percent that a figure may be worse by. */
static const double INSTRUCTIONS_TOLERANCE = 2, TIME_TOLERANCE = 5;

struct figure {
	char *name;
	double value, low, high; /* of times and rates: median, p5, p95 */
	bool exact;		 /* instructions */
	bool more_is_better;
};

struct figures {
	struct figure *figures;
	size_t n;
	/* Times of compare are told at this: the yardstick's ns in the earlier run. 0: not known
	 * yet. */
	double pace;
};

struct track {
	struct cmd_common common;
	const char **files;
	size_t n_files;
	double tolerance; /* percent; 0: as the unit is */
	bool anyway;
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct track *track = state->input;

	switch (key) {
	case 't':
		track->tolerance = argument_number(arg, 0.001, state);
		return 0;
	case 'a':
		track->anyway = true;
		return 0;
	case ARGP_KEY_ARG:
		cmd_add_word(&track->files, &track->n_files, arg, state);
		return 0;
	case ARGP_KEY_END:
		if (track->n_files != 2)
			argp_error(state, "which two runs?");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_option options[] = {
	{ "tolerance", 't', "PERCENT", 0,
	  "A figure may be worse by this (2 for instructions, 5 for times and rates)", 0 },
	{ "anyway", 'a', NULL, 0, "Also if the conditions differ", 0 },
	{ 0 },
};

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.args_doc = "BEFORE NOW",
	.doc = "A run beside an earlier one: the JSON (-j) of two runs of cost, compare or rate.\v"
	       "Exit status 1 if something got worse: a count of instructions by more than 2 %; a time or a "
	       "rate by more than 5 % in its median, with no overlap from p5 to p95. Times of compare are told at "
	       "the pace of the earlier run, by the yardstick that is measured in each round.",
};

static double number(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}

static int add(struct figures *to, const struct figure *figure, const char *part, const char *name)
{
	struct figure *place = array_add(to->figures, to->n);

	if (!place)
		return fail_oom();
	*place = *figure;
	place->name = NULL;
	if (asprintf(&place->name, "%s%s%s", part, *part ? ": " : "", name) < 0)
		return fail_oom();
	return 0;
}

static int add_cost(struct figures *to, const json_t *result, const char *kind)
{
	const json_t *timing = json_object_get(result, kind);
	bool exact = json_object_get(timing, "instructions") != NULL;
	const struct figure figure = {
		.value = exact ? number(timing, "instructions")
			       : number(timing, "median_over_empty"),
		.low = number(timing, "p5_over_empty"),
		.high = number(timing, "p95_over_empty"),
		.exact = exact,
	};

	return add(to, &figure, kind, json_string_value(json_object_get(result, "name")));
}

/* The first is the empty program, over which the others are. */
static int read_cost(const json_t *run, struct figures *to)
{
	const json_t *results = json_object_get(run, "results");
	int err = 0;

	for (size_t i = 1; i < json_array_size(results) && !err; i++) {
		if (json_object_get(json_array_get(results, i), "part"))
			continue;
		err = add_cost(to, json_array_get(results, i), "hot");
		err = err ? err : add_cost(to, json_array_get(results, i), "mixed");
	}
	return err;
}

static int read_scenario(const json_t *scenario, struct figures *to)
{
	const char *name = json_string_value(json_object_get(scenario, "scenario"));
	json_t *list = json_object_get(scenario, "contestants"), *one;
	size_t i;

	to->pace = to->pace ?: number(scenario, "yardstick_ns");
	if (!json_object_get(scenario, "yardstick_ns"))
		return fail(
			-EINVAL,
			"the run of the scenario '%s' has no yardstick: an older weir-bench made it; "
			"make it anew",
			name);
	json_array_foreach(list, i, one)
	{
		const struct figure figure = {
			.value = to->pace * number(one, "paced"),
			.low = to->pace * number(one, "paced_p5"),
			.high = to->pace * number(one, "paced_p95"),
		};
		int err;

		if (json_object_get(one, "skipped"))
			continue;
		err = add(to, &figure, name, json_string_value(json_object_get(one, "name")));
		if (err)
			return err;
	}
	return 0;
}

static int read_compare(const json_t *run, struct figures *to)
{
	json_t *list = json_object_get(run, "scenarios"), *one;
	size_t i;
	int err = 0;

	json_array_foreach(list, i, one) if (!err) err = read_scenario(one, to);
	return err;
}

static int read_rate(const json_t *run, struct figures *to)
{
	const json_t *receiver = json_object_get(run, "receiver");
	const json_t *spread = json_object_get(receiver ?: run, "spread");
	const struct figure figure = {
		.value = number(spread, "median"),
		.low = number(spread, "p5"),
		.high = number(spread, "p95"),
		.more_is_better = true,
	};

	return add(to, &figure, "", receiver ? "packets received a second" : "packets a second");
}

static int read_figures(const char *path, const json_t *run, struct figures *to)
{
	if (json_object_get(run, "results"))
		return read_cost(run, to);
	if (json_object_get(run, "scenarios"))
		return read_compare(run, to);
	if (json_object_get(run, "intervals"))
		return read_rate(run, to);
	return fail(-EINVAL, "%s is no run of cost, compare or rate (-j)", path);
}

static json_t *load(const char *path)
{
	json_error_t error;
	json_t *run = json_load_file(path, 0, &error);

	if (!run)
		fail(-EINVAL, "cannot read %s: %s", path, error.text);
	return run;
}

/* How many of that name stand before the i-th: a scenario may be measured twice in a run. */
static size_t count_before(const struct figures *figures, size_t i)
{
	size_t n = 0;

	for (size_t k = 0; k < i; k++)
		n += !strcmp(figures->figures[k].name, figures->figures[i].name);
	return n;
}

/* The one of that name behind `skip` others of it. */
static const struct figure *find(const struct figures *figures, const char *name, size_t skip)
{
	for (size_t i = 0; i < figures->n; i++)
		if (!strcmp(figures->figures[i].name, name) && !skip--)
			return &figures->figures[i];
	return NULL;
}

/*
 * Percent; more than 0 is more. Of a nanosecond, where it was less: a difference of two times may
 * be nothing, or below.
 */
static double change_of(double before, double now)
{
	return (now - before) / fmax(before, 1) * 100;
}

/* Percent; more than 0 is worse. */
static double worse_by(const struct figure *before, const struct figure *now)
{
	double change = change_of(before->value, now->value);

	return now->more_is_better ? -change : change;
}

static bool overlap(const struct figure *a, const struct figure *b)
{
	return a->low <= b->high && b->low <= a->high;
}

static bool is_worse(const struct track *track, const struct figure *before,
		     const struct figure *now)
{
	double tolerance = track->tolerance ?: now->exact ? INSTRUCTIONS_TOLERANCE : TIME_TOLERANCE;

	if (worse_by(before, now) <= tolerance)
		return false;
	return now->exact || !overlap(before, now);
}

static json_t *row(const struct figure *before, const struct figure *now, bool worse)
{
	return json_pack("{s:s, s:f, s:f, s:f, s:b}", "name", before->name, "before", before->value,
			 "now", now->value, "worse_by_percent", worse_by(before, now), "worse",
			 worse);
}

/* How many got worse, or are not there any more; each is reported. */
static size_t judge(const struct track *track, const struct figures *before,
		    const struct figures *now, json_t *rows)
{
	size_t bad = 0;

	for (size_t i = 0; i < before->n; i++) {
		const struct figure *old = &before->figures[i];
		const struct figure *new = find(now, old->name, count_before(before, i));
		bool worse = new &&is_worse(track, old, new);

		bad += !new || worse;
		if (!new)
			fail(-ENOENT, "%s has no '%s'", track->files[1], old->name);
		else
			json_array_append_new(rows, row(old, new, worse));
		if (worse)
			fail(-ERANGE, "'%s' got worse by %.1f %%: %.1f, then %.1f", old->name,
			     worse_by(old, new), old->value, new->value);
	}
	return bad;
}

static void print(const json_t *rows)
{
	json_t *row;
	size_t i;

	printf("%-44s %12s %12s %9s\n", "", "before", "now", "change");
	json_array_foreach((json_t *)rows, i, row)
		printf("%-44s %12.1f %12.1f %+8.1f %%%s\n",
		       json_string_value(json_object_get(row, "name")), number(row, "before"),
		       number(row, "now"), change_of(number(row, "before"), number(row, "now")),
		       json_is_true(json_object_get(row, "worse")) ? "  worse" : "");
}

static int check_conditions(const struct track *track, const json_t *before, const json_t *now)
{
	bool equal = conditions_equal(json_object_get(before, "conditions"),
				      json_object_get(now, "conditions"));

	if (equal || track->anyway)
		return 0;
	return fail(-EINVAL, "the conditions differ: the two runs say nothing of each other");
}

/* A run that failed, or was too short, has nothing that could have got worse. */
static int check_figures(const char *path, const struct figures *figures)
{
	bool any = false;

	for (size_t i = 0; i < figures->n; i++)
		any |= figures->figures[i].value != 0;
	return any ? 0
		   : fail(-ENODATA,
			  "%s has no figures: did the run fail, or end within its warm-up?", path);
}

static int run_track(const struct track *track, json_t *rows)
{
	json_t *before = load(track->files[0]), *now = load(track->files[1]);
	struct figures old = { 0 }, new = { 0 };
	int err = before && now ? read_figures(track->files[0], before, &old) : -EINVAL;

	new.pace = old.pace;
	err = err ? err : read_figures(track->files[1], now, &new);
	err = err ? err : check_figures(track->files[0], &old);
	err = err ? err : check_conditions(track, before, now);
	if (!err && judge(track, &old, &new, rows))
		err = -ERANGE;
	for (size_t i = 0; i < old.n; i++)
		free(old.figures[i].name);
	for (size_t i = 0; i < new.n; i++)
		free(new.figures[i].name);
	free(old.figures);
	free(new.figures);
	json_decref(before);
	json_decref(now);
	return err;
}

static int run(int argc, char **argv)
{
	struct track track = { 0 };
	json_t *rows = json_array();
	int err = cmd_parse(&argp, argc, argv, &track.common, &track);
	int status;

	err = err ? err : run_track(&track, rows);
	status = err ? CMD_FAILED : CMD_OK;
	if (track.common.json)
		status = cmd_print_json(json_pack("{s:O}", "figures", rows), status);
	else if (json_array_size(rows))
		print(rows);
	json_decref(rows);
	free(track.files);
	return status;
}

const struct cmd cmd_track = { "track", "a run beside an earlier one: what got worse", run };
