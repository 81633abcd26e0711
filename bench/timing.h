/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Nanoseconds a packet of XDP programs, by BPF_PROG_TEST_RUN, side by side: the programs take
 * turns, so that what disturbs the machine disturbs all, and of many rounds the fastest counts. The
 * kernel divides and cuts to whole nanoseconds; the median of the differences tells finer.
 *
 * One packet, over and over: all in L1, every branch foretold. Real traffic costs more.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

enum { TIMING_ROUNDS = 25 };

struct timed {
	const char *name;
	int prog_fd;
	const uint8_t *packet;
	uint32_t len;
	uint32_t verdict;		/* what it returned */
	uint32_t rounds[TIMING_ROUNDS]; /* ns a packet */
};

/* Errors are reported. */
int timing_run(struct timed *timed, size_t n);

uint32_t timing_least(const struct timed *timed);

/* Of the differences to `base`, round by round. */
double timing_median_over(const struct timed *timed, const struct timed *base);
