// SPDX-License-Identifier: GPL-2.0-only
#include "rate.h"

#include <stdio.h>

#include "../loader/fail.h"
#include "arguments.h"
#include "bench.h"

struct options {
	struct cmd_common common;
	struct rate rate;
	const char *plot;
};

enum { OPTION_DELAY = 512, OPTION_INTERVAL, OPTION_PLOT };

static const struct argp_option options[] = {
	{ "packets", 'n', "N", 0, "Send exactly N frames; else until ^C, or --duration", 2 },
	{ "delay", OPTION_DELAY, "NS", 0, "The same as --rate, from one frame to the next", 2 },
	{ "interval", OPTION_INTERVAL, "SECONDS", 0, "Between two looks at counters (0.1)", 5 },
	{ "warm-up", 'w', "SECONDS", 0, "Leave these out of medians and percentiles (0.2)", 5 },
	{ "plot", OPTION_PLOT, "FILE.svg|FILE.png", 0, "Rate over time, by gnuplot", 6 },
	{ 0 },
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &o->rate;
		return 0;
	case 'n':
		o->rate.job.packets = argument_packets(arg, state);
		return 0;
	case OPTION_DELAY:
		o->rate.job.rate = 1e9 / argument_number(arg, 1, state);
		return 0;
	case OPTION_INTERVAL:
		o->rate.interval = argument_number(arg, 0.01, state);
		return 0;
	case 'w':
		o->rate.warm_up = argument_number(arg, 0, state);
		return 0;
	case OPTION_PLOT:
		o->plot = argument_plot(arg, state);
		return 0;
	case ARGP_KEY_END:
		argument_formats(o->rate.csv, o->common.json, state);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_child children[] = { { &rate_argp, 0, NULL, 0 }, { 0 } };

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.children = children,
	.args_doc = "IFACE",
	.doc = "Send frames by an interface and say how fast.\v"
	       "Live frames leave as if XDP had redirected them. A veth's other end takes them only with "
	       "a native XDP program or after `ethtool -K IFACE gro on`.",
};

static int report(const struct options *o)
{
	const struct rate *rate = &o->rate;
	int status = rate_judge(rate) ? CMD_FAILED : CMD_OK;

	if (o->plot && rate_plot(rate, o->plot))
		status = CMD_FAILED;
	if (o->common.json)
		return cmd_print_json(rate_json(rate), status);
	if (rate->csv)
		rate_print_csv(rate, stdout);
	else
		rate_print(rate, stdout);
	return status;
}

static int run_job(struct options *o)
{
	struct job *job = &o->rate.job;
	int err = traffic_frames(&job->traffic, &job->frames);

	err = err ? err : rate_run(&o->rate);
	if (!err)
		return report(o);
	return o->common.json ? cmd_print_json(json_object(), CMD_FAILED) : CMD_FAILED;
}

static int run(int argc, char **argv)
{
	struct options o = { 0 };
	int status = CMD_FAILED;

	rate_init(&o.rate);
	if (!cmd_parse(&argp, argc, argv, &o.common, &o))
		status = run_job(&o);
	else if (o.common.json)
		status = cmd_print_json(json_object(), CMD_FAILED);
	rate_free(&o.rate);
	return status;
}

const struct cmd cmd_rate = { "rate", "send frames by an interface, at a rate", run };
