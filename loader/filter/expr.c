// SPDX-License-Identifier: GPL-2.0-only
#include "expr.h"

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

/* libpcap's words are its own: it ends some with a newline, and has no column. */
static int refused(const struct pos *pos, pcap_t *pcap)
{
	const char *words = pcap_geterr(pcap);

	return fail_at(-EINVAL, pos, "%.*s", (int)strcspn(words, "\n"), words);
}

/*
 * A syntax error: libpcap says what, our parser says where and what it would have taken. libpcap
 * gets no more than the text that is read up to there: names behind it would be looked up.
 */
static int refused_syntax(const char *text, const struct pos *pos,
			  const struct grammar_error *error, pcap_t *pcap)
{
	const struct pos at = grammar_pos(pos, error->at);
	_free_ char *start = strndup(text, error->until);
	const char *words = "syntax error";
	struct bpf_program prog;

	if (!start)
		return fail_oom();
	if (!pcap_compile(pcap, &prog, start, 1, PCAP_NETMASK_UNKNOWN))
		pcap_freecode(&prog);
	else
		words = pcap_geterr(pcap);
	return fail_at(-EINVAL, &at, "%.*s: %s", (int)strcspn(words, "\n"), words, error->text);
}

/* What comes behind relies on it, whatever libpcap does. */
static int check(const struct pos *pos, struct cbpf *prog)
{
	char why[128];

	if (!cbpf_check(prog, why, sizeof(why)))
		return 0;
	cbpf_free(prog);
	return fail_at(-EINVAL, pos, "libpcap's program for the expression cannot be used: %s",
		       why);
}

static int compile(const char *text, const struct pos *pos, enum grammar_use use, int link,
		   struct cbpf *out)
{
	_cleanup_(close_pcap) pcap_t *pcap = pcap_open_dead(link, SNAPLEN);
	struct grammar_error error;
	struct bpf_program prog;
	int err;

	*out = (struct cbpf){ 0 };
	if (!pcap)
		return fail_oom();
	err = grammar_check(text, pos, use, &error);
	if (err)
		return err == GRAMMAR_SYNTAX ? refused_syntax(text, pos, &error, pcap) : err;
	if (pcap_compile(pcap, &prog, text, 1, PCAP_NETMASK_UNKNOWN))
		return refused(pos, pcap);
	out->n = prog.bf_len;
	out->insns = malloc(out->n * sizeof(*out->insns));
	if (out->insns)
		memcpy(out->insns, prog.bf_insns, out->n * sizeof(*out->insns));
	pcap_freecode(&prog);
	return out->insns ? check(pos, out) : fail_oom();
}

int expr_compile(const char *text, const struct pos *pos, enum grammar_use use, struct cbpf *out)
{
	return compile(text, pos, use, DLT_EN10MB, out);
}

int expr_compile_ip(const char *text, const struct pos *pos, struct cbpf *out)
{
	return compile(text, pos, GRAMMAR_FILTER, DLT_RAW, out);
}

static bool reads_memory(const struct cbpf *prog)
{
	for (size_t i = 0; i < prog->n; i++) {
		uint16_t class = BPF_CLASS(prog->insns[i].code);

		if ((class == BPF_LD || class == BPF_LDX) &&
		    BPF_MODE(prog->insns[i].code) == BPF_MEM)
			return true;
	}
	return false;
}

static bool run(const struct sock_filter *insns, const uint8_t *packet, uint32_t len,
		uint32_t caplen)
{
	return bpf_filter((const struct bpf_insn *)insns, packet, len, caplen);
}

/* libpcap 1.10 leaves M[] as the stack has it; its optimiser relies on 0, as 1.11's bpf_filter()
 * does. */
static bool run_with_zeroes(const struct cbpf *prog, const uint8_t *packet, uint32_t len,
			    uint32_t caplen)
{
	_free_ struct sock_filter *insns = calloc(BPF_MEMWORDS + prog->n, sizeof(*insns));

	if (!insns)
		return fail_oom(), false;
	for (uint32_t i = 0; i < BPF_MEMWORDS; i++)
		insns[i] = (struct sock_filter)BPF_STMT(BPF_ST, i);
	memcpy(insns + BPF_MEMWORDS, prog->insns, prog->n * sizeof(*insns));
	return run(insns, packet, len, caplen);
}

bool expr_match(const struct cbpf *prog, const uint8_t *packet, uint32_t len, uint32_t caplen)
{
	if (reads_memory(prog))
		return run_with_zeroes(prog, packet, len, caplen);
	return run(prog->insns, packet, len, caplen);
}
