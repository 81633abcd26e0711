/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Scenarios: one job, done in several ways, as data (bench/scenarios/). A file is
 *
 *     # what it is about
 *     [weir, XDP native]
 *     policy native                    or generic, or ingress: rules of one hook follow
 *         drop if udp dst port 9
 *     [by hand, XDP native]
 *     program native hand_drop         of bench/progs
 *     [nft ingress]
 *     shell nft                        a script that needs the command nft; $IFACE is the interface
 *         nft ...
 *
 * In a policy a line "rules KIND N" stands for those rules of ruleset.h.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "../loader/policy.h"

enum scenario_way { SCENARIO_POLICY, SCENARIO_PROGRAM, SCENARIO_SHELL };

struct scenario_contestant {
	char *name;
	enum scenario_way way;
	enum hook_mode mode; /* of a policy or program */
	enum hook_kind hook; /* of a policy */
	char *what;	     /* the program's name, or the command that a script needs */
	char *body;	     /* a policy for the interface b0, or the script */
};

struct scenario {
	char *name;  /* of the file, without folder and ending */
	char *about; /* its first comment */
	struct scenario_contestant *contestants;
	size_t n;
};

/* Errors are reported at their place. scenario_free() in any case. */
int scenario_read(const char *path, struct scenario *out);
void scenario_free(struct scenario *scenario);
