// SPDX-License-Identifier: GPL-2.0-only
/*
 * weir: a policy of tcpdump expressions on XDP, as one tail-call chain.
 *
 * The tree, in the order in which a policy becomes a running chain:
 *
 *   policy*.c     text -> struct policy: the wish, with a place on every node
 *   stage.c       C stages: what an object says of itself (BTF), and loading one
 *   nic.c         what an interface is and can do, asked of the kernel
 *   filter/       the expression compiler: expression -> cBPF -> graph -> eBPF
 *   plan.c        policy + NIC + what is loaded -> struct plan: every decision made
 *   ../maps/      what the kernel's side and this one agree on, and the maps of a chain
 *   attach_xdp.c  the XDP hook: attach, query, the driver's own words
 *   pin*.c        the tree under /sys/fs/bpf/weir: paths, lock, journal
 *   chain*.c      plan -> generations of programs; flip, rollback, detach, recovery
 *   status.c      what runs, read back from the kernel -> struct status
 *   out_*.c       status and plan as text and JSON
 *   cmd/          one file a command
 *   fail.c own.h  messages and ownership, beneath everything
 *
 * Nothing depends upward (.ci/walls checks it). docs/DESIGN.md tells why.
 */
#include <stdio.h>
#include <string.h>

#include "cmd/cmd.h"
#include "fail.h"

static const struct cmd *const cmds[] = {
	&cmd_status, &cmd_check,  &cmd_plan,   &cmd_apply,  &cmd_rollback,
	&cmd_detach, &cmd_replay, &cmd_filter, &cmd_stages,
};

static void help(FILE *out)
{
	fputs("weir: filter, count and redirect packets by tcpdump expressions, on XDP\n\n"
	      "Usage: weir [COMMAND] [-j] [--netns NAME|PATH] …\n\n",
	      out);
	for (size_t i = 0; i < ARRAY_SIZE(cmds); i++)
		fprintf(out, "  %-10s%s\n", cmds[i]->name, cmds[i]->summary);
	fputs("\nCommands may be cut short. `weir COMMAND --help` tells more; so does man weir.\n"
	      "Exit status: 0 done, 1 failed, 2 wrong usage, 3 the policy is wrong,\n"
	      "4 (plan) there are changes to make.\n",
	      out);
}

/* The command that `word` names or is the only prefix of; NULL is reported. */
static const struct cmd *find(const char *word)
{
	const struct cmd *found = NULL;
	const char *names[ARRAY_SIZE(cmds)], *nearest;

	for (size_t i = 0; i < ARRAY_SIZE(cmds); i++) {
		names[i] = cmds[i]->name;
		if (!strcmp(word, names[i]))
			return cmds[i];
		if (strncmp(word, names[i], strlen(word)))
			continue;
		if (found) {
			fail(-EINVAL, "'%s' may be %s or %s: write more of it", word, found->name, names[i]);
			return NULL;
		}
		found = cmds[i];
	}
	if (found)
		return found;
	nearest = fail_nearest(word, names, ARRAY_SIZE(names));
	if (nearest)
		fail(-EINVAL, "no command '%s'; did you mean '%s'?", word, nearest);
	else
		fail(-EINVAL, "no command '%s'; `weir help` lists them", word);
	return NULL;
}

static int run(const struct cmd *cmd, int argc, char **argv)
{
	char name[64];

	snprintf(name, sizeof(name), "weir %s", cmd->name);
	argv[0] = name;
	return cmd->run(argc, argv);
}

int main(int argc, char **argv)
{
	const struct cmd *cmd;

	if (argc < 2 || (argv[1][0] == '-' && strcmp(argv[1], "-h") && strcmp(argv[1], "--help")))
		return run(&cmd_status, argc, argv);
	if (!strcmp(argv[1], "help") || argv[1][0] == '-')
		return help(stdout), CMD_OK;
	cmd = find(argv[1]);
	return cmd ? run(cmd, argc - 1, argv + 1) : CMD_USAGE;
}
