// SPDX-License-Identifier: GPL-2.0-only
/* Tells where a parser of stage.bpf.h finds its header: its offset goes into `found`. */
#include "stage.bpf.h"

enum parser { ETH, IPV4, IPV6, TCP, UDP, ICMP, ICMP6, ARP };

const volatile struct {
	__u32 parser
		__doc("which one: 0 eth, 1 ipv4, 2 ipv6, 3 tcp, 4 udp, 5 icmp, 6 icmp6, 7 arp");
} conf;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 1);
} found SEC(".maps");

static __always_inline void *find(struct pkt *pkt)
{
	switch (conf.parser) {
	case ETH:
		return pkt_eth(pkt);
	case IPV4:
		return pkt_ipv4(pkt);
	case IPV6:
		return pkt_ipv6(pkt);
	case TCP:
		return pkt_tcp(pkt);
	case UDP:
		return pkt_udp(pkt);
	case ICMP:
		return pkt_icmp(pkt);
	case ICMP6:
		return pkt_icmp6(pkt);
	case ARP:
		return pkt_l3(pkt, ETH_P_ARP, 28);
	}
	return NULL;
}

STAGE(parse, "tell where a parser finds its header")
{
	__u64 *offset = bpf_map_lookup_elem(&found, &(__u32){ 0 });
	void *header = find(pkt);

	if (!header)
		return DROP;
	if (offset)
		*offset = header - pkt->data;
	return PASS;
}
