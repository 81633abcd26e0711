/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Expressions: text to classic BPF, by libpcap. Besides capture.c the only file that knows it.
 */
#pragma once
#include "cbpf.h"
#include "grammar.h"

/*
 * Compile a pcap-filter(7) expression for Ethernet, as pcap_compile(…, optimize=1,
 * PCAP_NETMASK_UNKNOWN) does. Host names are refused, no look-up is ever made. Errors are libpcap's
 * words, reported at pos (the expression's first byte); -EINVAL. The caller owns *out: cbpf_free().
 */
int expr_compile(const char *text, const struct pos *pos, enum grammar_use use, struct cbpf *out);

/*
 * The same as GRAMMAR_FILTER for packets that begin with their IP header, as xt_bpf sees them
 * (DLT_RAW): what asks for an Ethernet header is refused, in libpcap's words.
 */
int expr_compile_ip(const char *text, const struct pos *pos, struct cbpf *out);

/*
 * The oracle: libpcap's interpreter, bpf_filter(). `len` is the packet's length on the wire,
 * `caplen` how much of it is there.
 */
bool expr_match(const struct cbpf *prog, const uint8_t *packet, uint32_t len, uint32_t caplen);
