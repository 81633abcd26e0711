// SPDX-License-Identifier: GPL-2.0-only
/*
 * What of the packet a program has at hand, hook by hook.
 *
 * XDP has the whole packet in place. With fragments, and on tc, it is the linear part: a program
 * makes sure that it holds all that most rules ever read, or reads them from a copy. Only what may
 * lie further on is left to slow bodies.
 *
 * A socket's program has no access to the packet but by
 * helper calls: it copies a window of the first bytes to its stack, as long as the run's own loads
 * show to be of use, and its fast bodies read that. A packet that is shorter goes by the slow
 * bodies. So it is on tc without CAP_PERFMON, since no pointer can be compared with one into a copy
 * then. A single expression of a socket, of so few loads that the copy would cost more than they
 * do, has no fast body at all.
 */
#include <linux/if_ether.h>

#include "ir.h"

enum {
	WINDOW_MIN = IR_HEAD + 8, /* bytes of stack: a tag, and something behind it */
	WINDOW_MAX = 128,
	HEADER = 20,	  /* an IPv4 header without options: what X is as a rule */
	DIRECT_LOADS = 2, /* that cost less than a window */
	SURE_MAX = 512,	  /* bytes: some headers with all their options */
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

/* In a run of which packets may not be in place, or not all of each. */
static int see_copies(const struct filter_run *run, struct ir_view *view)
{
	view->head = view->sure = ETH_HLEN;
	view->window = IR_COPY_MAX;
	for (size_t i = 0; i < run->n_rules; i++) {
		const struct cbpf *cbpf = run->rules[i].cbpf;
		uint32_t reach = 0;
		int err = cbpf ? cbpf_reach(cbpf, &reach) : 0;

		if (err)
			return err;
		view->copies |= reach;
		if (reach > view->sure && reach <= SURE_MAX)
			view->sure = reach;
	}
	return 0;
}

static void see_window(const struct filter_run *run, struct ir_view *view)
{
	view->on_stack = true;
	view->head = view->window = ir_is_direct(run) ? 0 : window_of(run);
}

int ir_view(const struct filter_run *run, struct ir_view *out)
{
	*out = (struct ir_view){ .head = ETH_HLEN, .window = IR_PACKET_MAX };
	out->fetch_max = run->hook == FILTER_XDP ? IR_PACKET_MAX /* bpf_xdp_load_bytes() */
						 : INT32_MAX;	 /* bpf_skb_load_bytes() */
	if (run->hook == FILTER_SOCKET || (run->hook == FILTER_TC && run->by_helper))
		see_window(run, out);
	else if (run->hook == FILTER_XDP && !run->frags)
		out->sure = UINT32_MAX;
	else if (!run->by_helper)
		return see_copies(run, out);
	return 0;
}

int ir_is_beyond(const struct ir_view *view, const struct filter_rule *rule, bool *out)
{
	uint32_t reach = 0;
	int err = rule->cbpf && view->sure != UINT32_MAX ? cbpf_reach(rule->cbpf, &reach) : 0;

	*out = !view->sure || reach > view->sure;
	return err;
}
