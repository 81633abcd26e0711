/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Latency, while a generator runs: frames of our own among its frames, from the moment before a
 * packet socket's sendto() to the time stamp that the receiving kernel gives (SO_TIMESTAMPNS). So
 * the sending system call and both drivers are in it, and the clocks must be one: the same
 * machine's. A frame that XDP drops or redirects at the receiver is seen by no packet socket.
 */
#pragma once
#include "rate.h"

struct latency;

/* Microseconds. */
struct latency_result {
	uint32_t sent, arrived;
	double mean, least, median, p95, most;
};

/* Have these frames room for a mark of ours? */
bool latency_has_room(const struct job *job);

/* From now on, for the rate's interfaces and frames. Errors are reported; *out is to be ended. */
int latency_begin(const struct rate *rate, struct latency **out);

/* Stop, wait for what is under way, and say; `out` may be NULL. Errors are reported. */
int latency_end(struct latency *latency, struct latency_result *out);
