// SPDX-License-Identifier: GPL-2.0-only
/* The scripts of contestants, and what they leave running. */
#include "contestant.h"

#include <bpf/libbpf.h>
#include <libgen.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "../loader/fail.h"

/* Where a script finds the maps of its contestant's program. */
#define MAPS "/sys/fs/bpf/maps-%d"

int contestant_allow_scripts(void)
{
	char self[PATH_MAX] = "", path[2 * PATH_MAX];

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return fail(-errno, "cannot tell where this program is: %s", strerror(errno));
	snprintf(path, sizeof(path), "%s:%s", dirname(self), getenv("PATH") ?: "/usr/sbin:/sbin");
	setenv("PATH", path, 1);
	/* What a script has started in the background is ours to end. */
	return prctl(PR_SET_CHILD_SUBREAPER, 1)
		       ? fail(-errno, "cannot be the parent of what scripts start: %s",
			      strerror(errno))
		       : 0;
}

static void become_script(const struct contestant *c, const char *script)
{
	char self[32], maps[64];

	snprintf(self, sizeof(self), "/proc/%d/exe", getppid());
	snprintf(maps, sizeof(maps), MAPS, c->ifindex);
	setpgid(0, 0);
	dup2(STDERR_FILENO, STDOUT_FILENO);
	setenv("IFACE", CONTESTANT_FAR, 1);
	setenv("WEIR_BENCH", self, 1);
	setenv("MAPS", maps, 1);
	if (!setns(c->netns_fd, CLONE_NEWNET))
		execl("/bin/sh", "sh", "-ec", script, NULL);
}

int contestant_run_script(struct contestant *c, const char *script)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return fail(-errno, "cannot start a process: %s", strerror(errno));
	if (!pid) {
		become_script(c, script);
		_exit(127);
	}
	c->group = pid;
	if (waitpid(pid, &status, 0) < 0)
		return fail(-errno, "cannot wait for a process: %s", strerror(errno));
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -ECHILD;
}

void contestant_end_script(struct contestant *c)
{
	if (!c->group || kill(-c->group, SIGTERM))
		return;
	while (waitpid(-c->group, NULL, 0) > 0)
		;
}

int contestant_fill_maps(struct contestant *c)
{
	char maps[64];
	int err;

	if (!*c->is->body)
		return 0;
	snprintf(maps, sizeof(maps), MAPS, c->ifindex);
	err = bpf_object__pin_maps(c->object, maps);
	if (err)
		return fail(err, "'%s': cannot pin its maps: %s", c->is->name, strerror(-err));
	err = contestant_run_script(c, c->is->body);
	bpf_object__unpin_maps(c->object, maps);
	return err ? fail(err, "'%s': its script failed", c->is->name) : 0;
}
