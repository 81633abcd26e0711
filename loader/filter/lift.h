/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Expressions that are too much for libpcap: its optimiser takes a second for 150 or-ed hosts and
 * minutes for thousands, its parser crashes on 10,000.
 *
 * Lists of values of one shape with `or` between ("src net 10/8 or 192.0.2.1 or …", "not port 53
 * and not port 80 …") become one value, of which libpcap compiles the shape; where the program
 * compares with it, the list is looked up (struct cbpf_place). What is still too long goes to
 * libpcap in pieces, whose programs are put one behind the other, "or" and "and" being jumps.
 *
 * The law for these is the program that pcap_compile() would make of the whole with optimize=0; but
 * of a list of IPv6 addresses that each may be source or destination, it is all the sources first,
 * then the destinations (it shows in packets that end within the destination). The first value of
 * a list stays written out: who gets past it to the others has every byte that they look at.
 *
 * "any-vlan E" is E, or "vlan and E", or "vlan and vlan and E". What E says of tags and labels is
 * forgotten behind it.
 */
#pragma once
#include "cbpf.h"
#include "expr_pcap.h"
#include "grammar.h"

enum {
	LIFT_PRIMITIVES = 96, /* more than these libpcap does not get with its optimiser */
	LIFT_LIST = 48,	      /* nor a list of so many */
};

/* Is it too much for libpcap as it is, or has it words that libpcap does not know? */
bool lift_is_needed(const struct grammar *grammar);

/*
 * Compile a tree, which is rebuilt on the way; it may be freed, but not printed, behind it. Without
 * `lists` they stay written out: a classic program without look-ups. What libpcap refuses is
 * reported at its part of the text, which is at pos (grammar_pos()). The caller owns *out:
 * cbpf_free().
 */
int lift_compile(struct grammar *grammar, const struct pos *pos, enum expr_link link, bool lists,
		 struct cbpf *out);
