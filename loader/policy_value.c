// SPDX-License-Identifier: GPL-2.0-only
#include "policy_parse.h"

#include <ctype.h>
#include <string.h>

enum {
	CPU_MAX = 8191, /* NR_CPUS of the largest kernels, and beyond any NIC's queues */
};

static const uint64_t timeout_max = 365ULL * 24 * 3600 * 1000;

static int bad_value(struct parser *parser, const char *what)
{
	char shown[TOKEN_SHOWN];

	return mistake(&parser->mistakes, &parser->token.pos, "%s is no %s",
		       token_shown(&parser->token, shown), what);
}

static const char *token_end(const struct token *token)
{
	return token->text + token->len;
}

static int digit(char c)
{
	if (isdigit((unsigned char)c))
		return c - '0';
	return isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10 : 16;
}

bool scan_number(const char **text, const char *end, uint64_t *out)
{
	const char *p = *text;
	unsigned int base = 10;
	const char *start;
	bool over = false;

	if (end - p > 2 && p[0] == '0' && (p[1] | 0x20) == 'x') {
		base = 16;
		p += 2;
	}
	*out = 0;
	for (start = p; p < end && (unsigned int)digit(*p) < base; p++)
		over |= __builtin_mul_overflow(*out, base, out) |
			__builtin_add_overflow(*out, (unsigned int)digit(*p), out);
	if (over)
		*out = UINT64_MAX;
	*text = p;
	return p > start;
}

int value_number(struct parser *parser, const char *what, uint64_t low, uint64_t high,
		 uint64_t *out)
{
	const struct token token = parser->token;
	const char *p = token.text;
	char shown[TOKEN_SHOWN];

	if (!policy_at_value(parser))
		return policy_unexpected(parser, what);
	policy_advance(parser);
	if (scan_number(&p, token_end(&token), out) && p == token_end(&token) && *out >= low &&
	    *out <= high)
		return 0;
	*out = low;
	mistake(&parser->mistakes, &token.pos, "expected %s, from %ju to %ju, not %s", what,
		(uintmax_t)low, (uintmax_t)high, token_shown(&token, shown));
	return 0;
}

/* One "N" or "N-M"; *text is moved behind it. */
static bool scan_range(const char **text, const char *end, struct range *range)
{
	uint64_t low, high;

	if (!scan_number(text, end, &low))
		return false;
	high = low;
	if (*text < end && **text == '-') {
		(*text)++;
		if (!scan_number(text, end, &high))
			return false;
	}
	*range = (struct range){ low, high };
	return low <= high && high <= CPU_MAX;
}

/* Mark a range's numbers as seen: false if one was already. */
static bool see_range(bool *seen, const struct range *range)
{
	for (uint32_t i = range->low; i <= range->high; i++) {
		if (seen[i])
			return false;
		seen[i] = true;
	}
	return true;
}

int value_ranges(struct parser *parser, const char *what, struct range **ranges, size_t *n)
{
	const struct token *token = &parser->token;
	const char *p = token->text, *end = token_end(token);
	bool seen[CPU_MAX + 1] = { false };

	if (!policy_at_value(parser))
		return policy_unexpected(parser, what);
	for (;; p++) {
		struct range *range = array_add(*ranges, *n);

		if (!range)
			return mistakes_oom(&parser->mistakes);
		if (!scan_range(&p, end, range) || (p < end && *p != ',')) {
			mistake(&parser->mistakes, &token->pos,
				"expected %s: numbers up to %d and ranges, such as 0-3,6", what,
				CPU_MAX);
			break;
		}
		if (!see_range(seen, range)) {
			mistake(&parser->mistakes, &token->pos, "a number stands twice in %s",
				what);
			break;
		}
		if (p == end)
			break;
	}
	policy_advance(parser);
	return 0;
}

/* A number of 64 bits with k, M, G or T for thousands; *text is moved behind it. */
static bool scan_scaled(const char **text, const char *end, uint64_t *out)
{
	static const char scales[] = "kMGT";
	const char *scale;

	if (!scan_number(text, end, out) || *out == UINT64_MAX)
		return false;
	scale = *text < end ? strchr(scales, **text) : NULL;
	if (!scale)
		return true;
	(*text)++;
	for (const char *s = scales; s <= scale; s++)
		if (__builtin_mul_overflow(*out, 1000, out))
			return false;
	return true;
}

static bool scan_suffix(const char **text, const char *end, const char *suffix)
{
	size_t len = strlen(suffix);

	if ((size_t)(end - *text) < len || memcmp(*text, suffix, len))
		return false;
	*text += len;
	return true;
}

int value_rate(struct parser *parser, struct rate *rate)
{
	const char *p = parser->token.text, *end = token_end(&parser->token);

	if (!policy_at_value(parser))
		return policy_unexpected(parser, "a rate");
	if (!scan_scaled(&p, end, &rate->per_second))
		p = end;
	rate->unit = scan_suffix(&p, end, "bit") ? LIMIT_BITS : LIMIT_PACKETS;
	if (!scan_suffix(&p, end, "/s") || p != end)
		bad_value(parser,
			  "rate: write packets (20k/s) or bits (1Gbit/s), with k, M, G or T");
	else if (!rate->per_second)
		mistake(&parser->mistakes, &parser->token.pos,
			"a rate of 0 lets nothing through: write drop");
	policy_advance(parser);
	return 0;
}

int value_burst(struct parser *parser, enum limit_unit unit, uint64_t *burst)
{
	const char *p = parser->token.text, *end = token_end(&parser->token);

	if (!policy_at_value(parser))
		return policy_unexpected(parser, "a burst");
	if (!scan_scaled(&p, end, burst))
		p = NULL;
	if (unit == LIMIT_BITS && (!p || !scan_suffix(&p, end, "bit") || p != end))
		bad_value(parser, "burst of a rate in bits: write bits (10Mbit)");
	else if (unit == LIMIT_PACKETS && p != end)
		bad_value(parser, "burst of a rate in packets: write a number (40k)");
	else if (!*burst)
		mistake(&parser->mistakes, &parser->token.pos, "a burst of 0 lets nothing through");
	policy_advance(parser);
	return 0;
}

int value_time(struct parser *parser, uint64_t *ms)
{
	static const struct {
		const char *suffix;
		uint64_t ms;
	} units[] = {
		{ "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 }
	};
	const char *p = parser->token.text, *end = token_end(&parser->token);
	uint64_t number;
	bool good = false;

	if (!policy_at_value(parser))
		return policy_unexpected(parser, "a time");
	if (scan_number(&p, end, &number))
		for (size_t i = 0; i < ARRAY_SIZE(units) && !good; i++) {
			const char *rest = p;

			good = scan_suffix(&rest, end, units[i].suffix) && rest == end &&
			       !__builtin_mul_overflow(number, units[i].ms, ms) && *ms &&
			       *ms <= timeout_max;
		}
	if (!good)
		return bad_value(parser, "time: write 500ms, 30s, 5m, 2h or 7d, up to 365d");
	policy_advance(parser);
	return 0;
}

static int take_word(struct parser *parser, struct word *out)
{
	out->pos = parser->token.pos;
	out->text = token_copy(&parser->token, &parser->mistakes);
	policy_advance(parser);
	return out->text ? 0 : -ENOMEM;
}

int value_name(struct parser *parser, const char *what, struct word *out)
{
	const struct token *token = &parser->token;
	size_t len = 0;

	if (!policy_at_value(parser))
		return policy_unexpected(parser, what);
	while (len < token->len && is_name_char(token->text[len]))
		len++;
	if (len < token->len || isdigit((unsigned char)*token->text) || *token->text == '-')
		mistake(&parser->mistakes, &token->pos,
			"a name begins with a letter or '_' and has only letters, digits, '_' and '-'");
	else if (len > POLICY_NAME_MAX)
		mistake(&parser->mistakes, &token->pos, "a name has at most %d characters, not %zu",
			POLICY_NAME_MAX, len);
	return take_word(parser, out);
}

int value_ifname(struct parser *parser, struct word *out)
{
	const struct token *token = &parser->token;

	if (!policy_at_value(parser))
		return policy_unexpected(parser, "the name of an interface");
	/* As dev_valid_name() in the kernel's net/core/dev.c. */
	if (token->len > IFNAME_MAX)
		mistake(&parser->mistakes, &token->pos,
			"an interface's name has at most %d characters, not %zu", IFNAME_MAX,
			token->len);
	else if (token_is(token, ".") || token_is(token, "..") ||
		 memchr(token->text, '/', token->len) || memchr(token->text, ':', token->len))
		bad_value(
			parser,
			"name of an interface: it must not be '.' or '..', nor have a '/' or ':'");
	return take_word(parser, out);
}
