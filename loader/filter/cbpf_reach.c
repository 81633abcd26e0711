// SPDX-License-Identifier: GPL-2.0-only
/*
 * How far a classic program reads into a packet: one walk, in which each instruction is met with
 * the largest that A, X and M[] can be there, on any way to it. Most expressions index by the
 * length of a header, which is a few bits of the packet: they reach no further than a few headers.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cbpf.h"

enum { ANY = UINT32_MAX };

/* The largest that the variables can be. */
struct most {
	uint32_t a, x, m[BPF_MEMWORDS];
};

struct walk {
	const struct cbpf *prog;
	struct most now;
	bool here;	     /* a way leads to the instruction at hand */
	struct most **ahead; /* what jumps bring to the instructions behind */
	uint32_t reach;
};

static uint32_t clamp(uint64_t value)
{
	return value < ANY ? value : ANY;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* All bits below the highest that may be set. */
static uint32_t fill(uint32_t value)
{
	return value ? ANY >> __builtin_clz(value) : 0;
}

static void meet(struct most *into, const struct most *from)
{
	into->a = larger(into->a, from->a);
	into->x = larger(into->x, from->x);
	for (size_t i = 0; i < BPF_MEMWORDS; i++)
		into->m[i] = larger(into->m[i], from->m[i]);
}

static bool lead(struct walk *w, size_t to)
{
	if (w->ahead[to]) {
		meet(w->ahead[to], &w->now);
		return true;
	}
	w->ahead[to] = malloc(sizeof(*w->ahead[to]));
	if (w->ahead[to])
		*w->ahead[to] = w->now;
	return w->ahead[to];
}

static bool jump(struct walk *w, size_t i)
{
	const struct sock_filter *insn = &w->prog->insns[i];

	w->here = false;
	if (BPF_OP(insn->code) == BPF_JA)
		return lead(w, i + 1 + insn->k);
	return lead(w, i + 1 + insn->jt) && lead(w, i + 1 + insn->jf);
}

static uint32_t operate(uint16_t code, uint32_t a, uint32_t k, bool constant)
{
	switch (BPF_OP(code)) {
	case BPF_ADD:
		return clamp((uint64_t)a + k);
	case BPF_MUL:
		return clamp((uint64_t)a * k);
	case BPF_DIV:
		return constant ? a / k : a;
	case BPF_MOD:
		return constant && k - 1 < a ? k - 1 : a;
	case BPF_AND:
		return k < a ? k : a;
	case BPF_OR:
	case BPF_XOR:
		return fill(a | k);
	case BPF_LSH:
		return constant && k < 32 ? clamp((uint64_t)a << k) : ANY;
	case BPF_RSH:
		return !constant ? a : k < 32 ? a >> k : 0;
	default:
		return ANY;
	}
}

/* What a load brings at most; it asks for bytes up to its end. */
static uint32_t load(struct walk *w, const struct sock_filter *insn)
{
	unsigned int size = BPF_SIZE(insn->code) == BPF_B   ? 1
			    : BPF_SIZE(insn->code) == BPF_H ? 2
							    : 4;
	uint64_t end = (uint64_t)insn->k + size;

	switch (BPF_MODE(insn->code)) {
	case BPF_IMM:
		return insn->k;
	case BPF_MEM:
		return w->now.m[insn->k];
	case BPF_LEN:
		return ANY;
	case BPF_IND:
		end += w->now.x;
		break;
	case BPF_MSH:
		w->reach = larger(w->reach, clamp((uint64_t)insn->k + 1));
		return 4 * 0xf;
	}
	w->reach = larger(w->reach, clamp(end));
	return size == 4 ? ANY : (1u << 8 * size) - 1;
}

static bool step(struct walk *w, size_t i)
{
	const struct sock_filter *insn = &w->prog->insns[i];
	bool constant = BPF_SRC(insn->code) == BPF_K;

	switch (BPF_CLASS(insn->code)) {
	case BPF_LD:
		w->now.a = load(w, insn);
		return true;
	case BPF_LDX:
		w->now.x = load(w, insn);
		return true;
	case BPF_ST:
		w->now.m[insn->k] = w->now.a;
		return true;
	case BPF_STX:
		w->now.m[insn->k] = w->now.x;
		return true;
	case BPF_ALU:
		w->now.a = operate(insn->code, w->now.a, constant ? insn->k : w->now.x, constant);
		return true;
	case BPF_JMP:
		return jump(w, i);
	case BPF_RET:
		w->here = false;
		return true;
	default:
		if (BPF_MISCOP(insn->code) == BPF_TAX)
			w->now.x = w->now.a;
		else
			w->now.a = w->now.x;
		return true;
	}
}

static void arrive(struct walk *w, size_t i)
{
	if (!w->ahead[i])
		return;
	if (w->here)
		meet(&w->now, w->ahead[i]);
	else
		w->now = *w->ahead[i];
	w->here = true;
}

static void free_ahead(struct walk *w)
{
	for (size_t i = 0; w->ahead && i < w->prog->n; i++)
		free(w->ahead[i]);
	free(w->ahead);
}

int cbpf_reach(const struct cbpf *prog, uint32_t *out)
{
	struct walk w = { .prog = prog, .here = true };
	bool good;

	*out = ANY;
	if (cbpf_loops(prog))
		return 0;
	w.ahead = calloc(prog->n, sizeof(*w.ahead));
	good = w.ahead;
	for (size_t i = 0; good && i < prog->n; i++) {
		arrive(&w, i);
		if (w.here)
			good = step(&w, i);
	}
	free_ahead(&w);
	*out = w.reach;
	return good ? 0 : fail_oom();
}
