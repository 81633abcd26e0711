/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The plan: a policy, what the NICs can do and what is loaded already become every decision that
 * apply will carry out: slots, instructions, indices of counters, mode of attaching and the
 * sentence that says why. Nothing here calls bpf(): what is wanted does not know how it is done.
 * The NIC and the loaded state are asked through functions, so all of it is tested without either.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "filter/filter.h"
#include "nic.h"
#include "nic_tags.h"
#include "policy.h"
#include "stage.h"

/* The kernel's MAX_TAIL_CALL_CNT (include/linux/bpf.h). */
enum { PLAN_TAIL_CALLS_MAX = 33 };

/* A rule that a loaded generation holds: who it is, and where its counters are. */
struct plan_known {
	const char *identity;
	uint32_t counter, n_counters;
};

/* What one interface and hook holds now. All of it is the asked one's, valid while planning. */
struct plan_base {
	bool loaded;		 /* there is a chain */
	bool attached;		 /* its link holds the interface that has the name today */
	bool frags;		 /* its programs were loaded for packets of several buffers */
	enum hook_mode mode;	 /* when attached: which of those that are no wish */
	bool shared;		 /* its root is one for libxdp's dispatcher */
	uint32_t priority;	 /* of the live generation's hook (struct hook) */
	const char *why;	 /* the sentence of that time */
	const char *key;	 /* the live generation's plan_hook.key */
	unsigned int tail_calls; /* of the live generation */
	const struct plan_known *known; /* rules of the live generation, then of the rollback one */
	size_t n_known;
	const uint32_t *slots; /* in use by either */
	size_t n_slots;
};

struct plan_refusals;

/* Where the planner asks. */
struct plan_asks {
	/* As nic_probe(); what it fails for is reported at the word. */
	int (*nic)(const struct word *name, struct nic *out, void *arg);
	int (*base)(const struct nic *nic, enum hook_kind kind, struct plan_base *out, void *arg);
	/*
	 * Can packets be sent to this CPU? What it fails for is reported at `where`. NULL: to any.
	 */
	int (*cpu)(uint32_t cpu, const struct pos *where, void *arg);
	/* As nic_tags_read(), for hooks whose rules read VLAN tags; NULL: they are all seen. */
	int (*tags)(const struct nic *nic, struct nic_tags *out, void *arg);
	void *arg;
	const struct plan_refusals
		*refusals; /* which runs of rules to divide; NULL: none is known */
	bool tcx;	   /* the kernel has it */
	bool by_helper;	   /* no CAP_PERFMON: programs read packets by helper calls (filter.h) */
	bool preempted; /* two packets may alternate on a CPU: so do those that would copy packets
			 */
};

struct plan_target {
	const char *name; /* the rule's */
	uint32_t ifindex;
};

/* Several targets of one rule, in its order. */
struct plan_group {
	uint32_t *ifindexes;
	size_t n;
};

/* A CPU that rules send packets to: one queue, whichever rule they come from. */
struct plan_cpu {
	uint32_t cpu;
	uint32_t queue; /* packets that may wait in it */
};

/* A rule, planned. */
struct plan_rule {
	const struct rule *rule;
	char *text;	/* normal form, no label: what it is known by */
	char *identity; /* text, " #N" where it stands for the Nth time, a stage's reasons */
	uint32_t counter, n_counters; /* index of its first counter; how many (maps/abi.h) */
	bool kept;		      /* it had that index before: its counters go on */
	struct cbpf cbpf;	      /* n 0: no expression */
	uint32_t target; /* redirect: key in the devmap, or which group; socket: which of the hook's
			  */
	uint32_t *cpus;	 /* cpu: one by one, in the rule's order */
	size_t n_cpus;
	struct stage *stage; /* use */
	uint8_t *conf;	     /* use: stage->conf_size bytes */
	uint32_t slot;	     /* use: where its instance stands */
};

/* A program of the chain that was generated: rules first … end-1. */
struct plan_filter {
	uint32_t slot; /* 0: the generation's first program */
	size_t first, end;
	struct filter_prog prog;
	bool refused; /* by the verifier, as too complex: chain_load.h */
};

/* Rules first … end-1 of a hook, which the verifier finds too complex for one program. */
struct plan_refusal {
	const struct hook *hook; /* the policy's */
	size_t first, end;
};

struct plan_refusals {
	struct plan_refusal *list;
	size_t n;
};

struct plan_hook {
	const struct interface *interface;
	const struct hook *hook;
	struct nic nic;
	bool unchanged; /* what runs is what is wanted: nothing to do */
	bool loaded, attached;
	bool moves; /* it is attached in another mode than modes[0], and goes there after its flip
		     */
	enum hook_mode modes[2]; /* to try, in this order, when it is not attached */
	size_t n_modes;
	char *why; /* the sentence that says why this mode */
	bool frags, by_helper, preempted;
	const struct plan_refusals *refusals; /* as plan_asks.refusals, while it is planned */
	struct plan_target *targets;
	size_t n_targets;
	struct plan_group *groups;
	size_t n_groups;
	const char **sockets; /* names of AF_XDP sockets, the rules' own */
	size_t n_sockets;
	struct plan_cpu *cpus; /* in ascending order */
	size_t n_cpus;
	struct plan_rule *rules;
	size_t n_rules;
	struct plan_filter *filters; /* [0] is the generation's first program */
	size_t n_filters;
	size_t compiled;	 /* by now, sizes of rules, each as often as it was compiled */
	uint32_t last_slot;	 /* that was given out; 0: none */
	uint32_t n_counters;	 /* elements that its map of counters must have at least */
	unsigned int tail_calls; /* on the longest path */
	char *text; /* the hook's normal form: a policy of this interface and hook alone */
	char *key;  /* equal keys: the same programs and targets */
};

/* A hook that is loaded, on an interface that the policy names, which has no such hook there. */
struct plan_removal {
	struct nic nic;
	enum hook_kind kind;
};

struct plan {
	struct plan_hook *hooks;
	size_t n_hooks;
	struct plan_removal *removals;
	size_t n_removals;
};

/* The index that a redirect's target has in a key; 0: it is none of its targets. */
uint32_t plan_key_target(const char *key, const char *name);

/*
 * Plan a policy, which must outlive the plan. Every mistake is reported at its rule, in one run:
 * -EINVAL if the policy is at fault (what this version cannot do is said so, in a plain sentence),
 * else what an ask returned. On failure *out is NULL.
 */
int plan_make(const struct policy *policy, const struct plan_asks *asks, struct plan **out);

/*
 * Programs of a plan that could not be loaded since the verifier finds them too complex, and that
 * have more than one rule: they are added to *all, and a note says so. Planned again with these,
 * the rules fit better. How many there were; or -ENOMEM, reported. The caller owns all->list.
 */
int plan_learn(const struct plan *plan, struct plan_refusals *all);

void plan_free(struct plan *plan);
void plan_freep(struct plan **plan);

/* Does a rule of the hook read VLAN tags? 1, 0, or a reported error. */
int plan_reads_tags(const struct hook *hook);

/*
 * Read a policy (policy_read()). If it has mistakes, those that plan_check() finds are reported
 * too, in the same run. On failure *out is NULL.
 */
int plan_read_policy(const char *path, struct policy **out);

/*
 * What `check` can say without a kernel: compile every expression, resolve every stage and its
 * options. Mistakes are reported (-EINVAL); what plan_make() would refuse is a note.
 */
int plan_check(const struct policy *policy);
