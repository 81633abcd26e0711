/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Scenarios: one job, done in several ways, as data (bench/scenarios/). A file is
 *
 *     # what it is about
 *     [weir, XDP native]
 *     policy native                    or generic, or ingress: rules of one hook follow
 *         drop if udp dst port 9
 *     [by hand, XDP native]
 *     program native hand_drop         of bench/progs; a script may follow, which fills its maps:
 *                                      they are pinned in the folder $MAPS
 *     [nft ingress] >= 2.86            promised: it costs so many times the first, at least
 *     shell nft                        a script that needs the command nft; it has $IFACE, and
 *                                      $WEIR_BENCH: this program
 *         nft ...
 *     [a UDP socket]
 *     socket                           classic bytecode, as `tcpdump -ddd` prints it, on a socket
 *         4,40 0 0 2,...               that is bound to the traffic's port; it sees the UDP header
 *     [weir-bench rate]
 *     send live                        nobody does a thing but who sends: its frames are dropped
 *                                      by native XDP; or redirect, a program of bench/progs
 *     [libxdp's program]
 *     consume                          xsk_consume.h
 *
 * Before the first contestant a line "delivers" may say that the job is to let every packet through
 * to the stack, not none; a line "packets N", that a turn may have N at most; "rounds N", that it
 * takes so many turns for figures that hold still. Where a script makes
 * an interface d0, every packet has to come out of it. What a script leaves in the background is
 * ended.
 *
 * In a policy a line "rules KIND N" stands for those rules of ruleset.h.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "../loader/policy.h"

enum scenario_way {
	SCENARIO_POLICY,
	SCENARIO_PROGRAM,
	SCENARIO_SHELL,
	SCENARIO_SOCKET,
	SCENARIO_SEND,
	SCENARIO_CONSUME
};

struct scenario_contestant {
	char *name;
	const char *path; /* of its scenario, which outlives it */
	enum scenario_way way;
	enum hook_mode mode; /* of a policy or program */
	enum hook_kind hook; /* of a policy */
	char *what;	     /* name of the program, command that a script needs, who sends */
	char *body; /* a policy for the interface b0, its lines where they stand; the script; the
		       bytecode */
	double promised; /* least ratio to the first; 0: none */
};

struct scenario {
	char *name;  /* of the file, without folder and ending */
	char *about; /* its first comment */
	bool delivers;
	uint32_t packets; /* in a turn at most; 0: any number */
	uint32_t rounds;  /* turns for each, if nobody says; 0: as usual */
	struct scenario_contestant *contestants;
	size_t n;
};

/* Errors are reported at their place. scenario_free() in any case. */
int scenario_read(const char *path, struct scenario *out);
void scenario_free(struct scenario *scenario);
