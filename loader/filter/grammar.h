/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * weir's own parser of pcap-filter(7), in front of libpcap: text to a tree, and back.
 *
 * The measure is the grammar of libpcap 1.10.3 (its grammar.y and scanner.l): what libpcap accepts
 * is accepted here and means the same; what is refused here and there is said in libpcap's words,
 * for which the caller asks libpcap. Two things are added: a set test, "in @NAME", may stand
 * wherever an address, a port or a MAC address may; and "any-vlan" may stand before a primitive or
 * a parenthesis, as "not" may.
 *
 * Nothing here looks a name up, in no file and on no network: what a name is for is told by its
 * place in the grammar ("port smtp", "proto \tcp", "host foo").
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "../fail.h"

/* Beyond these an expression is refused. libpcap never gets as much at a time: lift.h. */
enum {
	/* Parentheses, brackets, "not", "-" within each other; "and" and "or", from the left. */
	GRAMMAR_DEPTH_MAX = 1000,
	GRAMMAR_PRIMITIVES_MAX = 100000, /* "tcp", "dst port 25", "ip[0] & 0xf > 5" are one each */
	GRAMMAR_TERMS_MAX = 4000,	 /* numbers, loads and operators of one comparison */
	/* "vlan", "mpls", "pppoes", "geneve": libpcap takes seconds for 800 of them, minutes for
	   5,000. */
	GRAMMAR_MOVERS_MAX = 256,
};

enum grammar_kind {
	/* Operators, with kids. */
	GRAMMAR_AND, /* two or more */
	GRAMMAR_OR,
	GRAMMAR_NOT, /* one */
	GRAMMAR_ANY_VLAN,
	/* Primitives. */
	GRAMMAR_VALUE,	  /* "tcp dst port 25", "src net 10/8" */
	GRAMMAR_SET,	  /* "src in @bogons" */
	GRAMMAR_PROTO,	  /* "tcp" */
	GRAMMAR_RELATION, /* "len > 100": two kids, which are arithmetic */
	GRAMMAR_WORD,	  /* all others: "vlan 10", "ether broadcast", "inbound", "type mgt" */
	/* Arithmetic. */
	GRAMMAR_NUMBER, /* "5", "0x1f", "tcp-syn" */
	GRAMMAR_LEN,	/* "len" */
	GRAMMAR_LOAD,	/* "ip[12:4]": one kid, the offset */
	GRAMMAR_BINARY, /* two kids */
	GRAMMAR_MINUS,	/* one */
};

enum grammar_dir {
	GRAMMAR_NO_DIR,
	GRAMMAR_SRC,
	GRAMMAR_DST,
	GRAMMAR_SRC_OR_DST,
	GRAMMAR_SRC_AND_DST,
	GRAMMAR_ADDR1, /* of 802.11 frames, as all below */
	GRAMMAR_ADDR2,
	GRAMMAR_ADDR3,
	GRAMMAR_ADDR4,
	GRAMMAR_RA,
	GRAMMAR_TA,
};

enum grammar_type {
	GRAMMAR_NO_TYPE, /* as HOST */
	GRAMMAR_HOST,
	GRAMMAR_NET,
	GRAMMAR_PORT,
	GRAMMAR_PORTRANGE,
	GRAMMAR_IS_PROTO, /* "proto" */
	GRAMMAR_PROTOCHAIN,
	GRAMMAR_GATEWAY,
};

/* What stands before a value, or was inherited from the value before: "port 53 or 80". */
struct grammar_quals {
	bool there;	   /* false: nothing to inherit */
	const char *proto; /* as written ("ether", "tcp"), static storage; NULL: none */
	bool link;	   /* proto is one of the words for the link layer */
	enum grammar_dir dir;
	enum grammar_type type;
};

enum grammar_form {
	GRAMMAR_NAME,	   /* "smtp", "\tcp", "80-90", a host's name */
	GRAMMAR_PLAIN,	   /* a number */
	GRAMMAR_IPV4,	   /* two to four numbers; also of DECnet */
	GRAMMAR_IPV4_LEN,  /* "10.0.0.0/8": the length is in `more` */
	GRAMMAR_IPV4_MASK, /* "10.0.0.0 mask 255.0.0.0" */
	GRAMMAR_IPV6,
	GRAMMAR_IPV6_LEN,
	GRAMMAR_MAC,
	GRAMMAR_ARCNET, /* "$2a" */
};

/* A part of the expression's text. */
struct grammar_span {
	size_t at, len;
};

/* What a set test looks up. */
enum grammar_place { GRAMMAR_ADDRESS, GRAMMAR_PORT_NUMBER, GRAMMAR_MAC_ADDRESS };

struct grammar_node {
	enum grammar_kind kind;
	struct grammar_span span; /* where it was written; without qualifiers that it inherited */
	struct grammar_node **kids;
	size_t n_kids;
	unsigned int height;	    /* of the tree beneath; that of a primitive does not count */
	unsigned int n_primitives;  /* in it, this one too */
	struct grammar_quals quals; /* of VALUE and SET */
	enum grammar_form form;	    /* of VALUE */
	enum grammar_place place;   /* of SET */
	/*
	 * VALUE: as written; NUMBER: as written; SET: the name without "@"; RELATION, BINARY: the
	 * operator; LOAD: the number of bytes, or empty.
	 */
	struct grammar_span value;
	struct grammar_span more; /* VALUE: the prefix length or mask */
	/* VALUE, WORD: what grammar_print() writes, not what is in the text; NULL: that. Not owned.
	 */
	const char *instead;
	/* PROTO, LOAD: the protocol; WORD: the word that tells what it is. Static storage. */
	const char *word;
};

/* A tree. It owns its nodes and a copy of the text, which the spans are parts of. */
struct grammar {
	char *text;
	struct grammar_node *root; /* NULL: an empty expression, which matches every packet */
	struct grammar_node *
		*nodes; /* every node, each behind its kids; primitives as in the text */
	size_t n_nodes;
	unsigned int n_primitives, depth, n_terms, n_movers;
};

/* Why an expression was not read. */
struct grammar_error {
	bool syntax;  /* libpcap has words for it, too; false: one of weir's own bounds or words */
	size_t at;    /* the byte of the text that it is about */
	size_t until; /* the text up to here is enough for libpcap to refuse it */
	char text[192]; /* "expected 'and', 'or' or the end, not 'foo'" */
};

/*
 * Read an expression. Returns 0; -ENOMEM (reported); or -EINVAL, not reported, with *error filled
 * and in *out the nodes that were read before it, without a root. The caller owns *out:
 * grammar_free().
 */
int grammar_read(const char *text, struct grammar **out, struct grammar_error *error);

/*
 * The same for who needs the tree only: errors are reported at their place. pos is where text[0]
 * stands in its source, in which the text stands byte by byte (but for blanks where it joins
 * lines). On failure *out is NULL.
 */
int grammar_parse(const char *text, const struct pos *pos, struct grammar **out);

void grammar_free(struct grammar *grammar);
void grammar_freep(struct grammar **grammar);

/* The place of text[at], when text[0] is at pos (see grammar_parse()). */
struct pos grammar_pos(const struct pos *pos, size_t at);

/*
 * Print the tree as an expression for which libpcap makes the same program: every qualifier written
 * out, and/or of unlike kinds in parentheses. It reads back to the same tree.
 */
void grammar_print(const struct grammar *grammar, FILE *out);

/*
 * A node of its own for who rebuilds a tree, which owns it; and one beneath another. NULL, false:
 * memory is out.
 */
struct grammar_node *grammar_add(struct grammar *grammar, enum grammar_kind kind);
bool grammar_add_kid(struct grammar_node *node, struct grammar_node *kid);

/* The next node of a kind, in the order of the text: start with *i = 0. NULL: no more. */
const struct grammar_node *grammar_next(const struct grammar *grammar, enum grammar_kind kind,
					size_t *i);

/* Where an expression stands. */
enum grammar_use {
	GRAMMAR_POLICY, /* a rule: set tests are welcome; what is not in a packet's bytes is not */
	GRAMMAR_FILTER, /* by itself: no sets; libpcap's ancillary loads are welcome */
};

/*
 * To be asked before libpcap.
 *
 * 0: libpcap may have the text; it will look no host up. *out is the tree, else NULL; the caller
 * owns it. Set tests in a GRAMMAR_POLICY aside, which libpcap must never see: it would look up a
 * host called "in".
 *
 * -EINVAL, -ENOMEM: refused, and reported at its place: names of hosts and networks, what the use
 * forbids, more than the bounds, and "any-vlan", which nobody puts into libpcap's words yet.
 *
 * GRAMMAR_SYNTAX: a syntax error, not reported, in *error. libpcap may be given the first
 * error->until bytes to hear its words.
 */
enum { GRAMMAR_SYNTAX = 1 };
int grammar_check(const char *text, const struct pos *pos, enum grammar_use use,
		  struct grammar_error *error, struct grammar **out);
