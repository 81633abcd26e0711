/* SPDX-License-Identifier: GPL-2.0-only */
/* One end of a wire: an interface's own counters, its driver's, and what it is. */
#pragma once
#include <jansson.h>
#include <net/if.h>
#include <stddef.h>
#include <stdint.h>

#include "../loader/nic_counters.h"

struct link_counters {
	uint64_t sent, send_dropped, send_errors;
	uint64_t received, receive_dropped, receive_errors;
	uint64_t missed, overruns; /* the ring was full */
};

struct nl_sock;

struct link {
	char name[IF_NAMESIZE];
	const char *netns; /* NULL: the current one */
	int ifindex;
	struct nl_sock *netlink; /* both of its network namespace */
	int ioctl_fd;
};

/*
 * The interface `name` in a network namespace (NULL: the current one), which both outlive the link.
 * Errors are reported; link_close() in any case.
 */
int link_open(const char *name, const char *netns, struct link *out);
void link_close(struct link *link);

/* Errors are reported. */
int link_count(const struct link *link, struct link_counters *out);

/* Its driver's counters. Errors are reported; nic_counters_free() in any case. */
int link_driver(const struct link *link, struct nic_counters *out);

/* Call fn in the link's network namespace. What it returned, or -errno, reported. */
int link_call(const struct link *link, int (*fn)(const struct link *link, void *arg), void *arg);

/*
 * What a figure depends on: driver, MTU, queues, rings, offloads, XDP programs by their tags, and
 * which CPUs take the interrupts. NULL, reported: an error.
 */
json_t *link_conditions(const struct link *link);
