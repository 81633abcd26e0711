/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The planner's parts, in the order in which plan_make() calls them for a hook. Each fills its
 * members of struct plan_hook; each reports its mistakes and returns 0 or -errno.
 */
#pragma once
#include "plan.h"

/* plan_later.c: the sentence that says what this version cannot do with it; NULL: it can. */
const char *plan_later_rule(const struct rule *rule);
const char *plan_later_hook(const struct hook *hook);

/* plan_rules.c: texts, compiled expressions, stages with their options. Asks nobody. */
int plan_resolve_rules(struct plan_hook *hook);
void plan_rule_clear(struct plan_rule *rule);

/* plan_attach.c: modes and why, frags; redirect targets and whether they take frames. */
int plan_attach_mode(struct plan_hook *hook, const struct plan_base *base);
int plan_targets(struct plan_hook *hook, const struct policy *policy, const struct plan_asks *asks);

/* plan_filters.c: which programs there are, and the longest path of tail calls. */
int plan_filters(struct plan_hook *hook);

/* plan_index.c: identities, indices of counters (kept where the base knows the rule), slots. */
int plan_indices(struct plan_hook *hook, const struct plan_base *base);

/* plan_filters.c: the instructions, all indices being known. */
int plan_compile(struct plan_hook *hook);
