/* SPDX-License-Identifier: GPL-2.0-only */
/* An interface's own counters. */
#pragma once
#include <stdint.h>

struct link_counters {
	uint64_t sent, send_dropped;
};

/* The interface named `name` in the current network namespace; its index. Errors are reported. */
int link_find(const char *name, int *ifindex);

/* Errors are reported. */
int link_count(int ifindex, struct link_counters *out);
