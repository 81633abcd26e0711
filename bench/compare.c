// SPDX-License-Identifier: GPL-2.0-only
#include "compare.h"

#include <inttypes.h>
#include <sched.h>
#include <string.h>

#include "../loader/fail.h"
#include "arguments.h"
#include "bench.h"
#include "conditions.h"
#include "live.h"
#include "statistics.h"

enum {
	ROUNDS = 30,
	ROUNDS_MOST = 1000,
	FRAMES = 8192,
	FLOWS = 64,
	QUIET_MS = 1000,
	WARM_UP = 512,
	LEARN = 256,	       /* frames, to find who is slow */
	ROUND_NS = 50000000,   /* for those */
	SEND_FRAMES = 1 << 20, /* of who sends: as many as xdp-trafficgen in a call */
};

enum { OPTION_CSV = 256, OPTION_PLOT };

static const struct argp_option options[] = {
	{ "rounds", 'r', "N", 0, "So many turns for each (30, or as the scenario says)", 0 },
	{ "packets", 'n', "N", 0, "Packets in a turn (8192); fewer for who takes 50 ms", 0 },
	{ "csv", OPTION_CSV, NULL, 0, "Print CSV", 0 },
	{ "plot", OPTION_PLOT, "FILE.svg|FILE.png", 0, "Of one scenario, by gnuplot", 0 },
	{ 0 },
};

static void check_usage(const struct compare *compare, struct argp_state *state)
{
	if (!compare->n_paths)
		argp_error(state, "which scenario?");
	if (compare->plot && compare->n_paths > 1)
		argp_error(state, "a plot is of one scenario");
	argument_formats(compare->csv, compare->common.json, state);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct compare *compare = state->input;

	switch (key) {
	case 'r':
		compare->rounds_asked = argument_integer(arg, 1, ROUNDS_MOST, state);
		return 0;
	case 'n':
		compare->frames_a_round = argument_integer(arg, 1, 1 << 20, state);
		return 0;
	case OPTION_CSV:
		compare->csv = true;
		return 0;
	case OPTION_PLOT:
		compare->plot = argument_plot(arg, state);
		return 0;
	case ARGP_KEY_ARG:
		cmd_add_word(&compare->paths, &compare->n_paths, arg, state);
		return 0;
	case ARGP_KEY_END:
		check_usage(compare, state);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.args_doc = "SCENARIO…",
	.doc = "The same job by weir and by its peers, side by side in one run.\v"
	       "Each stands at the far end of a veth pair, in a network namespace of its own that goes with "
	       "this process. Live frames go to each in turn; the nanoseconds are all that one CPU does for "
	       "a packet, from making it to dropping it.",
};

/*
 * On one CPU: the veth's other end runs where the frame is sent. The first, which scenarios name 0;
 * what they start runs there too, between the rounds.
 */
static void stay_on_cpu(void)
{
	int cpu = 0;
	cpu_set_t set;

	sched_getaffinity(0, sizeof(set), &set);
	while (cpu < CPU_SETSIZE - 1 && !CPU_ISSET(cpu, &set))
		cpu++;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static bool sends(const struct contestant *c)
{
	return c->is->way == SCENARIO_SEND;
}

/* All that is sent to it has to go up the stack; the yardstick drops it in any case. */
static bool delivers(const struct compare *compare, const struct contestant *c)
{
	return compare->scenario.delivers && c != &compare->yardstick;
}

static bool has_all(const struct compare *compare, const struct contestant *c)
{
	return c->counters.received >= c->sent && (!c->goes_on || c->gone_on >= c->sent) &&
	       (!delivers(compare, c) || c->delivered >= c->sent);
}

/*
 * What was sent may be under way, at least to a softirq that waits for a CPU: until it has come, or
 * none has for a while.
 */
static int wait_for_all(const struct compare *compare, struct contestant *c)
{
	uint64_t before = 0, now;
	int err = contestant_count(c);

	for (int quiet = 0; !err && !has_all(compare, c) && quiet < QUIET_MS; quiet++) {
		now = c->counters.received + c->gone_on + c->delivered;
		if (now > before)
			quiet = 0;
		before = now;
		usleep(1000);
		err = contestant_count(c);
	}
	return err;
}

static int send_round(struct compare *compare, struct sender *sender, struct contestant *c,
		      unsigned int round, uint32_t n)
{
	size_t frame = round % compare->frames.n;
	uint32_t ns;
	int err = 0;

	if (compare->scenario.delivers) { /* we have slept: the caches are somebody else's */
		err = live_send_by(sender, c->ifindex, frame, WARM_UP, &ns);
		c->sent += WARM_UP;
	}
	if (!err)
		err = sends(c) ? contestant_send(c, n, &ns)
			       : live_send_by(sender, c->ifindex, frame, n, &ns);
	if (err)
		return err;
	c->sent += n;
	c->rounds[round] = ns;
	return compare->scenario.delivers ? wait_for_all(compare, c) : 0;
}

/* How many in a round; the first frames warm up too. */
static int learn(struct compare *compare, struct sender *sender, struct contestant *c, uint32_t *n)
{
	int err = send_round(compare, sender, c, 0, LEARN);

	*n = sends(c) ? (uint32_t)SEND_FRAMES : compare->frames_a_round;
	if (compare->scenario.packets && *n > compare->scenario.packets)
		*n = compare->scenario.packets;
	if (!err && !sends(c) && (uint64_t)*n * c->rounds[0] > ROUND_NS)
		*n = ROUND_NS / c->rounds[0] ?: 1;
	return err;
}

static int send_yardstick(struct compare *compare, struct sender *sender, unsigned int round)
{
	struct contestant *yardstick = &compare->yardstick;
	uint32_t ns;
	int err = live_send_by(sender, yardstick->ifindex, round % compare->frames.n,
			       compare->frames_a_round, &ns);

	yardstick->sent += compare->frames_a_round;
	yardstick->rounds[round] = ns;
	return err;
}

/* Every second one backwards: to come after somebody else costs everybody alike. */
static int run_round(struct compare *compare, struct sender *sender, unsigned int round,
		     const uint32_t *n)
{
	size_t last = compare->scenario.n - 1;
	int err = send_yardstick(compare, sender, round);

	for (size_t turn = 0; turn <= last && !err; turn++) {
		size_t i = round % 2 ? last - turn : turn;

		if (!compare->contestants[i].skipped)
			err = send_round(compare, sender, &compare->contestants[i], round, n[i]);
	}
	return err;
}

static int run_rounds(struct compare *compare, struct sender *sender)
{
	_free_ uint32_t *n = calloc(compare->scenario.n, sizeof(*n));
	int err = n ? 0 : fail_oom();

	for (size_t i = 0; i < compare->scenario.n && !err; i++)
		if (!compare->contestants[i].skipped)
			err = learn(compare, sender, &compare->contestants[i], &n[i]);
	for (unsigned int round = 0; round < compare->rounds && !err; round++)
		err = run_round(compare, sender, round, n);
	return err;
}

static int check_seen(const struct compare *compare, const struct contestant *c)
{
	uint64_t lost = c->sent - c->counters.received;

	if (c->counters.received >= c->sent)
		return 0;
	return fail(-EPROTO, "%s: '%s' never saw %" PRIu64 " of %" PRIu64 " packets",
		    compare->scenario.name, c->is->name, lost, c->sent);
}

/* A figure of who lost packets, or let them through, is none. */
static int check_job(struct compare *compare, struct contestant *c)
{
	int err = wait_for_all(compare, c);

	err = err ? err : check_seen(compare, c);
	if (err)
		return err;
	if (c->goes_on && c->gone_on < c->sent)
		return fail(-EPROTO,
			    "%s: of '%s' %" PRIu64 " of %" PRIu64 " packets came out of %s",
			    compare->scenario.name, c->is->name, c->gone_on, c->sent,
			    CONTESTANT_BEYOND);
	if (delivers(compare, c) && c->delivered < c->sent)
		return fail(-EPROTO, "%s: '%s' delivered %" PRIu64 " of %" PRIu64 " packets",
			    compare->scenario.name, c->is->name, c->delivered, c->sent);
	if (c->delivered && !delivers(compare, c))
		return fail(-EPROTO, "%s: '%s' let %" PRIu64 " packets through",
			    compare->scenario.name, c->is->name, c->delivered);
	return 0;
}

/* It is to be closed in any case; with `err` that is all. */
static int open_contestant(struct compare *compare, const struct scenario_contestant *is, int err,
			   struct contestant *c)
{
	static size_t number; /* over all scenarios */

	contestant_init(c);
	if (err)
		return err;
	err = contestant_open(is, number++, &compare->frames, c);
	c->rounds = calloc(compare->rounds, sizeof(*c->rounds));
	if (c->skipped)
		note("%s: '%s' does not take part: %s", compare->scenario.name, is->name,
		     c->skipped);
	return c->rounds ? err : fail_oom();
}

static int open_contestants(struct compare *compare)
{
	static const struct scenario_contestant yardstick = {
		.name = "yardstick",
		.path = "the yardstick",
		.way = SCENARIO_PROGRAM,
		.what = "hand_drop",
		.mode = XDP_NATIVE,
		.body = "",
	};
	int err = open_contestant(compare, &yardstick, 0, &compare->yardstick);

	compare->contestants = calloc(compare->scenario.n, sizeof(*compare->contestants));
	if (!compare->contestants)
		return fail_oom();
	for (size_t i = 0; i < compare->scenario.n; i++)
		err = open_contestant(compare, &compare->scenario.contestants[i], err,
				      &compare->contestants[i]);
	return err;
}

static int measure(struct compare *compare)
{
	const struct job job = { .frames = compare->frames, .burst = 1 };
	struct sender *sender = NULL;
	int err = open_contestants(compare);

	err = err ? err : live_open(&job, 0, &sender);
	err = err ? err : run_rounds(compare, sender);
	live_close(sender);
	err = err ? err : check_job(compare, &compare->yardstick);
	for (size_t i = 0; i < compare->scenario.n && !err; i++)
		if (!compare->contestants[i].skipped)
			err = check_job(compare, &compare->contestants[i]);
	return err;
}

static int judge(const struct compare *compare)
{
	struct compare_result r;
	int err = 0;

	for (size_t i = 0; i < compare->scenario.n; i++) {
		const struct scenario_contestant *is = &compare->scenario.contestants[i];

		if (compare->contestants[i].skipped || !is->promised ||
		    compare_result(compare, i, &r) || r.judged >= is->promised)
			continue;
		err = fail(
			-ERANGE,
			"%s: '%s' costs %.3f times what '%s' does; %g times are promised, at least",
			compare->scenario.name, is->name, r.judged,
			compare_first(compare)->is->name, is->promised);
	}
	return err;
}

static int report(const struct compare *compare, json_t *results)
{
	int err = 0;

	if (compare->common.json)
		json_array_append_new(results, compare_json(compare));
	else if (compare->csv)
		compare_print_csv(compare, stdout);
	else
		compare_print(compare, stdout);
	if (compare->plot)
		err = compare_plot(compare);
	return judge(compare) ?: err;
}

static int run_scenario(struct compare *compare, const char *path, json_t *results)
{
	int err = scenario_read(path, &compare->scenario);

	compare->rounds = compare->rounds_asked ?: compare->scenario.rounds ?: ROUNDS;
	contestant_init(&compare->yardstick);
	err = err ? err : measure(compare);
	err = err ? err : report(compare, results);
	for (size_t i = 0; compare->contestants && i < compare->scenario.n; i++)
		contestant_close(&compare->contestants[i]);
	contestant_close(&compare->yardstick);
	own_free(&compare->contestants);
	scenario_free(&compare->scenario);
	return err;
}

static int run_all(struct compare *compare, json_t *results)
{
	int err = contestant_arena(), one;

	stay_on_cpu();
	err = err ? err : frames_builtin(FLOWS, &compare->frames);
	if (err)
		return err;
	for (size_t i = 0; i < compare->n_paths; i++) {
		one = run_scenario(compare, compare->paths[i], results);
		err = err ?: one;
	}
	return err;
}

static int run(int argc, char **argv)
{
	struct compare compare = { .frames_a_round = FRAMES };
	json_t *results = json_array(), *conditions = conditions_read();
	int status = CMD_FAILED;

	if (!cmd_parse(&argp, argc, argv, &compare.common, &compare)) {
		if (!compare.common.json && !compare.csv)
			conditions_print(conditions, stdout);
		if (compare.csv)
			puts("scenario,name,least_ns,median_ns,p5_ns,p95_ns,ratio,ratio_p5,ratio_p95");
		status = run_all(&compare, results) ? CMD_FAILED : CMD_OK;
	}
	if (compare.common.json)
		status = cmd_print_json(
			json_pack("{s:O, s:O}", "conditions", conditions, "scenarios", results),
			status);
	json_decref(results);
	json_decref(conditions);
	frames_free(&compare.frames);
	free(compare.paths);
	return status;
}

const struct cmd cmd_compare = { "compare", "weir and its peers at the same job, side by side",
				 run };
