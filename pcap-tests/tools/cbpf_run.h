/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A classic program as the kernel runs it (bpf_convert_filter(), convert_bpf_ld_abs(),
 * bpf_internal_load_pointer_neg_helper(); net/core/filter.c, kernel/bpf/core.c) for a packet whose
 * outer VLAN tag may be beside the bytes.
 */
#pragma once
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct cbpf_skb {
	const uint8_t *mac; /* the Ethernet header; all is in one buffer */
	uint32_t len;	    /* from there on */
	uint32_t pulled;    /* bytes in front of which the program does not begin */
	bool tagged;
	uint16_t tpid, tci; /* if tagged, else anything */
};

/* false: the load ends the program, which rejects. */
static inline bool cbpf_run_load(const struct cbpf_skb *skb, int32_t k, unsigned int size,
				 uint32_t *out)
{
	int64_t at = (int64_t)k + skb->pulled;

	if (k < SKF_LL_OFF)
		return false;
	if (k < 0)
		at = k >= SKF_NET_OFF ? (int64_t)k - SKF_NET_OFF + 14 : (int64_t)k - SKF_LL_OFF;
	if (at + size > skb->len)
		return false;
	*out = 0;
	for (unsigned int i = 0; i < size; i++)
		*out = *out << 8 | skb->mac[at + i];
	return true;
}

/* false: there is none that we know. */
static inline bool cbpf_run_ancillary(const struct cbpf_skb *skb, uint32_t k, uint32_t *out)
{
	switch (k - SKF_AD_OFF) {
	case SKF_AD_PKTTYPE:
		*out = skb->pulled ? PACKET_HOST : PACKET_OUTGOING;
		return true;
	case SKF_AD_VLAN_TAG:
		*out = skb->tci;
		return true;
	case SKF_AD_VLAN_TAG_PRESENT:
		*out = skb->tagged;
		return true;
	case SKF_AD_VLAN_TPID:
		*out = skb->tpid;
		return true;
	}
	return false;
}

static inline uint32_t cbpf_run_alu(uint16_t code, uint32_t a, uint32_t k)
{
	switch (BPF_OP(code)) {
	case BPF_ADD:
		return a + k;
	case BPF_SUB:
		return a - k;
	case BPF_MUL:
		return a * k;
	case BPF_DIV:
		return a / k;
	case BPF_MOD:
		return a % k;
	case BPF_AND:
		return a & k;
	case BPF_OR:
		return a | k;
	case BPF_XOR:
		return a ^ k;
	case BPF_LSH:
		return a << (k & 31);
	case BPF_RSH:
		return a >> (k & 31);
	default:
		return -a;
	}
}

static inline bool cbpf_run_test(uint16_t code, uint32_t a, uint32_t k)
{
	switch (BPF_OP(code)) {
	case BPF_JEQ:
		return a == k;
	case BPF_JGT:
		return a > k;
	case BPF_JGE:
		return a >= k;
	default:
		return a & k;
	}
}

struct cbpf_machine {
	const struct cbpf_skb *skb;
	uint32_t a, x, m[BPF_MEMWORDS];
};

static inline bool cbpf_run_reads(const struct sock_filter *insn)
{
	uint8_t class = BPF_CLASS(insn->code), mode = BPF_MODE(insn->code);

	return (class == BPF_LD || class == BPF_LDX) &&
	       (mode == BPF_ABS || mode == BPF_IND || mode == BPF_MSH);
}

/* A read of the packet. false: it ends the program. */
static inline bool cbpf_run_read(struct cbpf_machine *c, const struct sock_filter *insn)
{
	bool computed = BPF_MODE(insn->code) == BPF_IND;
	unsigned int size = BPF_SIZE(insn->code) == BPF_B   ? 1
			    : BPF_SIZE(insn->code) == BPF_H ? 2
							    : 4;
	uint32_t k = insn->k + (computed ? c->x : 0), got;

	if ((computed || !cbpf_run_ancillary(c->skb, k, &got)) &&
	    !cbpf_run_load(c->skb, k, size, &got))
		return false;
	if (BPF_CLASS(insn->code) == BPF_LDX)
		c->x = 4 * (got & 0xf);
	else
		c->a = got;
	return true;
}

/* No read of the packet, no jump, no end. false: it ends the program. */
static inline bool cbpf_run_step(struct cbpf_machine *c, const struct sock_filter *insn)
{
	uint32_t k = BPF_SRC(insn->code) == BPF_X ? c->x : insn->k;
	uint32_t value = BPF_MODE(insn->code) == BPF_IMM   ? insn->k
			 : BPF_MODE(insn->code) == BPF_LEN ? c->skb->len - c->skb->pulled
							   : c->m[insn->k % BPF_MEMWORDS];

	switch (BPF_CLASS(insn->code)) {
	case BPF_LD:
		c->a = value;
		return true;
	case BPF_LDX:
		c->x = value;
		return true;
	case BPF_ST:
		c->m[insn->k] = c->a;
		return true;
	case BPF_STX:
		c->m[insn->k] = c->x;
		return true;
	case BPF_ALU:
		if ((BPF_OP(insn->code) == BPF_DIV || BPF_OP(insn->code) == BPF_MOD) && !k)
			return false;
		c->a = cbpf_run_alu(insn->code, c->a, k);
		return true;
	default:
		*(BPF_MISCOP(insn->code) == BPF_TAX ? &c->x : &c->a) =
			BPF_MISCOP(insn->code) == BPF_TAX ? c->a : c->x;
		return true;
	}
}

/* What it returns. */
static inline uint32_t cbpf_run(const struct sock_filter *insn, const struct cbpf_skb *skb)
{
	struct cbpf_machine c = { .skb = skb };

	memset(c.m, 0xa5, sizeof(c.m)); /* the kernel has words written before they are read */
	for (;; insn++) {
		if (BPF_CLASS(insn->code) == BPF_RET)
			return BPF_RVAL(insn->code) == BPF_A ? c.a : insn->k;
		if (BPF_CLASS(insn->code) != BPF_JMP) {
			if (!(cbpf_run_reads(insn) ? cbpf_run_read(&c, insn)
						   : cbpf_run_step(&c, insn)))
				return 0;
		} else if (BPF_OP(insn->code) == BPF_JA) {
			insn += insn->k;
		} else {
			uint32_t k = BPF_SRC(insn->code) == BPF_X ? c.x : insn->k;

			insn += cbpf_run_test(insn->code, c.a, k) ? insn->jt : insn->jf;
		}
	}
}
