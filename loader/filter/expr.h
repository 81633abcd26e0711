/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Expressions: text to classic BPF, by libpcap (expr_pcap.h).
 */
#pragma once
#include "cbpf.h"
#include "grammar.h"
#include "shape_cache.h"

/* What becomes of an expression that is too much for libpcap (lift_is_needed()). */
enum expr_form {
	EXPR_LIFTED,  /* a program with look-ups, for our own compiler alone */
	EXPR_LAW,     /* a classic program that means the same, as with optimize=0 */
	EXPR_TCPDUMP, /* what tcpdump has, up to EXPR_TCPDUMP_PRIMITIVES, however long it takes */
};

enum { EXPR_TCPDUMP_PRIMITIVES = 400 };

/*
 * Compile a pcap-filter(7) expression for Ethernet, as pcap_compile(…, optimize=1,
 * PCAP_NETMASK_UNKNOWN) does; if it is too much for that, in the form that is asked for. Host names
 * are refused, no look-up is ever made. Errors are libpcap's words, reported at pos (the
 * expression's first byte); -EINVAL. The caller owns *out: cbpf_free().
 */
int expr_compile(const char *text, const struct pos *pos, enum grammar_use use, enum expr_form form,
		 struct cbpf *out);

/* The same, EXPR_LIFTED, for one of many rules, which share a cache. */
int expr_compile_rule(const char *text, const struct pos *pos, enum grammar_use use,
		      struct shape_cache *cache, struct cbpf *out);

/*
 * The same, EXPR_TCPDUMP, of a GRAMMAR_FILTER for packets that begin with their IP header, as
 * xt_bpf sees them (DLT_RAW): what asks for an Ethernet header is refused, in libpcap's words.
 */
int expr_compile_ip(const char *text, const struct pos *pos, struct cbpf *out);

/*
 * The oracle: libpcap's interpreter, bpf_filter(), of a program without look-ups. `len` is the
 * packet's length on the wire, `caplen` how much of it is there.
 */
bool expr_match(const struct cbpf *prog, const uint8_t *packet, uint32_t len, uint32_t caplen);
