// SPDX-License-Identifier: GPL-2.0-only
/* The options that rate and search have in common: how, by whom, from where and to where to send.
 */
#include "../loader/own.h"
#include "arguments.h"
#include "rate.h"

enum { BURST_MOST = 1 << 15, CPUS_MOST = 1024, QUEUES_MOST = 4096 };

enum { OPTION_CLONE = 256, OPTION_MORE, OPTION_RECEIVER_NETNS, OPTION_CSV };

static const struct argp_option options[] = {
	{ "generator", 'g', "auto|pktgen|live|xsk", 0,
	  "How to send: pktgen, live frames, AF_XDP; or the first of them that can (auto)", 1 },
	{ "rate", 'r', "PPS", 0,
	  "Frames a second (20k, 1.5M), the most where they are searched; else as fast as it goes",
	  2 },
	{ "duration", 't', "SECONDS", 0, "Stop then: the run, or each trial of a search (2)", 2 },
	{ "cpus", 'c', "LIST", 0, "Send from these CPUs at once (0-3,6); else from one", 3 },
	{ "queues", 'q', "LIST", 0, "By these queues of the interface: pktgen, xsk", 3 },
	{ "burst", 'b', "N", 0,
	  "Copies of a frame in a row before the next one's turn; 1 sends a capture as it is. Else one, "
	  "or 64 where each turn takes a call",
	  3 },
	{ "clone", OPTION_CLONE, "N", 0, "pktgen's clone_skb", 3 },
	{ "more", OPTION_MORE, "N", 0, "pktgen's burst: frames for which the NIC is told once", 3 },
	{ "receiver", 'R', "IFACE", 0, "Count what arrives there, and what becomes of it", 4 },
	{ "receiver-netns", OPTION_RECEIVER_NETNS, "NAME|PATH", 0, "It is in this namespace", 4 },
	{ "csv", OPTION_CSV, NULL, 0, "Print CSV", 6 },
	{ 0 },
};

static error_t parse_job(int key, char *arg, struct argp_state *state)
{
	struct job *job = &((struct rate *)state->input)->job;

	switch (key) {
	case 'r':
		job->rate = argument_number(arg, 0.01, state);
		return 0;
	case 't':
		job->duration_ns = 1e9 * argument_number(arg, 0.01, state);
		return 0;
	case 'c':
		argument_list(arg, CPUS_MOST, &job->cpus, state);
		return 0;
	case 'q':
		argument_list(arg, QUEUES_MOST, &job->queues, state);
		return 0;
	case 'b':
		job->burst = argument_integer(arg, 1, BURST_MOST, state);
		return 0;
	case OPTION_CLONE:
		job->clone_skb = argument_integer(arg, 0, 1 << 20, state);
		return 0;
	case OPTION_MORE:
		job->xmit_more = argument_integer(arg, 1, 1 << 10, state);
		return 0;
	case ARGP_KEY_ARG:
		if (job->interface)
			return ARGP_ERR_UNKNOWN;
		job->interface = arg;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct rate *rate = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &rate->job.traffic;
		return 0;
	case 'g':
		rate->generator = generator_words[argument_choice(arg, generator_words,
								  generator_n_words, state)];
		return 0;
	case 'R':
		rate->receiver_interface = arg;
		return 0;
	case OPTION_RECEIVER_NETNS:
		rate->receiver_netns = arg;
		return 0;
	case OPTION_CSV:
		rate->csv = true;
		return 0;
	case ARGP_KEY_END:
		if (!rate->job.interface)
			argp_error(state, "by which interface?");
		if (rate->receiver_netns && !rate->receiver_interface)
			argp_error(state, "--receiver-netns goes with --receiver");
		return 0;
	}
	return parse_job(key, arg, state);
}

static const struct argp_child children[] = { { &traffic_argp, 0, "What is sent:", 10 }, { 0 } };

const struct argp rate_argp = { .options = options, .parser = parse_option, .children = children };

void rate_init(struct rate *rate)
{
	*rate = (struct rate){
		.generator = "auto",
		.interval = 0.1,
		.warm_up = 0.2,
		.receiver.link.ioctl_fd = -1,
	};
	traffic_init(&rate->job.traffic);
}

void rate_free(struct rate *rate)
{
	rate_release(rate);
	frames_free(&rate->job.frames);
	own_free(&rate->job.cpus.numbers);
	own_free(&rate->job.queues.numbers);
}
