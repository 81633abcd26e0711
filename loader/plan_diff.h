/* SPDX-License-Identifier: GPL-2.0-only */
/* What an apply would change in a hook's rules: a shortest list of removals and additions. */
#pragma once
#include "chain_meta.h"

enum plan_edit_kind { PLAN_KEEP, PLAN_REMOVE, PLAN_ADD };

struct plan_edit {
	enum plan_edit_kind kind;
	const char *text, *label; /* of the rule; not owned; label may be NULL */
};

/*
 * Edits that turn the rules of `old` (NULL: none) into those of the plan, in order. A rule that
 * only moves is removed and added. *out is owned by the caller (free); its number, or -ENOMEM.
 */
ssize_t plan_diff(const struct meta *old, const struct plan_hook *hook, struct plan_edit **out);
