// SPDX-License-Identifier: GPL-2.0-only
/* The scripts of contestants, and what they leave running. */
#include "contestant.h"

#include <bpf/libbpf.h>
#include <fcntl.h>
#include <libgen.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../loader/fail.h"

/* Where a script finds the maps of its contestant's program. */
#define MAPS "/sys/fs/bpf/maps-%d"

enum {
	SAID = 400,    /* bytes of what a script said, to be shown */
	END_MS = 5000, /* for what it left running to end by itself */
};

/* The first process of a PID namespace: the kernel ends it with us, and all the others with it. */
static void keep(int ready_fd)
{
	sigset_t none;

	sigemptyset(&none);
	signal(SIGCHLD, SIG_IGN); /* the orphans there are its own, and need no wait() */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* Were we dead by now, nobody would read this, and SIGPIPE end it. */
	if (write(ready_fd, "", 1) == 1)
		for (;;)
			sigsuspend(&none);
	_exit(1);
}

/* LeakSanitizer waits for ever for a thread that is in another PID namespace. */
static void start_children_at_home(void)
{
	_close_ int home = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);

	setns(home, CLONE_NEWPID);
}

/* From now on children are in a PID namespace that goes with us, whatever ends us. */
static int start_keeper(void)
{
	int ends[2];
	char word;
	pid_t pid;
	bool is_ready;

	if (unshare(CLONE_NEWPID) || atexit(start_children_at_home))
		return fail(-errno, "cannot make a PID namespace: %s", strerror(errno));
	if (pipe2(ends, O_CLOEXEC))
		return fail(-errno, "cannot make a pipe: %s", strerror(errno));
	pid = fork();
	if (!pid) {
		close(ends[0]);
		keep(ends[1]);
	}
	close(ends[1]);
	is_ready = pid > 0 && read(ends[0], &word, 1) == 1;
	close(ends[0]);
	return is_ready ? 0 : fail(-ECHILD, "cannot start a process: %s", strerror(errno));
}

int contestant_allow_scripts(void)
{
	char self[PATH_MAX] = "", path[2 * PATH_MAX];

	if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
		return fail(-errno, "cannot tell where this program is: %s", strerror(errno));
	snprintf(path, sizeof(path), "/proc/%d/exe", getpid());
	setenv("WEIR_BENCH", path, 1);
	snprintf(path, sizeof(path), "%s:%s", dirname(self), getenv("PATH") ?: "/usr/sbin:/sbin");
	setenv("PATH", path, 1);
	return start_keeper();
}

/* Not by system(), which would have us deaf to ^C meanwhile. netns_fd -1: in ours. */
static void become_script(const struct contestant *c, int netns_fd, const char *script, int said_fd)
{
	char maps[64];

	snprintf(maps, sizeof(maps), MAPS, c->ifindex);
	setpgid(0, 0);
	dup2(said_fd, STDOUT_FILENO);
	dup2(said_fd, STDERR_FILENO);
	setenv("IFACE", CONTESTANT_FAR, 1);
	setenv("MAPS", maps, 1);
	if (netns_fd < 0 || !setns(netns_fd, CLONE_NEWNET))
		execl("/bin/sh", "sh", "-ec", script, NULL);
}

/* The begin of what was written there, in one line. */
static void read_said(int fd, char *out, size_t size)
{
	ssize_t n = pread(fd, out, size - 1, 0);

	for (n = n > 0 ? n : 0; n && out[n - 1] == '\n';)
		n--;
	out[n] = 0;
	for (char *at = out; (at = strchr(at, '\n'));)
		*at = ' ';
	fail_make_plain(out); /* nor is the end a part of a character */
}

static int start_script(struct contestant *c, int netns_fd, const char *script, int said_fd)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return fail(-errno, "cannot start a process: %s", strerror(errno));
	if (!pid) {
		become_script(c, netns_fd, script, said_fd);
		_exit(127);
	}
	c->group = pid;
	if (waitpid(pid, &status, 0) < 0)
		return fail(-errno, "cannot wait for a process: %s", strerror(errno));
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -ECHILD;
}

static int run_script(struct contestant *c, int netns_fd, const char *script)
{
	_close_ int said_fd = memfd_create("said", MFD_CLOEXEC);
	int err;

	if (said_fd < 0)
		return fail(-errno, "cannot make a file in memory: %s", strerror(errno));
	err = start_script(c, netns_fd, script, said_fd);
	free(c->said);
	c->said = calloc(1, SAID);
	if (!c->said)
		return fail_oom();
	read_said(said_fd, c->said, SAID);
	return err;
}

int contestant_run_script(struct contestant *c, const char *script)
{
	return run_script(c, c->netns_fd, script);
}

int contestant_run_here(struct contestant *c, const char *script)
{
	return run_script(c, -1, script);
}

void contestant_end_script(struct contestant *c)
{
	const struct timespec nap = { .tv_nsec = 1000000 };

	if (!c->group || kill(-c->group, SIGTERM))
		return;
	for (int ms = 0; !kill(-c->group, 0); ms++) {
		waitpid(-c->group, NULL, WNOHANG);
		if (ms == END_MS)
			kill(-c->group, SIGKILL);
		nanosleep(&nap, NULL);
	}
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
	return err ? fail(err, "'%s': its script failed: %s", c->is->name, c->said) : 0;
}
