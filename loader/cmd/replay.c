// SPDX-License-Identifier: GPL-2.0-only
#include "cmd.h"

#include <net/if.h>
#include <string.h>

#include "../replay.h"

struct args {
	const char *file, *interface;
	enum hook_kind hook;
	unsigned int n_words; /* of FILE IFACE HOOK that were read */
	bool tc;	      /* the hook's first word */
	const char **captures;
	size_t n_captures;
};

/* "xdp", "ingress", "egress"; "tc ingress" may be one word or two on the command line. */
static void parse_hook(const char *word, struct args *args, struct argp_state *state)
{
	if (!strcmp(word, "tc") && !args->tc) {
		args->tc = true;
		return;
	}
	if (!strncmp(word, "tc ", 3) && !args->tc) {
		args->tc = true;
		word += 3;
	}
	if (!strcmp(word, "xdp") && !args->tc)
		args->hook = HOOK_XDP;
	else if (!strcmp(word, "ingress"))
		args->hook = HOOK_INGRESS;
	else if (!strcmp(word, "egress"))
		args->hook = HOOK_EGRESS;
	else
		argp_error(state, "no hook '%s%s': say xdp, ingress or egress",
			   args->tc ? "tc " : "", word);
	args->n_words++;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	if (key == ARGP_KEY_END && !args->n_captures)
		argp_error(state, "it takes a FILE, an interface of it, a hook, and captures");
	if (key != ARGP_KEY_ARG)
		return ARGP_ERR_UNKNOWN;
	switch (args->n_words) {
	case 0:
		args->file = arg;
		args->n_words++;
		return 0;
	case 1:
		args->interface = arg;
		args->n_words++;
		return 0;
	case 2:
		parse_hook(arg, args, state);
		return 0;
	}
	cmd_add_word(&args->captures, &args->n_captures, arg, state);
	return 0;
}

static const struct argp argp = {
	.parser = parse,
	.args_doc = "FILE IFACE HOOK PCAP…",
	.doc = "Run captures through the real programs of a policy, with nothing attached: neither the "
	       "interface nor redirect targets need exist. Prints NUMBER VERDICT LINE for every "
	       "packet, LINE being the policy's (- if no rule decided), and hits per rule at the end.",
};

/* What is printed as it goes (text), or collected (JSON). */
struct output {
	json_t *packets; /* NULL: text */
	unsigned long number;
};

static int print_packet(const struct replay_result *result, void *arg)
{
	struct output *output = arg;
	char line[16] = "-";

	output->number++;
	if (result->rule)
		snprintf(line, sizeof(line), "%u", result->rule->rule->pos.line);
	if (!output->packets) {
		printf("%lu %s %s\n", output->number, result->verdict, line);
		return 0;
	}
	return json_array_append_new(
		       output->packets,
		       json_pack("{s:I, s:s, s:o}", "number", (json_int_t)output->number, "verdict",
				 result->verdict, "line",
				 result->rule ? json_integer(result->rule->rule->pos.line)
					      : json_null()))
		       ? fail_oom()
		       : 0;
}

static void print_hits(const struct replay *replay)
{
	const struct plan_hook *hook = replay_hook(replay);

	printf("\n");
	for (size_t i = 0; i < hook->n_rules; i++)
		printf("%8lu %u: %s\n",
		       (unsigned long)replay_counter(replay, hook->rules[i].counter).packets,
		       hook->rules[i].rule->pos.line, hook->rules[i].text);
	printf("%8lu -: no final rule\n",
	       (unsigned long)replay_counter(replay, WEIR_COUNTER_END).packets);
}

static json_t *rule_json(const struct replay *replay, const struct plan_rule *rule)
{
	struct weir_counter c = replay_counter(replay, rule->counter);

	return json_pack("{s:I, s:s, s:s?, s:I, s:I}", "line", (json_int_t)rule->rule->pos.line,
			 "rule", rule->text, "label", rule->rule->label, "packets",
			 (json_int_t)c.packets, "bytes", (json_int_t)c.bytes);
}

/* `replay` is NULL when it could not be opened: the packets are none, then. */
static json_t *json(const struct replay *replay, json_t *packets)
{
	json_t *rules = json_array(),
	       *o = json_pack("{s:o, s:o}", "packets", packets, "rules", rules);
	struct weir_counter c;

	if (!replay || !o)
		return o;
	for (size_t i = 0; i < replay_hook(replay)->n_rules; i++)
		json_array_append_new(rules, rule_json(replay, &replay_hook(replay)->rules[i]));
	c = replay_counter(replay, WEIR_COUNTER_END);
	json_object_set_new(o, "no_final_rule",
			    json_pack("{s:I, s:I}", "packets", (json_int_t)c.packets, "bytes",
				      (json_int_t)c.bytes));
	return o;
}

static int run(int argc, char **argv)
{
	_cleanup_(policy_freep) struct policy *policy = NULL;
	_cleanup_(replay_closep) struct replay *replay = NULL;
	struct cmd_common common = { 0 };
	struct args args = { 0 };
	struct output output = { 0 };
	int err = cmd_parse(&argp, argc, argv, &common, &args), status;

	if (common.json)
		output.packets = json_array();
	if (!err)
		err = plan_read_policy(args.file, &policy);
	if (!err)
		err = replay_open(policy, args.interface, args.hook, args.captures, args.n_captures,
				  &replay);
	for (size_t i = 0; i < args.n_captures && !err; i++)
		err = replay_run(replay, args.captures[i], print_packet, &output);
	free(args.captures);
	status = !err ? CMD_OK : err == -EINVAL ? CMD_POLICY : CMD_FAILED;
	if (common.json)
		return cmd_print_json(json(replay, output.packets), status);
	if (!err)
		print_hits(replay);
	return status;
}

const struct cmd cmd_replay = { "replay",
				"run captures through the real programs, nothing attached", run };
