// SPDX-License-Identifier: GPL-2.0-only
#include "grammar_parse.h"

static const struct grammar_quals no_quals;

/*
 * How tightly an operator binds to what is left of it, and what must bind tighter to be part of its
 * right side. libpcap's grammar gives "%" and "^" no precedence: they take what is left of
 * them from any operator, and leave no operator behind them to others.
 */
enum { LOOSEST = 0, UNARY = 6, ANY = 7 };

static int left_binding(int operator)
{
	static const int levels[] = {
		[LEX_OR_BITS] = 1, [LEX_AND_BITS] = 2, [LEX_SHIFT_LEFT] = 3, [LEX_SHIFT_RIGHT] = 3,
		[LEX_PLUS] = 4,	   [LEX_MINUS] = 4,    [LEX_TIMES] = 5,	     [LEX_DIVIDE] = 5,
		[LEX_XOR] = ANY,   [LEX_MODULO] = ANY,
	};

	return levels[operator];
}

static int right_binding(int operator)
{
	return left_binding(operator) == ANY ? LOOSEST : left_binding(operator);
}

static struct part binary(struct parser *p, enum grammar_kind kind, const struct lex_token *sign,
			  struct part left, struct part right)
{
	struct grammar_node *node = parser_node(p, kind, left.node->span.at);

	if (!node || !parser_add_kid(p, node, left.node) || !parser_add_kid(p, node, right.node))
		return parser_part(PART_NONE, NULL);
	node->value = (struct grammar_span){ sign->at, sign->len };
	return parser_part(kind == GRAMMAR_RELATION ? PART_TERM : PART_ARITH, node);
}

/* The operators that follow, as far as they bind tighter than `least`. */
static struct part operators(struct parser *p, struct part left, int least)
{
	while (left.kind && p->token.kind == LEX_OPERATOR && left_binding(p->token.value) > least) {
		const struct lex_token sign = p->token;
		struct part right;

		if (!parser_enter(p))
			return parser_part(PART_NONE, NULL);
		parser_advance(p);
		right = operators(p, parser_atom(p, &no_quals, PARTS_ARITH),
				  right_binding(sign.value));
		if (!right.kind)
			return right;
		parser_leave(p);
		left = binary(p, GRAMMAR_BINARY, &sign, left, right);
	}
	return left;
}

struct part parser_part_of(struct parser *p, const struct grammar_quals *quals, unsigned int allow)
{
	struct part part = parser_atom(p, quals, allow), right;
	struct lex_token sign;

	if (!(part.kind & PARTS_ARITH) || !(allow & PART_ARITH))
		return part;
	part = operators(p, part, LOOSEST);
	if (!part.kind || !(allow & PART_TERM) || p->token.kind != LEX_RELATION)
		return part;
	sign = p->token;
	parser_advance(p);
	right = parser_part_of(p, &no_quals, PARTS_ARITH);
	return right.kind ? binary(p, GRAMMAR_RELATION, &sign, part, right) : right;
}

struct part parser_minus(struct parser *p)
{
	size_t at = p->token.at;
	struct grammar_node *node;
	struct part part;

	if (!parser_enter(p))
		return parser_part(PART_NONE, NULL);
	parser_advance(p);
	part = operators(p, parser_atom(p, &no_quals, PARTS_ARITH), UNARY);
	if (!part.kind)
		return part;
	parser_leave(p);
	node = parser_node(p, GRAMMAR_MINUS, at);
	if (!node || !parser_add_kid(p, node, part.node))
		return parser_part(PART_NONE, NULL);
	return parser_part(PART_ARITH, node);
}

/* The size behind the colon of "[offset:size]", if there is one. */
static bool load_size(struct parser *p, struct grammar_span *size)
{
	struct lex_token token;

	*size = (struct grammar_span){ 0 };
	if (p->token.kind != LEX_COLON)
		return true;
	parser_advance(p);
	if (!parser_take(p, LEX_NUMBER, "a number of bytes (1, 2 or 4)", &token))
		return false;
	*size = (struct grammar_span){ token.at, token.len };
	return true;
}

struct part parser_load(struct parser *p, const struct lex_token *proto)
{
	struct grammar_node *node;
	struct grammar_span size;
	struct part offset;

	if (!parser_enter(p))
		return parser_part(PART_NONE, NULL);
	parser_advance(p);
	offset = parser_part_of(p, &no_quals, PARTS_ARITH);
	if (!offset.kind)
		return offset;
	if (!load_size(p, &size) || !parser_take(p, LEX_INDEX_END, "':' or ']'", NULL))
		return parser_part(PART_NONE, NULL);
	parser_leave(p);
	node = parser_node(p, GRAMMAR_LOAD, proto->at);
	if (!node || !parser_add_kid(p, node, offset.node))
		return parser_part(PART_NONE, NULL);
	node->word = proto->word;
	node->value = size;
	return parser_part(PART_ARITH, node);
}
