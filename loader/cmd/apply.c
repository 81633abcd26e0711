// SPDX-License-Identifier: GPL-2.0-only
#include "cmd.h"

#include <string.h>

#include "live.h"

struct args {
	const char *file;
	bool fix_nic;
	json_t *fixed; /* the commands that were run; NULL: they are printed */
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	if (key == 'f') {
		args->fix_nic = true;
		return 0;
	}
	state->input = &args->file;
	return cmd_parse_file(key, arg, state);
}

static const struct argp_option options[] = {
	{ "fix-nic", 'f', NULL, 0,
	  "First change settings of its interfaces that stand in the way of native XDP, or keep VLAN "
	  "tags from rules that read them; `weir detach` restores what was, and so does an apply "
	  "that fails",
	  0 },
	{ 0 },
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "FILE",
	.doc = "Make the policy in FILE live: on all interfaces that it names, or on none. "
	       "Packets meet the whole old policy or the whole new one.",
};

static void print_one(const struct live *live, const struct plan_hook *hook)
{
	const char *kind = policy_hook_name(hook->hook->kind);
	struct chain chain;

	if (hook->unchanged) {
		printf("%s %s: no change\n", hook->nic.name, kind);
		return;
	}
	if (chain_open(&live->tree, hook->nic.name, hook->hook->kind, &chain)) {
		printf("%s %s: the new generation is live\n", hook->nic.name, kind);
		return;
	}
	printf("%s %s: generation %u is live, %s (%s)\n", hook->nic.name, kind, chain.live,
	       policy_mode_name(chain.at.mode), chain.at.why);
	chain_close(&chain);
}

static void print_text(const struct live *live, const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_hooks; i++)
		print_one(live, &plan->hooks[i]);
	for (size_t i = 0; i < plan->n_removals; i++)
		printf("%s %s: detached\n", plan->removals[i].nic.name,
		       policy_hook_name(plan->removals[i].kind));
}

static int plan_and_apply(struct live *live, const struct policy *policy, const char *source,
			  struct plan **plan)
{
	/* Whole, so that it is found again from elsewhere. */
	_free_ char *whole = strcmp(source, "-") ? realpath(source, NULL) : NULL;
	int err = live_plan(live, policy, plan);

	if (err)
		return live_exit(err);
	live_hold_signals();
	/* What fails from the planned on is not the policy's fault. */
	if (!live_apply(live, policy, whole ? whole : source, plan))
		return CMD_OK;
	plan_freep(plan);
	return CMD_FAILED;
}

static void say_done(const struct nic_finding *finding, void *arg)
{
	const struct args *args = arg;

	if (args->fixed)
		json_array_append_new(args->fixed, json_string(finding->command));
	else
		printf("%s\n", finding->command);
}

static int fix_and_apply(struct live *live, const struct policy *policy, struct args *args,
			 struct plan **plan)
{
	int status;

	if (!args->fix_nic)
		return plan_and_apply(live, policy, args->file, plan);
	live_hold_signals();
	status = live_fix(live, policy, say_done, args) ? CMD_FAILED : CMD_OK;
	if (!status)
		status = plan_and_apply(live, policy, args->file, plan);
	if (live_fix_end(live, policy, !status) && !status)
		status = CMD_FAILED;
	return status;
}

static int apply(struct live *live, const struct policy *policy, struct args *args,
		 struct plan **plan)
{
	struct adoptions adopted = { 0 };
	int status = CMD_FAILED;

	if (!live_open(live) && !live_adopt(live, policy, &adopted)) {
		status = fix_and_apply(live, policy, args, plan);
		if (status)
			live_give_back(live, &adopted);
		else
			live_say_adopted(&adopted);
	}
	free(adopted.list);
	return status;
}

/* `fixed` is let go. */
static int print_json(const struct live *live, const struct plan *plan, json_t *fixed, int status)
{
	json_t *o = live_plan_json(live, plan);

	json_object_set_new(o, "fixed", fixed);
	return cmd_print_json(o, status);
}

static int run(int argc, char **argv)
{
	_cleanup_(policy_freep) struct policy *policy = NULL;
	_cleanup_(plan_freep) struct plan *plan = NULL;
	_cleanup_(live_close) struct live live = { .tree.lock_fd = -1 };
	struct cmd_common common = { 0 };
	struct args args = { 0 };
	int status = cmd_parse(&argp, argc, argv, &common, &args) ? CMD_FAILED : CMD_OK;

	if (common.json)
		args.fixed = json_array();
	if (!status)
		status = live_exit(plan_read_policy(args.file, &policy));
	if (!status)
		status = apply(&live, policy, &args, &plan);
	if (common.json)
		return print_json(&live, plan, args.fixed, status);
	if (!status)
		print_text(&live, plan);
	return status;
}

const struct cmd cmd_apply = { "apply", "make a policy live, on all its interfaces or on none",
			       run };
