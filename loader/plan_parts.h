/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The planner's parts, in the order in which plan_make() calls them for a hook. Each fills its
 * members of struct plan_hook; each reports its mistakes and returns 0 or -errno.
 */
#pragma once
#include "filter/shape_cache.h"
#include "plan.h"

/*
 * What the rules of a hook may be together (cbpf_size()): each needs up to 700 bytes and some 5
 * microseconds. And what may be compiled of them, all told: the rules behind a `use` are once more,
 * those of a run that is split two or three times.
 */
enum { PLAN_CLASSIC_MAX = CBPF_MAX, PLAN_COMPILED_MAX = 4 * PLAN_CLASSIC_MAX };

/* plan_later.c: the sentence that says what this version cannot do with it; NULL: it can. */
const char *plan_later_rule(const struct rule *rule);

/* The condition of such a rule is a condition all the same: its mistakes are reported. */
int plan_check_later(const struct rule *rule);

/* plan_rules.c: texts, compiled expressions, stages with their options. Asks nobody. */
int plan_resolve_rules(struct plan_hook *hook);
int plan_compile_rule(struct plan_rule *planned, struct shape_cache *shapes);
void plan_rule_clear(struct plan_rule *rule);

/* plan_attach.c: modes and why, frags. */
int plan_xdp_mode(struct plan_hook *hook, const struct plan_base *base);
int plan_tc_mode(struct plan_hook *hook, const struct plan_base *base, bool tcx);

/* plan_tags.c: refuses rules that read VLAN tags where XDP does not see them. */
int plan_tags(struct plan_hook *hook, const struct plan_asks *asks);

/* plan_target.c: redirect targets, and whether they take frames. */
int plan_targets(struct plan_hook *hook, const struct policy *policy, const struct plan_asks *asks);

/* plan_cpu.c: the CPUs that rules send to, and how long their queues are. */
int plan_cpus(struct plan_hook *hook, const struct plan_asks *asks);

/*
 * plan_index.c: identities, indices of counters (kept where the base knows the rule), slots of
 * stages.
 */
int plan_indices(struct plan_hook *hook, const struct plan_base *base);

/* plan_index.c: the lowest slot that no generation holds, and that was not given out before. */
int plan_slot(struct plan_hook *hook, const struct plan_base *base, uint32_t *slot);

/*
 * plan_filters.c: the programs, compiled, all indices being known; and the longest path of tail
 * calls.
 */
int plan_filters(struct plan_hook *hook, const struct plan_base *base);

/* Is it known that the verifier refuses a program with these rules in it, first … end-1? */
bool plan_is_refused(const struct plan_hook *hook, size_t first, size_t end);

/* plan_filters.c: do a hook's programs read by helper calls (filter_run.by_helper)? */
bool plan_is_by_helper(const struct plan_hook *hook);

/*
 * plan_filters.c: -EINVAL, reported at the hook, where the stages and tags alone take more tail
 * calls than the kernel makes. It compiles nothing; the rules are resolved.
 */
int plan_check_stages(struct plan_hook *hook);

/* plan_filters.c: a note of rules that stand behind one that takes every packet. */
void plan_note_dead(const struct plan_hook *hook);

/* plan_tags.c: does a program ask whether there is a VLAN tag? */
bool plan_compares_tag(const struct cbpf *prog);

/*
 * plan_around.c: a note of the first drop that a packet gets around by a tag, an extension header
 * or as a fragment, and of how many more there are. The rules are resolved. 0, or a reported error.
 */
int plan_note_around(const struct plan_hook *hook);
