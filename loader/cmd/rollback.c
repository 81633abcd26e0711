// SPDX-License-Identifier: GPL-2.0-only
#include "cmd.h"

#include "../out_json.h"
#include "../out_text.h"
#include "live.h"

static error_t parse(int key, char *arg, struct argp_state *state)
{
	const char **interface = state->input;

	if (key != ARGP_KEY_ARG || *interface)
		return ARGP_ERR_UNKNOWN;
	*interface = arg;
	return 0;
}

static const struct argp argp = {
	.parser = parse,
	.args_doc = "[IFACE]",
	.doc = "Go back to the generation before the live one, on one interface or on all. "
	       "Once more goes forward again.",
};

static void print_text(const struct status *status)
{
	for (size_t i = 0; status && i < status->n_hooks; i++) {
		const struct chain *chain = &status->hooks[i].chain;

		printf("%s %s: generation %u is live, from ", chain->interface,
		       policy_hook_name(chain->kind), chain->live);
		out_text_source(chain->live_meta, stdout);
		putchar('\n');
	}
}

static int run(int argc, char **argv)
{
	_cleanup_(live_close) struct live live = { .tree.lock_fd = -1 };
	_cleanup_(status_freep) struct status *now = NULL;
	struct cmd_common common = { 0 };
	const char *interface = NULL;
	int err = cmd_parse(&argp, argc, argv, &common, &interface), status;
	size_t n = interface ? 1 : 0;

	if (!err)
		err = live_open(&live);
	live_hold_signals();
	if (!err)
		err = chain_rollback(&live.tree, &interface, n);
	if (!err)
		err = status_read(&live.tree, &interface, n, &now);
	status = err ? CMD_FAILED : CMD_OK;
	if (common.json)
		return cmd_print_json(now ? out_json_status(now) : json_object(), status);
	print_text(now);
	return status;
}

const struct cmd cmd_rollback = { "rollback", "go back to the generation before", run };
