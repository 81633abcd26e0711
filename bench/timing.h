/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Nanoseconds a packet of XDP programs, by BPF_PROG_TEST_RUN, side by side: the programs take
 * turns, so that what disturbs the machine disturbs all, and of many rounds the fastest counts. The
 * kernel divides and cuts to whole nanoseconds; the median of the differences tells finer.
 *
 * Each is measured twice. Hot: one packet, over and over; all in L1, every branch foretold. Mixed:
 * many different packets in random order, as real traffic has.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct shuffle;

enum { TIMING_ROUNDS = 25, TIMING_ROUNDS_MOST = 1000 };

enum timing_kind { TIMING_HOT, TIMING_MIXED, TIMING_KINDS };

struct timed {
	const char *name;
	int prog_fd;
	const uint8_t *packet; /* the hot one */
	uint32_t len;
	struct shuffle *shuffle; /* the mixed ones; NULL: there are none */

	/* Results. */
	uint32_t verdict;		/* for the hot packet */
	uint32_t *rounds[TIMING_KINDS]; /* ns a packet; timing_free() releases it */
	unsigned int n_rounds;
	uint32_t repeat[TIMING_KINDS]; /* packets in a round */
};

/*
 * 1 to TIMING_ROUNDS_MOST rounds. `counted`: the clock counts instructions, so that a few packets
 * say as much as many. Errors are reported. timing_free() in any case.
 */
int timing_run(struct timed *timed, size_t n, unsigned int rounds, bool counted);
void timing_free(struct timed *timed, size_t n);

uint32_t timing_least(const struct timed *timed, enum timing_kind kind);

/* Of the differences to `base`, round by round: percentile 0 to 100; 50 is the median. */
double timing_over(const struct timed *timed, const struct timed *base, enum timing_kind kind,
		   double percent);
