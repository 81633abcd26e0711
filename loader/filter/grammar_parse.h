/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Inside the parser: what grammar_parse.c (and, or, not, parentheses), grammar_arith.c
 * (comparisons) and grammar_primitive.c (the rest) share. Recursive descent with one token in hand;
 * the depth of its recursion is bounded (parser_enter()).
 */
#pragma once
#include "grammar.h"
#include "grammar_lex.h"

/* Of a token that is quoted in a message. */
enum { QUOTED_MAX = 40 };

/*
 * What something can be that was read up to here, and what may stand at a place. Much of it begins
 * alike: "(5" may become "(5) > len", or, behind "port 4 or", "(5 or 6)", or "(5)".
 */
enum part_kind {
	PART_NONE = 0,	    /* a mistake; it is in the parser's error */
	PART_TERM = 1 << 0, /* a primitive with all its words, or a parenthesis of such */
	PART_VALUE =
		1 << 1, /* a value that takes its qualifiers from before: "80" in "port 53 or 80" */
	PART_GROUP = 1 << 2,  /* a parenthesis of such values */
	PART_ARITH = 1 << 3,  /* arithmetic, but for a number */
	PART_NUMBER = 1 << 4, /* a number, perhaps in parentheses: a value or arithmetic */
};

enum {
	PARTS_EXPRESSION = PART_TERM | PART_ARITH | PART_NUMBER,
	PARTS_VALUE = PART_VALUE | PART_GROUP | PART_NUMBER,
	PARTS_OPERAND = PARTS_EXPRESSION | PARTS_VALUE, /* right of "and", "or" */
	PARTS_ARITH = PART_ARITH | PART_NUMBER,
};

struct part {
	enum part_kind kind;
	struct grammar_node *node;
	struct grammar_quals quals; /* what a value behind it inherits */
};

struct parser {
	const char *text;
	struct lex_token token; /* in hand */
	size_t end;		/* of the token before */
	unsigned int depth;
	bool oom;
	bool additions; /* there were words that libpcap does not know, or takes for names of hosts
			 */
	struct grammar *grammar;
	struct grammar_error *error;
};

void parser_advance(struct parser *p);

/* "expected WHAT, not 'TOKEN'", at the token in hand. Returns PART_NONE. */
struct part parser_expected(struct parser *p, const char *what);

/* A mistake at text[at]; libpcap has its words for it if `syntax`. Returns PART_NONE. */
struct part parser_fail(struct parser *p, bool syntax, size_t at, const char *fmt, ...)
	_printf_(4, 5);

/* The token in hand if it is of that kind, and go on; else false, with "expected WHAT". */
bool parser_take(struct parser *p, enum lex_kind kind, const char *what, struct lex_token *token);

/* One level down; false, with an error, when that is too deep. */
bool parser_enter(struct parser *p);
void parser_leave(struct parser *p);

/*
 * A new node, from text[at] to the end of the last token; NULL, with an error, if memory is out or
 * there are too many.
 */
struct grammar_node *parser_node(struct parser *p, enum grammar_kind kind, size_t at);

/* Count one more of that kind, at text[at]; false, with an error, if there are too many. */
bool parser_count(struct parser *p, enum grammar_kind kind, size_t at);
bool parser_add_kid(struct parser *p, struct grammar_node *node, struct grammar_node *kid);

/* A part of that node; PART_NONE if it is NULL. */
struct part parser_part(enum part_kind kind, struct grammar_node *node);

/* Anything that `allow` (of PART_…) names; quals is what stands before it. */
struct part parser_part_of(struct parser *p, const struct grammar_quals *quals, unsigned int allow);

/* The same without the operators and the comparison that may follow a number or arithmetic. */
struct part parser_atom(struct parser *p, const struct grammar_quals *quals, unsigned int allow);

/* A number or a value where a value is wanted; a number becomes one by the qualifiers. */
struct part parser_value(struct parser *p, const struct grammar_quals *quals, unsigned int allow);

/* "[…]" behind a protocol's name. */
struct part parser_load(struct parser *p, const struct lex_token *proto);

/* "-…" */
struct part parser_minus(struct parser *p);

/*
 * A primitive, but for comparisons: the token in hand is its first, or the one behind its protocol.
 */
struct part parser_primitive(struct parser *p, const struct lex_token *proto);

/* Whether a value begins with it: a name, an address, a set test; numbers aside. */
bool parser_is_literal(enum lex_kind kind);

/* A name, an address or a set test as a value, with qualifiers from before. */
struct part parser_literal(struct parser *p, const struct grammar_quals *quals);
struct part parser_number_value(struct parser *p, struct grammar_node *number,
				const struct grammar_quals *quals);

/* A value with no qualifier before it. Returns PART_NONE. */
struct part parser_unqualified(struct parser *p, const struct lex_token *value);
