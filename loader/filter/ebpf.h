/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The back end: a graph to eBPF instructions of an XDP program, and instructions to text.
 */
#pragma once
#include "ir.h"

/*
 * Instructions for a graph. -E2BIG (not reported) if they are more than FILTER_INSNS_MAX, -ENOMEM
 * (reported). The caller owns *out: filter_prog_free().
 */
int ebpf_emit(const struct ir *ir, const struct filter_run *run, struct filter_prog *out);

/* Conditional branches on the longest path: filter_prog.branches_deep. 0 or -ENOMEM. */
int ebpf_branches_deep(const struct filter_prog *prog, uint32_t *out);

/*
 * Print instructions, one a line, as the kernel's documentation writes them
 * (Documentation/bpf/standardization), jumps with the number of the line they lead to and maps by
 * their name.
 */
void ebpf_print(const struct filter_prog *prog, FILE *out);
