/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The words of pcap-filter(7), as libpcap's scanner.l has them: the longest match wins, and of two
 * equally long ones a word of the language over a number, an address over a name.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

/* What may follow a word decides its kind. */
enum lex_kind {
	LEX_END,
	LEX_BAD, /* no word begins with this byte */
	LEX_OPEN,
	LEX_CLOSE,
	LEX_INDEX,     /* [ */
	LEX_INDEX_END, /* ] */
	LEX_COLON,
	LEX_NOT,
	LEX_AND,
	LEX_OR,
	LEX_ANY_VLAN,
	LEX_RELATION, /* value: enum lex_operator */
	LEX_OPERATOR, /* value: enum lex_operator */
	LEX_NUMBER,
	LEX_LEN,
	LEX_NAME,
	LEX_IPV4,
	LEX_IPV6,
	LEX_MAC,
	LEX_ARCNET,
	LEX_MASK,
	LEX_IN,	 /* "in", if an "@" follows */
	LEX_SET, /* "@name" */
	/* From here on: a primitive may begin with it. */
	LEX_PROTO,	/* value: whether it stands for the link layer */
	LEX_DIR,	/* value: enum grammar_dir */
	LEX_TYPE,	/* value: enum grammar_type: may have a direction before it */
	LEX_TYPE_ALONE, /* value: enum grammar_type: may not */
	LEX_CAST,	/* broadcast, multicast */
	LEX_WORD,	/* inbound, pppoed …: nothing follows */
	LEX_WORD_NUMBER,
	LEX_WORD_NUMBER_MAYBE,
	LEX_WORD_NAME,
	LEX_WORD_EITHER,
	LEX_WORD_FIELD, /* of ATM and SS7: a number, a comparison or a list */
	LEX_BYTE,
	LEX_LLC,
	LEX_RNR,
	LEX_WLAN_TYPE,
	LEX_WLAN_SUBTYPE,
	LEX_WLAN_DIR,
};

enum lex_operator {
	LEX_EQ,
	LEX_NE,
	LEX_LT,
	LEX_LE,
	LEX_GT,
	LEX_GE,
	LEX_OR_BITS,
	LEX_AND_BITS,
	LEX_XOR,
	LEX_SHIFT_LEFT,
	LEX_SHIFT_RIGHT,
	LEX_PLUS,
	LEX_MINUS,
	LEX_TIMES,
	LEX_DIVIDE,
	LEX_MODULO,
};

struct lex_token {
	enum lex_kind kind;
	size_t at, len; /* in the text */
	int value;
	const char *word; /* of the language: static storage; else NULL */
};

static inline bool lex_begins_primitive(enum lex_kind kind)
{
	return kind >= LEX_PROTO;
}

/* The token at or behind text[at]; behind the last one LEX_END, of no length. */
struct lex_token grammar_lex(const char *text, size_t at);

/* Some bytes of a text for a message: as many as fit, what cannot be printed as '?'. */
void grammar_lex_quote(const char *text, size_t len, char *out, size_t size);

struct lex_word {
	const char *text;
	enum lex_kind kind;
	int value;
};

/* The word of the language (grammar_word.c) that is these bytes, or NULL. */
const struct lex_word *grammar_word(const char *text, size_t len);

/* The one nearest to a mistyped one, or NULL. */
const char *grammar_word_nearest(const char *text);
