// SPDX-License-Identifier: GPL-2.0-only
#include "cmd.h"

#include "../fix.h"
#include "live.h"

struct args {
	const char **interfaces;
	size_t n;
	bool all;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	switch (key) {
	case 'a':
		args->all = true;
		return 0;
	case ARGP_KEY_ARG:
		cmd_add_word(&args->interfaces, &args->n, arg, state);
		return 0;
	case ARGP_KEY_END:
		if (args->all == !!args->n)
			argp_error(state, "from which interfaces? Name them, or say --all");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_option options[] = {
	{ "all", 'a', NULL, 0,
	  "Every interface of this network namespace; and what is pinned for network namespaces that are gone",
	  0 },
	{ 0 },
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "IFACE…\n--all",
	.doc = "Remove the policy from interfaces: programs, maps, links and pins; and restore the settings "
	       "that `weir nic --fix` changed.",
};

/* Settings that `weir nic --fix` changed, once no policy needs them. */
static int restore_nics(const struct pin_tree *tree, const struct args *args)
{
	int first_err = args->all ? fix_restore_all(tree) : 0;

	for (size_t i = 0; i < args->n; i++) {
		int err = fix_restore(tree, args->interfaces[i]);

		first_err = first_err ? first_err : err;
	}
	return first_err;
}

/* Interfaces of which only settings are remembered have no chain, which is no mistake. */
static int detach(const struct pin_tree *tree, const struct args *args)
{
	size_t n = 0;
	_free_ const char **chains = calloc(args->n + 1, sizeof(*chains));

	if (!chains)
		return fail_oom();
	for (size_t i = 0; i < args->n; i++) {
		char dir[PIN_PATH_MAX];

		pin_path(dir, tree->dir, args->interfaces[i]);
		if (pin_exists(dir) || !fix_is_remembered(tree, args->interfaces[i]))
			chains[n++] = args->interfaces[i];
	}
	return n || args->all ? chain_detach(tree, chains, n) : 0;
}

static int run(int argc, char **argv)
{
	_cleanup_(live_close) struct live live = { .tree.lock_fd = -1 };
	struct cmd_common common = { 0 };
	struct args args = { 0 };
	int err = cmd_parse(&argp, argc, argv, &common, &args), status;

	live_hold_signals();
	if (!err) {
		/* What cannot be recovered can be removed. */
		live_open(&live);
		err = live.tree.lock_fd < 0 ? -ENODEV : 0;
	}
	if (!err)
		err = detach(&live.tree, &args);
	if (!err)
		err = restore_nics(&live.tree, &args);
	if (!err && args.all)
		err = chain_remove_dead(&live.tree);
	free(args.interfaces);
	status = err ? CMD_FAILED : CMD_OK;
	return common.json ? cmd_print_json(json_object(), status) : status;
}

const struct cmd cmd_detach = { "detach", "remove the policy from interfaces", run };
