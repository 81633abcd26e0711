/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Loading: a planned hook becomes programs in the kernel, placed in the slots of a given chain. It
 * pins nothing and attaches nothing: chain.c does that, and replay runs what it gets here as it is.
 */
#pragma once
#include "abi.h"
#include "plan.h"

/* The maps that programs of a chain are bound to. Not owned. */
struct load_maps {
	int slots_fd, counters_fd;
	const int *socket_fds;	      /* plan_hook.n_sockets XSKMAPs */
	int cpus_fd, cpu_counters_fd; /* CPUMAP, and what its frames count in; -1: no such rule */
};

struct load_prog {
	uint32_t slot; /* 0: the generation's first program */
	int fd;
	const struct plan_rule *rule;	/* of a stage; else NULL */
	struct stage_instance instance; /* of a stage: its maps; prog_fd is fd above */
};

/* A generation's programs. progs[n-1] is the first program: what runs before others is loaded after
 * them. */
struct loaded {
	struct load_prog *progs;
	size_t n_progs;
	int devmap_fd;		    /* -1: no redirect to one target */
	int group_fds[WEIR_GROUPS]; /* devmaps; on XDP plan_hook.n_groups of them */
	size_t n_groups;
};

/* The maps that the stage of a rule had before: *n of them, fds owned by the caller's callee. */
struct load_keep {
	int (*maps)(const struct plan_rule *rule, struct stage_map **maps, size_t *n, void *arg);
	void *arg;
};

/*
 * Load all programs of a hook and put them into their slots, all but slot 0. On failure, which is
 * reported, everything is closed; slots that were filled are the caller's to clear. -E2BIG with a
 * program of several rules marked (plan_filter.refused) is not reported: the verifier finds it too
 * complex, and plan_learn() is to be asked.
 * `keep` may be NULL.
 */
int load_generation(const struct plan_hook *hook, const struct load_maps *maps,
		    const struct load_keep *keep, struct loaded *out);
void loaded_close(struct loaded *loaded);

/* The first program's fd. */
int loaded_first(const struct loaded *loaded);

/* What a root is to be. */
struct load_root {
	enum hook_kind kind;
	bool frags;
	enum weir_root_place place; /* tc */
	bool shared;		    /* XDP: a component of libxdp's dispatcher, type EXT */
	uint32_t priority;	    /* there: libxdp's run priority */
	const struct pos *pos;	    /* there: for messages */
};

/*
 * chain_root.c: load the root for a chain. *config_fd is its .data (the miss verdict): a chain's,
 * or -1 to have a new one. To be loaded when slot 0 is filled, so that its tail call is a direct
 * jump from the start.
 */
int load_root(const struct load_maps *maps, const struct load_root *root, int *root_fd,
	      int *config_fd);

/* A program that does nothing, for slots that nothing jumps to. Its fd, or -errno, not reported. */
int load_empty(enum hook_kind kind, bool frags);

/* Set the root's verdict for a failed tail call. */
int load_set_miss(int config_fd, enum hook_kind kind, enum miss miss);
