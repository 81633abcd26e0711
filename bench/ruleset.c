// SPDX-License-Identifier: GPL-2.0-only
#include "ruleset.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <string.h>

#include "../loader/fail.h"
#include "random.h"

const char *const ruleset_kinds[RULESET_KINDS] = { "hosts", "mixed" };

static const struct ruleset_ports any_port = { 0, UINT16_MAX };
static const struct ruleset_prefix any_address = { .len = -1 };

/* Unicast, and not of this host. */
static bool is_unicast(uint32_t address)
{
	uint8_t net = address >> 24;

	return net >= 1 && net < 224 && net != 127;
}

static void put_ip4(struct ruleset_prefix *prefix, uint32_t address)
{
	for (int i = 0; i < 4; i++)
		prefix->bytes[i] = address >> (24 - 8 * i);
}

/* MurmurHash3's last step: no two numbers become the same. */
static uint32_t scatter(uint32_t x)
{
	x = (x ^ (x >> 16)) * 0x85ebca6b;
	x = (x ^ (x >> 13)) * 0xc2b2ae35;
	return x ^ (x >> 16);
}

static void make_hosts(struct ruleset *set, uint64_t seed)
{
	struct random random = { seed };
	uint32_t turn = random_next(&random);

	for (size_t i = 0; i < set->n; i++) {
		struct ruleset_rule *rule = &set->rules[i];

		*rule = (struct ruleset_rule){ .action = "drop",
					       .src.len = 32,
					       .dst = any_address,
					       .sport = any_port,
					       .dport = any_port };
		while (!is_unicast(scatter(turn)))
			turn++;
		put_ip4(&rule->src, scatter(turn++));
	}
}

static void clear_host_bits(struct ruleset_prefix *prefix)
{
	for (int bit = prefix->len; bit < 128; bit++)
		prefix->bytes[bit / 8] &= ~(0x80 >> bit % 8);
}

static struct ruleset_prefix random_prefix(struct random *random, bool ip6)
{
	struct ruleset_prefix prefix = { { 0x20, 0x01, 0x0d, 0xb8 }, 0 };
	bool host = random_percent(random, 45);
	uint32_t address;

	if (ip6) {
		for (int i = 4; i < 16; i++)
			prefix.bytes[i] = random_next(random);
		prefix.len = host ? 128 : 36 + 4 * random_below(random, 8);
	} else {
		do
			address = random_next(random);
		while (!is_unicast(address));
		put_ip4(&prefix, address);
		prefix.len = host ? 32 : 8 + random_below(random, 23);
	}
	clear_host_bits(&prefix);
	return prefix;
}

static struct ruleset_ports random_ports(struct random *random)
{
	static const uint16_t known[] = {
		22, 25, 53, 80, 123, 179, 443, 445, 1433, 3306, 3389, 8080
	};
	uint16_t port = 1 + random_below(random, 60000);

	if (random_percent(random, 30))
		return (struct ruleset_ports){ port, port + 1 + random_below(random, 2000) };
	if (random_percent(random, 60))
		port = known[random_below(random, ARRAY_SIZE(known))];
	return (struct ruleset_ports){ port, port };
}

static uint8_t random_protocol(struct random *random, bool ip6)
{
	uint32_t percent = random_below(random, 100);

	if (percent < 15)
		return 0;
	if (percent < 20)
		return ip6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	return percent < 75 ? IPPROTO_TCP : IPPROTO_UDP;
}

static bool has_ports(const struct ruleset_rule *rule)
{
	return rule->protocol == IPPROTO_TCP || rule->protocol == IPPROTO_UDP;
}

static void random_rule(struct random *random, struct ruleset_rule *rule)
{
	static const uint8_t flags[] = { 0x01, 0x02, 0x04 }; /* FIN, SYN, RST */
	uint32_t percent = random_below(random, 100);

	rule->action = percent < 60 ? "drop" : percent < 90 ? "pass" : "count";
	rule->ip6 = random_percent(random, 12);
	rule->protocol = random_protocol(random, rule->ip6);
	rule->src = rule->dst = any_address;
	if (random_percent(random, 70))
		rule->src = random_prefix(random, rule->ip6);
	if (rule->src.len < 0 || random_percent(random, 50))
		rule->dst = random_prefix(random, rule->ip6);
	rule->sport = rule->dport = any_port;
	if (has_ports(rule) && random_percent(random, 12))
		rule->sport = random_ports(random);
	if (has_ports(rule) && random_percent(random, 70))
		rule->dport = random_ports(random);
	/* libpcap's tcp[…] is IPv4's alone. */
	if (rule->protocol == IPPROTO_TCP && !rule->ip6 && random_percent(random, 15))
		rule->tcp_flag = flags[random_below(random, ARRAY_SIZE(flags))];
}

static void make_mixed(struct ruleset *set, uint64_t seed)
{
	struct random random = { seed };

	for (size_t i = 0; i < set->n; i++)
		random_rule(&random, &set->rules[i]);
}

int ruleset_make(enum ruleset_kind kind, size_t n, uint64_t seed, struct ruleset *out)
{
	*out = (struct ruleset){ kind, calloc(n, sizeof(*out->rules)), n };
	if (!out->rules)
		return fail_oom();
	if (kind == RULESET_HOSTS)
		make_hosts(out, seed);
	else
		make_mixed(out, seed);
	return 0;
}

void ruleset_free(struct ruleset *set)
{
	free(set->rules);
	*set = (struct ruleset){ 0 };
}

/* " and " before every word of an expression but the first. */
static const char *joint(bool *first)
{
	const char *text = *first ? "" : " and ";

	*first = false;
	return text;
}

static void print_prefix(const char *side, const struct ruleset_rule *rule,
			 const struct ruleset_prefix *prefix, bool *first, FILE *out)
{
	char text[INET6_ADDRSTRLEN];
	int bits = rule->ip6 ? 128 : 32;

	if (prefix->len < 0)
		return;
	inet_ntop(rule->ip6 ? AF_INET6 : AF_INET, prefix->bytes, text, sizeof(text));
	if (prefix->len == bits)
		fprintf(out, "%s%s host %s", joint(first), side, text);
	else
		fprintf(out, "%s%s net %s/%d", joint(first), side, text, prefix->len);
}

static void print_ports(const char *side, const struct ruleset_ports *ports, bool *first, FILE *out)
{
	if (ports->lo == 0 && ports->hi == UINT16_MAX)
		return;
	if (ports->lo == ports->hi)
		fprintf(out, "%s%s port %u", joint(first), side, ports->lo);
	else
		fprintf(out, "%s%s portrange %u-%u", joint(first), side, ports->lo, ports->hi);
}

static void print_protocol(const struct ruleset_rule *rule, bool *first, FILE *out)
{
	static const struct {
		uint8_t protocol;
		const char *name;
	} names[] = {
		{ IPPROTO_TCP, "tcp" },
		{ IPPROTO_UDP, "udp" },
		{ IPPROTO_ICMP, "icmp" },
		{ IPPROTO_ICMPV6, "icmp6" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (rule->protocol == names[i].protocol)
			fprintf(out, "%s%s", joint(first), names[i].name);
}

static void print_flag(const struct ruleset_rule *rule, bool *first, FILE *out)
{
	const char *name = rule->tcp_flag == 1 ? "fin" : rule->tcp_flag == 2 ? "syn" : "rst";

	if (rule->tcp_flag)
		fprintf(out, "%stcp[tcpflags] & tcp-%s != 0", joint(first), name);
}

void ruleset_print_rules(const struct ruleset *set, bool labels, FILE *out)
{
	for (size_t i = 0; i < set->n; i++) {
		const struct ruleset_rule *rule = &set->rules[i];
		bool first = true;

		fprintf(out, "\t\t%s if ", rule->action);
		print_protocol(rule, &first, out);
		print_prefix("src", rule, &rule->src, &first, out);
		print_prefix("dst", rule, &rule->dst, &first, out);
		print_ports("src", &rule->sport, &first, out);
		print_ports("dst", &rule->dport, &first, out);
		print_flag(rule, &first, out);
		if (labels)
			fprintf(out, "    # %zu\n", i + 1);
		else
			fputs(";", out);
	}
}

void ruleset_print(const struct ruleset *set, const char *interface, FILE *out)
{
	fprintf(out, "interface %s {\n\txdp {\n", interface);
	ruleset_print_rules(set, true, out);
	fputs("\t}\n}\n", out);
}
