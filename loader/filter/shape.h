/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The shape of an expression: its program, but for constants. Some values of the tree become holes;
 * libpcap compiles it twice, with other constants in them, and what differs between the two
 * programs is where the holes are.
 */
#pragma once
#include <netinet/in.h>

#include "cbpf.h"
#include "expr_pcap.h"
#include "grammar.h"

/* What a value of an expression is, as libpcap compares it. */
enum value_kind {
	VALUE_NONE, /* a name, a number in a form of its own, a mistake */
	VALUE_IPV4, /* an address or a net */
	VALUE_IPV6,
	VALUE_PORT, /* or a range of them */
	VALUE_MAC,
	VALUE_MARK, /* no value: a comparison of its own, to be found in the program */
};

/* Comparisons that one value of a kind takes. */
unsigned int value_words(enum value_kind kind);

/*
 * Read a GRAMMAR_VALUE. In *out its words, in the order in which libpcap compares them: an IPv6
 * address from its beginning on; of a MAC address the last four bytes, then the first two. What
 * libpcap would refuse, or reads in ways of its own, is VALUE_NONE.
 */
enum value_kind value_read(const struct grammar *grammar, const struct grammar_node *node,
			   struct cbpf_element *out);

enum { HOLE_TEXT_MAX = INET6_ADDRSTRLEN + 4 };

/* A value that stands for others. Its node's `instead` is set while the shape is compiled. */
struct hole {
	struct grammar_node *node;
	enum value_kind kind;
	unsigned int length; /* VALUE_IPV4: of the net, 16 to 32; 0: an address */
};

/* An instruction whose k is a hole's word. */
struct hole_spot {
	uint32_t insn, hole, word;
};

struct shape {
	struct cbpf prog;
	struct hole_spot *spots; /* by instruction */
	size_t n;
};

void shape_free(struct shape *shape);

/*
 * Compile the tree with these holes. 0; -EINVAL, not reported: libpcap refuses it, in `words`
 * (expr_pcap()); -ENOTSUP, not reported: the constants show in the program in other ways than as
 * themselves; -ENOMEM (reported). The caller owns *out: shape_free().
 */
int shape_compile(const struct grammar *grammar, const struct hole *holes, size_t n,
		  enum expr_link link, bool optimize, struct shape *out, char *words);
