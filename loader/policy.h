/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The policy: what somebody wishes, as read from text (docs: man weir.policy), with a place on
 * every node. It knows nothing of the kernel, of NICs, or of what this version can do: the whole
 * grammar is read, and the planner refuses what it cannot plan.
 *
 * Everything in a policy is owned by it; policy_free() releases the lot. Numbers are in host byte
 * order, addresses in network order.
 */
#pragma once
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "fail.h"

enum { POLICY_NAME_MAX = 63 }; /* of a set, a socket: longest name, in bytes */

enum set_type { SET_PREFIX, SET_PORT, SET_MAC };

struct element {
	struct pos pos;
	union {
		struct {
			int family; /* AF_INET, AF_INET6 */
			uint8_t length;
			struct in6_addr addr; /* IPv4: 4 bytes; 0 beyond length */
		} prefix;
		struct {
			uint16_t low, high;
		} port;
		uint8_t mac[6];
	};
	uint64_t timeout_ms; /* 0: none */
};

struct set {
	struct pos pos;
	char *name;
	enum set_type type;
	bool dynamic, counters;
	char *file; /* its absolute path; NULL: inline */
	struct element *elements;
	size_t n_elements;
};

enum action_kind {
	ACTION_PASS,
	ACTION_DROP,
	ACTION_REFLECT,
	ACTION_REDIRECT,
	ACTION_CPU,
	ACTION_SOCKET,
	ACTION_SYNCOOKIE,
	ACTION_COUNT,
	ACTION_LIMIT,
	ACTION_SAMPLE,
	ACTION_CAPTURE,
	ACTION_MARK,
	ACTION_PRIORITY,
	ACTION_VLAN_PUSH,
	ACTION_VLAN_POP,
	ACTION_USE,
};

enum limit_unit { LIMIT_PACKETS, LIMIT_BITS };
enum limit_key { LIMIT_RULE, LIMIT_SRC, LIMIT_DST, LIMIT_FLOW };

/* "20k/s": 20000 packets a second; "1Gbit/s": 10^9 bits a second. */
struct rate {
	enum limit_unit unit;
	uint64_t per_second;
};

/* A list of numbers and ranges: "0-3,6". */
struct range {
	uint32_t low, high;
};

/* One NAME=VALUE of a `use`. (`struct option` is getopt's.) */
struct use_option {
	struct pos pos, value_pos;
	char *name, *value;
};

/* A name with its place. */
struct word {
	struct pos pos;
	char *text;
};

struct action {
	enum action_kind kind;
	struct pos pos;
	union {
		struct {
			struct word *targets;
			size_t n_targets;
			bool ingress;
		} redirect;
		struct {
			struct range *cpus;
			size_t n_cpus;
			uint32_t queue; /* 0: the default */
		} cpu;
		struct {
			struct word name;
			struct range *queues; /* none: all */
			size_t n_queues;
		} socket; /* else: action.otherwise */
		struct {
			uint32_t mss, wscale; /* 0 mss: the default */
			bool has_wscale;
		} syncookie;
		struct {
			struct rate rate;
			enum limit_key key;
			uint8_t key_bits; /* of an address; 0: whole */
			uint64_t burst;	  /* packets, or bits; 0: the default */
		} limit;		  /* else: action.otherwise */
		struct {
			uint32_t one_in; /* sample only */
			uint32_t snap;	 /* bytes; 0: the default */
			bool has_max;	 /* capture only */
			struct rate max;
		} sample; /* sample and capture */
		struct {
			uint32_t value, mask;
		} mark;
		uint32_t priority;
		uint16_t vid;
		struct {
			struct word stage; /* a name, or a path (it has a '/' or ends in ".o") */
			struct use_option *options;
			size_t n_options;
		} use;
	};
	struct action *otherwise; /* limit, socket: "else"; NULL: the default */
};

/*
 * A rule of a hook. `expr` is the text right of "if" up to the label, outer white space cut;
 * expr_pos is its first byte. What joins lines ("\", the line's end) stands as blanks, so expr[i]
 * is byte i of the source from expr_pos on. At most one of expr and bytecode is set; none: always.
 */
struct rule {
	struct pos pos;
	struct action action;
	struct pos expr_pos;
	char *expr;
	char *bytecode; /* the text of bytecode "…": `tcpdump -ddd`, with commas for line ends */
	char *label;	/* NULL: none */
	bool broken;	/* a mistake in it has been reported: in a policy that is wrong only */
};

enum hook_kind { HOOK_XDP, HOOK_INGRESS, HOOK_EGRESS };

/* How a program hangs on its hook. A policy may ask for the first three; tc's are the kernel's. */
enum hook_mode { XDP_AUTO, XDP_NATIVE, XDP_GENERIC, TC_TCX, TC_CLSACT };

enum miss { MISS_PASS, MISS_DROP };

/* libxdp's, for who names none (XDP_DEFAULT_RUN_PRIO in xdp/xdp_helpers.h). */
enum { XDP_PRIORITY = 50 };

struct hook {
	struct pos pos;
	enum hook_kind kind;
	enum hook_mode mode; /* xdp only */
	bool shared;	     /* xdp only: beside others, through libxdp's dispatcher */
	bool has_priority;
	uint32_t priority; /* shared on xdp without one: XDP_PRIORITY; tc without one: 0 */
	enum miss miss;	   /* xdp only */
	struct rule *rules;
	size_t n_rules;
};

struct interface {
	struct pos pos;
	struct word *names; /* at least one; no name stands twice in a policy */
	size_t n_names;
	struct hook *hooks; /* each kind at most once */
	size_t n_hooks;
};

struct policy {
	struct source **sources; /* every file read; positions point into them */
	size_t n_sources;
	struct set *sets;
	size_t n_sets;
	struct interface *interfaces;
	size_t n_interfaces;
};

/*
 * Read the policy in the file `path` ("-": standard input), with its includes and set files
 * (relative to the file that names them). Every mistake is reported (fail_at) in one run; then
 * -EINVAL, and *out is what could be read all the same, the caller's: others may have mistakes to
 * report in it, but nothing may be made of it. Any other error (-ENOENT, -EACCES … if the file
 * itself cannot be read) leaves *out NULL.
 */
int policy_read(const char *path, struct policy **out);

/* The same from memory. `name` is for messages; includes are relative to the working folder. */
int policy_parse(const char *name, const char *text, size_t len, struct policy **out);

void policy_free(struct policy *policy);
void policy_freep(struct policy **policy);

/* Print the normal form: it parses to the same policy, and prints to the same text again. */
void policy_print(const struct policy *policy, FILE *out);

/* Parts of the normal form, for status and plan. Rules print without indent, label or newline. */
void policy_print_set(const struct set *set, FILE *out);
void policy_print_hook_head(const struct hook *hook, FILE *out); /* "xdp native miss drop" */
void policy_print_rule(const struct rule *rule, FILE *out);	 /* "drop if udp port 53" */
void policy_print_action(const struct action *action, FILE *out);

/* Names as the language spells them. */
const char *policy_hook_name(enum hook_kind kind); /* "xdp", "tc ingress", "tc egress" */
const char *policy_mode_name(
	enum hook_mode mode); /* "auto", "native", "generic", "tcx", "clsact" */
const char *policy_action_name(enum action_kind kind); /* "drop", "vlan push" */
const char *policy_miss_name(enum miss miss);

/* True if packets that match the action go no further (pass, drop, reflect, redirect, cpu …). */
bool policy_action_is_final(const struct action *action);
