// SPDX-License-Identifier: GPL-2.0-only
/* Addresses, and other fields of IP headers. */
#include "packet.h"

/* Who talks to whom, by IPv4 or ARP: tcpdump's `host` and `net` ask both. */
struct addresses {
	bool there;
	__be32 src, dst;
};

ALWAYS_INLINE struct addresses addresses_of(const void *data, const void *end)
{
	const struct iphdr *ip = ipv4(data, end);
	const struct arp_ipv4 *arp;

	if (ip)
		return (struct addresses){ true, ip->saddr, ip->daddr };
	arp = arp_of(data, end);
	if (arp)
		return (struct addresses){ true, address_at(arp->spa), address_at(arp->tpa) };
	return (struct addresses){ 0 };
}

ALWAYS_INLINE bool in_net(__be32 address, __be32 net, unsigned int len)
{
	return (address & bpf_htonl(~0u << (32 - len))) == net;
}

FILTER(host, "host 10.1.0.2")
{
	const struct addresses addresses = addresses_of(data, end);

	return addresses.there && (addresses.src == H2 || addresses.dst == H2);
}

FILTER(src_host, "src host 10.1.0.1")
{
	const struct addresses addresses = addresses_of(data, end);

	return addresses.there && addresses.src == H1;
}

FILTER(ip_dst_host, "ip dst host 10.1.0.2")
{
	const struct iphdr *ip = ipv4(data, end);

	return ip && ip->daddr == H2;
}

FILTER(two_hosts, "host 10.1.0.1 and host 10.1.0.2")
{
	const struct addresses addresses = addresses_of(data, end);

	return addresses.there && ((addresses.src == H1 && addresses.dst == H2) ||
				   (addresses.src == H2 && addresses.dst == H1));
}

FILTER(net, "net 10.0.0.0/8")
{
	const struct addresses addresses = addresses_of(data, end);

	return addresses.there && (in_net(addresses.src, ADDRESS(10, 0, 0, 0), 8) ||
				   in_net(addresses.dst, ADDRESS(10, 0, 0, 0), 8));
}

FILTER(src_net, "src net 192.0.2.0/24")
{
	const struct addresses addresses = addresses_of(data, end);

	return addresses.there && in_net(addresses.src, ADDRESS(192, 0, 2, 0), 24);
}

FILTER(private_src,
       "ip and (src net 10.0.0.0/8 or src net 172.16.0.0/12 or src net 192.168.0.0/16)")
{
	const struct iphdr *ip = ipv4(data, end);

	return ip && (in_net(ip->saddr, ADDRESS(10, 0, 0, 0), 8) ||
		      in_net(ip->saddr, ADDRESS(172, 16, 0, 0), 12) ||
		      in_net(ip->saddr, ADDRESS(192, 168, 0, 0), 16));
}

FILTER(not_net, "ip and not net 10.0.0.0/8")
{
	const struct iphdr *ip = ipv4(data, end);

	return ip && !in_net(ip->saddr, ADDRESS(10, 0, 0, 0), 8) &&
	       !in_net(ip->daddr, ADDRESS(10, 0, 0, 0), 8);
}

FILTER(ip6_host, "ip6 host fd00:1::2")
{
	const struct ipv6hdr *ip = ipv6(data, end);

	return ip && (same_ipv6(&ip->saddr, 0xfd000001, 0, 0, 2) ||
		      same_ipv6(&ip->daddr, 0xfd000001, 0, 0, 2));
}

FILTER(ip6_src_host, "src host fd00:1::1")
{
	const struct ipv6hdr *ip = ipv6(data, end);

	return ip && same_ipv6(&ip->saddr, 0xfd000001, 0, 0, 1);
}

FILTER(ip6_dst_net, "dst net fd00:1::/64")
{
	const struct ipv6hdr *ip = ipv6(data, end);

	return ip && ip->daddr.in6_u.u6_addr32[0] == bpf_htonl(0xfd000001) &&
	       !ip->daddr.in6_u.u6_addr32[1];
}

FILTER(tcp_host, "tcp and host 10.1.0.2")
{
	const struct iphdr *ip = ipv4(data, end);

	return ip && ip->protocol == IPPROTO_TCP && (ip->saddr == H2 || ip->daddr == H2);
}

FILTER(later_fragments, "ip[6:2] & 0x1fff != 0")
{
	const struct iphdr *ip = ipv4(data, end);

	return ip && ip->frag_off & bpf_htons(FRAGMENT_OFFSET);
}

FILTER(ip_large, "ip[2:2] > 576")
{
	const struct iphdr *ip = ipv4(data, end);

	return ip && bpf_ntohs(ip->tot_len) > 576;
}

FILTER(ip_options, "ip[0] & 0xf > 5")
{
	const struct iphdr *ip = ipv4(data, end);

	return ip && ip->ihl > 5;
}

char LICENSE[] SEC("license") = "GPL";
