/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libpcap's compiler. Nothing goes to it that our own parser (grammar.h) has not read: it looks up
 * names of hosts, and does not come back from a few hundred primitives.
 */
#pragma once
#include <stdbool.h>

#include "cbpf.h"

enum { EXPR_WORDS_MAX = 256 };

enum expr_link { EXPR_ETHERNET, EXPR_IP /* packets begin with their IP header: DLT_RAW */ };

/*
 * pcap_compile(…, optimize, PCAP_NETMASK_UNKNOWN). 0; -EINVAL, not reported: libpcap refuses it, in
 * `words`, one line of EXPR_WORDS_MAX bytes at most; -ENOMEM (reported). The caller owns *out:
 * cbpf_free().
 */
int expr_pcap(const char *text, enum expr_link link, bool optimize, struct cbpf *out, char *words);
