// SPDX-License-Identifier: GPL-2.0-only
#include "cost.h"

#include <bpf/libbpf.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../loader/fail.h"
#include "arguments.h"
#include "bench.h"

enum {
	OPTION_SIZES = 256,
	OPTION_SEED,
	OPTION_CSV,
	OPTION_PLOT,
	OPTION_INSTRUCTIONS,
	OPTION_COUNTED,
	OPTION_PARTS,
	OPTION_STEPS
};

enum { COUNTED_ROUNDS = 2 }; /* they are all the same */

/* In the order of enum hook_kind. */
static const char *const hooks[] = { "xdp", "ingress", "egress" };

static void parse_sizes(struct cost *cost, char *list, struct argp_state *state)
{
	for (char *word; (word = strsep(&list, ","));) {
		size_t *size = array_add(cost->sizes, cost->n_sizes);

		if (!size)
			argp_failure(state, CMD_FAILED, 0, "out of memory");
		*size = argument_integer(word, 1, RULESET_MOST, state);
	}
}

static void use_default_rounds(struct cost *cost)
{
	if (!cost->rounds)
		cost->rounds = cost->counted ? COUNTED_ROUNDS : TIMING_ROUNDS;
}

static error_t use_default_sizes(struct cost *cost, struct argp_state *state)
{
	char list[] = "10,100,1000,4000,16000";

	parse_sizes(cost, list, state);
	return 0;
}

static void check_usage(const struct cost *cost, struct argp_state *state)
{
	if (cost->growth && (cost->n_policies || cost->capture))
		argp_error(state, "--rules makes policies and packets of its own");
	if (!cost->growth && (cost->n_sizes || cost->plot))
		argp_error(state, "--sizes and --plot go with --rules");
	if (!cost->growth && !cost->n_policies && cost->hook != HOOK_XDP)
		argp_error(state, "what is promised is promised on XDP: name a policy, or --rules");
	if (cost->steps && (cost->n_policies || cost->growth || cost->csv))
		argp_error(state, "--steps measures programs of its own, as text or JSON");
	if (!cost->n_policies && cost->parts && !cost->steps)
		argp_error(state, "--parts goes with a policy");
	if (!cost->n_policies && cost->interface)
		argp_error(state, "--interface goes with a policy");
	if (cost->plot && (cost->instructions || cost->counted))
		argp_error(state,
			   "--plot does not go with --instructions: a guest's files are its own");
	argument_formats(cost->csv, cost->common.json, state);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct cost *cost = state->input;

	switch (key) {
	case 'i':
		cost->interface = arg;
		return 0;
	case 'H':
		cost->hook = argument_choice(arg, hooks, ARRAY_SIZE(hooks), state);
		return 0;
	case 'p':
		cost->capture = arg;
		return 0;
	case 'k':
		cost->growth = true;
		cost->kind = argument_choice(arg, ruleset_kinds, RULESET_KINDS, state);
		return 0;
	case OPTION_SIZES:
		parse_sizes(cost, arg, state);
		return 0;
	case OPTION_SEED:
		cost->seed = argument_integer(arg, 0, INT32_MAX, state);
		return 0;
	case 'r':
		cost->rounds = argument_integer(arg, 1, TIMING_ROUNDS_MOST, state);
		return 0;
	case OPTION_INSTRUCTIONS:
		cost->instructions = true;
		return 0;
	case OPTION_PARTS:
		cost->parts = true;
		return 0;
	case OPTION_STEPS:
		cost->parts = cost->steps = true;
		return 0;
	case OPTION_COUNTED:
		cost->counted = true;
		return 0;
	case OPTION_CSV:
		cost->csv = true;
		return 0;
	case OPTION_PLOT:
		cost->plot = argument_plot(arg, state);
		return 0;
	case ARGP_KEY_ARG:
		cmd_add_word(&cost->policies, &cost->n_policies, arg, state);
		return 0;
	case ARGP_KEY_END:
		check_usage(cost, state);
		use_default_rounds(cost);
		return cost->growth && !cost->n_sizes ? use_default_sizes(cost, state) : 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_option options[] = {
	{ "interface", 'i', "IFACE", 0, "The hook of this interface; else the policy's first", 0 },
	{ "hook", 'H', "xdp|ingress|egress", 0, "XDP (default) or a tc hook", 0 },
	{ "packet", 'p', "FILE.pcap", 0,
	  "The mixed packets are these, and the hot one their first; else random ones, and UDP to "
	  "the discard port",
	  0 },
	{ "rules", 'k', "hosts|mixed", 0, "Measure policies of `weir-bench rules --kind`", 0 },
	{ "sizes", OPTION_SIZES, "N,…", 0, "Of so many rules (10,100,1000,4000,16000)", 0 },
	{ "seed", OPTION_SEED, "N", 0, "Other rules and packets for another number (1)", 0 },
	{ "rounds", 'r', "N", 0, "So many turns for each program (25)", 0 },
	{ "instructions", OPTION_INSTRUCTIONS, NULL, 0,
	  "Count instructions, not nanoseconds: in a guest of QEMU's (make deps T=vm)", 0 },
	{ "counted", OPTION_COUNTED, NULL, OPTION_HIDDEN, NULL, 0 },
	{ "parts", OPTION_PARTS, NULL, 0, "Also what each program of a policy's chain costs", 0 },
	{ "steps", OPTION_STEPS, NULL, 0,
	  "What a stage costs, beside a tail call by hand and a slot of libxdp's dispatcher", 0 },
	{ "plot", OPTION_PLOT, "FILE.svg|FILE.png", 0, "Cost over rules, by gnuplot", 0 },
	{ "csv", OPTION_CSV, NULL, 0, "Print CSV", 0 },
	{ 0 },
};

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.args_doc = "[POLICY…]",
	.doc = "What policies cost a packet, in nanoseconds over a program that does nothing: "
	       "a hot packet, over and over, and 16,384 mixed ones in random order.\v"
	       "Nothing is attached. With neither a policy nor --rules: what an empty policy and a policy "
	       "of one rule cost, and whether they keep to what they promise.",
};

static int time_all(struct cost *cost)
{
	cost->timed = calloc(cost->n, sizeof(*cost->timed));
	if (!cost->timed)
		return fail_oom();
	for (size_t i = 0; i < cost->n; i++) {
		const struct cost_subject *subject = &cost->subjects[i];

		cost->timed[i] = (struct timed){
			.name = subject->subject.name,
			.prog_fd = subject->subject.prog_fd,
			.packet = subject->hot.data,
			.len = subject->hot.len,
			.shuffle = subject->mixed,
		};
	}
	return timing_run(cost->timed, cost->n, cost->rounds, cost->counted);
}

double cost_over(const struct cost *cost, size_t i, enum timing_kind kind)
{
	return (double)timing_least(&cost->timed[i], kind) - timing_least(&cost->timed[0], kind);
}

double cost_own(const struct cost *cost, size_t i, enum timing_kind kind)
{
	const struct timed *timed = &cost->timed[i];
	const struct timed *before = cost->subjects[i].part == COST_ROOT ? cost->timed : timed - 1;

	if (cost->counted)
		return (double)timing_least(timed, kind) - timing_least(before, kind);
	return timing_over(timed, before, kind, 50);
}

/* Whether promises are kept. */
static int judge(const struct cost *cost)
{
	int err = 0;

	for (size_t i = 0; i < cost->n; i++) {
		const struct cost_subject *subject = &cost->subjects[i];
		const char *name = subject->subject.name;
		double over = cost_over(cost, i, TIMING_HOT);

		if (!subject->promised || cost->counted)
			continue;
		if (cost->timed[i].verdict != subject->verdict)
			err = fail(-EPROTO, "'%s' returned %u, not %u", name,
				   cost->timed[i].verdict, subject->verdict);
		else if (over > subject->most)
			err = fail(-ERANGE,
				   "'%s' costs %.0f ns over the empty program; %.0f are promised",
				   name, over, subject->most);
	}
	return err;
}

static int measure_and_report(struct cost *cost)
{
	int err = cost_prepare(cost), status;

	err = err ? err : time_all(cost);
	if (err)
		return cost->common.json ? cmd_print_json(json_object(), CMD_FAILED) : CMD_FAILED;
	status = judge(cost) || cost->cut_short ? CMD_FAILED : CMD_OK;
	if (cost->plot && cost_plot(cost))
		status = CMD_FAILED;
	return cost->steps ? cost_report_steps(cost, status) : cost_report(cost, status);
}

/* The tree that this binary was built in has the guest. */
static char *find_guest(char *self, size_t size)
{
	ssize_t len = readlink("/proc/self/exe", self, size - 1);
	_free_ char *copy = NULL;
	char *path = NULL;

	if (len < 0)
		return NULL;
	self[len] = 0;
	copy = strdup(self);
	if (!copy || asprintf(&path, "%s/../pcap-tests/vm/run-in-guest", dirname(copy)) < 0)
		return NULL;
	return path;
}

/* The same command there, but for --instructions. Returns only if it fails. */
static int run_in_guest(int argc, char **argv)
{
	char self[PATH_MAX];
	_free_ char *guest = find_guest(self, sizeof(self));
	_free_ char **args = calloc(argc + 6, sizeof(*args));
	size_t n = 0;

	if (!guest || !args)
		return fail_oom(), CMD_FAILED;
	args[n++] = guest;
	args[n++] = (char *)"--icount";
	args[n++] = self;
	args[n++] = (char *)"cost";
	args[n++] = (char *)"--counted";
	for (int i = 1; i < argc; i++)
		if (strncmp(argv[i], "--ins", strlen("--ins")))
			args[n++] = argv[i];
	execv(guest, args);
	fail(-errno, "cannot count instructions: %s: %s; it is in weir's source tree", guest,
	     strerror(errno));
	return CMD_FAILED;
}

const char *cost_unit(const struct cost *cost)
{
	return cost->counted ? "instructions" : "ns";
}

static void release(struct cost *cost)
{
	for (size_t i = 0; i < cost->n; i++)
		cost_subject_close(&cost->subjects[i]);
	free(cost->subjects);
	bpf_object__close(cost->by_hand);
	timing_free(cost->timed, cost->n);
	free(cost->timed);
	free(cost->sizes);
	free(cost->policies);
}

static int run(int argc, char **argv)
{
	struct cost cost = { .seed = 1 };
	int status = CMD_FAILED;

	if (!cmd_parse(&argp, argc, argv, &cost.common, &cost))
		status = cost.instructions ? run_in_guest(argc, argv) : measure_and_report(&cost);
	release(&cost);
	return status;
}

const struct cmd cmd_cost = { "cost", "nanoseconds a packet, over a program that does nothing",
			      run };
