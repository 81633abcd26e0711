/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Captures, matched by an expression through a chosen engine. The captured bytes are the packet:
 * its length is what was captured, whatever was on the wire.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "filter_engine.h"

struct match_packet {
	uint8_t *data;
	uint32_t len;
	size_t capture;	 /* which of the paths */
	uint64_t number; /* in its capture, from 1 */
};

struct match {
	const struct engine *engine;
	struct match_packet *packets;
	size_t n_packets;
	bool frags; /* some packet needs a program for fragments */
};

/*
 * Read all packets of the captures; it is said how many of them the engine cannot carry. Reported.
 * match_close() in any case.
 */
int match_open(const struct engine *engine, const char *const *paths, size_t n,
	       struct match *match);
void match_close(struct match *match);

/*
 * Which packets the program matches: hits[i] for packets[i]; those that the engine cannot carry do
 * not match. Reported.
 */
int match_run(const struct match *match, const struct cbpf *prog, bool *hits);
