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

enum {
	CBPF_MAX = 1 << 20, /* instructions; libpcap makes more than the kernel's 4096 */
	CBPF_WORDS = 4,	    /* comparisons that the longest constant takes: an IPv6 address */
};

/* Values of a list: those whose words are each in its range, from `first` to `last`. */
struct cbpf_element {
	uint32_t first[CBPF_WORDS], last[CBPF_WORDS];
};

/*
 * What a lifted expression (lift.h) looks up. Of an element, the words up to one are single values,
 * that one is any range, and those behind it are whatever they like: a prefix.
 */
struct cbpf_list {
	unsigned int words; /* of each value */
	struct cbpf_element *elements;
	size_t n;
};

/*
 * Where a program looks a list up: at its comparisons with the words of a constant (JEQ of A), in
 * the order in which they are made. The constant is but a placeholder. Behind each but the last,
 * where it holds, nothing but loads leads to the next; where one does not hold, all lead to the
 * same place.
 */
struct cbpf_place {
	size_t list;
	uint32_t at[CBPF_WORDS]; /* instructions */
};

struct cbpf {
	struct sock_filter *insns;
	size_t n;
	struct cbpf_list *lists;
	size_t n_lists;
	struct cbpf_place *places; /* by their first instruction; none: it is all of the program */
	size_t n_places;
	bool unoptimised; /* libpcap made it with optimize=0 */
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

/* What there is to compile: its instructions, and the elements of its lists. */
size_t cbpf_size(const struct cbpf *prog);

/*
 * An upper bound of where the bytes end that its loads ask for, whatever the packet; UINT32_MAX:
 * anywhere. *out may be any number where -ENOMEM is returned, reported.
 */
int cbpf_reach(const struct cbpf *prog, uint32_t *out);
