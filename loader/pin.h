/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tree of pins, which is all that weir remembers:
 *
 *   /sys/fs/bpf/weir/<netns cookie>-journal                 flips that are under way
 *   /sys/fs/bpf/weir/<netns cookie>/<interface>/<hook>/     one chain (chain.h says what is in it)
 *
 * bpffs allows no dot in a name: names are escaped. One lock, on the bpffs itself, keeps loaders
 * apart; it goes with the process that holds it.
 */
#pragma once
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "fail.h"
#include "policy.h"

#define PIN_BPFFS "/sys/fs/bpf"
#define PIN_ROOT  PIN_BPFFS "/weir"

enum { PIN_PATH_MAX = 512 };

/* The open, locked tree of the current network namespace. */
struct pin_tree {
	int lock_fd;
	uint64_t netns; /* its cookie (SO_NETNS_COOKIE): inodes are used again, cookies are not */
	char dir[PIN_PATH_MAX], journal[PIN_PATH_MAX];
};

/*
 * Take the lock (waits for another weir) and find the tree; nothing is created. Refuses, with the
 * reason: no bpffs there, one that would die with the command (`ip netns exec`), no permission.
 */
int pin_open(struct pin_tree *tree);
void pin_close(struct pin_tree *tree);

/* Fill the paths of the tree of tree->netns, whoever's it is. */
void pin_tree_paths(struct pin_tree *tree);

/* The cookie of the network namespace that the thread is in. Errors are reported. */
int pin_netns_cookie(uint64_t *cookie);

/* "/…/<interface>/<hook>" into path[PIN_PATH_MAX]; name of a file below a folder. */
void pin_hook_dir(const struct pin_tree *tree, const char *interface, enum hook_kind kind,
		  char *path);
void pin_path(char *path, const char *dir, const char *name);

/* Make a folder and those above it. */
int pin_make_dir(const char *path);

/* Remove a file or a folder with all in it, if it is there; then folders above, while they are
 * empty, up to PIN_ROOT. */
int pin_remove(const char *path);

/* Remove folders that are empty: who died while making them left nothing else. */
void pin_prune(const struct pin_tree *tree);

int pin_rename(const char *from, const char *to);

/* What cannot be told counts as there. */
bool pin_exists(const char *path);

/* Pin an fd; open a pin (with BPF_OBJ_GET). Both report. pin_get() of what is not there: -ENOENT,
 * not reported. */
int pin_put(int fd, const char *path);
int pin_get(const char *path);

/* Texts as pinned maps (maps.h). pin_read_text(): -ENOENT, not reported, if it is not there. */
int pin_write_text(const char *path, const char *name, const char *text);
int pin_read_text(const char *path, char **text);

/*
 * Call fn for every name in a folder, in order of name, unescaped; a folder that is not there has
 * none. Stops at the first that returns other than 0 and returns that.
 */
int pin_each(const char *dir, int (*fn)(const char *name, void *arg), void *arg);
