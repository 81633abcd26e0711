// SPDX-License-Identifier: GPL-2.0-only
#include "expr.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

#include "expr_pcap.h"
#include "lift.h"

/* Bytes of a text with a mistake that libpcap is asked for its words of. */
enum { SYNTAX_MAX = 4096 };

/*
 * A syntax error: libpcap says what, our parser says where and what it would have taken. libpcap
 * gets no more than the text that is read up to there, names behind it would be looked up; and
 * nothing of a length that its parser might crash on.
 */
static int refused_syntax(const char *text, const struct pos *pos,
			  const struct grammar_error *error, enum expr_link link)
{
	const struct pos at = grammar_pos(pos, error->at);
	_free_ char *start = strndup(text, error->until);
	char words[EXPR_WORDS_MAX] = "syntax error";
	struct cbpf prog = { 0 };

	if (!start)
		return fail_oom();
	if (error->until <= SYNTAX_MAX && !expr_pcap(start, link, true, &prog, words))
		snprintf(words, sizeof(words), "syntax error");
	cbpf_free(&prog);
	return fail_at(-EINVAL, &at, "%s: %s", words, error->text);
}

/* Whether tcpdump would have a program for it, in a time that a user waits. */
static bool is_tcpdumps(const struct grammar *grammar)
{
	size_t i = 0;

	return grammar->n_primitives <= EXPR_TCPDUMP_PRIMITIVES &&
	       !grammar_next(grammar, GRAMMAR_ANY_VLAN, &i);
}

/* By libpcap as a whole. */
static int compile_whole(const char *text, const struct pos *pos, enum expr_link link,
			 struct cbpf *out)
{
	char words[EXPR_WORDS_MAX];
	int err = expr_pcap(text, link, true, out, words);

	return err == -EINVAL ? fail_at(err, pos, "%s", words) : err;
}

static int compile(const char *text, const struct pos *pos, enum grammar_use use,
		   enum expr_link link, enum expr_form form, struct shape_cache *cache,
		   struct cbpf *out)
{
	_cleanup_(grammar_freep) struct grammar *grammar = NULL;
	struct grammar_error error;
	int err = grammar_check(text, pos, use, &error, &grammar);

	*out = (struct cbpf){ 0 };
	if (err == GRAMMAR_SYNTAX)
		return refused_syntax(text, pos, &error, link);
	if (err)
		return err;
	if (!lift_is_needed(grammar)) {
		int found = cache && grammar->root ? shape_cache_find(cache, grammar, out) : 0;

		return found ? (found < 0 ? found : 0) : compile_whole(text, pos, link, out);
	}
	if (form == EXPR_TCPDUMP && is_tcpdumps(grammar))
		return compile_whole(text, pos, link, out);
	return lift_compile(grammar, pos, link, form == EXPR_LIFTED, out);
}

int expr_compile(const char *text, const struct pos *pos, enum grammar_use use, enum expr_form form,
		 struct cbpf *out)
{
	return compile(text, pos, use, EXPR_ETHERNET, form, NULL, out);
}

int expr_compile_rule(const char *text, const struct pos *pos, enum grammar_use use,
		      struct shape_cache *cache, struct cbpf *out)
{
	return compile(text, pos, use, EXPR_ETHERNET, EXPR_LIFTED, cache, out);
}

int expr_compile_ip(const char *text, const struct pos *pos, struct cbpf *out)
{
	return compile(text, pos, GRAMMAR_FILTER, EXPR_IP, EXPR_TCPDUMP, NULL, out);
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
