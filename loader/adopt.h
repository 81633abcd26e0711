/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Chains of interfaces that have another name by now. A link holds its interface whatever that is
 * called, so all that is to be done is to rename the chain's folder of pins: one rename(2), and no
 * packet goes without its policy. Settings that are remembered for the interface (fix.h) follow;
 * the pin "was" in the folder tells of a process that died before they did.
 */
#pragma once
#include <net/if.h>

#include "pin.h"

struct adoption {
	char from[IFNAMSIZ], to[IFNAMSIZ]; /* what the interface was called, and is */
};

struct adoptions {
	struct adoption *list;
	size_t n;
};

/*
 * Which chains a policy's interfaces have under the names that they had before: where no chain has
 * an interface's name, and one of another name is on it and on nothing else. -EBUSY, reported, if
 * both are there. The caller frees the list, in any case.
 */
int adopt_foresee(const struct pin_tree *tree, const struct policy *policy, struct adoptions *out);

/*
 * Rename one's folder. 0 or reported; a process may die at any time. The other way round it is
 * undone.
 */
int adopt_rename(const struct pin_tree *tree, const char *from, const char *to);

/* Finish what a process that died has begun. */
int adopt_recover(const struct pin_tree *tree);
