/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Commands: one file each, one `struct cmd` each, listed in main.c. A command parses its arguments
 * by argp with cmd_common_argp as a child, does its work by the modules beneath, prints, and
 * returns an exit status.
 */
#pragma once
#include <argp.h>
#include <jansson.h>
#include <stdbool.h>

#define CMD_VERSION "0.1"

enum cmd_exit {
	CMD_OK = 0,
	CMD_FAILED = 1,
	CMD_USAGE = 2,
	CMD_POLICY = 3,	 /* the policy is wrong */
	CMD_CHANGES = 4, /* plan: there are changes to make */
};

struct cmd {
	const char *name;
	const char *summary;		   /* one line of `weir help` */
	int (*run)(int argc, char **argv); /* argv[0] is "weir NAME"; returns enum cmd_exit */
};

/*
 * The whole of a program: run the command that argv[1] names or is the only prefix of (an unknown
 * one is reported with the nearest), `otherwise` when there is none, or help when that is NULL.
 * `about` is the first line of help.
 */
int cmd_main(const char *program, const char *about, const struct cmd *const *cmds, size_t n,
	     const struct cmd *otherwise, int argc, char **argv);

/* Options that every command takes. Zero-initialise; cmd_parse() fills it. */
struct cmd_common {
	bool json;	   /* -j, --json */
	const char *netns; /* --netns NAME|PATH; NULL: the current one */
};

/*
 * Parse argv by `argp` with the common options as a child, and enter the network namespace that
 * --netns names. `input` goes to argp's parser as state->input. 0, or -errno when the namespace
 * cannot be entered (reported); wrong usage ends the process with CMD_USAGE, as argp does.
 * A parser needs no case of its own for the common options, and must not use -j.
 */
int cmd_parse(const struct argp *argp, int argc, char **argv, struct cmd_common *common,
	      void *input);

/* Add a word of the command line to a list; ends the process when memory is out. */
void cmd_add_word(const char ***list, size_t *n, char *word, struct argp_state *state);

/* An argp parser for the one argument FILE, a policy; input is a const char **. */
error_t cmd_parse_file(int key, char *arg, struct argp_state *state);

/* Enter the network namespace NAME (of `ip netns`) or PATH. Reported. */
int cmd_enter_netns(const char *name_or_path);

/*
 * From here on SIGINT, SIGTERM and SIGHUP do not end the process but make an fd readable, which the
 * caller closes. Reported.
 */
int cmd_open_signals(void);

/*
 * Print an object as JSON on stdout; steals the reference. Messages of fail() so far are added as
 * "errors" and "notes", arrays of {file, line, column, message}. Returns `status` to return.
 */
int cmd_print_json(json_t *object, int status);

/* The same on a line of its own: one of several objects. */
int cmd_print_json_line(json_t *object, int status);

extern const struct cmd cmd_check, cmd_plan, cmd_apply, cmd_rollback, cmd_status, cmd_detach,
	cmd_replay, cmd_filter, cmd_stages, cmd_nic, cmd_watch, cmd_socket;
