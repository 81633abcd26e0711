// SPDX-License-Identifier: GPL-2.0-only
#include "expr_pcap.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

/* Of a packet: more than any has, so that no expression is cut short by it. */
enum { SNAPLEN = 262144 };

_Static_assert(sizeof(struct bpf_insn) == sizeof(struct sock_filter), "one layout, two names");

static void close_pcap(pcap_t **pcap)
{
	if (*pcap)
		pcap_close(*pcap);
}

/* What comes behind relies on it, whatever libpcap does. */
static int check(struct cbpf *prog, char *words)
{
	char why[128];

	if (!cbpf_check(prog, why, sizeof(why)))
		return 0;
	cbpf_free(prog);
	snprintf(words, EXPR_WORDS_MAX, "libpcap's program for the expression cannot be used: %s",
		 why);
	return -EINVAL;
}

static int copy(const struct bpf_program *from, struct cbpf *out)
{
	out->n = from->bf_len;
	out->insns = malloc(out->n * sizeof(*out->insns));
	if (!out->insns)
		return fail_oom();
	memcpy(out->insns, from->bf_insns, out->n * sizeof(*out->insns));
	return 0;
}

int expr_pcap(const char *text, enum expr_link link, bool optimize, struct cbpf *out, char *words)
{
	_cleanup_(close_pcap) pcap_t *pcap =
		pcap_open_dead(link == EXPR_IP ? DLT_RAW : DLT_EN10MB, SNAPLEN);
	struct bpf_program prog;
	int err;

	*out = (struct cbpf){ .unoptimised = !optimize };
	if (!pcap)
		return fail_oom();
	if (pcap_compile(pcap, &prog, text, optimize, PCAP_NETMASK_UNKNOWN)) {
		/* The words are its own: it ends some with a newline, and has no column. */
		snprintf(words, EXPR_WORDS_MAX, "%s", pcap_geterr(pcap));
		words[strcspn(words, "\n")] = '\0';
		return -EINVAL;
	}
	err = copy(&prog, out);
	pcap_freecode(&prog);
	return err ? err : check(out, words);
}
