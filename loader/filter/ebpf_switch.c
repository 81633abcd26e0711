// SPDX-License-Identifier: GPL-2.0-only
#include "ebpf_switch.h"

static void emit_case(struct emit *e, const struct ir_case *c, enum reg key)
{
	if (c->first == c->last) {
		jump(e, BPF_JMP32 | BPF_JEQ | BPF_K, key, 0, c->first, c->to);
		return;
	}
	if (c->first) /* below it: over the next jump */
		op(e, BPF_JMP32 | BPF_JLT | BPF_K, key, 0, 1, c->first);
	jump(e, BPF_JMP32 | BPF_JLE | BPF_K, key, 0, c->last, c->to);
}

uint32_t emit_switch(struct emit *e, const struct ir_end *end, enum reg key, uint32_t max)
{
	for (size_t i = 0; i < end->n_cases && end->cases[i].first <= max; i++)
		emit_case(e, &end->cases[i], key);
	go(e, end->no);
	return 0;
}
