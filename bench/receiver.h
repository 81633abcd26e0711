/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The other end: what arrived, and what became of it: counters of the interface, of its driver, and
 * of the rules of a weir policy that runs there. All are differences to what they were at the
 * start.
 */
#pragma once
#include "link.h"

struct receiver_count {
	char *name;	   /* owned; of a driver's counter, or a rule: "drop if udp port 53" */
	unsigned int line; /* of a rule, in its policy */
	uint64_t packets;
};

struct receiver {
	struct link link;
	struct link_counters before, counters;
	struct receiver_count *driver, *rules; /* those that have changed; all */
	size_t n_driver, n_rules;
};

/* The counters are read: what comes from now on counts. Errors are reported; receiver_close(). */
int receiver_open(const char *interface, const char *netns, struct receiver *out);

/* Fill in `counters`. For many calls. Errors are reported. */
int receiver_look(struct receiver *receiver);

/* Fill in the driver's and the rules too; once, at the end. Errors are reported. */
int receiver_finish(struct receiver *receiver);
void receiver_close(struct receiver *receiver);
