/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * BPF_PROG_TEST_RUN runs a program on one packet over and over: everything is in L1, every branch
 * foretold. This program stands before the one that is measured, and writes the next of many
 * packets over the one that it was given.
 */
#pragma once
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "shuffle.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} target SEC(".maps");

struct shuffle_memory memory;

/*
 * Write the next packet; false: there is no room for it. In stores as wide as the fields that will
 * be read: a load that needs two stores waits until both have left the store buffer.
 */
static __always_inline int shuffle_next(void *packet, const void *end)
{
	const void *from = memory.slots[memory.turn++ % SHUFFLE_SLOTS].packet;

	if (packet + SHUFFLE_BYTES > end)
		return 0;
	*(volatile __u16 *)packet = *(const volatile __u16 *)from;
	*(volatile __u32 *)(packet + 2) = *(const volatile __u32 *)(from + 2);
	*(volatile __u16 *)(packet + 6) = *(const volatile __u16 *)(from + 6);
	*(volatile __u32 *)(packet + 8) = *(const volatile __u32 *)(from + 8);
	*(volatile __u16 *)(packet + 12) = *(const volatile __u16 *)(from + 12);
#pragma unroll
	for (int i = 14; i < SHUFFLE_BYTES; i += 4)
		*(volatile __u32 *)(packet + i) = *(const volatile __u32 *)(from + i);
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
