// SPDX-License-Identifier: GPL-2.0-only
#include "grammar_parse.h"

#include <stdarg.h>
#include <string.h>

void parser_advance(struct parser *p)
{
	p->end = p->token.at + p->token.len;
	p->token = grammar_lex(p->text, p->end);
	if (p->token.kind == LEX_IN || p->token.kind == LEX_SET || p->token.kind == LEX_ANY_VLAN)
		p->additions = true;
}

struct part parser_fail(struct parser *p, bool syntax, size_t at, const char *fmt, ...)
{
	va_list ap;

	p->error->syntax = syntax && !p->additions;
	p->error->at = at;
	p->error->until = p->token.at + p->token.len;
	va_start(ap, fmt);
	vsnprintf(p->error->text, sizeof(p->error->text), fmt, ap);
	va_end(ap);
	return (struct part){ .kind = PART_NONE };
}

struct part parser_expected(struct parser *p, const char *what)
{
	const struct lex_token *token = &p->token;
	char word[QUOTED_MAX + 1];
	const char *nearest;

	if (token->kind == LEX_END)
		return parser_fail(p, true, token->at, "expected %s, but the expression ends",
				   what);
	grammar_lex_quote(p->text + token->at, token->len, word, sizeof(word));
	nearest = token->kind == LEX_NAME ? grammar_word_nearest(word) : NULL;
	return parser_fail(p, true, token->at, "expected %s, not '%s'%s%s%s", what, word,
			   nearest ? "; did you mean '" : "", nearest ? nearest : "",
			   nearest ? "'?" : "");
}

bool parser_take(struct parser *p, enum lex_kind kind, const char *what, struct lex_token *token)
{
	if (p->token.kind != kind) {
		parser_expected(p, what);
		return false;
	}
	if (token)
		*token = p->token;
	parser_advance(p);
	return true;
}

bool parser_enter(struct parser *p)
{
	if (p->depth == GRAMMAR_DEPTH_MAX) {
		parser_fail(p, false, p->token.at, "the expression is nested more than %d deep",
			    GRAMMAR_DEPTH_MAX);
		return false;
	}
	if (++p->depth > p->grammar->depth)
		p->grammar->depth = p->depth;
	return true;
}

void parser_leave(struct parser *p)
{
	p->depth--;
}

static void *out_of_memory(struct parser *p)
{
	p->oom = true;
	return NULL;
}

bool parser_count(struct parser *p, enum grammar_kind kind, size_t at)
{
	struct grammar *g = p->grammar;

	if (kind >= GRAMMAR_NUMBER && g->n_terms++ == GRAMMAR_TERMS_MAX) {
		parser_fail(p, false, at, "this comparison has more than %d numbers and operators",
			    GRAMMAR_TERMS_MAX);
		return false;
	}
	if (kind == GRAMMAR_RELATION)
		g->n_terms = 0;
	if (kind >= GRAMMAR_VALUE && kind <= GRAMMAR_WORD &&
	    g->n_primitives++ == GRAMMAR_PRIMITIVES_MAX) {
		parser_fail(p, false, at, "the expression has more than %d primitives",
			    GRAMMAR_PRIMITIVES_MAX);
		return false;
	}
	return true;
}

struct grammar_node *parser_node(struct parser *p, enum grammar_kind kind, size_t at)
{
	struct grammar_node *node;

	if (!parser_count(p, kind, at))
		return NULL;
	node = grammar_add(p->grammar, kind);
	if (!node)
		return out_of_memory(p);
	node->span = (struct grammar_span){ at, p->end - at };
	return node;
}

bool parser_add_kid(struct parser *p, struct grammar_node *node, struct grammar_node *kid)
{
	if (!grammar_add_kid(node, kid)) {
		out_of_memory(p);
		return false;
	}
	if (node->kind <= GRAMMAR_OR && node->height > GRAMMAR_DEPTH_MAX) {
		parser_fail(p, false, kid->span.at,
			    "'and' and 'or' take turns more than %d times: put what belongs "
			    "together in parentheses",
			    GRAMMAR_DEPTH_MAX);
		return false;
	}
	node->span.len = p->end - node->span.at;
	return true;
}

struct part parser_part(enum part_kind kind, struct grammar_node *node)
{
	return (struct part){ .kind = node ? kind : PART_NONE, .node = node };
}

/* A node of one kid. */
static struct part around(struct parser *p, enum grammar_kind kind, size_t at, struct part part)
{
	struct grammar_node *node = parser_node(p, kind, at);

	if (!node || !parser_add_kid(p, node, part.node))
		return parser_part(PART_NONE, NULL);
	part.node = node;
	return part;
}

struct part parser_value(struct parser *p, const struct grammar_quals *quals, unsigned int allow)
{
	struct part part = parser_part_of(p, quals, allow);

	if (part.kind == PART_NUMBER && allow & PART_VALUE)
		return parser_number_value(p, part.node, quals);
	if (part.kind & PARTS_ARITH)
		return parser_expected(p, "a comparison");
	return part;
}

static bool is_chained(const struct parser *p)
{
	return p->token.kind == LEX_AND || p->token.kind == LEX_OR;
}

/* "left and right": a chain of one operator from the left is one node of many kids. */
static struct part combine(struct parser *p, enum grammar_kind kind, struct part left,
			   struct part right)
{
	struct grammar_node *node = left.node;

	if (node->kind != kind) {
		node = parser_node(p, kind, node->span.at);
		if (!node || !parser_add_kid(p, node, left.node))
			return parser_part(PART_NONE, NULL);
	}
	if (!parser_add_kid(p, node, right.node))
		return parser_part(PART_NONE, NULL);
	return (struct part){ left.kind, node, right.quals };
}

/* The first of a chain: a number is a value if it may be. */
static struct part first(struct parser *p, const struct grammar_quals *quals, unsigned int allow)
{
	struct part part = parser_part_of(p, quals, allow);

	if (!(part.kind & PARTS_ARITH) || !is_chained(p))
		return part;
	if (part.kind == PART_NUMBER && allow & PART_VALUE)
		return parser_number_value(p, part.node, quals);
	return allow & PART_TERM ? parser_expected(p, "a comparison") : part;
}

/*
 * Parts with "and" and "or" between, of equal precedence, from the left. A number or arithmetic is
 * given back as it is: what it is for shows behind the parenthesis.
 */
static struct part chain(struct parser *p, const struct grammar_quals *quals, unsigned int allow)
{
	struct part left = first(p, quals, allow), right;

	while (left.kind & (PART_TERM | PART_VALUE) && is_chained(p)) {
		enum grammar_kind kind = p->token.kind == LEX_AND ? GRAMMAR_AND : GRAMMAR_OR;

		parser_advance(p);
		right = parser_value(p, &left.quals,
				     left.kind == PART_TERM ? PARTS_OPERAND : PARTS_VALUE);
		if (!right.kind)
			return right;
		left = combine(p, kind, left, right);
	}
	return left;
}

/* What may stand first in a parenthesis; a group of values may not begin with another one. */
static unsigned int allowed_within(unsigned int allow)
{
	unsigned int within = allow & PARTS_EXPRESSION;

	if (allow & PART_GROUP)
		within |= PART_VALUE;
	return within;
}

static struct part parenthesis(struct parser *p, const struct grammar_quals *quals,
			       unsigned int allow)
{
	struct part part;

	if (!parser_enter(p))
		return parser_part(PART_NONE, NULL);
	parser_advance(p);
	part = chain(p, quals, allowed_within(allow));
	if (!part.kind)
		return part;
	if (!parser_take(p, LEX_CLOSE,
			 part.kind & PARTS_ARITH ? "an operator or ')'" : "'and', 'or' or ')'",
			 NULL))
		return parser_part(PART_NONE, NULL);
	parser_leave(p);
	if (part.kind == PART_TERM)
		part.quals = *quals;
	else if (part.kind == PART_VALUE)
		part.kind = PART_GROUP;
	return part;
}

static struct part negation(struct parser *p, const struct grammar_quals *quals, unsigned int allow)
{
	size_t at = p->token.at;
	unsigned int within = 0;
	struct part part;

	if (allow & PART_TERM)
		within |= PARTS_EXPRESSION;
	if (allow & PART_VALUE)
		within |= PARTS_VALUE;
	if (!parser_enter(p))
		return parser_part(PART_NONE, NULL);
	parser_advance(p);
	part = parser_value(p, quals, within);
	if (!part.kind)
		return part;
	parser_leave(p);
	if (part.kind == PART_GROUP)
		part.kind = PART_VALUE;
	return around(p, GRAMMAR_NOT, at, part);
}

/* A value behind it inherits nothing: "any-vlan port 80 or 443" would not be what it looks like. */
static struct part any_vlan(struct parser *p)
{
	const struct grammar_quals none = { 0 };
	size_t at = p->token.at;
	struct part part;

	if (!parser_enter(p))
		return parser_part(PART_NONE, NULL);
	parser_advance(p);
	part = parser_value(p, &none, PARTS_EXPRESSION);
	if (!part.kind)
		return part;
	parser_leave(p);
	part.quals = none;
	return around(p, GRAMMAR_ANY_VLAN, at, part);
}

/* Nothing that is allowed begins with the token in hand. */
static struct part unexpected(struct parser *p, unsigned int allow)
{
	if (!(allow & PART_TERM))
		return parser_expected(p, allow & PART_VALUE ? "a value" : "a number");
	if (parser_is_literal(p->token.kind) && p->token.kind != LEX_NAME)
		return parser_unqualified(p, &p->token);
	return parser_expected(p, "a primitive such as 'tcp port 80'");
}

/* "tcp", "tcp port 80", or the bytes of a header: "tcp[0]". */
static struct part from_proto(struct parser *p, unsigned int allow)
{
	const struct lex_token proto = p->token;

	parser_advance(p);
	if (p->token.kind == LEX_INDEX && allow & PART_ARITH)
		return parser_load(p, &proto);
	if (!(allow & PART_TERM))
		return parser_expected(p, "'['");
	return parser_primitive(p, &proto);
}

static struct part number(struct parser *p)
{
	const struct lex_token token = p->token;
	struct grammar_node *node;

	parser_advance(p);
	node = parser_node(p, token.kind == LEX_LEN ? GRAMMAR_LEN : GRAMMAR_NUMBER, token.at);
	if (node)
		node->value = (struct grammar_span){ token.at, token.len };
	return parser_part(token.kind == LEX_LEN ? PART_ARITH : PART_NUMBER, node);
}

struct part parser_atom(struct parser *p, const struct grammar_quals *quals, unsigned int allow)
{
	const enum lex_kind kind = p->token.kind;

	if (kind == LEX_OPEN)
		return parenthesis(p, quals, allow);
	if (kind == LEX_NOT && allow & (PART_TERM | PART_VALUE))
		return negation(p, quals, allow);
	if (kind == LEX_ANY_VLAN && allow & PART_TERM)
		return any_vlan(p);
	if (parser_is_literal(kind) && allow & PART_VALUE)
		return parser_literal(p, quals);
	if (kind == LEX_NUMBER || (kind == LEX_LEN && allow & PART_ARITH))
		return number(p);
	if (kind == LEX_OPERATOR && p->token.value == LEX_MINUS && allow & PART_ARITH)
		return parser_minus(p);
	if (kind == LEX_PROTO && allow & (PART_TERM | PART_ARITH))
		return from_proto(p, allow);
	if (allow & PART_TERM && lex_begins_primitive(kind))
		return parser_primitive(p, NULL);
	return unexpected(p, allow);
}

static int read_whole(struct parser *p)
{
	const struct grammar_quals none = { 0 };
	struct part part;

	parser_advance(p);
	if (p->token.kind == LEX_END)
		return 0;
	part = chain(p, &none, PARTS_EXPRESSION);
	if (part.kind & PARTS_ARITH)
		part = parser_expected(p, "a comparison");
	if (part.kind && p->token.kind != LEX_END)
		part = parser_expected(p, "'and', 'or' or the end");
	p->grammar->root = part.node;
	return part.kind ? 0 : -EINVAL;
}

int grammar_read(const char *text, struct grammar **out, struct grammar_error *error)
{
	struct parser p = { .error = error };
	int err;

	*out = p.grammar = calloc(1, sizeof(*p.grammar));
	if (!*out)
		return fail_oom();
	p.text = p.grammar->text = strdup(text);
	if (!p.text) {
		grammar_freep(out);
		return fail_oom();
	}
	err = read_whole(&p);
	if (p.oom) {
		grammar_freep(out);
		return fail_oom();
	}
	return err;
}
