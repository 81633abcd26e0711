/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When to send how many: a rate, a number, a time, kept against CLOCK_MONOTONIC.
 */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct pace {
	/* The wish; 0 is "no limit" in each. */
	uint64_t packets;
	double rate; /* packets a second */
	uint64_t duration_ns;
	const atomic_bool *stop; /* set by another thread: enough */

	/* How it goes. */
	uint64_t sent, under_way; /* under_way of the former: they still take their time */
	uint64_t begun_ns;
};

/* The clock starts. */
void pace_begin(struct pace *pace);

/*
 * Wait until packets are due, and say how many: at most `max`; 0 at the end. With a rate, a burst
 * is what is due in a millisecond, and what was late is made up for, until 2 % after the duration.
 */
uint32_t pace_next(struct pace *pace, uint32_t max);

/* Seconds since the start. */
double pace_elapsed(const struct pace *pace);
