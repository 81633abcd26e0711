// SPDX-License-Identifier: GPL-2.0-only
/* Which layers a packet has, and how long it is. */
#include "packet.h"

ALWAYS_INLINE const struct vlan_tag *tag_of(const void *data, const void *end)
{
	const struct ethernet *eth = data;
	const struct vlan_tag *tag = (const void *)(eth + 1);

	return THERE(tag, end) && (eth->h_proto == bpf_htons(ETH_P_8021Q) ||
				   eth->h_proto == bpf_htons(ETH_P_8021AD) ||
				   eth->h_proto == bpf_htons(ETH_P_QINQ1))
		       ? tag
		       : NULL;
}

ALWAYS_INLINE bool is_vlan(const void *data, const void *end, __u16 id)
{
	const struct vlan_tag *tag = tag_of(data, end);

	return tag && (tag->tci & bpf_htons(0xfff)) == bpf_htons(id);
}

ALWAYS_INLINE bool is_mac(const __u8 *mac, __u16 high, __u32 low)
{
	return *(const __be16 *)mac == bpf_htons(high) &&
	       *(const __be32 *)(mac + 2) == bpf_htonl(low);
}

/* What remains without any test: counting, and the verdict. */
FILTER(every, "greater 0")
{
	(void)data, (void)end;
	return true;
}

FILTER(ip, "ip")
{
	return is_type(data, end, ETH_P_IP);
}

FILTER(ip6, "ip6")
{
	return is_type(data, end, ETH_P_IPV6);
}

FILTER(arp, "arp")
{
	return is_type(data, end, ETH_P_ARP);
}

FILTER(not_arp, "not arp")
{
	return !is_type(data, end, ETH_P_ARP);
}

FILTER(mpls, "mpls")
{
	return is_type(data, end, ETH_P_MPLS_UC);
}

FILTER(tcp, "tcp")
{
	return is_protocol(data, end, IPPROTO_TCP);
}

FILTER(udp, "udp")
{
	return is_protocol(data, end, IPPROTO_UDP);
}

FILTER(icmp, "icmp")
{
	return is_ipv4_protocol(data, end, IPPROTO_ICMP);
}

FILTER(icmp6, "icmp6")
{
	return is_ipv6_protocol(data, end, IPPROTO_ICMPV6);
}

FILTER(gre, "ip proto 47")
{
	return is_ipv4_protocol(data, end, IPPROTO_GRE);
}

FILTER(any_icmp, "icmp or icmp6 or arp")
{
	return is_ipv4_protocol(data, end, IPPROTO_ICMP) ||
	       is_ipv6_protocol(data, end, IPPROTO_ICMPV6) || is_type(data, end, ETH_P_ARP);
}

FILTER(pppoe, "ether proto 0x8864")
{
	return is_type(data, end, ETH_P_PPP_SES);
}

FILTER(vlan, "vlan")
{
	return tag_of(data, end) != NULL;
}

FILTER(vlan_10, "vlan 10")
{
	return is_vlan(data, end, 10);
}

FILTER(vlan_ip, "vlan 10 and ip")
{
	const struct vlan_tag *tag = tag_of(data, end);

	return tag && (tag->tci & bpf_htons(0xfff)) == bpf_htons(10) &&
	       tag->proto == bpf_htons(ETH_P_IP);
}

FILTER(vlan_ip6, "vlan and ip6")
{
	const struct vlan_tag *tag = tag_of(data, end);

	return tag && tag->proto == bpf_htons(ETH_P_IPV6);
}

FILTER(ether_host, "ether host 02:00:00:00:01:02")
{
	const struct ethernet *eth = data;

	return THERE(eth, end) && (is_mac(eth->h_source, 0x0200, 0x00000102) ||
				   is_mac(eth->h_dest, 0x0200, 0x00000102));
}

FILTER(broadcast, "ether broadcast")
{
	const struct ethernet *eth = data;

	return THERE(eth, end) && is_mac(eth->h_dest, 0xffff, 0xffffffff);
}

FILTER(multicast, "ether multicast")
{
	const struct ethernet *eth = data;

	return THERE(eth, end) && eth->h_dest[0] & 1;
}

FILTER(small, "less 64")
{
	return end - data <= 64;
}

FILTER(large, "greater 1000")
{
	return end - data >= 1000;
}

char LICENSE[] SEC("license") = "GPL";
