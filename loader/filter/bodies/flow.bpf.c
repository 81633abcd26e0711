// SPDX-License-Identifier: GPL-2.0-only
/*
 * A number for a packet's flow: 32 bits, the same in both directions, so that a connection stays
 * together wherever its halves come in. Addresses, protocol and ports of IPv4 and IPv6, behind up
 * to two VLAN tags; of a fragment (the first one too), and where options or extension headers stand
 * between, no ports; of anything else the MAC addresses and the ethertype.
 *
 * Appended to a generated program as a subprogram (../ebpf_cpu.c), so there are no maps here. All
 * offsets are constants on each path: a program without CAP_PERFMON may have no others.
 */
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/types.h>

enum { TAG_LEN = 4, MF_AND_OFFSET = 0x3fff, NO_OPTIONS = 0x45 };

static __always_inline __u16 be16(__u16 n)
{
	return __builtin_bswap16(n);
}

/* Knuth's multiplicative hash, 64 bits; twice, since the sum of two ends must not lose their bits.
 */
static __always_inline __u64 scatter(__u64 n)
{
	n *= 0x9e3779b97f4a7c15;
	n ^= n >> 32;
	return n * 0x9e3779b97f4a7c15;
}

/* Both ends alike, in either order. */
static __always_inline __u32 flow_of(__u64 a, __u64 b, __u64 rest)
{
	return scatter(scatter(a) + scatter(b) + rest) >> 32;
}

/* The ports at the start of these protocols' headers (IANA's protocol numbers). */
static __always_inline _Bool has_ports(__u8 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_SCTP ||
	       protocol == IPPROTO_DCCP || protocol == IPPROTO_UDPLITE;
}

static __always_inline __u32 ipv4_flow(const void *at, const void *end)
{
	const struct iphdr *ip = at;
	const __u16 *ports = at + sizeof(*ip);
	__u64 from = 0, to = 0;

	if (ports + 2 <= (const __u16 *)end && *(const __u8 *)at == NO_OPTIONS &&
	    !(ip->frag_off & be16(MF_AND_OFFSET)) && has_ports(ip->protocol)) {
		from = ports[0];
		to = ports[1];
	}
	return flow_of(from << 32 | ip->saddr, to << 32 | ip->daddr, ip->protocol);
}

static __always_inline __u64 fold(const struct in6_addr *address)
{
	const __u32 *word = address->in6_u.u6_addr32;

	return scatter((__u64)word[0] << 32 | word[1]) + ((__u64)word[2] << 32 | word[3]);
}

static __always_inline __u32 ipv6_flow(const void *at, const void *end)
{
	const struct ipv6hdr *ip = at;
	const __u16 *ports = at + sizeof(*ip);
	__u64 from = fold(&ip->saddr), to = fold(&ip->daddr);

	if (ports + 2 <= (const __u16 *)end && has_ports(ip->nexthdr)) {
		from += (__u64)ports[0] << 48;
		to += (__u64)ports[1] << 48;
	}
	return flow_of(from, to, ip->nexthdr);
}

static __always_inline __u64 mac(const __u16 *address)
{
	return (__u64)address[0] << 32 | (__u32)address[1] << 16 | address[2];
}

/* Told to be likely, so that clang leaves what follows in line: a jump backwards looks like a loop.
 */
static __always_inline _Bool is_tag(__u16 type)
{
	return __builtin_expect(type == be16(ETH_P_8021Q), 1) || type == be16(ETH_P_8021AD);
}

__attribute__((noinline)) __u32 weir_flow(const void *data, const void *end)
{
	enum { TO = 0, FROM = 3, TYPE = 6 };
	const __u16 *ethernet = data;
	const void *at = data + ETH_HLEN;
	__u16 type;

	if (at > end)
		return 0;
	type = ethernet[TYPE];
	for (int i = 0; i < 2 && is_tag(type); i++) {
		if (at + TAG_LEN > end)
			return flow_of(mac(ethernet + FROM), mac(ethernet + TO), type);
		type = ((const __u16 *)at)[1];
		at += TAG_LEN;
	}
	if (type == be16(ETH_P_IP) && at + sizeof(struct iphdr) <= end)
		return ipv4_flow(at, end);
	if (type == be16(ETH_P_IPV6) && at + sizeof(struct ipv6hdr) <= end)
		return ipv6_flow(at, end);
	return flow_of(mac(ethernet + FROM), mac(ethernet + TO), type);
}
