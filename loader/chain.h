/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A chain: the programs of one interface and hook, in the kernel. Its folder of pins holds
 *
 *   root slots counters config   the program that is attached; prog array; counters; root's .data
 *   counters-N                   more of them, once a generation needed more (chain_counters.c)
 *   xsk-NAME                     the XSKMAP of each AF_XDP socket that a rule names
 *   link attach                  the bpf_link; in which mode, and why (text)
 *   filter                       instead of link, with clsact: of which interface (text)
 *   shared                       instead of link, in libxdp's dispatcher: of which interface (text)
 *   gen-N/                       a generation: the live one, and the one to roll back to
 *   new-N/                       one that is being made
 *
 * and a generation's folder
 *
 *   meta                         its policy, rules, indices (chain_meta.h)
 *   first                        its first program: it is live if this is the one in slot 0
 *   prog-SLOT map-SLOT-NAME      other programs by slot; maps that stages own
 *   devmap                       redirect targets
 *   cpumap cpu-counters          queues of CPUs that rules send to, and what was sent and arrived
 *
 * A new generation is made whole beside the live one. Then the journal is pinned, the flips follow
 * (one write to slot 0 each), new-N becomes gen-N, and the journal goes. A folder new-N without a
 * journal is the leaving of a process that died: it is removed by the next command. With a journal
 * the next command carries the flips out, or undoes them if that fails.
 */
#pragma once
#include <net/if.h>

#include "abi.h"
#include "chain_meta.h"
#include "pin.h"
#include "plan.h"

/* How a chain hangs on its interface. */
struct chain_attachment {
	bool attached;	/* to an interface of this network namespace, by whatever name */
	bool elsewhere; /* that interface was moved to another one */
	uint32_t ifindex, prog_id;
	uint32_t link_id; /* 0: a filter of clsact holds it */
	enum hook_mode mode;
	char why[512];
};

/* Maps of counters that a chain can have: each is larger than all before it together. */
enum { CHAIN_COUNTERS = 16 };

struct chain {
	const struct pin_tree *tree;
	char interface[IFNAMSIZ];
	enum hook_kind kind;
	char dir[PIN_PATH_MAX];
	int slots_fd, config_fd, root_fd;
	int counters_fds[CHAIN_COUNTERS];
	size_t n_counters;
	int link_fd;		 /* -1: none */
	bool linked;		 /* it was attached, by a link or a filter, if only once */
	uint32_t live, rollback; /* numbers of generations; 0: none */
	struct meta *live_meta, *rollback_meta;
	struct chain_attachment at;
};

/*
 * Open a chain. -ENOENT, not reported, if there is none; -EBADMSG if somebody removed pins of it.
 * The caller closes it.
 */
int chain_open(const struct pin_tree *tree, const char *interface, enum hook_kind kind,
	       struct chain *out);
void chain_close(struct chain *chain);

/* For each chain of an interface. Ends at the first that is not 0: fn's, or chain_open()'s. */
int chain_each_of(const struct pin_tree *tree, const char *interface,
		  int (*fn)(const struct chain *chain, void *arg), void *arg);

/*
 * -EBUSY, reported, if a chain holds another interface than the one that has its name now: that one
 * was renamed or moved, its policy with it, and would lose it.
 */
int chain_check_place(const struct chain *chain, uint32_t ifindex);

/*
 * The index of the interface that a chain was attached to last, as its link or note tells, without
 * asking that; 0: none. 0 or reported.
 */
int chain_claim(const struct pin_tree *tree, const char *interface, enum hook_kind kind,
		uint32_t *ifindex);

/* Report that the live generation of a chain is not to be found (somebody removed its pins). */
int chain_unknown(const struct chain *chain);

/* Call fn for every chain of the tree: by interface, then xdp, tc ingress, tc egress. */
typedef int (*chain_fn)(const char *interface, enum hook_kind kind, void *arg);
int chain_each(const struct pin_tree *tree, chain_fn fn, void *arg);

/*
 * Finish or undo what a process that died has left, and say so. Every command that opens the tree
 * calls this first. It fails if neither can be done now: only chain_detach() makes sense then.
 */
int chain_recover(const struct pin_tree *tree);

/*
 * Carry out a plan: all of its hooks, or none. `source` is the policy's file, for status.
 */
int chain_apply(const struct pin_tree *tree, const struct plan *plan, const char *source);

/*
 * Flip the hooks of interfaces (NULL: all) that the last apply has changed to their rollback
 * generation. All of them, or none.
 */
int chain_rollback(const struct pin_tree *tree, const char *const *interfaces, size_t n);

/*
 * Remove chains of interfaces (NULL: all), all of them, damaged ones too. What is not there is an
 * error unless it's all; then a journal that cannot be carried out goes as well.
 */
int chain_detach(const struct pin_tree *tree, const char *const *interfaces, size_t n);

/*
 * chain_dead.c: call fn for the tree of each network namespace that is gone, and remove them; what
 * is removed is said. What may be alive is left out. The caller's tree is locked, which locks all.
 */
typedef int (*chain_dead_fn)(const struct pin_tree *dead, size_t n_chains, void *arg);
int chain_each_dead(const struct pin_tree *tree, chain_dead_fn fn, void *arg);
int chain_remove_dead(const struct pin_tree *tree);

/*
 * What a chain holds, for the planner: that of `interface`, which must be on the one with this
 * index if it is on any. The strings in *out live as long as *chain, which the caller closes; with
 * no chain, out->loaded is false and *chain is closed.
 */
int chain_base(const struct pin_tree *tree, const char *interface, uint32_t ifindex,
	       enum hook_kind kind, struct chain *chain, struct plan_base *out);
void chain_base_free(struct plan_base *base);

/*
 * The XSKMAP of an AF_XDP socket that the policy on an interface names: an fd, the caller's;
 * -ENOENT, not reported, if there is none.
 */
int chain_socket_map(const struct pin_tree *tree, const char *interface, const char *socket);

/*
 * What was counted at n indices from `index` on, in all maps of counters: out[0..n). 0 or reported.
 */
int chain_read_counters(const struct chain *chain, uint32_t index, size_t n,
			struct weir_counter *out);

/* What the live generation has sent to a CPU. 0 or reported. */
int chain_read_cpu(const struct chain *chain, uint32_t cpu, struct weir_cpu_counter *out);

/* Wait until every program run that began before has ended. */
int chain_grace(void);
