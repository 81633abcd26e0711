// SPDX-License-Identifier: GPL-2.0-only
/* Packets that meet the rules of a set. */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <string.h>

#include "../loader/fail.h"
#include "random.h"
#include "ruleset.h"

static const struct ruleset_rule anything = {
	.src.len = -1,
	.dst.len = -1,
	.sport = { 0, UINT16_MAX },
	.dport = { 0, UINT16_MAX },
};

/* An address within the prefix; outside its bits, a random one that is no multicast. */
static void pick_address(struct random *random, const struct ruleset_prefix *prefix, bool ip6,
			 uint8_t *to)
{
	static const uint8_t documentation[] = { 0x20, 0x01, 0x0d, 0xb8 };
	int len = prefix->len;

	for (int i = 0; i < (ip6 ? 16 : 4); i++)
		to[i] = random_next(random);
	to[0] = 1 + to[0] % 223;
	if (ip6)
		memcpy(to, documentation, sizeof(documentation));
	for (int bit = 0; bit < len; bit++) {
		uint8_t mask = 0x80 >> bit % 8;

		to[bit / 8] = (to[bit / 8] & ~mask) | (prefix->bytes[bit / 8] & mask);
	}
}

static uint16_t pick_port(struct random *random, const struct ruleset_ports *ports)
{
	return ports->lo + random_below(random, ports->hi - ports->lo + 1);
}

static void put_transport(struct random *random, const struct ruleset_rule *rule, uint8_t protocol,
			  uint8_t *to)
{
	struct tcphdr tcp = {
		.source = htons(pick_port(random, &rule->sport)),
		.dest = htons(pick_port(random, &rule->dport)),
		.doff = sizeof(tcp) / 4,
		.ack = 1,
	};
	struct udphdr udp = { .source = tcp.source, .dest = tcp.dest, .len = htons(sizeof(tcp)) };

	tcp.th_flags |= rule->tcp_flag;
	if (protocol == IPPROTO_TCP)
		memcpy(to, &tcp, sizeof(tcp));
	else if (protocol == IPPROTO_UDP)
		memcpy(to, &udp, sizeof(udp));
	else
		to[0] = protocol == IPPROTO_ICMP ? 8 : 128; /* echo request */
}

static void put_ip4(struct random *random, const struct ruleset_rule *rule, uint8_t protocol,
		    uint8_t *to)
{
	struct iphdr ip = {
		.version = 4,
		.ihl = 5,
		.ttl = 64,
		.protocol = protocol,
		.tot_len = htons(sizeof(ip) + sizeof(struct tcphdr)),
	};

	pick_address(random, &rule->src, false, (uint8_t *)&ip.saddr);
	pick_address(random, &rule->dst, false, (uint8_t *)&ip.daddr);
	ip.check = frames_ip_checksum(ip);
	memcpy(to, &ip, sizeof(ip));
	put_transport(random, rule, protocol, to + sizeof(ip));
}

static void put_ip6(struct random *random, const struct ruleset_rule *rule, uint8_t protocol,
		    uint8_t *to)
{
	struct ipv6hdr ip = {
		.version = 6,
		.hop_limit = 64,
		.nexthdr = protocol,
		.payload_len = htons(sizeof(struct tcphdr)),
	};

	pick_address(random, &rule->src, true, ip.saddr.s6_addr);
	pick_address(random, &rule->dst, true, ip.daddr.s6_addr);
	memcpy(to, &ip, sizeof(ip));
	put_transport(random, rule, protocol, to + sizeof(ip));
}

static void make_frame(struct random *random, const struct ruleset_rule *rule, uint8_t *to)
{
	struct ethhdr eth = {
		.h_dest = { 2, 0, 0, 0, 0, 2 },
		.h_source = { 2, 0, 0, 0, 0, 1 },
		.h_proto = htons(rule->ip6 ? ETH_P_IPV6 : ETH_P_IP),
	};
	uint8_t protocol = rule->protocol ?: random_percent(random, 70) ? IPPROTO_TCP : IPPROTO_UDP;

	memcpy(to, &eth, sizeof(eth));
	if (rule->ip6)
		put_ip6(random, rule, protocol, to + sizeof(eth));
	else
		put_ip4(random, rule, protocol, to + sizeof(eth));
}

int ruleset_frames(const struct ruleset *set, size_t n, uint64_t seed, struct frames *out)
{
	struct random random = { seed };

	for (size_t i = 0; i < n; i++) {
		const struct ruleset_rule *rule = &set->rules[random_below(&random, set->n)];
		uint8_t frame[RULESET_FRAME] = { 0 };
		int err;

		make_frame(&random, random_below(&random, 8) ? rule : &anything, frame);
		err = frames_add(out, frame, sizeof(frame));
		if (err)
			return err;
	}
	return 0;
}
