/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The maps of a chain, from user space. Functions return an fd or 0, or a reported -errno.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"

/* The prog array of a chain: WEIR_SLOTS elements. */
int maps_create_slots(void);

/* Counters: one struct weir_counter per CPU and index. */
int maps_create_counters(uint32_t n);

/*
 * Counters for replay: one per index, mapped into memory, so that a look at all of them costs no
 * system call. The programs are the same. *out is n elements, to be unmapped by maps_unmap().
 */
int maps_create_shared_counters(uint32_t n, struct weir_counter **out);
void maps_unmap_counters(struct weir_counter *counters, uint32_t n);

/* A devmap of n targets, filled: key i holds ifindexes[i]. n may be 0: one empty element. */
int maps_create_devmap(const uint32_t *ifindexes, size_t n);

/* An XSKMAP: the AF_XDP sockets of an interface by queue, WEIR_SOCKET_QUEUES of them. */
int maps_create_sockets(void);

/* A CPUMAP with no CPU in it; n: one more than the highest that may come in. */
int maps_create_cpus(uint32_t n);

/* Put a CPU into it: `queue` frames may wait there, and go through the program when it takes them.
 */
int maps_put_cpu(int fd, uint32_t cpu, uint32_t queue, int prog_fd);

/* Counters of the frames of a CPUMAP: one struct weir_cpu_counter by CPU. As those of rules. */
int maps_create_cpu_counters(uint32_t n);
int maps_create_shared_cpu_counters(uint32_t n, struct weir_cpu_counter **out);
void maps_unmap_cpu_counters(struct weir_cpu_counter *counters, uint32_t n);
int maps_read_cpu_counter(int fd, uint32_t cpu, struct weir_cpu_counter *out);

/* Sum n counters from `index` on over all CPUs into out[0..n). */
int maps_read_counters(int fd, uint32_t index, size_t n, struct weir_counter *out);

/* Set n counters from `index` on to 0. Only for indices that no running program counts. */
int maps_zero_counters(int fd, uint32_t index, size_t n);

/* A text as a map of one frozen element, so that it can be pinned beside what it describes. */
int maps_create_text(const char *name, const char *text, size_t len);
int maps_read_text(int fd, char **text); /* NUL-terminated, owned by the caller */

/* The look-up tables of one program: one element, which nobody can write any more. */
int maps_create_tables(const void *bytes, size_t size);

/* Where a program copies a packet: `size` bytes a CPU. */
int maps_create_copy(size_t size);

/* The number of elements of a map. */
int maps_size(int fd, uint32_t *n);
