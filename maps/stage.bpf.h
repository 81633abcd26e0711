/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The stage ABI: what the author of a C stage includes. docs/STAGES.md leads from nothing to a
 * running stage.
 *
 *	#include "stage.bpf.h"
 *
 *	REASONS(TTL_LOW);
 *
 *	const volatile struct {
 *		__u8 min_ttl __doc("drop below this TTL");
 *	} conf = { .min_ttl = 2 };
 *
 *	STAGE(ttl_guard, "drop IPv4 packets whose TTL is too low")
 *	{
 *		struct iphdr *ip = pkt_ipv4(pkt);
 *
 *		if (ip && ip->ttl < conf.min_ttl)
 *			return stage_drop(TTL_LOW);
 *		return NEXT;
 *	}
 *
 * One object holds one stage. It is a stage of XDP, or of tc where WEIR_TC is defined before this
 * header is included; the source may be the same. `weir` reads the name, the documentation, the
 * options and the reasons from the object's BTF, so it must be compiled with -g.
 */
#pragma once

#include <linux/bpf.h>
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "chain.bpf.h"

#ifndef NULL
#define NULL ((void *)0)
#endif

/* What differs between the hooks; all else is written once. */
#ifdef WEIR_TC
typedef struct __sk_buff stage_ctx;
#define STAGE_SECTION "tc"
enum { STAGE_ACT_PASS = TC_ACT_UNSPEC, STAGE_ACT_DROP = TC_ACT_SHOT };
#else
typedef struct xdp_md stage_ctx;
#define STAGE_SECTION "xdp"
enum { STAGE_ACT_PASS = XDP_PASS, STAGE_ACT_DROP = XDP_DROP };
#endif

/*
 * What a stage says of a packet. The numbers keep clear of XDP_* and TC_ACT_*, so that one of
 * those, returned by mistake, is taken for none of these: it counts as a miss.
 */
enum stage_verdict {
	NEXT = 32, /* go on with the next rule of the policy */
	PASS,	   /* to the stack; no later rule is tried */
	DROP,	   /* stage_drop() says why as well */
	REFLECT,   /* back out of the interface that it came in by, MAC addresses swapped */
	REDIRECT, /* to where bpf_redirect() or bpf_redirect_map() was told: see stage_redirect() */
};

/* A packet, as STAGE() hands it to the body. */
struct pkt {
	stage_ctx *ctx; /* for helpers that want it */
	void *data;	/* the destination MAC address */
	void *data_end; /* behind the last byte that can be read directly */
};

/* Documentation of an option: one sentence, no full stop. Printed by `weir stages`. */
#define __doc(text) __attribute__((btf_decl_tag("doc:" text)))

/*
 * The reasons for which a stage drops, at most once in a file, before STAGE(). Each gets a counter
 * of its own, shown by its name. (The variable makes clang emit BTF for the enum.)
 */
#define REASONS(...)                                        \
	enum stage_reason { STAGE_NO_REASON, __VA_ARGS__ }; \
	const volatile enum stage_reason weir_reasons = STAGE_NO_REASON

/*
 * The stage itself: a name as a policy will `use` it, and one sentence, no full stop, on what it
 * does. The body that follows gets `struct pkt *pkt` and returns an enum stage_verdict.
 */
#define STAGE(name, text)                                                                        \
	static __always_inline enum stage_verdict name##_body(struct pkt *pkt);                  \
	SEC(STAGE_SECTION) __attribute__((btf_decl_tag("stage:" text))) int name(stage_ctx *ctx) \
	{                                                                                        \
		struct pkt packet = { .ctx = ctx };                                              \
                                                                                                 \
		stage_begin(&packet);                                                            \
		return stage_end(&packet, name##_body(&packet));                                 \
	}                                                                                        \
	static __always_inline enum stage_verdict name##_body(struct pkt *pkt                    \
							      __attribute__((unused)))

/* Written by the loader and frozen before the load: to the verifier each member is a constant. */
const volatile struct weir_wiring weir_wiring = { .abi = WEIR_STAGE_ABI };

char _license[] SEC("license") = "GPL";

/* The packet's length in bytes, all its fragments, without the FCS. */
static __always_inline __u32 pkt_len(const struct pkt *pkt)
{
#ifdef WEIR_TC
	return pkt->ctx->len;
#else
	/* data_end - data takes CAP_PERFMON, and misses the fragments. */
	return bpf_xdp_get_buff_len(pkt->ctx);
#endif
}

/*
 * Look at the packet anew: after each helper that changes it (bpf_xdp_adjust_head(),
 * bpf_skb_change_head() …) all pointers into it are void, and the verifier refuses their use.
 */
static __always_inline void pkt_reload(struct pkt *pkt)
{
	pkt->data = (void *)(long)pkt->ctx->data;
	pkt->data_end = (void *)(long)pkt->ctx->data_end;
}

/* `p` if the `size` bytes from there on are in the packet and can be read directly, or NULL. */
static __always_inline void *pkt_at(const struct pkt *pkt, void *p, __u32 size)
{
	if (p + size > pkt->data_end)
		return NULL;
	/* Or clang compares it with NULL once more, which takes CAP_PERFMON besides an instruction.
	 */
	__builtin_assume(p != NULL);
	return p;
}

/* The Ethernet header, or NULL. Numbers in headers are in network byte order: bpf_ntohs(). */
static __always_inline struct ethhdr *pkt_eth(const struct pkt *pkt)
{
	return pkt_at(pkt, pkt->data, sizeof(struct ethhdr));
}

/* A VLAN tag (IEEE 802.1Q), behind the EtherType that announces it. */
struct pkt_vlan {
	__be16 tci;   /* priority, DEI, VLAN id */
	__be16 proto; /* the EtherType of what follows */
};

static __always_inline bool pkt_is_vlan(__be16 proto)
{
	return proto == bpf_htons(ETH_P_8021Q) || proto == bpf_htons(ETH_P_8021AD);
}

/*
 * What an Ethernet frame of EtherType `type` (ETH_P_*) carries, behind up to two VLAN tags, if its
 * first `size` bytes are there; or NULL. A tag that the NIC took out of the bytes is no obstacle.
 */
static __always_inline void *pkt_l3(const struct pkt *pkt, __u16 type, __u32 size)
{
	struct ethhdr *eth = pkt_eth(pkt);
	struct pkt_vlan *vlan;

	if (!eth)
		return NULL;
	/* The last four bytes of the header end in the EtherType, as a tag does. */
	vlan = (struct pkt_vlan *)(eth + 1) - 1;
	for (int tags = 0; tags < 2 && pkt_is_vlan(vlan->proto); tags++) {
		vlan = pkt_at(pkt, vlan + 1, sizeof(*vlan));
		if (!vlan)
			return NULL;
	}
	return vlan->proto == bpf_htons(type) ? pkt_at(pkt, vlan + 1, size) : NULL;
}

/* The IPv4 header, its first 20 bytes, or NULL; version and header length are sane. */
static __always_inline struct iphdr *pkt_ipv4(const struct pkt *pkt)
{
	struct iphdr *ip = pkt_l3(pkt, ETH_P_IP, sizeof(*ip));

	return ip && ip->version == 4 && ip->ihl >= 5 ? ip : NULL;
}

/* The fixed IPv6 header, or NULL. */
static __always_inline struct ipv6hdr *pkt_ipv6(const struct pkt *pkt)
{
	struct ipv6hdr *ip = pkt_l3(pkt, ETH_P_IPV6, sizeof(*ip));

	return ip && ip->version == 6 ? ip : NULL;
}

/* Extension headers that pkt_l4() walks: RFC 8200, 4.1 has each once, destination options twice. */
enum { PKT_EXTENSIONS_MAX = 8 };

/* The first bytes of every extension header but ESP (RFC 8200, 4; RFC 4302, 2). */
struct pkt_extension {
	__u8 next;
	__u8 len;
	__be16 fragment; /* of a fragment header: offset in units of 8 bytes, times 8, and flags */
	__u8 rest[4];
};

/* The length in bytes of the extension header of type `kind`, or 0: no such header to walk over. */
static __always_inline __u32 pkt_extension_len(const struct pkt_extension *ext, __u8 kind)
{
	switch (kind) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
		return (ext->len + 1) * 8;
	case IPPROTO_AH:
		return (ext->len + 2) * 4;
	case IPPROTO_FRAGMENT:
		return ext->fragment & bpf_htons(0xfff8) ? 0 : sizeof(*ext);
	}
	return 0;
}

static __always_inline void *pkt_ipv6_l4(const struct pkt *pkt, struct ipv6hdr *ip, __u8 protocol,
					 __u32 size)
{
	void *p = ip + 1;
	__u8 kind = ip->nexthdr;

	for (int i = 0; i <= PKT_EXTENSIONS_MAX; i++) {
		struct pkt_extension *ext;
		__u32 len;

		if (kind == protocol)
			return pkt_at(pkt, p, size);
		ext = pkt_at(pkt, p, sizeof(*ext));
		if (!ext)
			return NULL;
		len = pkt_extension_len(ext, kind);
		if (!len)
			return NULL;
		kind = ext->next;
		p += len;
	}
	return NULL;
}

/*
 * The transport header of protocol `protocol` (IPPROTO_*) over IPv4 or IPv6, if its first `size`
 * bytes are there; or NULL. Options and extension headers are walked over (at most 8); a fragment
 * that is not the first has no transport header.
 */
static __always_inline void *pkt_l4(const struct pkt *pkt, __u8 protocol, __u32 size)
{
	struct iphdr *ip = pkt_ipv4(pkt);
	struct ipv6hdr *ip6;

	if (ip) {
		if (ip->protocol != protocol || ip->frag_off & bpf_htons(0x1fff))
			return NULL;
		return pkt_at(pkt, (void *)ip + ip->ihl * 4, size);
	}
	ip6 = pkt_ipv6(pkt);
	return ip6 ? pkt_ipv6_l4(pkt, ip6, protocol, size) : NULL;
}

/* The transport headers, as pkt_l4() finds them, or NULL. */
static __always_inline struct tcphdr *pkt_tcp(const struct pkt *pkt)
{
	return pkt_l4(pkt, IPPROTO_TCP, sizeof(struct tcphdr));
}

static __always_inline struct udphdr *pkt_udp(const struct pkt *pkt)
{
	return pkt_l4(pkt, IPPROTO_UDP, sizeof(struct udphdr));
}

static __always_inline struct icmphdr *pkt_icmp(const struct pkt *pkt)
{
	return pkt_l4(pkt, IPPROTO_ICMP, sizeof(struct icmphdr));
}

static __always_inline struct icmp6hdr *pkt_icmp6(const struct pkt *pkt)
{
	return pkt_l4(pkt, IPPROTO_ICMPV6, sizeof(struct icmp6hdr));
}

/* Drop, and say why: `reason` is one of REASONS(). */
#define stage_drop(reason) ((enum stage_verdict)(DROP | (reason) << 8))

/* Send the packet out of another interface: `return stage_redirect(ifindex);`. */
static __always_inline enum stage_verdict stage_redirect(__u32 ifindex)
{
	bpf_redirect(ifindex, 0);
	return REDIRECT;
}

/* What is below is the ABI's own: STAGE() uses it, stages do not. */

enum { STAGE_HEADERS = 256 }; /* bytes of a packet that tc makes readable, where it has them */

static __always_inline void stage_begin(struct pkt *pkt)
{
	pkt_reload(pkt);
#ifdef WEIR_TC
	/* An skb's head may be as short as its Ethernet header (packet_mmap sends such). */
	if (pkt->data + STAGE_HEADERS > pkt->data_end &&
	    pkt->data + pkt->ctx->len > pkt->data_end) {
		bpf_skb_pull_data(pkt->ctx,
				  pkt->ctx->len < STAGE_HEADERS ? pkt->ctx->len : STAGE_HEADERS);
		pkt_reload(pkt);
	}
#endif
}

static __always_inline void stage_count(const struct pkt *pkt, __u32 index)
{
	struct weir_counter *counter = bpf_map_lookup_elem(&counters, &index);

	if (counter) {
		counter->packets++;
		counter->bytes += pkt_len(pkt);
#ifdef WEIR_TC
		if (pkt->ctx->vlan_present)
			counter->bytes += WEIR_TAG_LEN;
#endif
	}
}

static __always_inline int stage_miss(const struct pkt *pkt)
{
	stage_count(pkt, weir_wiring.miss_counter);
	return weir_wiring.miss_verdict;
}

/*
 * On to the next rule. Every packet that meets the stage pays for this, so nothing is kept for the
 * case that it fails: no register, no stack. bpf_tail_call_static() would take four of the former.
 */
static __always_inline void stage_call_next(stage_ctx *ctx)
{
	register stage_ctx *first asm("r1") = ctx;

	asm volatile("r2 = %[map] ll\n\t"
		     "r3 = %[slot]\n\t"
		     "call 12"
		     : "+r"(first)
		     : [map] "i"(&slots), [slot] "i"(WEIR_STAGE_NEXT)
		     : "r0", "r2", "r3", "r4", "r5", "memory");
}

/* It failed. Without the context the packet's bytes are not known: the packet alone counts. */
static __always_inline int stage_no_next(void)
{
	struct weir_counter *counter =
		bpf_map_lookup_elem(&counters, (const void *)&weir_wiring.miss_counter);
	const struct weir_wiring *wiring;

	if (counter)
		counter->packets++;
	/* Its address anew, or clang keeps it in a register from the start. */
	asm volatile("%[out] = %[wiring] ll" : [out] "=r"(wiring) : [wiring] "i"(&weir_wiring));
	return wiring->miss_verdict;
}

static __always_inline int stage_reflect(struct pkt *pkt)
{
	__u8 mac[ETH_ALEN];
	struct ethhdr *eth;

	pkt_reload(pkt);
	eth = pkt_eth(pkt);
	if (eth) {
		__builtin_memcpy(mac, eth->h_dest, ETH_ALEN);
		__builtin_memcpy(eth->h_dest, eth->h_source, ETH_ALEN);
		__builtin_memcpy(eth->h_source, mac, ETH_ALEN);
	}
#ifdef WEIR_TC
	return bpf_redirect(pkt->ctx->ifindex, 0);
#else
	return XDP_TX;
#endif
}

static __always_inline int stage_end(struct pkt *pkt, enum stage_verdict verdict)
{
	__u32 reason = (__u32)verdict >> 8, first;

	if ((verdict & 0xff) == NEXT) {
		stage_call_next(pkt->ctx);
		return stage_no_next();
	}
	first = weir_wiring.counter;

	switch (verdict & 0xff) {
	case PASS:
		stage_count(pkt, first + WEIR_STAGE_PASS);
		return STAGE_ACT_PASS;
	case DROP:
		stage_count(pkt, first + WEIR_STAGE_DROP);
		if (reason && reason <= weir_wiring.n_reasons)
			stage_count(pkt, first + WEIR_STAGE_REASONS + reason - 1);
		return STAGE_ACT_DROP;
	case REFLECT:
		stage_count(pkt, first + WEIR_STAGE_REFLECT);
		return stage_reflect(pkt);
	case REDIRECT:
		stage_count(pkt, first + WEIR_STAGE_REDIRECT);
#ifdef WEIR_TC
		return TC_ACT_REDIRECT;
#else
		return XDP_REDIRECT;
#endif
	}
	return stage_miss(pkt);
}
