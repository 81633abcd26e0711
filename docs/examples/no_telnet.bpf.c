// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nothing of weir: a program written by hand, which iproute2 loads and attaches by itself, beside a
 * chain of weir's or alone. It drops TCP to port 23 over IPv4.
 *
 *	clang -target bpf -O2 -g -I/usr/include/$(uname -m)-linux-gnu -c no_telnet.bpf.c \
 *	      -o no_telnet.bpf.o
 *
 *	tc qdisc add dev eth0 clsact
 *	tc filter add dev eth0 ingress bpf da obj no_telnet.bpf.o sec tc
 *	ip link set dev eth0 xdp obj no_telnet.bpf.o sec xdp
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/tcp.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

static __always_inline bool is_telnet(void *data, void *data_end)
{
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	struct tcphdr *tcp = (void *)(ip + 1);

	if ((void *)(tcp + 1) > data_end || eth->h_proto != bpf_htons(ETH_P_IP))
		return false;
	if (ip->protocol != IPPROTO_TCP || ip->ihl != 5 || ip->frag_off & bpf_htons(0x1fff))
		return false;
	return tcp->dest == bpf_htons(23);
}

SEC("xdp")
int no_telnet_xdp(struct xdp_md *ctx)
{
	return is_telnet((void *)(long)ctx->data, (void *)(long)ctx->data_end) ? XDP_DROP
									       : XDP_PASS;
}

SEC("tc")
int no_telnet_tc(struct __sk_buff *skb)
{
	return is_telnet((void *)(long)skb->data, (void *)(long)skb->data_end) ? TC_ACT_SHOT
									       : TC_ACT_UNSPEC;
}

char _license[] SEC("license") = "GPL";
