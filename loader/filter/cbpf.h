/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Classic BPF programs: McCanne & Jacobson, "The BSD Packet Filter", USENIX Winter 1993; the
 * dialect is libpcap's (bpf(4)), without Linux' ancillary loads.
 */
#pragma once
#include <linux/filter.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "../fail.h"

enum { CBPF_MAX = 65535 }; /* instructions; libpcap makes more than the kernel's 4096 */

struct cbpf {
	struct sock_filter *insns;
	size_t n;
};

void cbpf_free(struct cbpf *prog);

/*
 * Check a program as the kernel does (bpf_check_classic(), net/core/filter.c), but: backward jumps
 * of `protochain` are allowed (loops), reads of M[] never written are allowed (they read 0), more
 * than 4096 instructions are allowed, as is a load at any negative offset (it rejects). Returns 0,
 * or -EINVAL with a sentence in why.
 */
int cbpf_check(const struct cbpf *prog, char *why, size_t why_size);

/*
 * Read what `tcpdump -ddd` prints (also with commas for newlines, as tc and xt_bpf take it), and
 * check it. Reported at pos. The caller owns *out: cbpf_free().
 */
int cbpf_parse(const char *text, const struct pos *pos, struct cbpf *out);

void cbpf_print_d(const struct cbpf *prog, FILE *out);	  /* as tcpdump -d: assembly */
void cbpf_print_dd(const struct cbpf *prog, FILE *out);	  /* as tcpdump -dd: a C array */
void cbpf_print_ddd(const struct cbpf *prog, FILE *out);  /* as tcpdump -ddd: decimal */
void cbpf_print_line(const struct cbpf *prog, FILE *out); /* the same on one line, for tc, xt_bpf */

/* An array of struct sock_filter of that name (<linux/filter.h>), for a C source. */
void cbpf_print_c(const struct cbpf *prog, const char *name, FILE *out);

/* Does it jump backward? The kernel takes no such program. */
bool cbpf_loops(const struct cbpf *prog);
