// SPDX-License-Identifier: GPL-2.0-only
#include "bench.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../loader/fail.h"
#include "arguments.h"
#include "generator.h"
#include "link.h"
#include "pace.h"

enum { FLOWS = 64, BURST = 64, BURST_MOST = 1 << 15, LOOKS = 20 };
static const double HELD_WITHIN = 0.02;

struct rate {
	struct cmd_common common;
	const char *interface;
	const char *capture; /* NULL: the built-in traffic */
	uint32_t burst;
	struct pace pace;

	const struct generator_ops *ops;
	struct frames frames;
	double seconds;
	struct link_counters counters; /* what the run added to them */
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct rate *rate = state->input;

	switch (key) {
	case 'n':
		rate->pace.packets = argument_number(arg, 1, state);
		return 0;
	case 'r':
		rate->pace.rate = argument_number(arg, 0.01, state);
		return 0;
	case 't':
		rate->pace.duration_ns = 1e9 * argument_number(arg, 0.001, state);
		return 0;
	case 'b':
		rate->burst = argument_number(arg, 1, state);
		if (rate->burst > BURST_MOST)
			argp_error(state, "a burst is at most %d frames", BURST_MOST);
		return 0;
	case 'p':
		rate->capture = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (rate->interface)
			return ARGP_ERR_UNKNOWN;
		rate->interface = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "by which interface?");
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_option options[] = {
	{ "packets", 'n', "N", 0, "Send exactly N frames", 0 },
	{ "rate", 'r', "PPS", 0, "Frames a second (20k, 1.5M); else as fast as it goes", 0 },
	{ "duration", 't', "SECONDS", 0, "Stop then; else after --packets, or by ^C", 0 },
	{ "packet", 'p', "FILE.pcap", 0,
	  "Send the packets of a capture, over and over; else UDP in 60 bytes, 64 flows", 0 },
	{ "burst", 'b', "N", 0,
	  "Copies of a frame in a row before the next one's turn (64); 1 sends a capture as it is",
	  0 },
	{ 0 },
};

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.args_doc = "IFACE",
	.doc = "Send frames by an interface and say how fast.\v"
	       "The frames leave as if XDP had redirected them. A veth's other end takes them only with "
	       "a native XDP program or after `ethtool -K IFACE gro on`.",
};

/* Frames in turn, `burst` of each in a row, until the pace says that it is enough. */
static int send_all(struct rate *rate, struct generator *generator)
{
	bool one = rate->frames.n == 1;
	uint32_t burst = one ? rate->ops->burst_max : rate->burst, left = burst, n;
	size_t turn = 0;
	int err = 0;

	pace_begin(&rate->pace);
	while (!err && (n = pace_next(&rate->pace, left))) {
		err = rate->ops->send(generator, &rate->frames.frames[turn], n);
		rate->pace.sent += err ? 0 : n;
		left -= n;
		if (left)
			continue;
		left = burst;
		turn = (turn + 1) % rate->frames.n;
	}
	rate->seconds = pace_elapsed(&rate->pace);
	pace_end(&rate->pace);
	return err;
}

/* A veth counts a frame when its other end has taken it, which may be a little later. */
static int count_all(struct rate *rate, int ifindex, const struct link_counters *before)
{
	const struct timespec moment = { .tv_nsec = 10000000 };

	for (int i = 0; i < LOOKS; i++) {
		struct link_counters now;
		int err = link_count(ifindex, &now);

		if (err)
			return err;
		rate->counters.sent = now.sent - before->sent;
		rate->counters.send_dropped = now.send_dropped - before->send_dropped;
		if (rate->counters.sent + rate->counters.send_dropped >= rate->pace.sent)
			break;
		nanosleep(&moment, NULL);
	}
	return 0;
}

static int run_counted(struct rate *rate, struct generator *generator, int ifindex)
{
	struct link_counters before;
	int err = link_count(ifindex, &before);

	err = err ? err : send_all(rate, generator);
	return err ? err : count_all(rate, ifindex, &before);
}

static int send_by_interface(struct rate *rate)
{
	struct generator *generator = NULL;
	int ifindex, err = link_find(rate->interface, &ifindex);

	if (!err)
		err = rate->ops->open(ifindex, &generator);
	if (err)
		return err;
	err = run_counted(rate, generator, ifindex);
	rate->ops->close(generator);
	return err;
}

static double packets_per_second(const struct rate *rate)
{
	return rate->seconds > 0 ? rate->pace.sent / rate->seconds : 0;
}

/* What makes the run no success although every call was one. */
static int judge(const struct rate *rate)
{
	const struct pace *pace = &rate->pace;
	double got = packets_per_second(rate);

	if (pace->sent && !rate->counters.sent)
		return fail(
			-ENXIO,
			"%s let none of %" PRIu64
			" frames out: its driver has no ndo_xdp_xmit, it is "
			"down, or the other end of a veth has neither a native XDP program nor GRO "
			"(`ethtool -K IFACE gro on` there)",
			rate->interface, pace->sent);
	/* Below a hundred frames, the ends of the run are more than 2 % of it. */
	if (pace->rate && !pace->interrupted && pace->sent > 100 &&
	    fabs(got / pace->rate - 1) > HELD_WITHIN)
		return fail(-ETIME,
			    "the rate was %.0f a second, not %.0f: more than this machine can do",
			    got, pace->rate);
	return 0;
}

static void print_text(const struct rate *rate)
{
	double pps = packets_per_second(rate);

	printf("sent %" PRIu64 " frames in %.3f s: %.0f a second, %.1f ns each\n", rate->pace.sent,
	       rate->seconds, pps, pps > 0 ? 1e9 / pps : 0);
	printf("%s counts %" PRIu64 " out, %" PRIu64 " dropped\n", rate->interface,
	       rate->counters.sent, rate->counters.send_dropped);
}

static int print_json(const struct rate *rate, int status)
{
	return cmd_print_json(json_pack("{s:s, s:s, s:I, s:f, s:f, s:b, s:{s:I, s:I}}", "interface",
					rate->interface, "generator", rate->ops->name, "sent",
					(json_int_t)rate->pace.sent, "seconds", rate->seconds,
					"packets_per_second", packets_per_second(rate),
					"interrupted", rate->pace.interrupted, "counters", "sent",
					(json_int_t)rate->counters.sent, "dropped",
					(json_int_t)rate->counters.send_dropped),
			      status);
}

static int report(const struct rate *rate)
{
	int status = judge(rate) ? CMD_FAILED : CMD_OK;

	if (rate->common.json)
		return print_json(rate, status);
	print_text(rate);
	return status;
}

static int run(int argc, char **argv)
{
	struct rate rate = { .burst = BURST, .ops = &generator_live };
	int err = cmd_parse(&argp, argc, argv, &rate.common, &rate);

	if (!err)
		err = rate.capture ? frames_read(rate.capture, &rate.frames)
				   : frames_builtin(FLOWS, &rate.frames);
	if (!err)
		err = send_by_interface(&rate);
	frames_free(&rate.frames);
	if (!err)
		return report(&rate);
	return rate.common.json ? cmd_print_json(json_object(), CMD_FAILED) : CMD_FAILED;
}

const struct cmd cmd_rate = { "rate", "send frames by an interface, at a rate", run };
