// SPDX-License-Identifier: GPL-2.0-only
#include "cbpf_socket.h"

#include <errno.h>
#include <limits.h>
#include <linux/if_packet.h>
#include <stdlib.h>

#include "ways.h"

/* What lies ahead of each instruction */

static uint64_t loads_ahead(uint32_t view, const struct sock_filter *insn)
{
	uint32_t k = insn->k;

	switch (BPF_CLASS(insn->code)) {
	case BPF_LD:
	case BPF_LDX:
		break;
	default:
		return 0;
	}
	if (BPF_MODE(insn->code) == BPF_LEN)
		return UINT64_MAX;
	if (BPF_MODE(insn->code) == BPF_IMM || BPF_MODE(insn->code) == BPF_MEM)
		return 0;
	if (BPF_MODE(insn->code) == BPF_IND)
		k += WAYS_USUAL;
	if (ways_locate(view, ways_size(insn->code), &k) == IN_BYTES)
		return cbpf_offset(k);
	return cbpf_offset(SKF_AD_OFF + SKF_AD_VLAN_TPID) |
	       cbpf_offset(SKF_AD_OFF + SKF_AD_VLAN_TAG);
}

static void look_ahead(struct ways *ways, size_t i)
{
	const struct sock_filter *insn = &ways->prog->insns[i];
	const struct cbpf_effects effects = cbpf_effects(insn->code, insn->k);
	size_t to[2] = { i + 1, i + 1 };

	if (BPF_CLASS(insn->code) == BPF_JMP) {
		bool always = BPF_OP(insn->code) == BPF_JA;

		to[0] += always ? insn->k : insn->jt;
		to[1] += always ? insn->k : insn->jf;
	}
	ways->live[i] = effects.uses;
	for (unsigned int side = 0; BPF_CLASS(insn->code) != BPF_RET && side < 2; side++) {
		ways->live[i] |= ways->live[to[side]] & ~effects.sets;
		for (uint32_t view = 0; view < WAYS_VIEWS; view++)
			ways->ahead[view][i] |= ways->ahead[view][to[side]];
	}
	for (uint32_t view = 0; view < WAYS_VIEWS; view++)
		ways->ahead[view][i] |= loads_ahead(view, insn);
}

static void find_spare(struct ways *ways)
{
	uint32_t used = 0;

	for (size_t i = 0; i < ways->prog->n; i++) {
		const struct sock_filter *insn = &ways->prog->insns[i];
		const struct cbpf_effects effects = cbpf_effects(insn->code, insn->k);

		used |= effects.uses | effects.sets;
	}
	while (ways->spare < BPF_MEMWORDS && used & CBPF_M << ways->spare)
		ways->spare++;
}

static int open_ways(struct ways *ways)
{
	size_t n = ways->prog->n;

	cbpf_graph_init(&ways->graph);
	cbpf_values_init(&ways->values);
	ways->points.size = sizeof(struct way);
	find_spare(ways);
	ways->live = calloc(n, sizeof(*ways->live));
	ways->ahead[0] = calloc(n * WAYS_VIEWS, sizeof(*ways->ahead[0]));
	if (!ways->live || !ways->ahead[0])
		return fail_oom();
	for (uint32_t view = 1; view < WAYS_VIEWS; view++)
		ways->ahead[view] = ways->ahead[0] + view * n;
	for (size_t i = n; i-- > 0;)
		look_ahead(ways, i);
	return 0;
}

static void close_ways(struct ways *ways)
{
	cbpf_graph_free(&ways->graph);
	cbpf_values_free(&ways->values);
	intern_free(&ways->points);
	free(ways->nodes);
	free(ways->live);
	free(ways->ahead[0]);
}

/* Making */

/*
 * For packets that lie so, with their tag beside the bytes or without one. If T depends on the
 * packet, all that is known at an end may be of use to it.
 */
static uint32_t make_view(struct ways *ways, uint32_t view)
{
	const struct cbpf_known nothing = { 0 };
	uint32_t tagged = ways_begin_tagged(ways, view, &nothing);

	ways->tagged[view] = tagged == ways_end(ways, true)    ? YES
			     : tagged == ways_end(ways, false) ? NO
							       : DEPENDS;
	for (size_t i = 0; ways->tagged[view] == DEPENDS && i < ways->prog->n; i++)
		ways->ahead[view][i] |= ways->ahead[view | WAYS_TAGGED][0];
	return ways_walk(ways, ways_begin(ways, view));
}

/* A packet that is sent begins with its Ethernet header, one that is received behind it. */
static uint32_t make_fanout(struct ways *ways)
{
	uint32_t sent = make_view(ways, 0), received = make_view(ways, WAYS_PULLED);
	uint32_t zero = cbpf_step(&ways->graph, BPF_LD | BPF_IMM, 0, false, sent);
	uint32_t pulled = cbpf_step(&ways->graph, BPF_LD | BPF_IMM, 0, false, received);
	uint32_t way =
		cbpf_branch(&ways->graph, BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, zero, pulled);

	return cbpf_step(&ways->graph, BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_PKTTYPE, false,
			 way);
}

static int make(struct ways *ways, struct cbpf *out)
{
	int err = open_ways(ways);
	uint32_t first;

	if (err)
		return err;
	first = ways->seat == CBPF_FANOUT ? make_fanout(ways) : make_view(ways, 0);
	if (ways->oom || ways->values.oom || ways->graph.oom)
		return fail_oom();
	if (ways->why)
		return 0;
	err = cbpf_layout(&ways->graph, first, out);
	if (!err && out->n > BPF_MAXINSNS)
		ways->why =
			"would have more than 4,096 instructions, which is all that the kernel takes";
	return err;
}

/* What no program for the kernel is made of; NULL: nothing is in the way. */
static int hinders(const struct cbpf *prog, const char **why)
{
	uint32_t reach = 0;
	int err = 0;

	*why = NULL;
	if (prog->n_lists)
		*why = "is a list, which look-ups are faster for";
	else if (prog->n > BPF_MAXINSNS)
		*why = "has more than 4,096 instructions, which is all that the kernel takes";
	else if (cbpf_loops(prog))
		*why = "has loops, which the kernel refuses";
	else
		err = cbpf_reach(prog, &reach);
	if (reach > INT_MAX)
		*why = "may read at offsets that wrap around, which the kernel takes for others";
	return err;
}

int cbpf_for_socket(const struct cbpf *prog, enum cbpf_seat seat, struct cbpf *out,
		    const char **why)
{
	struct ways m = { .prog = prog, .seat = seat };
	int err = hinders(prog, why);

	*out = (struct cbpf){ 0 };
	if (err || *why)
		return err ? err : -EOPNOTSUPP;
	err = make(&m, out);
	close_ways(&m);
	*why = m.why;
	if (!err && m.why)
		err = -EOPNOTSUPP;
	if (err)
		cbpf_free(out);
	return err;
}
