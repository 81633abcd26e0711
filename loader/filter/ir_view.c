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
 * do, has no fast body at all, nor has any of a fanout.
 */
#include <linux/if_ether.h>

#include "ir.h"

enum {
	WINDOW_MIN = IR_HEAD + 8, /* bytes of stack: a tag, and something behind it */
	WINDOW_MAX = 128,
	HEADER = 20,	  /* an IPv4 header without options: what X is as a rule */
	DIRECT_LOADS = 6, /* on a path, that cost less than a window */
	SURE_MAX = 512,	  /* bytes: some headers with all their options */
};

static unsigned int load_size(const struct sock_filter *insn)
{
	return BPF_SIZE(insn->code) == BPF_B ? 1 : BPF_SIZE(insn->code) == BPF_H ? 2 : 4;
}

/* Of the packet. */
static bool is_load(const struct sock_filter *insn)
{
	uint8_t class = BPF_CLASS(insn->code), mode = BPF_MODE(insn->code);

	return (class == BPF_LD || class == BPF_LDX) &&
	       (mode == BPF_ABS || mode == BPF_IND || mode == BPF_MSH);
}

static void reach(uint32_t *most, uint32_t n)
{
	if (n > *most)
		*most = n;
}

/* Where the bytes of a load end, X taken for HEADER. */
static uint64_t end_of(const struct sock_filter *insn)
{
	return (uint64_t)insn->k + load_size(insn) + (BPF_MODE(insn->code) == BPF_IND ? HEADER : 0);
}

/* 0: no load is near enough. */
static uint32_t window_of(const struct filter_run *run)
{
	uint32_t end = 0;

	for (size_t i = 0; i < run->n_rules; i++) {
		const struct cbpf *cbpf = run->rules[i].cbpf;

		for (size_t j = 0; cbpf && j < cbpf->n; j++) {
			if (is_load(&cbpf->insns[j]) && end_of(&cbpf->insns[j]) <= WINDOW_MAX)
				reach(&end, end_of(&cbpf->insns[j]));
		}
	}
	end = (end + 7) & ~7u;
	return end && end < WINDOW_MIN ? WINDOW_MIN : end;
}

/* How many loads a packet meets at most; UINT32_MAX where it may meet one again. 0 or -ENOMEM. */
static int loads_on_path(const struct cbpf *prog, uint32_t *out)
{
	_free_ uint32_t *ahead = NULL; /* of each instruction */

	*out = UINT32_MAX;
	if (cbpf_loops(prog))
		return 0;
	ahead = calloc(prog->n, sizeof(*ahead));
	if (!ahead)
		return fail_oom();
	*out = 0;
	for (size_t i = 0; i < prog->n; i++) {
		const struct sock_filter *insn = &prog->insns[i];
		uint32_t n = ahead[i] + is_load(insn);

		reach(out, n);
		if (BPF_CLASS(insn->code) == BPF_RET)
			continue;
		if (BPF_CLASS(insn->code) != BPF_JMP) {
			reach(&ahead[i + 1], n);
		} else if (BPF_OP(insn->code) == BPF_JA) {
			reach(&ahead[i + 1 + insn->k], n);
		} else {
			reach(&ahead[i + 1 + insn->jt], n);
			reach(&ahead[i + 1 + insn->jf], n);
		}
	}
	return 0;
}

/* A failing load ends a program of one expression as that rejects the packet. */
static int see_direct(const struct filter_run *run, struct ir_view *view)
{
	uint32_t loads = 0;
	int err;

	if (run->hook != FILTER_SOCKET || run->n_rules != 1 || !run->rules->cbpf ||
	    run->rules->verb != FILTER_PASS || run->jump_at_end)
		return 0;
	err = loads_on_path(run->rules->cbpf, &loads);
	view->direct = loads <= DIRECT_LOADS;
	return err;
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

static int see_window(const struct filter_run *run, struct ir_view *view)
{
	int err = see_direct(run, view);

	view->on_stack = true;
	view->head = view->window = view->direct ? 0 : window_of(run);
	return err;
}

int ir_view(const struct filter_run *run, struct ir_view *out)
{
	*out = (struct ir_view){ .head = ETH_HLEN, .window = IR_PACKET_MAX };
	out->fetch_max = run->hook == FILTER_XDP ? IR_PACKET_MAX /* bpf_xdp_load_bytes() */
						 : INT32_MAX;	 /* bpf_skb_load_bytes() */
	if (run->hook == FILTER_FANOUT) {
		out->head = out->window = 0;
		out->on_stack = true;
		return 0;
	}
	if (run->hook == FILTER_SOCKET || (run->hook == FILTER_TC && run->by_helper))
		return see_window(run, out);
	if (run->hook == FILTER_XDP && !run->frags)
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
