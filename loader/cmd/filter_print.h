/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A filter as text, for people and for other programs.
 */
#pragma once
#include <stdio.h>

#include "../filter/cbpf.h"

/* The first four in the order of -d, -dd, -ddd. */
enum print_format {
	PRINT_EBPF,
	PRINT_ASSEMBLY, /* tcpdump -d */
	PRINT_ARRAY,	/* tcpdump -dd */
	PRINT_DECIMAL,	/* tcpdump -ddd */
	PRINT_TC,	/* tc-bpf(8), bytecode */
	PRINT_XT_BPF,	/* iptables-extensions(8), -m bpf --bytecode */
	PRINT_C,
	PRINT_DOT,    /* Graphviz */
	PRINT_PASSES, /* the graph after each pass */
	PRINT_JITED,  /* machine code; loads the program */
	PRINT_FORMATS,
};

/* Its key in JSON; of those that --format knows their name. */
const char *print_format_key(enum print_format format);

/* The format of that name for --format; PRINT_FORMATS is reported. */
enum print_format print_format_find(const char *name);

/* What stands above the program of line `number` in a list: a comment of the format. */
void print_title(enum print_format format, unsigned int number, const char *text, FILE *out);

/* A program; `name` is what a C array or a graph is called. Reported: what a format cannot carry.
 */
int print_program(enum print_format format, const struct cbpf *cbpf, const char *name, FILE *out);

/* The machine code of the program for XDP, in hexadecimal. Reported, also why there is none. */
int print_jited(const struct cbpf *cbpf, FILE *out);
