/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Policies of many rules, to measure what a rule more costs, and packets that meet them. A seed
 * gives the same rules and packets everywhere.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "frames.h"

enum ruleset_kind {
	RULESET_HOSTS, /* src host A, each with a label and so a counter of its own */
	RULESET_MIXED, /* hosts, nets, ports, ranges, protocols, flags; some IPv6; three actions */
	RULESET_KINDS
};

enum {
	RULESET_MOST = 1000000,
	RULESET_FRAME = 80, /* bytes of every frame; the headers of the longest are 74 */
};

struct ruleset_prefix {
	uint8_t bytes[16]; /* network order; IPv4 takes the first four */
	int len;	   /* bits; -1: any address */
};

struct ruleset_ports {
	uint16_t lo, hi; /* 0 to 65535: any */
};

struct ruleset_rule {
	const char *action;
	bool ip6;
	uint8_t protocol; /* IPPROTO_…; 0: any */
	struct ruleset_prefix src, dst;
	struct ruleset_ports sport, dport; /* any, where the protocol has none */
	uint8_t tcp_flag;		   /* which must be set; 0: none */
};

struct ruleset {
	enum ruleset_kind kind;
	struct ruleset_rule *rules;
	size_t n;
};

/* "hosts", "mixed". */
extern const char *const ruleset_kinds[RULESET_KINDS];

/* 1 to RULESET_MOST rules, all different for hosts. Errors are reported. */
int ruleset_make(enum ruleset_kind kind, size_t n, uint64_t seed, struct ruleset *out);
void ruleset_free(struct ruleset *set);

/* As a policy for one interface, on XDP. */
void ruleset_print(const struct ruleset *set, const char *interface, FILE *out);

/* Its rules alone: a line each, with its number as its label; or all in one line. */
void ruleset_print_rules(const struct ruleset *set, bool labels, FILE *out);

/*
 * `n` frames of RULESET_FRAME bytes: seven in eight are made to match a rule picked at random (one
 * above it may take them), the eighth has random addresses and ports. Errors are reported.
 */
int ruleset_frames(const struct ruleset *set, size_t n, uint64_t seed, struct frames *out);
