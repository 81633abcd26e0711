// SPDX-License-Identifier: GPL-2.0-only
/* Ports, flags of TCP, types of ICMP. */
#include "packet.h"

ALWAYS_INLINE bool is_web(__be16 port)
{
	return is_port(port, 80) || is_port(port, 443) || is_port(port, 8080);
}

ALWAYS_INLINE const struct tcp_flags *tcp_of(const void *data, const void *end)
{
	const struct iphdr *ip = ipv4(data, end);
	const struct tcp_flags *tcp;

	if (!ip || ip->protocol != IPPROTO_TCP)
		return NULL;
	tcp = payload(ip);
	return tcp && THERE(tcp, end) ? tcp : NULL;
}

FILTER(port, "port 53")
{
	const struct ports *ports = ports_of(data, end, 0);

	return is_either_port(ports, 53);
}

FILTER(not_port, "not port 53")
{
	const struct ports *ports = ports_of(data, end, 0);

	return !is_either_port(ports, 53);
}

FILTER(udp_port, "udp port 53")
{
	const struct ports *ports = ports_of(data, end, IPPROTO_UDP);

	return is_either_port(ports, 53);
}

FILTER(tcp_port, "tcp port 8080")
{
	const struct ports *ports = ports_of(data, end, IPPROTO_TCP);

	return is_either_port(ports, 8080);
}

FILTER(tcp_dst_port, "tcp dst port 8080")
{
	const struct ports *ports = ports_of(data, end, IPPROTO_TCP);

	return ports && is_port(ports->dst, 8080);
}

FILTER(src_port, "src port 53")
{
	const struct ports *ports = ports_of(data, end, 0);

	return ports && is_port(ports->src, 53);
}

FILTER(web, "tcp port 80 or tcp port 443 or tcp port 8080")
{
	const struct ports *ports = ports_of(data, end, IPPROTO_TCP);

	return ports && (is_web(ports->src) || is_web(ports->dst));
}

FILTER(udp_dns_ntp, "udp and (port 53 or port 123)")
{
	const struct ports *ports = ports_of(data, end, IPPROTO_UDP);

	return is_either_port(ports, 53) || is_either_port(ports, 123);
}

FILTER(portrange, "dst portrange 8000-8999")
{
	const struct ports *ports = ports_of(data, end, 0);

	return ports && bpf_ntohs(ports->dst) >= 8000 && bpf_ntohs(ports->dst) <= 8999;
}

FILTER(vxlan, "udp dst port 4789")
{
	const struct ports *ports = ports_of(data, end, IPPROTO_UDP);

	return ports && is_port(ports->dst, 4789);
}

FILTER(host_port, "host 10.1.0.2 and tcp port 8080")
{
	const struct iphdr *ip = ipv4(data, end);
	const struct ports *ports;

	if (!ip || ip->protocol != IPPROTO_TCP || (ip->saddr != H2 && ip->daddr != H2))
		return false;
	ports = payload(ip);
	return ports && THERE(ports, end) && is_either_port(ports, 8080);
}

FILTER(src_host_dns, "src host 10.1.0.1 and udp dst port 53")
{
	const struct iphdr *ip = ipv4(data, end);
	const struct ports *ports;

	if (!ip || ip->protocol != IPPROTO_UDP || ip->saddr != H1)
		return false;
	ports = payload(ip);
	return ports && THERE(ports, end) && is_port(ports->dst, 53);
}

FILTER(syn, "tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn")
{
	const struct tcp_flags *tcp = tcp_of(data, end);

	return tcp && (tcp->flags & (SYN | ACK)) == SYN;
}

FILTER(rst, "tcp[tcpflags] & tcp-rst != 0")
{
	const struct tcp_flags *tcp = tcp_of(data, end);

	return tcp && tcp->flags & RST;
}

FILTER(syn_fin, "tcp[tcpflags] & (tcp-syn|tcp-fin) != 0 and tcp port 8080")
{
	const struct tcp_flags *tcp = tcp_of(data, end);

	return tcp && tcp->flags & (SYN | FIN) && is_either_port((const struct ports *)tcp, 8080);
}

FILTER(echo, "icmp[icmptype] == icmp-echo")
{
	const struct iphdr *ip = ipv4(data, end);
	const __u8 *type;

	if (!ip || ip->protocol != IPPROTO_ICMP)
		return false;
	type = payload(ip);
	return type && THERE(type, end) && *type == ICMP_ECHO;
}

FILTER(echo6, "icmp6[icmp6type] == icmp6-echo")
{
	const struct ipv6hdr *ip = ipv6(data, end);
	const __u8 *type = (const void *)(ip + 1);

	return ip && ip->nexthdr == IPPROTO_ICMPV6 && THERE(type, end) && *type == 128;
}

char LICENSE[] SEC("license") = "GPL";
