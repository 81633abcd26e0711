/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Many rules that no switch takes together: an index of the few that a packet may match.
 *
 * Each rule has a row of bits, one for each of its boxes (ir_boxes.h). For some fields of the
 * packet a table maps what the packet has there to a vector of all bits: those whose boxes it is
 * not outside of. The vectors of all fields, AND-ed, leave the bits of rules that may match; a
 * PROBE in front of each rule skips it, of some rules all of them, if none of its bits is left. Of
 * a rule that has one left its own code decides; only where its boxes are exact, all their fields
 * are looked up, and surely in place (ir_view.c), there is nothing left to decide. (Lakshman,
 * Stiliadis, SIGCOMM 1998, call it a bit vector scheme.)
 */
#pragma once
#include "ir_boxes.h"
#include "table.h"

enum {
	INDEX_FIELDS = 12,
	INDEX_WORDS = 24, /* of 64 bits: what fits the stack */
	INDEX_RULES = 64, /* fewer are not worth it */
};

/* A packet is looked up by what its Ethernet type makes of it. */
enum index_kind { INDEX_IPV4, INDEX_IPV6, INDEX_OTHER, INDEX_KINDS };

/* `table` gives a class, each of which has a vector of n_words words. */
struct index_field {
	struct ir_field field;
	struct table table;
	uint32_t absent; /* the class of packets that do not have the field in place */
	uint64_t *vectors;
	size_t n_vectors; /* a power of two: the last ones may be for no class */
};

struct index_part {
	struct index_field fields[INDEX_FIELDS];
	size_t n_fields;
	uint64_t *all; /* bits of boxes for such packets */
};

struct ir_index {
	size_t n_words;
	struct index_part parts[INDEX_KINDS];
};

void ir_index_free(struct ir_index *index);

/*
 * Put an index into the graph that ir_lower() has made of a run, before any pass. 0, also if none
 * is of use; or -ENOMEM.
 */
int ir_index(struct ir *ir, const struct filter_run *run);
