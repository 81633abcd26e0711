// SPDX-License-Identifier: GPL-2.0-only
#include "grammar_parse.h"

#include <string.h>

static struct grammar_span span_of(const struct lex_token *token)
{
	return (struct grammar_span){ token->at, token->len };
}

bool parser_is_literal(enum lex_kind kind)
{
	return kind == LEX_NAME || kind == LEX_IPV4 || kind == LEX_IPV6 || kind == LEX_MAC ||
	       kind == LEX_ARCNET || kind == LEX_IN;
}

struct part parser_unqualified(struct parser *p, const struct lex_token *value)
{
	const char *such = value->kind == LEX_NUMBER ? "'port' or 'proto'"
			   : value->kind == LEX_MAC  ? "'ether host' or 'ether src'"
						     : "'host' or 'src'";
	char word[QUOTED_MAX + 1];

	grammar_lex_quote(p->text + value->at, value->len, word, sizeof(word));
	return parser_fail(p, true, value->at, "'%s' needs a word before it, such as %s", word,
			   such);
}

struct part parser_number_value(struct parser *p, struct grammar_node *number,
				const struct grammar_quals *quals)
{
	if (!quals->there) {
		const struct lex_token token = { .kind = LEX_NUMBER,
						 .at = number->value.at,
						 .len = number->value.len };

		return parser_unqualified(p, &token);
	}
	if (!parser_count(p, GRAMMAR_VALUE, number->value.at))
		return parser_part(PART_NONE, NULL);
	p->grammar->n_terms--;
	number->kind = GRAMMAR_VALUE;
	number->n_primitives = 1;
	number->form = GRAMMAR_PLAIN;
	number->quals = *quals;
	return (struct part){ PART_VALUE, number, *quals };
}

/* What a set test of these qualifiers looks up; false, with an error, if there is no such test. */
static bool set_place(struct parser *p, const struct grammar_quals *quals,
		      enum grammar_place *place)
{
	const char *proto = quals->proto ? quals->proto : "";
	const char *bad = NULL;

	*place = GRAMMAR_ADDRESS;
	if (quals->type == GRAMMAR_PORT)
		*place = GRAMMAR_PORT_NUMBER;
	else if (quals->link)
		*place = GRAMMAR_MAC_ADDRESS;
	if (quals->type == GRAMMAR_PORTRANGE)
		bad = "a range of ports; a set holds ranges itself: write 'port in @…'";
	else if (quals->type == GRAMMAR_IS_PROTO || quals->type == GRAMMAR_PROTOCHAIN)
		bad = "a protocol";
	else if (quals->type == GRAMMAR_GATEWAY)
		bad = "a gateway";
	else if (!strcmp(proto, "decnet"))
		bad = "a DECnet address";
	else if (*place == GRAMMAR_MAC_ADDRESS && quals->type == GRAMMAR_NET)
		bad = "a net of MAC addresses";
	if (bad)
		parser_fail(p, false, p->token.at, "no set holds %s", bad);
	return !bad;
}

/* "in @NAME" */
static struct part set_test(struct parser *p, const struct grammar_quals *quals)
{
	size_t at = p->token.at;
	enum grammar_place place;
	struct grammar_node *node;
	struct lex_token name;

	if (!set_place(p, quals, &place))
		return parser_part(PART_NONE, NULL);
	parser_advance(p);
	if (!parser_take(p, LEX_SET, "the name of a set", &name))
		return parser_part(PART_NONE, NULL);
	node = parser_node(p, GRAMMAR_SET, at);
	if (!node)
		return parser_part(PART_NONE, NULL);
	node->quals = *quals;
	node->place = place;
	node->value = (struct grammar_span){ name.at + 1, name.len - 1 };
	return (struct part){ PART_VALUE, node, *quals };
}

/* "/LENGTH" or "mask MASK" behind an address. Returns its form; GRAMMAR_NAME: a mistake. */
static enum grammar_form length_or_mask(struct parser *p, enum grammar_form form,
					struct grammar_span *more)
{
	bool slash = p->token.kind == LEX_OPERATOR && p->token.value == LEX_DIVIDE;
	struct lex_token token;

	*more = (struct grammar_span){ 0 };
	if (slash && (form == GRAMMAR_IPV4 || form == GRAMMAR_IPV6)) {
		parser_advance(p);
		if (!parser_take(p, LEX_NUMBER, "a prefix length", &token))
			return GRAMMAR_NAME;
		form = form == GRAMMAR_IPV4 ? GRAMMAR_IPV4_LEN : GRAMMAR_IPV6_LEN;
		*more = span_of(&token);
	} else if (p->token.kind == LEX_MASK && form == GRAMMAR_IPV4) {
		parser_advance(p);
		if (!parser_take(p, LEX_IPV4, "a mask such as 255.255.0.0", &token))
			return GRAMMAR_NAME;
		form = GRAMMAR_IPV4_MASK;
		*more = span_of(&token);
	}
	return form;
}

static enum grammar_form literal_form(enum lex_kind kind)
{
	switch (kind) {
	case LEX_IPV4:
		return GRAMMAR_IPV4;
	case LEX_IPV6:
		return GRAMMAR_IPV6;
	case LEX_MAC:
		return GRAMMAR_MAC;
	case LEX_ARCNET:
		return GRAMMAR_ARCNET;
	default:
		return GRAMMAR_NAME;
	}
}

struct part parser_literal(struct parser *p, const struct grammar_quals *quals)
{
	const struct lex_token token = p->token;
	enum grammar_form form = literal_form(token.kind);
	struct grammar_span more = { 0 };
	struct grammar_node *node;

	if (!quals->there)
		return parser_unqualified(p, &token);
	if (token.kind == LEX_IN)
		return set_test(p, quals);
	parser_advance(p);
	if (form != GRAMMAR_NAME) {
		form = length_or_mask(p, form, &more);
		if (form == GRAMMAR_NAME)
			return parser_part(PART_NONE, NULL);
	}
	node = parser_node(p, GRAMMAR_VALUE, token.at);
	if (!node)
		return parser_part(PART_NONE, NULL);
	node->form = form;
	node->quals = *quals;
	node->value = span_of(&token);
	node->more = more;
	return (struct part){ PART_VALUE, node, *quals };
}

static bool begins_value(enum lex_kind kind)
{
	return kind == LEX_OPEN || kind == LEX_NOT || kind == LEX_NUMBER || parser_is_literal(kind);
}

/* What is wanted behind these qualifiers. */
static const char *value_name(const struct grammar_quals *quals)
{
	static const char *const names[] = {
		[GRAMMAR_NO_TYPE] = "'host', 'net', 'port' or an address",
		[GRAMMAR_HOST] = "an address",
		[GRAMMAR_NET] = "a net such as 192.0.2.0/24",
		[GRAMMAR_PORT] = "a port",
		[GRAMMAR_PORTRANGE] = "a range of ports such as 8000-8080",
		[GRAMMAR_IS_PROTO] = "a protocol such as \\tcp or 6",
		[GRAMMAR_PROTOCHAIN] = "a protocol such as \\tcp or 6",
		[GRAMMAR_GATEWAY] = "a host's name",
	};

	if (quals->type == GRAMMAR_HOST && quals->link)
		return "a MAC address";
	return names[quals->type];
}

/* "src", "dst", or both with "and" or "or" between, or an address of an 802.11 frame. */
static bool direction(struct parser *p, enum grammar_dir *dir)
{
	enum grammar_dir other;

	*dir = p->token.value;
	other = *dir == GRAMMAR_SRC ? GRAMMAR_DST : GRAMMAR_SRC;
	parser_advance(p);
	if ((p->token.kind != LEX_AND && p->token.kind != LEX_OR) ||
	    (*dir != GRAMMAR_SRC && *dir != GRAMMAR_DST))
		return true;
	*dir = p->token.kind == LEX_AND ? GRAMMAR_SRC_AND_DST : GRAMMAR_SRC_OR_DST;
	parser_advance(p);
	if (p->token.kind == LEX_DIR && p->token.value == (int)other) {
		parser_advance(p);
		return true;
	}
	parser_expected(p, other == GRAMMAR_SRC ? "'src'" : "'dst'");
	return false;
}

/* The value behind a protocol, a direction, a type: whichever of these are there. */
static struct part qualified(struct parser *p, const struct lex_token *proto, size_t at)
{
	struct grammar_quals quals = { .there = true };
	struct part part;

	if (proto) {
		quals.proto = proto->word;
		quals.link = proto->value;
	}
	if (p->token.kind == LEX_DIR && !direction(p, &quals.dir))
		return parser_part(PART_NONE, NULL);
	if (p->token.kind == LEX_TYPE || (p->token.kind == LEX_TYPE_ALONE && !quals.dir)) {
		quals.type = p->token.value;
		parser_advance(p);
	}
	if (!begins_value(p->token.kind))
		return parser_expected(p, value_name(&quals));
	part = parser_value(p, &quals, PARTS_VALUE);
	if (part.kind == PART_VALUE) {
		part.node->span.len += part.node->span.at - at;
		part.node->span.at = at;
	}
	part.kind = part.kind ? PART_TERM : PART_NONE;
	return part;
}

static bool one_of(struct parser *p, enum lex_kind a, enum lex_kind b, const char *what)
{
	if (p->token.kind == b)
		a = b;
	return parser_take(p, a, what, NULL);
}

/* "type mgt subtype beacon", "subtype beacon", "dir tods": of 802.11 frames */
static bool wlan_words(struct parser *p, enum lex_kind kind)
{
	if (kind == LEX_WLAN_SUBTYPE)
		return parser_take(p, LEX_NAME, "a subtype of 802.11 frames", NULL);
	if (!one_of(p, LEX_NUMBER, LEX_NAME,
		    kind == LEX_WLAN_DIR ? "a direction of 802.11 frames"
					 : "a type of 802.11 frames"))
		return false;
	if (kind == LEX_WLAN_DIR || p->token.kind != LEX_WLAN_SUBTYPE)
		return true;
	parser_advance(p);
	return one_of(p, LEX_NUMBER, LEX_NAME, "a subtype of 802.11 frames");
}

/* "(5 or 6)": of ATM and SS7 fields. Each counts as a primitive. */
static bool field_list(struct parser *p)
{
	parser_advance(p);
	for (;;) {
		if (!parser_count(p, GRAMMAR_WORD, p->token.at) ||
		    !parser_take(p, LEX_NUMBER, "a number", NULL))
			return false;
		if (p->token.kind != LEX_OR)
			return parser_take(p, LEX_CLOSE, "'or' or ')'", NULL);
		parser_advance(p);
	}
}

static bool field_words(struct parser *p)
{
	if (p->token.kind == LEX_OPEN)
		return field_list(p);
	if (p->token.kind == LEX_RELATION)
		parser_advance(p);
	return parser_take(p, LEX_NUMBER, "a number, a comparison or '('", NULL);
}

/* "byte 8 & 5" */
static bool byte_words(struct parser *p)
{
	const struct lex_token *token = &p->token;
	bool known;

	if (!parser_take(p, LEX_NUMBER, "an offset", NULL))
		return false;
	known = (token->kind == LEX_RELATION &&
		 (token->value == LEX_EQ || token->value == LEX_LT || token->value == LEX_GT)) ||
		(token->kind == LEX_OPERATOR &&
		 (token->value == LEX_AND_BITS || token->value == LEX_OR_BITS));
	if (!known) {
		parser_expected(p, "'=', '<', '>', '&' or '|'");
		return false;
	}
	parser_advance(p);
	return parser_take(p, LEX_NUMBER, "a number", NULL);
}

/* "vlan", "vlan 10", "vlan (10)" */
static bool number_maybe(struct parser *p)
{
	const struct grammar_quals none = { 0 };

	if (p->token.kind != LEX_NUMBER && p->token.kind != LEX_OPEN)
		return true;
	return parser_atom(p, &none, PART_NUMBER).kind;
}

/* What follows the first word of a primitive of GRAMMAR_WORD. */
static bool rest_of_words(struct parser *p, enum lex_kind kind)
{
	switch (kind) {
	case LEX_WORD_NUMBER:
	case LEX_RNR:
		return parser_take(p, LEX_NUMBER, "a number", NULL);
	case LEX_WORD_NUMBER_MAYBE:
		return number_maybe(p);
	case LEX_WORD_NAME:
		return parser_take(p, LEX_NAME, "a name", NULL);
	case LEX_WORD_EITHER:
		return one_of(p, LEX_NUMBER, LEX_NAME, "a name or a number");
	case LEX_WORD_FIELD:
		return field_words(p);
	case LEX_BYTE:
		return byte_words(p);
	case LEX_LLC:
		if (p->token.kind == LEX_NAME || p->token.kind == LEX_RNR)
			parser_advance(p);
		return true;
	case LEX_WLAN_TYPE:
	case LEX_WLAN_SUBTYPE:
	case LEX_WLAN_DIR:
		return wlan_words(p, kind);
	default:
		return true;
	}
}

static struct part words(struct parser *p, size_t at)
{
	const struct lex_token first = p->token;
	struct grammar_node *node;

	if (first.kind == LEX_WORD_NUMBER_MAYBE && p->grammar->n_movers++ == GRAMMAR_MOVERS_MAX) {
		parser_fail(p, false, at,
			    "vlan, mpls, pppoes and geneve stand here more than %d times: each "
			    "looks behind those before it",
			    GRAMMAR_MOVERS_MAX);
		return parser_part(PART_NONE, NULL);
	}
	parser_advance(p);
	if (!rest_of_words(p, first.kind))
		return parser_part(PART_NONE, NULL);
	node = parser_node(p, GRAMMAR_WORD, at);
	if (node)
		node->word = first.word;
	return parser_part(PART_TERM, node);
}

static struct part proto_alone(struct parser *p, const struct lex_token *proto)
{
	struct grammar_node *node = parser_node(p, GRAMMAR_PROTO, proto->at);

	if (node)
		node->word = proto->word;
	return parser_part(PART_TERM, node);
}

struct part parser_primitive(struct parser *p, const struct lex_token *proto)
{
	const enum lex_kind kind = p->token.kind;
	size_t at = proto ? proto->at : p->token.at;

	if (kind == LEX_DIR || kind == LEX_TYPE || kind == LEX_TYPE_ALONE)
		return qualified(p, proto, at);
	if (kind == LEX_CAST || kind == LEX_WLAN_TYPE || kind == LEX_WLAN_SUBTYPE ||
	    kind == LEX_WLAN_DIR)
		return words(p, at);
	return proto ? proto_alone(p, proto) : words(p, at);
}
