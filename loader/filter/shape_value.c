// SPDX-License-Identifier: GPL-2.0-only
/*
 * Values of expressions as numbers, where they are written plainly. All else is left to libpcap.
 */
#include <arpa/inet.h>
#include <string.h>

#include "shape.h"

enum { IPV4_BITS = 32, IPV6_BITS = 128, WORD_BITS = 32 };

static bool all_digits(const char *text, size_t len)
{
	size_t digits = strspn(text, "0123456789");

	return digits >= len && (len == 1 || *text != '0');
}

/* A decimal number without leading zeros, up to `max`. */
static bool number(const char *text, size_t len, uint32_t max, uint32_t *out)
{
	*out = 0;
	if (!len || len > 9 || !all_digits(text, len))
		return false;
	for (size_t i = 0; i < len; i++)
		*out = *out * 10 + (text[i] - '0');
	return *out <= max;
}

/* All bits of a word from the n-th on, from the highest. */
static uint32_t bits_from(unsigned int n)
{
	return n < WORD_BITS ? ~0u >> n : 0;
}

/* first … last of each word, from the network's address on. false: other bits are set. */
static bool prefix(struct cbpf_element *out, unsigned int words, unsigned int length)
{
	for (unsigned int w = 0; w < words; w++) {
		unsigned int of_word = length > w * WORD_BITS ? length - w * WORD_BITS : 0;

		if (out->first[w] & bits_from(of_word))
			return false;
		out->last[w] = out->first[w] | bits_from(of_word);
	}
	return true;
}

/* Four numbers; nothing else is what it looks like. */
static bool read_ipv4(const char *text, size_t len, uint32_t *out)
{
	const char *end = text + len;

	*out = 0;
	for (unsigned int i = 0; i < 4; i++) {
		size_t digits = strspn(text, "0123456789");
		uint32_t byte;

		if (!number(text, digits, 255, &byte))
			return false;
		*out = *out << 8 | byte;
		text += digits;
		if (i < 3 && *text++ != '.')
			return false;
	}
	return text == end;
}

static bool read_ipv6(const char *text, size_t len, uint32_t *out)
{
	char copy[INET6_ADDRSTRLEN];
	uint32_t words[4];

	if (len >= sizeof(copy))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (inet_pton(AF_INET6, copy, words) != 1)
		return false;
	for (unsigned int w = 0; w < 4; w++)
		out[w] = ntohl(words[w]);
	return true;
}

/* Two digits six times, with colons between. */
static bool read_mac(const char *text, size_t len, uint32_t *out)
{
	unsigned int byte[6];
	int end = 0;

	if (len != 17 || strspn(text, "0123456789abcdefABCDEF:") < len ||
	    sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &byte[0], &byte[1], &byte[2], &byte[3],
		   &byte[4], &byte[5], &end) != 6 ||
	    end != 17)
		return false;
	out[0] = byte[2] << 24 | byte[3] << 16 | byte[4] << 8 | byte[5];
	out[1] = byte[0] << 8 | byte[1];
	return true;
}

static bool read_range(const char *text, size_t len, struct cbpf_element *out)
{
	size_t first = strspn(text, "0123456789");

	return first < len && text[first] == '-' && number(text, first, 65535, &out->first[0]) &&
	       number(text + first + 1, len - first - 1, 65535, &out->last[0]) &&
	       out->first[0] <= out->last[0];
}

static bool is_host(enum grammar_type type)
{
	return type == GRAMMAR_NO_TYPE || type == GRAMMAR_HOST;
}

/* A length behind the address, which only nets have; none: that of an address. */
static bool length_of(const char *text, const struct grammar_node *node, uint32_t bits,
		      uint32_t *out)
{
	*out = bits;
	return !node->more.len || (node->quals.type == GRAMMAR_NET &&
				   number(text + node->more.at, node->more.len, bits, out));
}

static enum value_kind address(const char *text, const struct grammar_node *node,
			       struct cbpf_element *out)
{
	bool four = node->form == GRAMMAR_IPV4 || node->form == GRAMMAR_IPV4_LEN;
	const char *value = text + node->value.at;
	uint32_t length;

	if (node->quals.link || (node->quals.proto && !strcmp(node->quals.proto, "decnet")) ||
	    !(is_host(node->quals.type) || node->quals.type == GRAMMAR_NET) ||
	    !length_of(text, node, four ? IPV4_BITS : IPV6_BITS, &length))
		return VALUE_NONE;
	if (four && read_ipv4(value, node->value.len, out->first) && prefix(out, 1, length))
		return VALUE_IPV4;
	if (!four && read_ipv6(value, node->value.len, out->first) && prefix(out, 4, length))
		return VALUE_IPV6;
	return VALUE_NONE;
}

enum value_kind value_read(const struct grammar *grammar, const struct grammar_node *node,
			   struct cbpf_element *out)
{
	const char *text = grammar->text, *value = text + node->value.at;
	size_t len = node->value.len;

	*out = (struct cbpf_element){ 0 };
	switch (node->form) {
	case GRAMMAR_IPV4:
	case GRAMMAR_IPV4_LEN:
	case GRAMMAR_IPV6:
	case GRAMMAR_IPV6_LEN:
		return address(text, node, out);
	case GRAMMAR_MAC:
		if (!node->quals.link || !is_host(node->quals.type) ||
		    !read_mac(value, len, out->first))
			return VALUE_NONE;
		memcpy(out->last, out->first, sizeof(out->last));
		return VALUE_MAC;
	case GRAMMAR_PLAIN:
		if (node->quals.type != GRAMMAR_PORT || !number(value, len, 65535, out->first))
			return VALUE_NONE;
		out->last[0] = out->first[0];
		return VALUE_PORT;
	case GRAMMAR_NAME:
		return node->quals.type == GRAMMAR_PORTRANGE && read_range(value, len, out)
			       ? VALUE_PORT
			       : VALUE_NONE;
	default:
		return VALUE_NONE;
	}
}
