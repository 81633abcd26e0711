/* SPDX-License-Identifier: GPL-2.0-only */
/* What commands on live chains share: the locked tree, recovered, and the planner's questions. */
#pragma once
#include <jansson.h>

#include "../adopt.h"
#include "../chain.h"
#include "../fix.h"
#include "../plan.h"

/* The tree, and every chain that the planner asked about (some hold nothing). */
struct live {
	struct pin_tree tree;
	struct live_chain {
		struct chain chain;
		struct plan_base base;
	} * *chains;
	size_t n_chains;
	struct adoptions adoptions;    /* by live_foresee() */
	struct plan_refusals refusals; /* met by live_apply() */
};

/* Open and lock the tree of this network namespace, and recover what a dead process left. */
int live_open(struct live *live);

/*
 * From here on to the end of the process ^C waits, and so does the end of who reads our output:
 * nothing is to stay half done.
 */
void live_hold_signals(void);
void live_close(struct live *live);

/*
 * What apply would take over of interfaces that have another name now (adopt.h): from here on
 * live_plan() plans as if it had. It is said.
 */
int live_foresee(struct live *live, const struct policy *policy);

/*
 * Take it over; *out is what was, the caller's to free. live_give_back() undoes that for a command
 * that has failed, live_say_adopted() says it for one that has not. Signals are held from here on,
 * if there is any.
 */
int live_adopt(struct live *live, const struct policy *policy, struct adoptions *out);
void live_give_back(const struct live *live, const struct adoptions *adopted);
void live_say_adopted(const struct adoptions *adopted);

/* Plan a policy against the kernel and what is loaded. */
int live_plan(struct live *live, const struct policy *policy, struct plan **out);

/*
 * Make a plan live (chain_apply()). Where the verifier finds a program too complex, its rules are
 * divided: the plan is made again, and *plan is another one then (NULL if that fails).
 */
int live_apply(struct live *live, const struct policy *policy, const char *source,
	       struct plan **plan);

/*
 * live_fix.c: before a policy is planned, change the settings of its interfaces that stand in the
 * way of what its XDP hooks want: offloads and queues for native XDP, what hides VLAN tags from
 * rules that read them. live_fix_end() must follow: keep the changes, or undo them.
 */
int live_fix(struct live *live, const struct policy *policy, fix_done_fn done, void *arg);
int live_fix_end(struct live *live, const struct policy *policy, bool keep);

/* The chain that a planned hook would change; NULL if there is none. */
const struct chain *live_chain_of(const struct live *live, const struct plan_hook *hook);

/* A plan (NULL: it failed, no hooks) as JSON, a new reference. */
json_t *live_plan_json(const struct live *live, const struct plan *plan);

/*
 * The exit status for what reading or planning a policy returned: CMD_POLICY for -EINVAL, else
 * CMD_FAILED; CMD_OK for 0.
 */
int live_exit(int err);
