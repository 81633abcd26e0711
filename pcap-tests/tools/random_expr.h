/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random expressions whose constants are those of given packets, mostly, so that their tests come
 * out both ways. The shape of an expression and its constants have dice of their own: the same
 * shape with other constants is the same seed of the first again.
 */
#pragma once
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>

#include "random_packet.h"

enum { RANDOM_EXPR_MAX = 8192, LIST_VALUES = 48 /* and up to twice as many, in a list */ };

/* What packets hold. */
struct sample {
	const uint8_t *data;
	uint32_t len;
};

struct random_expr {
	struct dice *shape, *values;
	const struct sample *samples;
	size_t n_samples;
	char text[RANDOM_EXPR_MAX];
	size_t len;
};

#define ONE_OF(dice, ...)                                  \
	((const char *const[]){ __VA_ARGS__ })[dice_below( \
		dice, sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))]

static inline void _printf_(2, 3) say(struct random_expr *e, const char *fmt, ...)
{
	size_t rest = sizeof(e->text) - e->len;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(e->text + e->len, rest, fmt, ap);
	va_end(ap);
	e->len += (size_t)n < rest ? (size_t)n : rest - 1;
}

/* Where constants come from: bytes of a packet's network header on; or nothing. */
static inline const uint8_t *sample_l3(struct random_expr *e, uint16_t type, uint32_t at,
				       uint32_t size)
{
	for (unsigned int i = 0; i < 8; i++) {
		const struct sample *s = &e->samples[dice_below(e->values, e->n_samples)];
		uint16_t found;
		uint32_t l3 = packet_l3(s->data, s->len, &found);

		if (l3 && found == type && l3 + at + size <= s->len)
			return s->data + l3 + at;
	}
	return NULL;
}

/* A number of a header's field; sometimes one beside it, sometimes any. */
static inline uint32_t sample_number(struct random_expr *e, uint16_t type, uint32_t at,
				     uint32_t size)
{
	const uint8_t *from = sample_l3(e, type, at, size);
	uint32_t value = from ? get_big_endian(from, size) : dice_number(e->values);

	if (dice_one_in(e->values, 8))
		value += dice_below(e->values, 3) - 1;
	if (dice_one_in(e->values, 20))
		value = dice_number(e->values);
	return size < 4 ? value & ((1u << 8 * size) - 1) : value;
}

static inline void say_ipv4(struct random_expr *e, unsigned int length)
{
	bool arp = dice_one_in(e->values, 12);
	uint32_t at =
		arp ? (dice_one_in(e->values, 2) ? 14 : 24) : (dice_one_in(e->values, 2) ? 12 : 16);
	uint32_t address = sample_number(e, arp ? 0x0806 : 0x0800, at, 4);

	if (dice_one_in(e->values, 10))
		address ^= 1u << dice_below(e->values, 32);
	address &= length ? ~0u << (32 - length) : 0;
	say(e, "%u.%u.%u.%u", address >> 24, address >> 16 & 255, address >> 8 & 255,
	    address & 255);
}

static inline void say_ipv6(struct random_expr *e, unsigned int length)
{
	const uint8_t *from = sample_l3(e, 0x86dd, dice_one_in(e->values, 2) ? 8 : 24, 16);
	uint8_t address[16] = { 0xfe, 0x80, [15] = 1 };
	char text[INET6_ADDRSTRLEN];

	if (from)
		memcpy(address, from, 16);
	if (dice_one_in(e->values, 4))
		address[dice_below(e->values, 16)] ^= 1u << dice_below(e->values, 8);
	for (unsigned int bit = length; bit < 128; bit++)
		address[bit / 8] &= ~(0x80 >> bit % 8);
	say(e, "%s", inet_ntop(AF_INET6, address, text, sizeof(text)));
}

static inline void say_mac(struct random_expr *e)
{
	const struct sample *s = &e->samples[dice_below(e->values, e->n_samples)];
	const uint8_t *m = s->data + (dice_one_in(e->values, 2) ? 6 : 0);

	say(e, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4],
	    m[5] ^ dice_one_in(e->values, 6));
}

static inline const char *direction(struct random_expr *e)
{
	return ONE_OF(e->shape, "src ", "dst ", "", "src or dst ", "src and dst ", "src ", "dst ");
}

static inline void say_address(struct random_expr *e)
{
	static const uint8_t lengths[] = { 8, 16, 24, 24, 28, 31, 32, 20, 1, 12 };
	unsigned int length;

	switch (dice_below(e->shape, 7)) {
	case 0:
		say(e, "ip6 %shost ", direction(e));
		say_ipv6(e, 128);
		break;
	case 1:
		length = dice_below(e->shape, 128) + 1;
		say(e, "%snet ", direction(e));
		say_ipv6(e, length);
		say(e, "/%u", length);
		break;
	case 2:
	case 3:
		length = lengths[dice_below(e->shape, ARRAY_SIZE(lengths))];
		say(e, "%s%snet ", ONE_OF(e->shape, "", "", "ip ", "arp "), direction(e));
		say_ipv4(e, length);
		say(e, "/%u", length);
		break;
	default:
		say(e, "%s%shost ", ONE_OF(e->shape, "", "", "", "ip ", "arp "), direction(e));
		say_ipv4(e, 32);
	}
}

static inline uint32_t sample_port(struct random_expr *e)
{
	uint32_t at = dice_one_in(e->values, 2) ? 0 : 2;

	if (dice_one_in(e->values, 4))
		return sample_number(e, 0x86dd, 40 + at, 2);
	return sample_number(e, 0x0800, 20 + at, 2);
}

static inline void say_ports(struct random_expr *e)
{
	uint32_t port;

	say(e, "%s%s", ONE_OF(e->shape, "tcp ", "udp ", "", "", "sctp "), direction(e));
	if (dice_one_in(e->shape, 3)) {
		port = sample_port(e) & 0xfff0;
		say(e, "portrange %u-%u", port, port + dice_below(e->values, 40));
	} else {
		say(e, "port %u", sample_port(e));
	}
}

/* A field by its offset. Its constant is what the packets hold there. */
static inline void say_field(struct random_expr *e)
{
	static const struct field {
		const char *name;
		uint16_t type;
		uint8_t from; /* behind the beginning of the network header */
		uint8_t most;
	} fields[] = {
		{ "ip", 0x0800, 0, 19 },    { "tcp", 0x0800, 20, 19 },	{ "udp", 0x0800, 20, 7 },
		{ "ip6", 0x86dd, 0, 40 },   { "icmp", 0x0800, 20, 10 }, { "ip", 0x0800, 0, 60 },
		{ "icmp6", 0x86dd, 40, 8 }, { "arp", 0x0806, 0, 27 },	{ "ip6", 0x86dd, 0, 80 },
		{ "ether", 0x0800, 0, 0 },
	};
	const struct field *field = &fields[dice_below(e->shape, ARRAY_SIZE(fields))];
	uint32_t size = 1u << dice_below(e->shape, 3), at = dice_below(e->shape, field->most + 1);
	uint32_t value = sample_number(e, field->type, field->from + at, size), mask;

	if (!field->most) {
		static const uint8_t spots[] = { 0, 6, 12, 14, 16, 23, 26, 30, 100 };

		at = spots[dice_below(e->shape, ARRAY_SIZE(spots))];
		size = at == 12 ? 2 : size;
		value = at == 12 ? 0x0800 : sample_number(e, 0x0800, at < 14 ? 0 : at - 14, size);
	}
	say(e, "%s[%u:%u]", field->name, at, size);
	if (dice_one_in(e->shape, 4)) {
		mask = 0xffu << dice_below(e->shape, 8) | dice_below(e->shape, 256);
		say(e, " & 0x%x", mask);
		value &= mask;
	}
	say(e, " %s %u", ONE_OF(e->shape, "=", "=", "!=", ">", "<", ">=", "<=", "="), value);
}

/* Any arithmetic: what overflows, divides by what may be 0, shifts by what may be 32 and more. */
static inline void say_term(struct random_expr *e, unsigned int depth)
{
	switch (dice_below(e->shape, depth ? 6 : 3)) {
	case 0:
		say(e, "%u", dice_number(e->values));
		break;
	case 1:
		say(e, "%s",
		    ONE_OF(e->shape, "len", "tcp[tcpflags]", "ip[0]", "ip6[6]", "udp[4:2]"));
		break;
	case 2:
		say(e, "%s[%u:%u]", ONE_OF(e->shape, "ether", "ip", "tcp", "ip6", "udp", "arp"),
		    dice_one_in(e->shape, 12) ? dice_number(e->shape) : dice_below(e->shape, 30),
		    1u << dice_below(e->shape, 3));
		break;
	case 3:
		say(e, "ether[");
		say_term(e, depth - 1);
		say(e, " & 0x%x]", dice_one_in(e->shape, 8) ? UINT32_MAX : 63);
		break;
	case 4:
		say(e, "-(");
		say_term(e, depth - 1);
		say(e, ")");
		break;
	default:
		say(e, "(");
		say_term(e, depth - 1);
		say(e, ")%s(",
		    ONE_OF(e->shape, "+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>"));
		say_term(e, depth - 1);
		say(e, ")");
	}
}

static inline void say_arithmetic(struct random_expr *e)
{
	switch (dice_below(e->shape, 10)) {
	case 8:
	case 9:
		say_term(e, 1 + dice_below(e->shape, 3));
		say(e, " %s ", ONE_OF(e->shape, "=", "!=", ">", "<", ">=", "<="));
		say_term(e, dice_below(e->shape, 2));
		break;
	case 0:
		say(e, "len %s %u", ONE_OF(e->shape, ">", "<=", "=", "<"),
		    40 + dice_below(e->values, 80));
		break;
	case 1:
		say(e, "tcp[tcpflags] & (%s) %s",
		    ONE_OF(e->shape, "tcp-syn", "tcp-syn|tcp-ack", "tcp-rst|tcp-fin",
			   "tcp-ack|tcp-push"),
		    ONE_OF(e->shape, "!= 0", "= tcp-syn", "= tcp-ack", "= 0"));
		break;
	case 2:
		say(e, "ip[2:2] - ((ip[0] & 0xf) << 2) > %u", dice_below(e->values, 64));
		break;
	case 3:
		say(e, "ether[len - %u] %s %u", dice_below(e->shape, 90),
		    ONE_OF(e->shape, "=", ">"), dice_below(e->values, 4));
		break;
	case 4:
		say(e, "tcp[(tcp[12] >> 4) * 4 : 2] %s %u", ONE_OF(e->shape, "=", ">", "!="),
		    sample_number(e, 0x0800, 40, 2));
		break;
	case 5:
		say(e, "ip[8] %s ip[9]", ONE_OF(e->shape, "=", ">", "<"));
		break;
	case 6:
		say(e, "ether[%u + ip[9]] %s %u", dice_below(e->shape, 40),
		    ONE_OF(e->shape, "=", "<"), dice_below(e->values, 256));
		break;
	default:
		say(e, "%s %u", ONE_OF(e->shape, "less", "greater"), dice_below(e->values, 200));
	}
}

static inline void say_protocol(struct random_expr *e)
{
	static const uint8_t protos[] = { 1, 6, 17, 58, 47, 4, 0, 44, 60 };
	uint32_t proto = protos[dice_below(e->values, ARRAY_SIZE(protos))];

	switch (dice_below(e->shape, 11)) {
	case 6:
		say(e, "%s",
		    ONE_OF(e->shape, "llc", "llc s", "llc ui", "llc xid", "iso", "clnp", "isis",
			   "lsp", "stp", "ipx", "netbeui", "atalk", "aarp", "decnet src 1.1", "lat",
			   "rarp", "ah", "esp", "pim", "vrrp", "ether proto \\ipx",
			   "ether proto 1500"));
		break;
	case 0:
		say(e, "ip proto %u", proto);
		break;
	case 1:
		say(e, "ip6 proto %u", proto);
		break;
	case 2:
		say(e, "proto %u", proto);
		break;
	case 3:
		say(e, "ether proto 0x%s", ONE_OF(e->values, "800", "806", "86dd", "8100", "88cc"));
		break;
	case 4:
		say(e, "ether %s ", ONE_OF(e->shape, "src", "dst", "host"));
		say_mac(e);
		break;
	case 5:
		if (dice_one_in(e->shape, 6))
			say(e, "%s protochain %u", ONE_OF(e->shape, "ip", "ip6"), proto);
		else
			say(e, "%s",
			    ONE_OF(e->shape, "ether multicast", "ether broadcast", "ip multicast",
				   "ip6 multicast", "ip broadcast"));
		break;
	default:
		say(e, "%s",
		    ONE_OF(e->shape, "ip", "ip6", "arp", "tcp", "udp", "icmp", "icmp6", "tcp",
			   "udp", "ip", "igmp", "sctp"));
	}
}

static inline void say_encapsulation(struct random_expr *e)
{
	switch (dice_below(e->shape, 7)) {
	case 0:
		say(e, "vlan");
		break;
	case 1:
		say(e, "vlan %s", ONE_OF(e->values, "10", "100", "1", "4095"));
		break;
	case 2:
		say(e, "mpls");
		break;
	case 3:
		say(e, "mpls %u", dice_below(e->values, 48));
		break;
	case 4:
		say(e, "pppoes");
		break;
	case 5:
		say(e, "%s", ONE_OF(e->shape, "geneve", "geneve 42", "pppoed"));
		break;
	default:
		say(e, "pppoes %u", dice_below(e->values, 8));
	}
}

static inline void say_primitive(struct random_expr *e)
{
	switch (dice_below(e->shape, 16)) {
	case 0:
	case 1:
	case 2:
	case 3:
	case 4:
		say_address(e);
		break;
	case 5:
	case 6:
	case 7:
		say_ports(e);
		break;
	case 8:
	case 9:
		say_field(e);
		break;
	case 10:
	case 11:
		say_arithmetic(e);
		break;
	case 12:
		if (dice_one_in(e->shape, 3)) {
			say_encapsulation(e);
			break;
		}
		/* fall through */
	default:
		say_protocol(e);
	}
}

static inline void say_parts(struct random_expr *e, unsigned int depth)
{
	unsigned int n = 1 + dice_below(e->shape, depth ? 3 : 2);

	for (unsigned int i = 0; i < n; i++) {
		if (i)
			say(e, "%s", ONE_OF(e->shape, " and ", " or ", " and ", " and not "));
		if (depth && dice_one_in(e->shape, 5)) {
			say(e, "%s(", ONE_OF(e->shape, "", "not ", ""));
			say_parts(e, depth - 1);
			say(e, ")");
		} else {
			say_primitive(e);
		}
	}
}

/* So many values that they become a look-up; now and then nets and ranges among them. */
static inline void say_list(struct random_expr *e)
{
	static const char *const heads[] = { "src host ",   "host ",	 "dst ",
					     "src port ",   "tcp port ", "udp dst port ",
					     "ether host ", "ip6 src ",	 "ip6 dst host " };
	unsigned int kind = dice_below(e->shape, ARRAY_SIZE(heads));
	unsigned int n = LIST_VALUES + dice_below(e->shape, LIST_VALUES), length;
	bool each = dice_one_in(e->shape, 3);

	for (unsigned int i = 0; i < n; i++) {
		bool range = dice_one_in(e->values, 6);

		if (i)
			say(e, "%s", each ? " and " : " or ");
		say(e, "%s", each ? "not " : "");
		if (kind < 3) {
			length = range ? 20 + dice_below(e->values, 13) : 32;
			say(e, range ? "%.3s net " : "%s", kind == 1 ? "" : heads[kind]);
			say_ipv4(e, length);
			say(e, range ? "/%u" : "", length);
		} else if (kind < 6) {
			uint32_t port = sample_port(e) & 0x7fff;

			say(e, "%.*s%s", (int)strlen(heads[kind]) - 5, heads[kind],
			    range ? "portrange " : "port ");
			say(e, range ? "%u-%u" : "%u", port, port + dice_below(e->values, 99));
		} else if (kind == 6) {
			say(e, "%s", heads[kind]);
			say_mac(e);
		} else {
			length = range ? 1 + dice_below(e->values, 128) : 128;
			say(e, "%.7s %s", heads[kind], range ? "net " : "host ");
			say_ipv6(e, length);
			say(e, range ? "/%u" : "", length);
		}
	}
}

/* A list among other primitives, or what is to be found behind tags, too. */
static inline void say_lifted(struct random_expr *e)
{
	bool apart = dice_one_in(e->shape, 2);

	if (dice_one_in(e->shape, 3))
		say(e, "any-vlan ");
	say(e, "(");
	if (apart) {
		say_protocol(e);
		say(e, "%s(", ONE_OF(e->shape, " and ", " or ", " and not "));
	}
	if (dice_one_in(e->shape, 4))
		say_address(e);
	else
		say_list(e);
	say(e, "%s)", apart ? ")" : "");
}

/* The next expression, in e->text. Some are such that libpcap refuses them. */
static inline const char *random_expr(struct random_expr *e)
{
	e->len = 0;
	e->text[0] = '\0';
	if (dice_one_in(e->shape, 40))
		say_lifted(e);
	else
		say_parts(e, dice_below(e->shape, 3));
	return e->text;
}
