/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Generators: ways to put frames on a wire. rate.c decides when and how many; a generator sends.
 */
#pragma once
#include <stdint.h>

#include "frames.h"

struct generator;

struct generator_ops {
	const char *name; /* "live frames" */
	/* Frames that one call of send() takes at most. */
	uint32_t burst_max;
	/* Make ready to send by `ifindex` in the current network namespace. Errors are reported. */
	int (*open)(int ifindex, struct generator **out);
	/*
	 * Hand `n` copies of a frame to the interface: all or, with a reported error, none. What
	 * the interface does not take is lost, as on a wire: its own counters tell.
	 */
	int (*send)(struct generator *generator, const struct frame *frame, uint32_t n);
	void (*close)(struct generator *generator);
};

extern const struct generator_ops generator_live;
