// SPDX-License-Identifier: GPL-2.0-only
/*
 * Trees of network namespaces that are gone. Nothing tells weir when one goes: its interfaces go
 * with it, so that the links pinned for them hold none, but those of an interface that is expected
 * back look the same. So such a tree counts as dead if no process and no name in /run/netns has a
 * network namespace with its cookie. What hangs on a filter of clsact is left alone: nobody can
 * tell.
 */
#include <bpf/bpf.h>
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>

#include "chain_parts.h"

/* A tree that is looked at. */
struct tree {
	struct pin_tree pins;
	size_t chains;
	bool holds; /* one of them holds an interface, or may do */
};

static int look_at_chain(const char *interface, enum hook_kind kind, void *arg)
{
	struct tree *tree = arg;
	char dir[PIN_PATH_MAX], path[PIN_PATH_MAX];
	struct bpf_link_info info = { 0 };
	uint32_t size = sizeof(info);
	_close_ int link = -1;

	tree->chains++;
	pin_hook_dir(&tree->pins, interface, kind, dir);
	pin_path(path, dir, "link");
	link = pin_get(path);
	if (link < 0) {
		tree->holds |= link != -ENOENT || chain_is_linked(dir);
		return 0;
	}
	/* xdp.ifindex and tcx.ifindex stand in the same place. */
	tree->holds |= bpf_obj_get_info_by_fd(link, &info, &size) || info.xdp.ifindex;
	return 0;
}

/* Inodes of network namespaces that were asked already. */
struct seen {
	ino_t *inodes;
	size_t n;
};

static bool is_new(struct seen *seen, int fd)
{
	struct stat st;
	ino_t *added;

	if (fstat(fd, &st))
		return false;
	for (size_t i = 0; i < seen->n; i++)
		if (seen->inodes[i] == st.st_ino)
			return false;
	added = array_add(seen->inodes, seen->n);
	if (added)
		*added = st.st_ino;
	return true;
}

/* Has this network namespace the cookie? One that we may not enter might have. */
static bool has_cookie(int fd, int home, uint64_t cookie)
{
	uint64_t got;
	bool has;

	if (setns(fd, CLONE_NEWNET))
		return true;
	has = pin_netns_cookie(&got) || got == cookie;
	if (setns(home, CLONE_NEWNET))
		fail(-errno, "cannot come back from another network namespace: %s",
		     strerror(errno));
	return has;
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* Is there a network namespace with the cookie among FOLDER's entries, as ENTRY/suffix? */
static bool is_among(const char *folder, const char *suffix, int home, uint64_t cookie,
		     struct seen *seen)
{
	_cleanup_(close_dir) DIR *dir = opendir(folder);
	struct dirent *entry;
	char path[320];

	while (dir && (entry = readdir(dir))) {
		_close_ int fd = -1;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s%s", folder, entry->d_name, suffix);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd >= 0 && is_new(seen, fd) && has_cookie(fd, home, cookie))
			return true;
	}
	return false;
}

static bool is_alive(uint64_t cookie)
{
	_close_ int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	struct seen seen = { 0 };
	bool alive = home < 0 || is_among("/run/netns", "", home, cookie, &seen) ||
		     is_among("/proc", "/ns/net", home, cookie, &seen);

	free(seen.inodes);
	return alive;
}

/* While the trees are walked. */
struct walk {
	const struct pin_tree *own;
	chain_dead_fn fn;
	void *arg;
};

static int look_at_tree(const char *name, void *arg)
{
	const struct walk *walk = arg;
	struct tree tree = { 0 };
	char *end;
	int err;

	tree.pins.netns = strtoull(name, &end, 10);
	if (*end || tree.pins.netns == walk->own->netns)
		return 0;
	pin_tree_paths(&tree.pins);
	err = chain_each(&tree.pins, look_at_chain, &tree);
	if (err || !tree.chains || tree.holds || is_alive(tree.pins.netns))
		return err;
	return walk->fn(&tree.pins, tree.chains, walk->arg);
}

int chain_each_dead(const struct pin_tree *tree, chain_dead_fn fn, void *arg)
{
	struct walk walk = { tree, fn, arg };

	return pin_each(PIN_ROOT, look_at_tree, &walk);
}

static int remove_tree(const struct pin_tree *tree, size_t n_chains, void *arg)
{
	char nic[PIN_PATH_MAX];
	int err;

	(void)arg;
	snprintf(nic, sizeof(nic), "%.256s-nic", tree->dir);
	err = pin_exists(nic) ? pin_remove(nic) : 0;
	if (!err && pin_exists(tree->journal))
		err = pin_remove(tree->journal);
	if (!err)
		err = pin_remove(tree->dir);
	if (!err)
		note("removed what was pinned for a network namespace that is gone (cookie %llu): %zu %s",
		     (unsigned long long)tree->netns, n_chains,
		     n_chains == 1 ? "policy" : "policies");
	return err;
}

int chain_remove_dead(const struct pin_tree *tree)
{
	return chain_each_dead(tree, remove_tree, NULL);
}
