// SPDX-License-Identifier: GPL-2.0-only
#include "policy_parse.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

static const char *const type_words[] = { "prefix", "port", "mac" };

static int bad_element(struct parser *parser, const struct token *token, const char *what)
{
	char shown[TOKEN_SHOWN];

	if (memchr(token->text, ',', token->len))
		what = "element: elements are separated by blanks, not commas";
	return mistake(&parser->mistakes, &token->pos, "%s is no %s", token_shown(token, shown),
		       what);
}

/* Clear the bits of an address beyond a length: whether any was set. */
static bool cut_address(struct in6_addr *addr, unsigned int length, unsigned int bits)
{
	bool any = false;

	for (unsigned int i = length / 8; i < bits / 8; i++) {
		uint8_t mask = i == length / 8 ? 0xff >> length % 8 : 0xff;

		any |= addr->s6_addr[i] & mask;
		addr->s6_addr[i] &= ~mask;
	}
	return any;
}

static int stray_bits(struct parser *parser, const struct token *token,
		      const struct element *element)
{
	char shown[TOKEN_SHOWN], right[INET6_ADDRSTRLEN];

	inet_ntop(element->prefix.family, &element->prefix.addr, right, sizeof(right));
	return mistake(&parser->mistakes, &token->pos,
		       "%s has bits set beyond its length: write %s/%u, or the address alone",
		       token_shown(token, shown), right, element->prefix.length);
}

static int read_prefix(struct parser *parser, const struct token *token, struct element *element)
{
	static const char what[] = "IPv4 or IPv6 address or prefix, such as 10.0.0.0/8 or fc00::/7";
	const char *slash = memchr(token->text, '/', token->len);
	const char *end = token->text + token->len, *number;
	size_t len = slash ? (size_t)(slash - token->text) : token->len;
	char address[INET6_ADDRSTRLEN];
	unsigned int bits;
	uint64_t length;

	if (len >= sizeof(address))
		return bad_element(parser, token, what);
	memcpy(address, token->text, len);
	address[len] = '\0';
	element->prefix.family = memchr(address, ':', len) ? AF_INET6 : AF_INET;
	bits = element->prefix.family == AF_INET ? 32 : 128;
	length = bits;
	if (inet_pton(element->prefix.family, address, &element->prefix.addr) != 1)
		return bad_element(parser, token, what);
	number = slash ? slash + 1 : end;
	if (slash && (!scan_number(&number, end, &length) || number != end))
		return bad_element(parser, token, what);
	if (length > bits)
		return mistake(&parser->mistakes, &token->pos,
			       "the length of an IPv%c prefix is at most %u",
			       bits == 32 ? '4' : '6', bits);
	element->prefix.length = length;
	if (cut_address(&element->prefix.addr, length, bits))
		return stray_bits(parser, token, element);
	return 0;
}

static int read_port(struct parser *parser, const struct token *token, struct element *element)
{
	static const char what[] = "port or range of ports, such as 80 or 8080-8090";
	const char *p = token->text, *end = p + token->len;
	uint64_t low, high;

	if (!scan_number(&p, end, &low))
		return bad_element(parser, token, what);
	high = low;
	if (p < end && *p == '-') {
		p++;
		if (!scan_number(&p, end, &high))
			return bad_element(parser, token, what);
	}
	if (p != end)
		return bad_element(parser, token, what);
	if (low > 65535 || high > 65535)
		return mistake(&parser->mistakes, &token->pos, "a port is at most 65535");
	if (low > high)
		return mistake(&parser->mistakes, &token->pos,
			       "this range is empty: its first port is beyond its last");
	element->port.low = low;
	element->port.high = high;
	return 0;
}

static bool scan_mac(const char *p, const char *end, uint8_t mac[6])
{
	for (unsigned int i = 0; i < 6; i++) {
		unsigned int digits = 0, byte = 0;

		for (; p < end && isxdigit((unsigned char)*p); p++, digits++)
			byte = byte << 4 |
			       (isdigit((unsigned char)*p) ? *p - '0' : (*p | 0x20) - 'a' + 10);
		if (!digits || digits > 2 || (i < 5 && (p == end || *p++ != ':')))
			return false;
		mac[i] = byte;
	}
	return p == end;
}

static int read_mac(struct parser *parser, const struct token *token, struct element *element)
{
	if (!scan_mac(token->text, token->text + token->len, element->mac))
		return bad_element(parser, token, "MAC address, such as 02:00:5e:10:00:01");
	return 0;
}

/* An element and its timeout. Wrong ones are reported and passed. */
static void parse_element(struct parser *parser, struct set *set)
{
	static int (*const readers[])(struct parser *, const struct token *, struct element *) = {
		[SET_PREFIX] = read_prefix,
		[SET_PORT] = read_port,
		[SET_MAC] = read_mac,
	};
	const struct token token = parser->token;
	struct element element = { .pos = token.pos }, *added;

	if (token_is(&token, "timeout")) {
		mistake(&parser->mistakes, &token.pos, "a timeout follows an element");
	} else {
		readers[set->type](parser, &token, &element);
		policy_advance(parser);
	}
	if (policy_accept(parser, "timeout"))
		value_time(parser, &element.timeout_ms);
	added = array_add(set->elements, set->n_elements);
	if (added)
		*added = element;
	else
		mistakes_oom(&parser->mistakes);
}

static void parse_elements(struct parser *parser, struct set *set)
{
	struct pos open;

	if (policy_open(parser, "'{' or 'file'", &open))
		return policy_skip(parser);
	while (!policy_closed(parser, &open)) {
		if (parser->token.kind == TOKEN_WORD) {
			parse_element(parser, set);
			continue;
		}
		if (parser->token.kind != TOKEN_NEWLINE)
			policy_unexpected(parser, "an element or '}'");
		if (parser->token.kind == TOKEN_OPEN)
			policy_skip(parser);
		else
			policy_advance(parser);
	}
	if (!set->n_elements && !set->dynamic)
		mistake(&parser->mistakes, &open, "a set that is not dynamic needs elements");
}

static void skip_line(struct parser *parser)
{
	parser->mistakes.quiet = true;
	while (parser->token.kind != TOKEN_NEWLINE && parser->token.kind != TOKEN_EOF)
		policy_advance(parser);
	parser->mistakes.quiet = false;
}

/* A set file's lines: an element, or nothing. */
static void parse_lines(struct parser *parser, struct set *set)
{
	while (parser->token.kind != TOKEN_EOF) {
		if (parser->token.kind == TOKEN_WORD)
			parse_element(parser, set);
		if (parser->token.kind != TOKEN_NEWLINE && parser->token.kind != TOKEN_EOF) {
			policy_unexpected(parser, "one element a line");
			skip_line(parser);
		}
		if (parser->token.kind != TOKEN_EOF)
			policy_advance(parser);
	}
}

static void parse_file(struct parser *parser, struct set *set)
{
	const struct token name = parser->token;
	_free_ char *file = NULL, *path = NULL;
	const struct source *source;
	struct lexer lexer;
	struct token token;

	if (name.kind != TOKEN_STRING || !name.len) {
		policy_unexpected(parser, "a file's name in quotes");
		return policy_skip(parser);
	}
	policy_advance(parser);
	file = token_copy(&name, &parser->mistakes);
	path = file ? file_beside(parser, name.pos.source, file) : NULL;
	set->file = path ? file_absolute(parser, path, &name.pos) : NULL;
	if (!set->file || file_load(parser, path, &name.pos, &source))
		return;
	lexer = parser->lexer;
	token = parser->token;
	lex_init(&parser->lexer, source, &parser->mistakes);
	policy_advance(parser);
	parse_lines(parser, set);
	parser->lexer = lexer;
	parser->token = token;
}

static int parse_type(struct parser *parser, enum set_type *type)
{
	for (size_t i = 0; i < ARRAY_SIZE(type_words); i++) {
		if (policy_accept(parser, type_words[i])) {
			*type = i;
			return 0;
		}
	}
	return policy_unknown(parser, "type of set", type_words, ARRAY_SIZE(type_words));
}

static void parse_flags(struct parser *parser, struct set *set)
{
	static const char *const words[] = { "dynamic", "counters" };
	unsigned int seen = 0;

	while (policy_option(parser, words, ARRAY_SIZE(words), &seen) >= 0)
		;
	set->dynamic = seen & 1;
	set->counters = seen & 2;
}

void parse_set(struct parser *parser)
{
	static const char *const words[] = { "dynamic", "counters", "file" };
	struct set *set = array_add(parser->policy->sets, parser->policy->n_sets);
	struct word name = { 0 };

	if (!set) {
		mistakes_oom(&parser->mistakes);
		return;
	}
	if (value_name(parser, "a name for the set", &name))
		return policy_skip(parser);
	set->name = name.text;
	set->pos = name.pos;
	policy_define(parser, &parser->sets, "set", name.text, &name.pos);
	if (parse_type(parser, &set->type))
		return policy_skip(parser);
	parse_flags(parser, set);
	if (policy_accept(parser, "file"))
		return parse_file(parser, set);
	if (parser->token.kind != TOKEN_WORD)
		return parse_elements(parser, set);
	policy_unknown(parser, "part of a set", words, ARRAY_SIZE(words));
	policy_skip(parser);
}
