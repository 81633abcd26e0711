// SPDX-License-Identifier: GPL-2.0-only
#include "cmd.h"

#include "../out_text.h"
#include "live.h"

static const struct argp argp = {
	.parser = cmd_parse_file,
	.args_doc = "FILE",
	.doc = "Show what `weir apply FILE` would change, and change nothing. "
	       "Exit status 4: there are changes to make.",
};

static bool has_changes(const struct plan *plan)
{
	bool changes = plan->n_removals;

	for (size_t i = 0; i < plan->n_hooks; i++)
		changes |= !plan->hooks[i].unchanged;
	return changes;
}

static void print_text(const struct live *live, const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_hooks; i++)
		out_text_plan_hook(&plan->hooks[i], live_chain_of(live, &plan->hooks[i]), stdout);
	for (size_t i = 0; i < plan->n_removals; i++)
		out_text_removal(&plan->removals[i], stdout);
}

static int run(int argc, char **argv)
{
	_cleanup_(policy_freep) struct policy *policy = NULL;
	_cleanup_(plan_freep) struct plan *plan = NULL;
	_cleanup_(live_close) struct live live = { .tree.lock_fd = -1 };
	struct cmd_common common = { 0 };
	const char *file = NULL;
	int status = cmd_parse(&argp, argc, argv, &common, &file) ? CMD_FAILED : CMD_OK;

	if (!status)
		status = live_exit(plan_read_policy(file, &policy));
	if (!status)
		status = live_open(&live) ? CMD_FAILED : CMD_OK;
	if (!status)
		status = live_exit(live_plan(&live, policy, &plan));
	/* Nobody need wait for who reads this in a pager. */
	pin_close(&live.tree);
	if (plan && has_changes(plan))
		status = CMD_CHANGES;
	if (common.json)
		return cmd_print_json(live_plan_json(&live, plan), status);
	if (plan)
		print_text(&live, plan);
	return status;
}

const struct cmd cmd_plan = { "plan", "show what apply would change", run };
