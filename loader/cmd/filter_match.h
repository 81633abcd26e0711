/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Captures, matched by an expression through a chosen engine. The captured bytes are the packet:
 * its length is what was captured, whatever was on the wire.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../filter/cbpf.h"

/* What runs the expression: libpcap's interpreter, or the program for XDP in the kernel. */
enum match_engine { MATCH_LIBPCAP, MATCH_XDP, MATCH_ENGINES };

const char *match_engine_name(enum match_engine engine);

/* The engine of that name; MATCH_ENGINES is reported. */
enum match_engine match_engine_find(const char *name);

struct match_packet {
	uint8_t *data;
	uint32_t len;
	size_t capture;	 /* which of the paths */
	uint64_t number; /* in its capture, from 1 */
};

struct match {
	enum match_engine engine;
	struct match_packet *packets;
	size_t n_packets;
	bool frags; /* some packet needs a program for fragments */
	int counters_fd;
};

/*
 * Read all packets of the captures, and make ready for the engine. Reported. match_close() in any
 * case.
 */
int match_open(enum match_engine engine, const char *const *paths, size_t n, struct match *match);
void match_close(struct match *match);

/*
 * Which packets the program matches: hits[i] for packets[i]; those that the engine cannot carry do
 * not match. Reported.
 */
int match_run(const struct match *match, const struct cbpf *prog, bool *hits);
