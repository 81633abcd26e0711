// SPDX-License-Identifier: GPL-2.0-only
#include "shape.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

unsigned int value_words(enum value_kind kind)
{
	return kind == VALUE_IPV6 ? 4 : kind == VALUE_MAC ? 2 : 1;
}

/*
 * Constants of a hole: other ones for each, and for each of two rounds. Nothing but the round
 * differs between two programs, so it does no harm if the expression has the same constant.
 */
static uint32_t constant(const struct hole *of, size_t hole, unsigned int word, unsigned int round)
{
	static const uint32_t bases[] = { [VALUE_IPV4] = 0x0b000000,
					  [VALUE_IPV6] = 0x24000000,
					  [VALUE_PORT] = 1000,
					  [VALUE_MAC] = 0x02000000,
					  [VALUE_MARK] = 90 };
	uint32_t number = 2 * (CBPF_WORDS * hole + word) + round;
	uint32_t value = bases[of->kind] + (of->length ? number << (32 - of->length) : number);

	return of->kind == VALUE_MAC && word ? value & 0xffff : value;
}

static void write_constant(const struct hole *of, size_t hole, unsigned int round, char *text)
{
	uint32_t word[CBPF_WORDS], address[CBPF_WORDS];

	for (unsigned int w = 0; w < CBPF_WORDS; w++) {
		word[w] = constant(of, hole, w, round);
		address[w] = htonl(word[w]);
	}
	switch (of->kind) {
	case VALUE_IPV4:
		inet_ntop(AF_INET, address, text, INET6_ADDRSTRLEN);
		if (of->node->more.len)
			sprintf(text + strlen(text), "/%u", of->length);
		break;
	case VALUE_IPV6:
		inet_ntop(AF_INET6, address, text, HOLE_TEXT_MAX);
		break;
	case VALUE_MAC:
		snprintf(text, HOLE_TEXT_MAX, "%02x:%02x:%02x:%02x:%02x:%02x", word[1] >> 8,
			 word[1] & 0xff, word[0] >> 24, word[0] >> 16 & 0xff, word[0] >> 8 & 0xff,
			 word[0] & 0xff);
		break;
	case VALUE_MARK:
		snprintf(text, HOLE_TEXT_MAX, "byte 0 = %u", word[0]);
		break;
	default:
		snprintf(text, HOLE_TEXT_MAX, "%u", word[0]);
	}
}

static int print(const struct grammar *grammar, char **text)
{
	size_t len;
	FILE *out = open_memstream(text, &len);

	if (!out)
		return fail_oom();
	grammar_print(grammar, out);
	return fclose(out) ? fail_oom() : 0;
}

static int compile_round(const struct grammar *grammar, const struct hole *holes, size_t n,
			 unsigned int round, enum expr_link link, bool optimize, struct cbpf *out,
			 char *words)
{
	_free_ char(*texts)[HOLE_TEXT_MAX] = calloc(n + 1, sizeof(*texts));
	_free_ char *text = NULL;
	int err;

	if (!texts)
		return fail_oom();
	for (size_t i = 0; i < n; i++) {
		write_constant(&holes[i], i, round, texts[i]);
		holes[i].node->instead = texts[i];
	}
	err = print(grammar, &text);
	for (size_t i = 0; i < n; i++)
		holes[i].node->instead = NULL;
	return err ? err : expr_pcap(text, link, optimize, out, words);
}

/* Which word of which hole has these constants; false: none. */
static bool find(const struct hole *holes, size_t n, uint32_t first, uint32_t second,
		 struct hole_spot *spot)
{
	for (spot->hole = 0; spot->hole < n; spot->hole++) {
		enum value_kind kind = holes[spot->hole].kind;

		for (spot->word = 0; spot->word < value_words(kind); spot->word++)
			if (constant(&holes[spot->hole], spot->hole, spot->word, 0) == first &&
			    constant(&holes[spot->hole], spot->hole, spot->word, 1) == second)
				return true;
	}
	return false;
}

static bool is_same_but_k(const struct sock_filter *a, const struct sock_filter *b)
{
	return a->code == b->code && a->jt == b->jt && a->jf == b->jf;
}

/* Only as what is compared with, a constant is as good as another. */
static int compare(const struct hole *holes, size_t n, const struct cbpf *other,
		   struct shape *shape)
{
	if (shape->prog.n != other->n)
		return -ENOTSUP;
	for (size_t i = 0; i < other->n; i++) {
		const struct sock_filter *a = &shape->prog.insns[i], *b = &other->insns[i];
		struct hole_spot spot = { .insn = i }, *added;

		if (!is_same_but_k(a, b))
			return -ENOTSUP;
		if (a->k == b->k)
			continue;
		if (a->code != (BPF_JMP | BPF_JEQ | BPF_K) || !find(holes, n, a->k, b->k, &spot))
			return -ENOTSUP;
		added = array_add(shape->spots, shape->n);
		if (!added)
			return fail_oom();
		*added = spot;
	}
	return 0;
}

void shape_free(struct shape *shape)
{
	cbpf_free(&shape->prog);
	free(shape->spots);
	*shape = (struct shape){ 0 };
}

int shape_compile(const struct grammar *grammar, const struct hole *holes, size_t n,
		  enum expr_link link, bool optimize, struct shape *out, char *words)
{
	struct cbpf other = { 0 };
	int err;

	*out = (struct shape){ 0 };
	err = compile_round(grammar, holes, n, 0, link, optimize, &out->prog, words);
	if (!err && n)
		err = compile_round(grammar, holes, n, 1, link, optimize, &other, words);
	if (!err && n)
		err = compare(holes, n, &other, out);
	cbpf_free(&other);
	if (err)
		shape_free(out);
	return err;
}
