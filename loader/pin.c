// SPDX-License-Identifier: GPL-2.0-only
#include "pin.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <time.h>

#include "maps.h"

#ifndef SO_NETNS_COOKIE /* 5.14 */
#define SO_NETNS_COOKIE 71
#endif

static const char *const hook_dirs[] = {
	[HOOK_XDP] = "xdp",
	[HOOK_INGRESS] = "ingress",
	[HOOK_EGRESS] = "egress",
};

/* A name as bpffs takes it: '.' and '%' as %XX. */
static void escape(char *to, size_t size, const char *name)
{
	size_t n = 0;

	for (; *name && n + 4 < size; name++) {
		if (*name == '.' || *name == '%')
			n += snprintf(to + n, size - n, "%%%02x", *name);
		else
			to[n++] = *name;
	}
	to[n] = '\0';
}

static void unescape(char *name)
{
	char *to = name;
	unsigned int byte;

	for (; *name; name++) {
		if (*name == '%' && sscanf(name + 1, "%2x", &byte) == 1) {
			*to++ = byte;
			name += 2;
		} else {
			*to++ = *name;
		}
	}
	*to = '\0';
}

/*
 * `ip netns exec` mounts a sysfs of its own over /sys, named after the namespace. A bpffs mounted
 * there, and every pin in it, goes away with the command.
 */
static bool sys_is_private(char *netns, size_t size)
{
	_fclose_ FILE *f = fopen("/proc/self/mountinfo", "re");
	_free_ char *line = NULL;
	char where[64], type[32], source[128];
	bool private = false;
	size_t room = 0;

	while (f && getline(&line, &room, f) > 0) {
		const char *rest = strstr(line, " - ");

		if (!rest || sscanf(line, "%*s %*s %*s %*s %63s", where) != 1 ||
		    strcmp(where, "/sys") || sscanf(rest, " - %31s %127s", type, source) != 2 ||
		    strcmp(type, "sysfs"))
			continue;
		private =
			strcmp(source, "sysfs") && strcmp(source, "none") && strcmp(source, "sys");
		snprintf(netns, size, "%s", source);
	}
	return private;
}

static int check_bpffs(void)
{
	struct statfs fs;
	char netns[128];

	if (sys_is_private(netns, sizeof(netns)))
		return fail(
			-EINVAL,
			"this command runs under `ip netns exec %s`, which has a /sys of its own: what is pinned in it ends with the command, and the policy with it; use `weir --netns %s` instead",
			netns, netns);
	if (statfs(PIN_BPFFS, &fs) || fs.f_type != BPF_FS_MAGIC)
		return fail(
			-ENODEV,
			"no bpffs is mounted on " PIN_BPFFS
			", where weir keeps what it loads; mount it: mount -t bpf bpf " PIN_BPFFS);
	return 0;
}

int pin_netns_cookie(uint64_t *cookie)
{
	socklen_t len = sizeof(*cookie);
	_close_ int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, cookie, &len))
		return fail(-errno,
			    "cannot tell the network namespace: %s (SO_NETNS_COOKIE, Linux 5.14)",
			    strerror(errno));
	return 0;
}

/* Another weir takes some milliseconds; who waits for longer wants to know for what. */
static int lock(int fd)
{
	const struct timespec pause = { .tv_nsec = 5000000 };

	for (int i = 0; i < 200; i++) {
		if (!flock(fd, LOCK_EX | LOCK_NB))
			return 0;
		nanosleep(&pause, NULL);
	}
	note("waiting for another process, which holds the lock on " PIN_BPFFS
	     "; `lslocks` shows it");
	while (flock(fd, LOCK_EX))
		if (errno != EINTR)
			return fail(-errno, "cannot lock " PIN_BPFFS ": %s", strerror(errno));
	return 0;
}

void pin_tree_paths(struct pin_tree *tree)
{
	snprintf(tree->dir, PIN_PATH_MAX / 2, PIN_ROOT "/%llu", (unsigned long long)tree->netns);
	snprintf(tree->journal, sizeof(tree->journal), "%.256s-journal", tree->dir);
}

int pin_open(struct pin_tree *tree)
{
	int err = check_bpffs();
	_close_ int fd = -1;

	tree->lock_fd = -1;
	if (!err)
		err = pin_netns_cookie(&tree->netns);
	if (err)
		return err;
	fd = open(PIN_BPFFS, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fail(-errno,
			    "cannot open " PIN_BPFFS
			    ": %s; weir needs root, or CAP_BPF, CAP_NET_ADMIN and a bpffs of yours",
			    strerror(errno));
	err = lock(fd);
	if (err)
		return err;
	pin_tree_paths(tree);
	tree->lock_fd = take_fd(&fd);
	return 0;
}

void pin_close(struct pin_tree *tree)
{
	own_close(&tree->lock_fd);
}

void pin_path(char *path, const char *dir, const char *name)
{
	char escaped[PIN_PATH_MAX];

	escape(escaped, sizeof(escaped), name);
	if (snprintf(path, PIN_PATH_MAX, "%s/%s", dir, escaped) >= PIN_PATH_MAX)
		path[0] =
			'\0'; /* names are short: this is never reached, and an empty path fails */
}

void pin_hook_dir(const struct pin_tree *tree, const char *interface, enum hook_kind kind,
		  char *path)
{
	char dir[PIN_PATH_MAX];

	pin_path(dir, tree->dir, interface);
	pin_path(path, dir, hook_dirs[kind]);
}

static const char *hint(int err)
{
	switch (err) {
	case -EPERM:
	case -EACCES:
		return "; weir needs root, or CAP_BPF and CAP_NET_ADMIN";
	case -EROFS:
		return "; `mount -o remount,rw " PIN_BPFFS "`";
	default:
		return "";
	}
}

int pin_make_dir(const char *path)
{
	char part[PIN_PATH_MAX];
	size_t len = strlen(path);

	for (size_t i = strlen(PIN_BPFFS) + 1; i <= len; i++) {
		if (path[i] && path[i] != '/')
			continue;
		snprintf(part, sizeof(part), "%.*s", (int)i, path);
		if (mkdir(part, 0700) && errno != EEXIST)
			return fail(-errno, "cannot make the folder %s: %s%s", part,
				    strerror(errno), hint(-errno));
	}
	return 0;
}

static int remove_below(int dir_fd, const char *name)
{
	_close_ int fd = -1;
	struct dirent *entry;
	int err = 0;
	DIR *dir;

	if (!unlinkat(dir_fd, name, 0) || errno == ENOENT)
		return 0;
	if (errno != EISDIR)
		return -errno;
	fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		return -errno;
	take_fd(&fd); /* the stream's now */
	while (!err && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			err = remove_below(dirfd(dir), entry->d_name);
	closedir(dir);
	if (!err && unlinkat(dir_fd, name, AT_REMOVEDIR))
		err = -errno;
	return err;
}

int pin_remove(const char *path)
{
	char part[PIN_PATH_MAX];
	int err = remove_below(AT_FDCWD, path);

	if (err)
		return fail(err, "cannot remove %s: %s", path, strerror(-err));
	snprintf(part, sizeof(part), "%s", path);
	for (;;) {
		*strrchr(part, '/') = '\0';
		if (strncmp(part, PIN_ROOT, strlen(PIN_ROOT)) || (rmdir(part) && errno != ENOENT))
			return 0;
	}
}

static int prune_one(const char *name, void *arg)
{
	const struct pin_tree *tree = arg;
	char path[PIN_PATH_MAX];

	pin_path(path, tree->dir, name);
	rmdir(path);
	return 0;
}

void pin_prune(const struct pin_tree *tree)
{
	pin_each(tree->dir, prune_one, (void *)tree);
	if (!rmdir(tree->dir) || errno == ENOENT)
		rmdir(PIN_ROOT);
}

int pin_rename(const char *from, const char *to)
{
	if (rename(from, to))
		return fail(-errno, "cannot rename %s to %s: %s", from, to, strerror(errno));
	return 0;
}

bool pin_exists(const char *path)
{
	return !access(path, F_OK) || errno != ENOENT;
}

int pin_put(int fd, const char *path)
{
	int err = bpf_obj_pin(fd, path);

	return err ? fail(err, "cannot pin %s: %s%s", path, strerror(-err), hint(err)) : 0;
}

int pin_get(const char *path)
{
	int fd = bpf_obj_get(path);

	if (fd < 0 && fd != -ENOENT)
		return fail(fd, "cannot open the pin %s: %s%s", path, strerror(-fd), hint(fd));
	return fd;
}

int pin_write_text(const char *path, const char *name, const char *text)
{
	_close_ int fd = maps_create_text(name, text, strlen(text));

	return fd < 0 ? fd : pin_put(fd, path);
}

int pin_read_text(const char *path, char **text)
{
	_close_ int fd = pin_get(path);

	return fd < 0 ? fd : maps_read_text(fd, text);
}

static int is_name(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int pin_each(const char *dir, int (*fn)(const char *name, void *arg), void *arg)
{
	struct dirent **entries;
	int n = scandir(dir, &entries, is_name, alphasort), err = 0;

	if (n < 0)
		return errno == ENOENT ? 0
				       : fail(-errno, "cannot read %s: %s", dir, strerror(errno));
	for (int i = 0; i < n; i++) {
		unescape(entries[i]->d_name);
		if (!err)
			err = fn(entries[i]->d_name, arg);
		free(entries[i]);
	}
	free(entries);
	return err;
}
