/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The status: what runs, read back from the kernel alone. The same shape as the plan, with
 * counters.
 */
#pragma once
#include <net/if.h>

#include "attach_tc.h"
#include "attach_xdp_shared.h"
#include "chain.h"
#include "maps.h"

struct status_reason {
	const char *name;
	uint64_t packets, bytes;
};

/* A target of a redirect, and what it has not taken, in all its life and from whomever. */
struct status_target {
	const char *name;
	char called[IF_NAMESIZE]; /* now; "": it is gone, and what goes there is lost */
	bool replaced;		  /* that, and another interface has its name */
	bool known;		  /* it is there, and counts that */
	bool redirected; /* only what was redirected to it natively; else all that it was to send */
	uint64_t refused; /* packets */
};

struct status_rule {
	const char *text, *label; /* label may be NULL */
	unsigned int line;	  /* in the policy's file */
	struct weir_counter matched;
	const char *socket;	  /* socket: its name; else NULL */
	bool counts_lost;	  /* the next one is counted */
	struct weir_counter lost; /* redirect: the target was gone; socket: its queue had none */
	struct status_target *targets; /* redirect */
	size_t n_targets;
	bool is_stage; /* use: what the stage decided, all others went on */
	struct weir_counter passed, dropped, reflected, redirected;
	struct status_reason *reasons;
	size_t n_reasons;
};

/* A CPU that rules send packets to. */
struct status_cpu {
	struct plan_cpu is;
	struct weir_cpu_counter counter;
};

struct status_hook {
	struct chain chain;
	bool renamed_or_gone; /* the link does not hold an interface of this name */
	uint32_t tail_calls;
	struct weir_counter missed, ended; /* abi.h: WEIR_COUNTER_MISS, WEIR_COUNTER_END */
	struct status_rule *rules;
	size_t n_rules;
	struct status_cpu *cpus; /* in ascending order */
	size_t n_cpus;
	bool has_nic; /* the interface of that name is there */
	struct nic nic;
	struct xdp_holder xdp[XDP_HOLDERS_MAX]; /* xdp: who is on the hook, weir's own not */
	size_t n_xdp;
	struct tc_holder *holders; /* tc: who is on the hook, in order, weir's own too */
	size_t n_holders;
	struct xdp_shared shared; /* XDP: the components of libxdp's dispatcher, weir's own too */
	size_t own; /* which of holders or components is weir's; their number: none is */
};

struct status {
	uint64_t time_ns;	   /* CLOCK_MONOTONIC, when the counters were read */
	struct status_hook *hooks; /* in order of interface, then of enum hook_kind */
	size_t n_hooks;
	size_t n_dead; /* chains of network namespaces that are gone */
};

/*
 * Read the status of interfaces (none: all). An interface that has no chain is an error, and then
 * *out is NULL; with a chain that cannot be read *out holds the others. The caller frees *out by
 * status_free().
 */
int status_read(const struct pin_tree *tree, const char *const *interfaces, size_t n,
		struct status **out);
void status_free(struct status *status);
void status_freep(struct status **status);
