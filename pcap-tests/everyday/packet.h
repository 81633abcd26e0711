/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Everyday filters as a good engineer writes them by hand: the parts that all of them share. Each
 * header is looked for once, with one comparison for all its bytes; nothing is looked at that the
 * test does not ask for.
 */
#pragma once
#include <linux/bpf.h>
#include <linux/icmp.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "../../maps/abi.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* Indices of the counters that weir's program of one rule has, too. */
enum { COUNTERS = WEIR_COUNTER_RULES + 1 };

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, COUNTERS);
	__type(key, __u32);
	__type(value, struct weir_counter);
} counters SEC(".maps");

ALWAYS_INLINE int verdict(__u32 key, __u64 len, int action)
{
	struct weir_counter *counter = bpf_map_lookup_elem(&counters, &key);

	if (counter) {
		counter->packets++;
		counter->bytes += len;
	}
	return action;
}

/* A program that drops and counts what `name` says matches; `expression` is what it stands for. */
#define FILTER(name, expression)                                                                \
	ALWAYS_INLINE bool test_##name(const void *data, const void *end);                      \
	__attribute__((btf_decl_tag(expression))) SEC("xdp") int name(struct xdp_md *ctx)       \
	{                                                                                       \
		const void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end; \
                                                                                                \
		if (test_##name(data, end))                                                     \
			return verdict(WEIR_COUNTER_RULES, end - data, XDP_DROP);               \
		return verdict(WEIR_COUNTER_END, end - data, XDP_PASS);                         \
	}                                                                                       \
	ALWAYS_INLINE bool test_##name(const void *data, const void *end)

/* Not <linux/if_ether.h>'s, which is packed: clang would read it byte by byte. */
struct ethernet {
	__u8 h_dest[ETH_ALEN], h_source[ETH_ALEN];
	__be16 h_proto;
};

struct vlan_tag {
	__be16 tci, proto;
};

struct arp_ipv4 {
	struct arphdr arp;
	__u8 sha[ETH_ALEN];
	__u8 spa[4];
	__u8 tha[ETH_ALEN];
	__u8 tpa[4];
};

/* The first bytes of TCP and of UDP. */
struct ports {
	__be16 src, dst;
};

struct tcp_flags {
	__u8 before[13];
	__u8 flags;
};

enum { FRAGMENT_OFFSET = 0x1fff, FIN = 1, SYN = 2, RST = 4, ACK = 16, SCTP = 132 };

/* Is there one of these? */
#define THERE(header, end) ((const void *)((header) + 1) <= (end))

ALWAYS_INLINE bool is_type(const void *data, const void *end, __u16 type)
{
	const struct ethernet *eth = data;

	return THERE(eth, end) && eth->h_proto == bpf_htons(type);
}

/* What stands behind the Ethernet header, if it is IPv4, or IPv6, or ARP. */
ALWAYS_INLINE const struct iphdr *ipv4(const void *data, const void *end)
{
	const struct ethernet *eth = data;
	const struct iphdr *ip = (const void *)(eth + 1);

	return THERE(ip, end) && eth->h_proto == bpf_htons(ETH_P_IP) ? ip : NULL;
}

ALWAYS_INLINE const struct ipv6hdr *ipv6(const void *data, const void *end)
{
	const struct ethernet *eth = data;
	const struct ipv6hdr *ip = (const void *)(eth + 1);

	return THERE(ip, end) && eth->h_proto == bpf_htons(ETH_P_IPV6) ? ip : NULL;
}

ALWAYS_INLINE const struct arp_ipv4 *arp_of(const void *data, const void *end)
{
	const struct ethernet *eth = data;
	const struct arp_ipv4 *arp = (const void *)(eth + 1);

	return THERE(arp, end) && (eth->h_proto == bpf_htons(ETH_P_ARP) ||
				   eth->h_proto == bpf_htons(ETH_P_RARP))
		       ? arp
		       : NULL;
}

/* tcpdump's `tcp`, `udp`, `icmp6`: IPv6 tells a fragment's protocol one header later. */
ALWAYS_INLINE bool is_ipv6_protocol(const void *data, const void *end, __u8 protocol)
{
	const struct ipv6hdr *ip = ipv6(data, end);
	const __u8 *fragment = (const void *)(ip + 1);

	if (!ip)
		return false;
	if (ip->nexthdr != IPPROTO_FRAGMENT)
		return ip->nexthdr == protocol;
	return (const void *)(fragment + 1) <= end && *fragment == protocol;
}

ALWAYS_INLINE bool is_ipv4_protocol(const void *data, const void *end, __u8 protocol)
{
	const struct iphdr *ip = ipv4(data, end);

	return ip && ip->protocol == protocol;
}

ALWAYS_INLINE bool is_protocol(const void *data, const void *end, __u8 protocol)
{
	return is_ipv4_protocol(data, end, protocol) || is_ipv6_protocol(data, end, protocol);
}

/* What an IPv4 packet carries, unless it is a later fragment. */
ALWAYS_INLINE const void *payload(const struct iphdr *ip)
{
	return ip->frag_off & bpf_htons(FRAGMENT_OFFSET) ? NULL : (const void *)ip + 4 * ip->ihl;
}

ALWAYS_INLINE bool has_ports(__u8 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == SCTP;
}

/* The ports of TCP or UDP or SCTP; `protocol` 0: of either. */
ALWAYS_INLINE const struct ports *ports_of(const void *data, const void *end, __u8 protocol)
{
	const struct iphdr *ip = ipv4(data, end);
	const struct ports *ports = NULL;
	__u8 carries = 0;

	if (ip) {
		carries = ip->protocol;
		ports = payload(ip);
	} else {
		const struct ipv6hdr *ip6 = ipv6(data, end);

		if (ip6) {
			carries = ip6->nexthdr;
			ports = (const void *)(ip6 + 1);
		}
	}
	if (!ports || (protocol ? carries != protocol : !has_ports(carries)))
		return NULL;
	return THERE(ports, end) ? ports : NULL;
}

ALWAYS_INLINE bool is_port(__be16 port, __u16 number)
{
	return port == bpf_htons(number);
}

ALWAYS_INLINE bool is_either_port(const struct ports *ports, __u16 number)
{
	return ports && (is_port(ports->src, number) || is_port(ports->dst, number));
}

/* a.b.c.d, as it stands in a packet. */
#define ADDRESS(a, b, c, d) bpf_htonl((__u32)(a) << 24 | (b) << 16 | (c) << 8 | (d))
#define H1		    ADDRESS(10, 1, 0, 1)
#define H2		    ADDRESS(10, 1, 0, 2)

/* An address at any alignment. */
ALWAYS_INLINE __be32 address_at(const __u8 *bytes)
{
	return *(const __be32 *)bytes;
}

ALWAYS_INLINE bool same_ipv6(const struct in6_addr *a, __u32 b0, __u32 b1, __u32 b2, __u32 b3)
{
	return a->in6_u.u6_addr32[0] == bpf_htonl(b0) && a->in6_u.u6_addr32[1] == bpf_htonl(b1) &&
	       a->in6_u.u6_addr32[2] == bpf_htonl(b2) && a->in6_u.u6_addr32[3] == bpf_htonl(b3);
}
