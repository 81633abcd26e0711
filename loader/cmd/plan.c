// SPDX-License-Identifier: GPL-2.0-only
#include "cmd.h"

#include "../chain_load.h"
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

/* Only loading one tells whether the kernel takes a component: a root, which goes again at once. */
static int try_component(const struct plan_hook *hook)
{
	const struct load_maps own = { -1, -1, NULL, -1, -1 };
	const struct load_root root = {
		.kind = HOOK_XDP,
		.frags = hook->frags,
		.shared = true,
		.priority = hook->hook->priority,
		.pos = &hook->hook->pos,
	};
	_close_ int root_fd = -1, config_fd = -1;

	return load_root(&own, &root, &root_fd, &config_fd);
}

static int try_components(const struct live *live, const struct plan *plan)
{
	int err = 0;

	for (size_t i = 0; i < plan->n_hooks && !err; i++)
		if (plan->hooks[i].hook->shared && !live_chain_of(live, &plan->hooks[i]))
			err = try_component(&plan->hooks[i]);
	return err;
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
		status = live_foresee(&live, policy) ? CMD_FAILED : CMD_OK;
	if (!status)
		status = live_exit(live_plan(&live, policy, &plan));
	if (!status && try_components(&live, plan)) {
		plan_freep(&plan);
		status = CMD_FAILED;
	}
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
