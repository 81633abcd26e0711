/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Settings of an interface that weir changed for XDP's sake, and what they were: remembered below
 * <netns cookie>-nic/ in the tree of pins, as JSON, until a detach restores them.
 *
 * What was is written down before it is changed, so a process may die in between; the oldest value
 * is the one that counts.
 */
#pragma once
#include "nic_check.h"
#include "pin.h"

/*
 * Do what the findings' fixes say. `done` (may be NULL) is called with each that was done. Errors
 * are reported; what was done before stays done, and remembered.
 */
int fix_apply(const struct pin_tree *tree, const struct nic *nic,
	      const struct nic_finding *findings, size_t n,
	      void (*done)(const struct nic_finding *finding, void *arg), void *arg);

/*
 * Restore what is remembered of an interface; nothing is no error. An interface that is gone, or is
 * another by now, is forgotten, with a note. Errors are reported, and then it stays remembered.
 */
int fix_restore(const struct pin_tree *tree, const char *interface);
int fix_restore_all(const struct pin_tree *tree);

/* Is anything remembered of it? */
bool fix_is_remembered(const struct pin_tree *tree, const char *interface);
