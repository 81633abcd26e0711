/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Settings of an interface that weir changed for XDP's sake, and what they were: remembered below
 * <netns cookie>-nic/ in the tree of pins, as JSON, until a detach restores them. "v0" there holds
 * those of v0, "v0:v1" those of its peer v1 that were changed for v0.
 *
 * What was is written down before it is changed, so a process may die in between; the oldest value
 * is the one that counts.
 */
#pragma once
#include "nic_check.h"
#include "pin.h"

/* Called with each finding whose fix was done. */
typedef void (*fix_done_fn)(const struct nic_finding *finding, void *arg);

/*
 * Do what the findings' fixes say. `done` may be NULL. Errors are reported; what was done before
 * stays done, and remembered.
 */
int fix_apply(const struct pin_tree *tree, const struct nic *nic,
	      const struct nic_finding *findings, size_t n, fix_done_fn done, void *arg);

/*
 * The same for a command that may fail yet: fix_keep() or fix_undo() must follow, and until then a
 * process may die: fix_recover() keeps the changes if the interface's XDP chain has another live
 * generation by then than it has now, and undoes them if it has not.
 */
int fix_begin(const struct pin_tree *tree, const struct nic *nic,
	      const struct nic_finding *findings, size_t n, fix_done_fn done, void *arg);
int fix_keep(const struct pin_tree *tree, const char *interface);
int fix_undo(const struct pin_tree *tree, const char *interface);

/* Finish or undo what a process that died has begun, and say so: behind chain_recover(). */
int fix_recover(const struct pin_tree *tree);

/*
 * Restore what is remembered of an interface; nothing is no error. An interface that is gone, or is
 * another by now, is forgotten, with a note. Errors are reported, and then it stays remembered.
 */
int fix_restore(const struct pin_tree *tree, const char *interface);
int fix_restore_all(const struct pin_tree *tree);

/* Is anything remembered of it? */
bool fix_is_remembered(const struct pin_tree *tree, const char *interface);

/*
 * An interface has another name now, and what is remembered is to be known by that: of it, and of
 * it for the sake of another. fix_is_about(): is there any? A process may die in between; once more
 * ends it.
 */
bool fix_is_about(const struct pin_tree *tree, const char *interface);
int fix_follow(const struct pin_tree *tree, const char *from, const char *to);
