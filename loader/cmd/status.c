// SPDX-License-Identifier: GPL-2.0-only
#include "cmd.h"

#include <errno.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "../out_json.h"
#include "../out_text.h"
#include "live.h"

struct args {
	const char **interfaces;
	size_t n;
	double every; /* seconds; 0: once */
};

static bool is_number(const char *text)
{
	char *end;

	strtod(text, &end);
	return end != text && !*end;
}

/* argp takes an optional argument only as "-w5"; "-w 5" is what people write. */
static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	switch (key) {
	case 'w':
		if (!arg && state->next < state->argc && is_number(state->argv[state->next]))
			arg = state->argv[state->next++];
		args->every = arg ? strtod(arg, NULL) : 1;
		if (arg && (!is_number(arg) || !(args->every >= 0.1 && args->every <= 86400)))
			argp_error(state, "every %s seconds? Say a number from 0.1 to 86400", arg);
		return 0;
	case ARGP_KEY_ARG:
		cmd_add_word(&args->interfaces, &args->n, arg, state);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_option options[] = {
	{ "watch", 'w', "SECS", OPTION_ARG_OPTIONAL,
	  "Print again every SECS seconds (1), with rates", 0 },
	{ 0 },
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[IFACE…]",
	.doc = "Print the running policy with what each rule has counted. The text is a policy again.",
};

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

/* The lock is held only while reading: an apply need not wait for who watches. */
static int read_once(const struct args *args, struct status **out)
{
	_cleanup_(live_close) struct live live = { .tree.lock_fd = -1 };
	int err = live_open(&live);

	return err ? err : status_read(&live.tree, args->interfaces, args->n, out);
}

static int print_json(const struct args *args, const struct status *now, int err)
{
	json_t *object = now ? out_json_status(now) : json_object();
	int status = err ? CMD_FAILED : CMD_OK;

	return args->every ? cmd_print_json_line(object, status) : cmd_print_json(object, status);
}

static int print(const struct args *args, bool json, struct status **before)
{
	struct status *now = NULL;
	int err = read_once(args, &now);

	if (json) {
		err = print_json(args, now, err);
	} else if (now && (!err || now->n_hooks)) {
		if (args->every && isatty(STDOUT_FILENO))
			fputs("\033[H\033[2J", stdout);
		out_text_status(now, *before, stdout);
	}
	fflush(stdout);
	status_free(*before);
	*before = now;
	return err;
}

static void wait_for(double seconds)
{
	struct timespec time = { .tv_sec = seconds };

	time.tv_nsec = (seconds - time.tv_sec) * 1e9;

	nanosleep(&time, NULL);
}

static int watch(const struct args *args, bool json, struct status **before)
{
	struct sigaction action = { .sa_handler = stop };
	int err = 0;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	while (!stopped && !err) {
		err = print(args, json, before);
		if (!stopped && !err)
			wait_for(args->every);
	}
	return err;
}

static int run(int argc, char **argv)
{
	_cleanup_(status_freep) struct status *before = NULL;
	struct cmd_common common = { 0 };
	struct args args = { 0 };
	int err = cmd_parse(&argp, argc, argv, &common, &args);

	if (!err)
		err = args.every ? watch(&args, common.json, &before)
				 : print(&args, common.json, &before);
	free(args.interfaces);
	return err ? CMD_FAILED : CMD_OK;
}

const struct cmd cmd_status = { "status", "the running policy, with its counters", run };
