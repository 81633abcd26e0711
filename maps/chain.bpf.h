/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The chain's maps, as its programs see them. The loader puts in the chain's own, of the chain's
 * own size; a stage leaves them alone.
 */
#pragma once
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "abi.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, WEIR_SLOTS);
} slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, struct weir_counter);
	__uint(max_entries, WEIR_COUNTERS_MIN);
} counters SEC(".maps");
