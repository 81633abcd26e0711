/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a generation knows of itself, pinned beside its programs as JSON: enough to show it, to plan
 * on it, to roll back to it and to clear it away, with no file of the user's.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "plan.h"

struct meta_rule {
	char *text, *label, *identity; /* label may be NULL */
	unsigned int line;
	uint32_t counter, n_counters;
	uint32_t slot;	/* use; else 0 */
	char **targets; /* redirect */
	size_t n_targets;
	char *socket;	/* socket: its name; else NULL */
	char **reasons; /* use: n_counters - WEIR_STAGE_REASONS of them */
	size_t n_reasons;
};

struct meta {
	uint32_t previous; /* the generation that was live before; 0: none */
	char *source;	   /* the policy's file, as it was named */
	int64_t applied;   /* seconds since the epoch */
	int64_t apply;	   /* the same, in nanoseconds: equal for all hooks of one apply */
	char *text;	   /* the hook's normal form */
	char *key;	   /* plan_hook.key */
	enum hook_mode wanted, modes[2];
	size_t n_modes;
	char *why;	   /* the planner's sentence on the mode */
	bool shared;	   /* in libxdp's dispatcher */
	uint32_t priority; /* of the hook (struct hook) */
	enum miss miss;
	bool frags;
	uint32_t counters; /* which of the chain's maps it counts in (chain_counters.c) */
	unsigned int tail_calls;
	struct meta_rule *rules;
	size_t n_rules;
	uint32_t *slots; /* in use, other than 0 */
	size_t n_slots;
	struct plan_cpu *cpus; /* that rules send to, in ascending order */
	size_t n_cpus;
	struct plan_known *known; /* the same rules, as the planner asks for them */
};

/* As JSON, owned by the caller; NULL: out of memory. */
char *meta_encode(const struct plan_hook *hook, uint32_t previous, uint32_t counters,
		  const char *source, int64_t apply);

/* Back. -EINVAL is reported (another version's, or damaged). */
int meta_decode(const char *json, const char *where, struct meta **out);

void meta_free(struct meta *meta);
