// SPDX-License-Identifier: GPL-2.0-only
/*
 * What of the packet a program has at hand, hook by hook.
 *
 * XDP and tc have the linear part in place. A socket's program has no access to the packet but by
 * helper calls: it copies a window of the first bytes to its stack, as long as the run's own loads
 * show to be of use, and its fast bodies read that. A packet that is shorter goes by the slow
 * bodies. A single expression of so few loads that the copy would cost more than they do has
 * no fast body at all.
 */
#include <linux/if_ether.h>

#include "ir.h"

enum {
	WINDOW_MIN = IR_HEAD + 8, /* bytes of stack: a tag, and something behind it */
	WINDOW_MAX = 128,
	HEADER = 20,	  /* an IPv4 header without options: what X is as a rule */
	DIRECT_LOADS = 2, /* that cost less than a window */
};

/* What a program's loads read. */
struct reads {
	uint32_t end; /* of the bytes, X taken for HEADER; 0: there are no loads */
	size_t n;
	bool plain; /* all at constant offsets, and none across the limits of a tag's place */
};

static unsigned int load_size(const struct sock_filter *insn)
{
	return BPF_SIZE(insn->code) == BPF_B ? 1 : BPF_SIZE(insn->code) == BPF_H ? 2 : 4;
}

static void read_insn(struct reads *reads, const struct sock_filter *insn)
{
	uint8_t class = BPF_CLASS(insn->code), mode = BPF_MODE(insn->code);
	bool indexed = mode == BPF_IND;
	uint64_t end = (uint64_t)insn->k + load_size(insn) + (indexed ? HEADER : 0);

	if ((class != BPF_LD && class != BPF_LDX) ||
	    (mode != BPF_ABS && mode != BPF_IND && mode != BPF_MSH))
		return;
	reads->n++;
	reads->plain &= !indexed && ir_spares_tag(insn->k, load_size(insn));
	if (end <= WINDOW_MAX && end > reads->end)
		reads->end = end;
}

static struct reads reads_of(const struct filter_run *run)
{
	struct reads reads = { .plain = true };

	for (size_t i = 0; i < run->n_rules; i++) {
		const struct cbpf *cbpf = run->rules[i].cbpf;

		for (size_t j = 0; cbpf && j < cbpf->n; j++)
			read_insn(&reads, &cbpf->insns[j]);
	}
	return reads;
}

/* 0: no load is near enough. */
static uint32_t window_of(const struct filter_run *run)
{
	uint32_t end = (reads_of(run).end + 7) & ~7u;

	return end && end < WINDOW_MIN ? WINDOW_MIN : end;
}

bool ir_is_direct(const struct filter_run *run)
{
	struct reads reads = reads_of(run);

	return run->hook == FILTER_SOCKET && run->n_rules == 1 && run->rules->verb == FILTER_PASS &&
	       !run->jump_at_end && reads.plain && reads.n <= DIRECT_LOADS;
}

struct ir_view ir_view(const struct filter_run *run)
{
	struct ir_view view = { .slow = true, .fetch_max = INT32_MAX }; /* bpf_skb_load_bytes() */

	switch (run->hook) {
	case FILTER_XDP:
		view.head = ETH_HLEN;
		view.window = view.fetch_max = IR_PACKET_MAX; /* bpf_xdp_load_bytes() */
		view.slow = run->frags;
		return view;
	case FILTER_TC:
		view.head = IR_HEAD;
		view.window = IR_PACKET_MAX;
		view.tag_aside = true;
		return view;
	case FILTER_SOCKET:
		view.head = view.window = ir_is_direct(run) ? 0 : window_of(run);
		return view;
	}
	return view;
}
