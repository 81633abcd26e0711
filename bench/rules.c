// SPDX-License-Identifier: GPL-2.0-only
#include "bench.h"

#include <string.h>

#include "../loader/fail.h"
#include "arguments.h"
#include "ruleset.h"

enum { FRAMES = 16384 };

struct rules {
	struct cmd_common common;
	const char *interface, *capture;
	enum ruleset_kind kind;
	size_t n;
	uint64_t seed;
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct rules *rules = state->input;

	switch (key) {
	case 'k':
		rules->kind = argument_choice(arg, ruleset_kinds, RULESET_KINDS, state);
		return 0;
	case 's':
		rules->seed = argument_integer(arg, 0, INT32_MAX, state);
		return 0;
	case 'i':
		rules->interface = arg;
		return 0;
	case 'w':
		rules->capture = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (rules->n)
			return ARGP_ERR_UNKNOWN;
		rules->n = argument_integer(arg, 1, RULESET_MOST, state);
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "how many rules?");
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_option options[] = {
	{ "kind", 'k', "hosts|mixed", 0,
	  "Each drops one source address (hosts, the default); or hosts, nets, ports, ranges, "
	  "protocols, flags, some IPv6 (mixed)",
	  0 },
	{ "seed", 's', "N", 0, "Other rules for another number (1)", 0 },
	{ "interface", 'i', "IFACE", 0, "For this interface (eth0)", 0 },
	{ "packets", 'w', "FILE.pcap", 0,
	  "Write 16,384 packets too, of which seven in eight are made to match a rule", 0 },
	{ 0 },
};

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.args_doc = "N",
	.doc = "Print a policy of N rules.",
};

static int write_packets(const struct rules *rules, const struct ruleset *set)
{
	struct frames frames = { 0 };
	int err = ruleset_frames(set, FRAMES, rules->seed, &frames);

	err = err ? err : frames_write(&frames, rules->capture);
	frames_free(&frames);
	return err;
}

static int run(int argc, char **argv)
{
	struct rules rules = { .interface = "eth0", .seed = 1 };
	struct ruleset set = { 0 };
	int err = cmd_parse(&argp, argc, argv, &rules.common, &rules);

	err = err ? err : ruleset_make(rules.kind, rules.n, rules.seed, &set);
	if (!err && rules.capture)
		err = write_packets(&rules, &set);
	if (!err)
		ruleset_print(&set, rules.interface, stdout);
	ruleset_free(&set);
	return err ? CMD_FAILED : CMD_OK;
}

const struct cmd cmd_rules = { "rules", "print a policy of many rules, to measure with", run };
