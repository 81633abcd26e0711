/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Replay: captures through the programs that a policy would load, by BPF_PROG_TEST_RUN. Nothing is
 * attached or pinned; the interface need not exist. The chain is the real one but for its counters,
 * which are in memory that both sides see, so that the rules a packet met are known without a
 * system call for each.
 */
#pragma once
#include "abi.h"
#include "plan.h"

struct replay;

/* What became of a packet. */
struct replay_result {
	/* "pass", "drop", "reflect", "redirect eth1"; "short" or "long": the hook carries no such
	 */
	const char *verdict;
	const struct plan_rule *rule; /* that decided; NULL: none */
};

/*
 * One hook of one interface of a policy, which must outlive *out. The captures that will be run
 * tell how long packets get; one that is a pipe ("-": standard input) is not read yet.
 */
int replay_open(const struct policy *policy, const char *interface, enum hook_kind kind,
		const char *const *captures, size_t n, struct replay **out);
void replay_close(struct replay *replay);
void replay_closep(struct replay **replay);

/* Run a capture; fn sees each packet in turn, and ends the run by returning other than 0. */
typedef int (*replay_fn)(const struct replay_result *result, void *arg);
int replay_run(struct replay *replay, const char *capture, replay_fn fn, void *arg);

const struct plan_hook *replay_hook(const struct replay *replay);

/* A counter, by its index. */
struct weir_counter replay_counter(const struct replay *replay, uint32_t index);

/* For who measures what a policy costs: the root program, owned by the replay; and another program
 * in a slot of the chain (plan_filter.slot, plan_rule.slot), which replay_close() takes out. */
int replay_prog_fd(const struct replay *replay);
int replay_put(struct replay *replay, uint32_t slot, int prog_fd);
