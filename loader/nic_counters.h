/* SPDX-License-Identifier: GPL-2.0-only */
/* What an interface's driver counts under names of its own (`ethtool -S`). */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nic_counters {
	char (*names)[32];
	uint64_t *values;
	size_t n;
};

/*
 * Ask by a socket, in whose network namespace the interface is. A driver that counts nothing has
 * none; nor has what is not there. Errors are reported; nic_counters_free() in any case.
 */
int nic_counters_read(int socket_fd, const char *interface, struct nic_counters *out);
void nic_counters_free(struct nic_counters *counters);

/*
 * Frames that XDP was to send out of the interface, whoever's program said so, and that the driver
 * did not take: its ring was full, or they were too long. False: it does not count them.
 */
bool nic_counters_refused(const struct nic_counters *counters, uint64_t *refused);

/*
 * Packets that the interface was to send and dropped, whoever sent them (IFLA_STATS64: tx_dropped).
 * -ENODEV, not reported, if there is none of that name in this network namespace.
 */
int nic_counters_send_dropped(const char *interface, uint64_t *dropped);
