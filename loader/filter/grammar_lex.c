// SPDX-License-Identifier: GPL-2.0-only
#include "grammar_lex.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "grammar.h"

/* Longer ones before their beginnings. */
static const struct lex_word signs[] = {
	{ "&&", LEX_AND, 0 },
	{ "||", LEX_OR, 0 },
	{ ">=", LEX_RELATION, LEX_GE },
	{ "<=", LEX_RELATION, LEX_LE },
	{ "!=", LEX_RELATION, LEX_NE },
	{ "==", LEX_RELATION, LEX_EQ },
	{ "<<", LEX_OPERATOR, LEX_SHIFT_LEFT },
	{ ">>", LEX_OPERATOR, LEX_SHIFT_RIGHT },
	{ "=", LEX_RELATION, LEX_EQ },
	{ "<", LEX_RELATION, LEX_LT },
	{ ">", LEX_RELATION, LEX_GT },
	{ "|", LEX_OPERATOR, LEX_OR_BITS },
	{ "&", LEX_OPERATOR, LEX_AND_BITS },
	{ "^", LEX_OPERATOR, LEX_XOR },
	{ "+", LEX_OPERATOR, LEX_PLUS },
	{ "-", LEX_OPERATOR, LEX_MINUS },
	{ "*", LEX_OPERATOR, LEX_TIMES },
	{ "/", LEX_OPERATOR, LEX_DIVIDE },
	{ "%", LEX_OPERATOR, LEX_MODULO },
	{ "(", LEX_OPEN, 0 },
	{ ")", LEX_CLOSE, 0 },
	{ "[", LEX_INDEX, 0 },
	{ "]", LEX_INDEX_END, 0 },
	{ ":", LEX_COLON, 0 },
	{ "!", LEX_NOT, 0 },
};

enum { BYTE_DIGITS = 2, GROUP_DIGITS = 4, MAC_BYTES = 6, IPV6_GROUPS = 8 };

/* ASCII only: a name of the user's locale is none of libpcap's. */
static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static size_t hex_digits(const char *p)
{
	return strspn(p, "0123456789abcdefABCDEF");
}

static size_t min(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* A number: decimal or octal digits, or 0x and hexadecimal ones. What it is worth libpcap tells. */
static size_t number_len(const char *p)
{
	if (p[0] == '0' && (p[1] == 'x' || p[1] == 'X') && hex_digits(p + 2))
		return 2 + hex_digits(p + 2);
	return strspn(p, "0123456789");
}

/* Up to `max` numbers with dots between; how many is left in *n. */
static size_t dotted_len(const char *p, unsigned int max, unsigned int *n)
{
	size_t len = number_len(p), next;

	*n = len > 0;
	while (*n && *n < max && p[len] == '.' && (next = number_len(p + len + 1))) {
		len += 1 + next;
		++*n;
	}
	return len;
}

/* Letters and digits, with '-', '_' and '.' within; a '.' may end it. */
static size_t name_len(const char *p)
{
	size_t len = 0;

	if (!is_alnum(*p))
		return 0;
	while (is_alnum(p[len]) || (p[len] && strchr("-_.", p[len])))
		len++;
	while (p[len - 1] == '-' || p[len - 1] == '_')
		len--;
	return len;
}

/* `n` runs of hexadecimal digits, least to most long each, with a separator between. */
static size_t hex_runs(const char *p, unsigned int n, size_t least, size_t most, char separator)
{
	size_t len = 0;

	for (unsigned int i = 0; i < n; i++) {
		size_t digits = min(hex_digits(p + len), most);

		if (digits < least)
			return 0;
		len += digits;
		if (i + 1 < n && separator && p[len++] != separator)
			return 0;
	}
	return len;
}

/* 0:1:2:3:4:5, 00-11-22-33-44-55, 0.1.2.3.4.5, 0011.2233.4455, 001122334455 */
static size_t mac_len(const char *p)
{
	static const char separators[] = ":-.";
	size_t len = 0;

	for (const char *s = separators; *s && !len; s++)
		len = hex_runs(p, MAC_BYTES, 1, BYTE_DIGITS, *s);
	if (!len)
		len = hex_runs(p, 3, GROUP_DIGITS, GROUP_DIGITS, '.');
	return len ? len : hex_runs(p, 3, GROUP_DIGITS, GROUP_DIGITS, 0);
}

/* An address under way: how many groups there were, and whether "::" was. */
struct ipv6 {
	unsigned int groups;
	bool gap;
};

/* Whether an address may end when `more` groups follow those that there were. */
static bool ipv6_whole(const struct ipv6 *ip, unsigned int more)
{
	return ip->gap ? ip->groups + more < IPV6_GROUPS : ip->groups + more == IPV6_GROUPS;
}

/* What stands at p as the last part of an address: a group, or four numbers with dots. */
static size_t ipv6_end_len(const char *p, const struct ipv6 *ip)
{
	unsigned int n;
	size_t dotted = dotted_len(p, 4, &n);

	if (n == 4 && ipv6_whole(ip, 2))
		return dotted;
	return ipv6_whole(ip, 1) ? min(hex_digits(p), GROUP_DIGITS) : 0;
}

/*
 * The longest IPv6 address at p: groups of one to four digits, one "::" for one group or more, the
 * last two groups perhaps as an IPv4 address.
 */
static size_t ipv6_len(const char *p)
{
	struct ipv6 ip = { 0 };
	size_t at = 0, whole = 0, end, digits;

	for (;;) {
		if (p[at] == ':' && p[at + 1] == ':' && !ip.gap) {
			ip.gap = true;
			at += 2;
			if (ipv6_whole(&ip, 0))
				whole = at;
		} else if (ip.groups && p[at] == ':') {
			at++;
		} else if (ip.groups) {
			return whole;
		}
		end = ipv6_end_len(p + at, &ip);
		if (end && at + end > whole)
			whole = at + end;
		digits = hex_digits(p + at);
		if (!digits || digits > GROUP_DIGITS || ++ip.groups >= IPV6_GROUPS)
			return whole;
		at += digits;
	}
}

/* Bytes and colons that are no address; libpcap calls them bogus, and takes them for one word. */
static size_t bogus_mac_len(const char *p)
{
	size_t at = 0, whole = 0;

	for (unsigned int n = 1;; n++) {
		size_t digits = hex_digits(p + at), colons;

		if (!digits || digits > BYTE_DIGITS)
			return whole;
		colons = strspn(p + at + digits, ":");
		if (!colons)
			return whole;
		at += digits + colons;
		if (n > 1)
			whole = at;
	}
}

static void name(const char *p, struct lex_token *token)
{
	const struct lex_word *word = grammar_word(p, token->len);
	unsigned int n;

	token->kind = LEX_NAME;
	if (word) {
		token->kind = word->kind;
		token->value = word->value;
		token->word = word->text;
	} else if (mac_len(p) == token->len) {
		token->kind = LEX_MAC;
	} else if (dotted_len(p, 4, &n) == token->len) {
		token->kind = n == 1 ? LEX_NUMBER : LEX_IPV4;
	} else if (token->len == 2 && !strncmp(p, "in", 2) &&
		   p[2 + strspn(p + 2, " \r\n\t")] == '@') {
		token->kind = LEX_IN;
	}
}

/* What has colons: an address, or a name that is longer. */
static void address_or_name(const char *p, struct lex_token *token)
{
	size_t mac = mac_len(p), ipv6 = ipv6_len(p), bogus = bogus_mac_len(p);

	token->len = name_len(p);
	if (mac > token->len && mac > ipv6 && mac >= bogus) {
		token->kind = LEX_MAC;
		token->len = mac;
	} else if (ipv6 > token->len && ipv6 >= bogus) {
		token->kind = LEX_IPV6;
		token->len = ipv6;
	} else if (bogus > token->len) {
		token->kind = LEX_MAC;
		token->len = bogus;
	} else if (token->len) {
		name(p, token);
	}
}

static size_t set_name_len(const char *p)
{
	size_t len = 0;

	if (is_digit(*p) || *p == '-')
		return 0;
	while (is_alnum(p[len]) || p[len] == '_' || p[len] == '-')
		len++;
	return len;
}

static void sign(const char *p, struct lex_token *token)
{
	for (size_t i = 0; i < ARRAY_SIZE(signs); i++) {
		if (!strncmp(p, signs[i].text, strlen(signs[i].text))) {
			token->kind = signs[i].kind;
			token->value = signs[i].value;
			token->len = strlen(signs[i].text);
			token->word = signs[i].text;
			return;
		}
	}
}

struct lex_token grammar_lex(const char *text, size_t at)
{
	struct lex_token token = { LEX_END, at + strspn(text + at, " \r\n\t"), 0, 0, NULL };
	const char *p = text + token.at;

	if (!*p)
		return token;
	token.kind = LEX_BAD;
	if (*p == '\\' && strcspn(p + 1, " !()\n\t")) {
		token.kind = LEX_NAME;
		token.len = 1 + strcspn(p + 1, " !()\n\t");
	} else if (*p == '$' && hex_digits(p + 1)) {
		token.kind = LEX_ARCNET;
		token.len = 1 + min(hex_digits(p + 1), BYTE_DIGITS);
	} else if (*p == '@' && set_name_len(p + 1)) {
		token.kind = LEX_SET;
		token.len = 1 + set_name_len(p + 1);
	} else if (is_alnum(*p) || *p == ':') {
		address_or_name(p, &token);
	}
	if (token.kind == LEX_BAD)
		sign(p, &token);
	if (token.kind == LEX_BAD)
		token.len = 1;
	return token;
}

void grammar_lex_quote(const char *text, size_t len, char *out, size_t size)
{
	size_t n = min(len, size - 1);

	for (size_t i = 0; i < n; i++)
		out[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
	out[n] = '\0';
}
