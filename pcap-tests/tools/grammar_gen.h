/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Texts for the grammar's test: drawn from pcap-filter's grammar, and a little beyond it; or made
 * from two others. Part of grammar.c, which brings below().
 */
#pragma once
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct text {
	char bytes[8192];
	size_t len;
};

static void put(struct text *t, const char *fmt, ...) _printf_(2, 3);
static void put(struct text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(t->bytes + t->len, sizeof(t->bytes) - t->len, fmt, ap);
	va_end(ap);
	t->len += strlen(t->bytes + t->len);
}

#define PICK(...)                                                  \
	({                                                         \
		static const char *const _all[] = { __VA_ARGS__ }; \
		_all[below(ARRAY_SIZE(_all))];                     \
	})

static void gen_number(struct text *t)
{
	put(t, "%s",
	    PICK("0", "1", "2", "4", "5", "12", "13", "40", "010", "0x1f", "0XfF", "255", "65535",
		 "65536", "4294967295", "4294967296", "08", "icmptype", "tcpflags", "tcp-syn",
		 "icmp6-echo", "tcp-ack"));
}

static void gen_address(struct text *t)
{
	put(t, "%s",
	    PICK("1.2.3.4", "10.0.0.0/8", "10/8", "10.0/16", "192.168.1", "1.2.3.4/32", "10.1",
		 "10.0.0.0 mask 255.0.0.0", "1.2.3.0 mask 255.255.255", "::1", "fe80::/10",
		 "2001:db8::1", "::ffff:1.2.3.4", "1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::",
		 "0x0a000001", "167772161", "300.1.2.3", "\\10.1.2.3", "\\::1", "1.2.3.4.5"));
}

static void gen_mac(struct text *t)
{
	put(t, "%s",
	    PICK("0:1:2:3:4:5", "ab-cd-ef-00-11-22", "ab.cd.ef.0.1.2", "abcd.ef00.0102",
		 "abcdef000102", "001122334455", "a:b:c:d:e", "a:b:c:d:e:f:", "$2a"));
}

static void gen_name(struct text *t)
{
	put(t, "%s",
	    PICK("foo", "www.example.org", "in", "\\host", "\\foo.bar", "a_b", "localhost"));
}

/* What stands before values, and of what kind they are to be; mostly. */
struct want {
	const char *words;
	char kind; /* a: address, p: port, r: range, o: protocol, m: MAC address */
};

static void gen_value(struct text *t, char kind)
{
	if (!below(12))
		kind = "apromn"[below(6)];
	switch (kind) {
	case 'a':
		gen_address(t);
		break;
	case 'm':
		gen_mac(t);
		break;
	case 'p':
		put(t, "%s",
		    PICK("smtp", "domain", "http", "80", "53", "65535", "0x50", "065", "(22)"));
		break;
	case 'r':
		put(t, "%s", PICK("80-90", "7000-http", "smtp-domain", "100-50", "5", "0-65535"));
		break;
	case 'o':
		put(t, "%s",
		    PICK("\\tcp", "\\udp", "\\arp", "\\ip", "6", "17", "0x11", "\\icmp6", "ospf",
			 "\\sctp", "2048"));
		break;
	case 'n':
		gen_name(t);
		break;
	default:
		gen_number(t);
	}
}

/* A value, or several that take the qualifiers from before. */
static void gen_values(struct text *t, char kind, int depth)
{
	switch (depth > 0 ? below(9) : 0) {
	case 6:
		put(t, "not ");
		gen_values(t, kind, depth - 1);
		break;
	case 7:
		put(t, "(");
		gen_values(t, kind, depth - 1);
		put(t, ")");
		break;
	case 8:
		put(t, "(");
		gen_value(t, kind);
		put(t, " %s ", PICK("or", "and", "||", "&&"));
		gen_values(t, kind, depth - 1);
		put(t, ")");
		break;
	default:
		gen_value(t, kind);
	}
}

static const char *gen_proto(void)
{
	return PICK("tcp", "udp", "ip", "ip6", "icmp", "arp", "ether", "link", "sctp", "icmp6",
		    "rarp", "igmp", "wlan", "fddi", "ppp", "decnet", "iso", "isis", "vrrp", "stp",
		    "radio", "ah", "tr", "atalk", "lsp", "is-is");
}

static void gen_arith(struct text *t, int depth)
{
	switch (depth > 0 ? below(9) : below(3)) {
	case 0:
		gen_number(t);
		break;
	case 1:
		put(t, "%s",
		    PICK("len", "ip[0]", "tcp[tcpflags]", "ip[2:2]", "ether[12:2]", "length",
			 "ip6[40:4]", "link[0]"));
		break;
	case 2:
		put(t, "%s[%s:%s]", gen_proto(), PICK("0", "2", "0x10"), PICK("1", "2", "4", "3"));
		break;
	case 3:
		put(t, "%s[", gen_proto());
		gen_arith(t, depth - 1);
		put(t, "%s]", PICK("", ":1", ":2", ":4"));
		break;
	case 4:
		put(t, "-");
		gen_arith(t, depth - 1);
		break;
	case 5:
		put(t, "(");
		gen_arith(t, depth - 1);
		put(t, ")");
		break;
	default:
		gen_arith(t, depth - 1);
		put(t, " %s ",
		    PICK("+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>", "&", "^", "%"));
		gen_arith(t, depth - 1);
	}
}

static void gen_words(struct text *t)
{
	put(t, "%s",
	    PICK("vlan", "vlan 10", "vlan (10)", "mpls", "mpls 100", "pppoes", "pppoes 5", "pppoed",
		 "geneve", "geneve 10", "inbound", "outbound", "ifindex 3", "less 100",
		 "greater 64", "broadcast", "ether multicast", "ip multicast", "byte 8 & 5",
		 "byte 8=5", "llc", "llc s", "llc rnr", "llc xid", "llc foo", "on eth0",
		 "reason match", "rulenum 5", "action pass", "rset x", "type mgt",
		 "type mgt subtype beacon", "wlan subtype beacon", "dir tods", "vpi 5",
		 "vci (5 or 6)", "sio > 5", "lane", "oamf4", "fisu", "ruleset", "srnr 5", "vlan (5",
		 "llc (5)", "reason 5", "subtype 5", "type 4"));
}

static const struct want wants[] = {
	{ "src", 'a' },		 { "dst", 'a' },	   { "host", 'a' },
	{ "src or dst", 'a' },	 { "dst and src", 'a' },   { "net", 'a' },
	{ "src net", 'a' },	 { "dst host", 'a' },	   { "ip src", 'a' },
	{ "ip6 dst host", 'a' }, { "arp host", 'a' },	   { "port", 'p' },
	{ "tcp port", 'p' },	 { "udp src port", 'p' },  { "src and dst port", 'p' },
	{ "portrange", 'r' },	 { "dst portrange", 'r' }, { "tcp portrange", 'r' },
	{ "proto", 'o' },	 { "ip proto", 'o' },	   { "ether proto", 'o' },
	{ "ip6 proto", 'o' },	 { "protochain", 'o' },	   { "ether host", 'm' },
	{ "ether src", 'm' },	 { "link dst host", 'm' }, { "ether host", 'm' },
	{ "addr1", 'a' },	 { "ra host", 'm' },	   { "gateway", 'n' },
	{ "decnet src", 'a' },	 { "wlan addr2", 'm' },	   { "udp", 'p' },
};

static void gen_qualified(struct text *t, int depth)
{
	const struct want *want = &wants[below(ARRAY_SIZE(wants))];

	if (!below(8))
		put(t, "%s ", gen_proto());
	put(t, "%s ", want->words);
	gen_values(t, want->kind, depth);
	while (!below(3)) {
		put(t, " %s ", PICK("or", "and"));
		gen_values(t, want->kind, depth);
	}
}

static void gen_primitive(struct text *t, int depth)
{
	switch (below(6)) {
	case 0:
		put(t, "%s", gen_proto());
		break;
	case 1:
		gen_words(t);
		break;
	case 2:
		gen_arith(t, depth);
		put(t, " %s ", PICK("=", "==", "!=", "<", ">", "<=", ">="));
		gen_arith(t, depth);
		break;
	default:
		gen_qualified(t, depth);
	}
}

static void gen_expression(struct text *t, int depth)
{
	unsigned int n = 1 + below(3);

	for (unsigned int i = 0; i < n; i++) {
		if (i)
			put(t, "%s", PICK(" and ", " or ", "&&", "||"));
		if (!below(5))
			put(t, "%s", PICK("not ", "!", "! "));
		if (i && !below(8))
			gen_values(t, 'a', depth - 1);
		else if (depth > 0 && !below(4)) {
			put(t, "(");
			gen_expression(t, depth - 1);
			put(t, ")");
		} else
			gen_primitive(t, depth - 1);
	}
}

/* Where one word ends and the next begins: runs of what numbers, addresses and names are made of.
 */
static void gen_token(struct text *t)
{
	static const char bytes[] = "0123456789abcdef0123456789abcdef::::::::....---xXg_";
	unsigned int n = 1 + below(30);

	put(t, "%s",
	    PICK("src ", "ether src ", "net ", "port ", "host (", "len = ", "1.2.3.4 or "));
	for (unsigned int i = 0; i < n; i++)
		put(t, "%s%c", below(8) ? "" : PICK("::", "0x", "ffff:", "1.2.3.4", ":a"),
		    bytes[below(sizeof(bytes) - 1)]);
	put(t, "%s", PICK("", "", "/8", " or 5", ")"));
}

/* One of the two with parts of the other, or with bytes lost, doubled or changed. */
static void gen_mutant(struct text *t, const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b), from = below(la + 1),
	       to = from + below(la + 1 - from);
	size_t other = below(lb + 1);

	switch (below(6)) {
	case 0:
		put(t, "%.*s%s", (int)from, a, a + to);
		break;
	case 1:
		put(t, "%.*s%s", (int)to, a, a + from);
		break;
	case 2:
		put(t, "%.*s%s", (int)from, a, b + other);
		break;
	case 3:
		put(t, "%s %s %s", a, PICK("and", "or", "", "not", "and not", "or ("), b);
		break;
	case 4:
		put(t, "%.*s%s%s", (int)from, a,
		    PICK("(", ")", "not ", " ", "[", "]", ":", "::", "\\", "-", "/", ".", "$", "@",
			 "or", " and ", "0x", "src ", "in @s", "any-vlan ", "\t", "mask", "\xc3"),
		    a + from);
		break;
	default:
		put(t, "%s", a);
		for (unsigned int i = 0; la && i < 1 + below(3); i++)
			t->bytes[below(la)] = (char)(0x20 + below(0x5f));
	}
}
