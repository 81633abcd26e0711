// SPDX-License-Identifier: GPL-2.0-only
#include "cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>

#include "../fail.h"
#include "../jsontext.h"

enum { KEY_NETNS = 0x7001 };

/* What cmd_parse() hands to argp as input: the command's own, and the common options. */
struct parse {
	const struct argp *own;
	struct cmd_common *common;
	void *input;
};

static error_t parse_common(int key, char *arg, struct argp_state *state)
{
	struct cmd_common *common = state->input;

	switch (key) {
	case 'j':
		common->json = true;
		return 0;
	case KEY_NETNS:
		common->netns = arg;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_option common_options[] = {
	{ "json", 'j', NULL, 0, "Print JSON", 1 },
	{ "netns", KEY_NETNS, "NAME|PATH", 0, "Work in this network namespace", 1 },
	{ 0 },
};

static const struct argp common_argp = { .options = common_options, .parser = parse_common };

static error_t parse_both(int key, char *arg, struct argp_state *state)
{
	struct parse *parse = state->input;

	(void)arg;
	if (key != ARGP_KEY_INIT)
		return ARGP_ERR_UNKNOWN;
	state->child_inputs[0] = parse->input;
	state->child_inputs[1] = parse->common;
	return 0;
}

void cmd_add_word(const char ***list, size_t *n, char *word, struct argp_state *state)
{
	const char **added = array_add(*list, *n);

	if (added)
		*added = word;
	else
		argp_failure(state, CMD_FAILED, ENOMEM, "cannot go on");
}

error_t cmd_parse_file(int key, char *arg, struct argp_state *state)
{
	const char **file = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		if (*file)
			return ARGP_ERR_UNKNOWN;
		*file = arg;
		return 0;
	case ARGP_KEY_END:
		if (!*file)
			argp_error(state, "which policy? Name its FILE, or - for standard input");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

int cmd_enter_netns(const char *name_or_path)
{
	_free_ char *path = NULL;
	_close_ int fd = -1;

	if (asprintf(&path, "%s%s", strchr(name_or_path, '/') ? "" : "/run/netns/", name_or_path) <
	    0)
		return fail_oom();
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* it may be a FIFO */
	if (fd < 0)
		return fail(
			-errno,
			"cannot open the network namespace '%s' (%s): %s; `ip netns` lists those with a name",
			name_or_path, path, strerror(errno));
	if (setns(fd, CLONE_NEWNET))
		return fail(-errno, "cannot enter the network namespace '%s': %s", name_or_path,
			    errno == EINVAL  ? "it is none"
			    : errno == EPERM ? "it takes CAP_SYS_ADMIN; try sudo"
					     : strerror(errno));
	return 0;
}

int cmd_parse(const struct argp *argp, int argc, char **argv, struct cmd_common *common,
	      void *input)
{
	struct parse parse = { .own = argp, .common = common, .input = input };
	/* argp shows only the top level's docs: they are the command's own. */
	struct argp own = *argp;
	const struct argp_child children[] = { { &own, 0, NULL, 0 },
					       { &common_argp, 0, NULL, 0 },
					       { 0 } };
	const struct argp both = {
		.parser = parse_both,
		.args_doc = argp->args_doc,
		.doc = argp->doc,
		.children = children,
	};

	own.args_doc = own.doc = NULL;
	argp_err_exit_status = CMD_USAGE;
	argp_parse(&both, argc, argv, 0, NULL, &parse);
	return common->netns ? cmd_enter_netns(common->netns) : 0;
}

static json_t *message_json(const struct fail_message *m)
{
	json_t *o = json_pack("{s:s}", "message", m->text ? m->text : "");

	if (o && m->file)
		json_object_set_new(o, "file", jsontext(m->file));
	if (o && m->line) {
		json_object_set_new(o, "line", json_integer(m->line));
		json_object_set_new(o, "column", json_integer(m->col));
	}
	return o;
}

int cmd_open_signals(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC);
	return fd < 0 ? fail(-errno, "cannot wait for signals: %s", strerror(errno)) : fd;
}

static int print_json(json_t *object, int status, size_t flags)
{
	const struct fail_message *m;
	size_t n = fail_messages(&m);

	if (!object)
		return fail_oom(), CMD_FAILED;
	for (size_t i = 0; i < n; i++) {
		const char *key = m[i].is_note ? "notes" : "errors";
		json_t *list = json_object_get(object, key);

		if (!list) {
			json_object_set_new(object, key, json_array());
			list = json_object_get(object, key);
		}
		json_array_append_new(list, message_json(&m[i]));
	}
	fail_forget();
	json_dumpf(object, stdout, flags);
	fputc('\n', stdout);
	json_decref(object);
	return status;
}

int cmd_print_json(json_t *object, int status)
{
	return print_json(object, status, JSON_INDENT(2));
}

int cmd_print_json_line(json_t *object, int status)
{
	return print_json(object, status, JSON_COMPACT);
}

static void help(const char *program, const char *about, const struct cmd *const *cmds, size_t n,
		 FILE *out)
{
	fprintf(out, "%s: %s\n\nUsage: %s [COMMAND] [-j] [--netns NAME|PATH] …\n\n", program, about,
		program);
	for (size_t i = 0; i < n; i++)
		fprintf(out, "  %-10s%s\n", cmds[i]->name, cmds[i]->summary);
	fprintf(out,
		"\nCommands may be cut short. `%s COMMAND --help` tells more; so does man weir.\n"
		"Exit status: 0 done, 1 failed, 2 wrong usage, 3 the policy is wrong,\n"
		"4 (plan) there are changes to make.\n",
		program);
}

static void report_unknown(const char *program, const char *word, const struct cmd *const *cmds,
			   size_t n)
{
	_free_ const char **names = calloc(n + 1, sizeof(*names));
	const char *nearest = NULL;

	for (size_t i = 0; names && i < n; i++)
		names[i] = cmds[i]->name;
	if (names)
		nearest = fail_nearest(word, names, n);
	if (nearest)
		fail(-EINVAL, "no command '%s'; did you mean '%s'?", word, nearest);
	else
		fail(-EINVAL, "no command '%s'; `%s help` lists them", word, program);
}

/* The command that `word` names or is the only prefix of; NULL is reported. */
static const struct cmd *find(const char *program, const char *word, const struct cmd *const *cmds,
			      size_t n)
{
	const struct cmd *found = NULL;

	for (size_t i = 0; i < n; i++) {
		if (!strcmp(word, cmds[i]->name))
			return cmds[i];
		if (strncmp(word, cmds[i]->name, strlen(word)))
			continue;
		if (found) {
			fail(-EINVAL, "'%s' may be %s or %s: write more of it", word, found->name,
			     cmds[i]->name);
			return NULL;
		}
		found = cmds[i];
	}
	if (!found)
		report_unknown(program, word, cmds, n);
	return found;
}

/* A descriptor that is closed would be given to the next file, and messages written into that. */
static void open_standard_files(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

/* A full disk is said; a reader that has seen enough is not. */
static bool output_lost(void)
{
	if (fflush(stdout) && errno == EPIPE)
		return false;
	if (ferror(stdout))
		fail(-EIO, "cannot write the output: is the disk full?");
	return ferror(stdout);
}

static int run(const char *program, const struct cmd *cmd, int argc, char **argv)
{
	char name[64];
	int status;

	snprintf(name, sizeof(name), "%s %s", program, cmd->name);
	argv[0] = name;
	status = cmd->run(argc, argv);
	return output_lost() && (status == CMD_OK || status == CMD_CHANGES) ? CMD_FAILED : status;
}

/*
 * Move the command's word in front of the options that every command has, where it may stand
 * behind them. False: there is none.
 */
static bool word_first(int argc, char **argv)
{
	char *word;
	int at = 1;

	while (at < argc && argv[at][0] == '-') {
		const char *option = argv[at];

		if (!strcmp(option, "--netns"))
			at += 2;
		else if (!strcmp(option, "-j") || !strcmp(option, "--json") ||
			 !strncmp(option, "--netns=", strlen("--netns=")))
			at++;
		else
			return false;
	}
	if (at >= argc)
		return false;
	word = argv[at];
	memmove(&argv[2], &argv[1], (at - 1) * sizeof(*argv));
	argv[1] = word;
	return true;
}

/* Each chain that is read takes ten files or so: hundreds are more than the usual 1,024 allow. */
static void allow_all_files(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int cmd_main(const char *program, const char *about, const struct cmd *const *cmds, size_t n,
	     const struct cmd *otherwise, int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";
	const struct cmd *cmd;

	open_standard_files();
	allow_all_files();
	if (!strcmp(word, "help") || !strcmp(word, "-h") || !strcmp(word, "--help"))
		return help(program, about, cmds, n, stdout), output_lost() ? CMD_FAILED : CMD_OK;
	if (!strcmp(word, "--version"))
		return printf("%s " CMD_VERSION "\n", program), output_lost() ? CMD_FAILED : CMD_OK;
	if (word_first(argc, argv)) {
		cmd = find(program, argv[1], cmds, n);
		return cmd ? run(program, cmd, argc - 1, argv + 1) : CMD_USAGE;
	}
	if (otherwise)
		return run(program, otherwise, argc, argv);
	return help(program, about, cmds, n, stderr), CMD_USAGE;
}
