// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each instruction on each way: what it brings, and what has to be written down for it. What comes
 * behind is written first, so that nothing is that nobody needs.
 */
#include "ways.h"

#include <stdlib.h>
#include <string.h>

enum {
	MANY = 1 << 14, /* ways, beyond which facts are forgotten */
	TOO_MANY = 1 << 17,
	DEEP = 2048, /* instructions on one way: each is a call in a call, of some 1.5 KB of stack
		      */
};

uint32_t ways_reject(struct ways *ways)
{
	return cbpf_ret(&ways->graph, 0);
}

uint32_t ways_give_up(struct ways *ways, const char *why)
{
	if (!ways->why)
		ways->why = why;
	return ways_reject(ways);
}

uint32_t ways_compute(struct ways *ways, uint16_t code, uint32_t k, uint32_t a, uint32_t x)
{
	return cbpf_compute(&ways->values, (struct cbpf_value){ code, k, a, x, 0 });
}

uint32_t ways_settle(struct ways *ways, const struct way *way, uint32_t value)
{
	return cbpf_settle(&ways->values, &way->known, value);
}

/* Steps: they set a register to a value, unless it is there, and go on. */

/* How A gets a value that it may have from elsewhere too. */
uint32_t ways_put_a(struct ways *ways, const struct way *from, uint32_t value,
		    struct sock_filter insn, bool ends, uint32_t next)
{
	uint32_t k;

	if (value != CBPF_NO_VALUE && from->a == value)
		return next;
	if (cbpf_is_constant(&ways->values, value, &k))
		return cbpf_step(&ways->graph, BPF_LD | BPF_IMM, k, false, next);
	if (value != CBPF_NO_VALUE && from->x == value)
		return cbpf_step(&ways->graph, BPF_MISC | BPF_TXA, 0, false, next);
	return cbpf_step(&ways->graph, insn.code, insn.k, ends, next);
}

uint32_t ways_put_x(struct ways *ways, const struct way *from, uint32_t value,
		    struct sock_filter insn, bool ends, uint32_t next)
{
	uint32_t k;

	if (value != CBPF_NO_VALUE && from->x == value)
		return next;
	if (cbpf_is_constant(&ways->values, value, &k))
		return cbpf_step(&ways->graph, BPF_LDX | BPF_IMM, k, false, next);
	if (value != CBPF_NO_VALUE && from->a == value)
		return cbpf_step(&ways->graph, BPF_MISC | BPF_TAX, 0, false, next);
	return cbpf_step(&ways->graph, insn.code, insn.k, ends, next);
}

/* To the next instruction, with A or X at a value. */
uint32_t ways_go_on(struct ways *ways, const struct way *from, uint32_t a, uint32_t x)
{
	struct way to = *from;

	to.pc++;
	to.a = a;
	to.x = x;
	return ways_walk(ways, to);
}

/* All but loads and ends */

static uint32_t store(struct ways *ways, const struct way *from, const struct sock_filter *insn)
{
	struct way to = *from;

	to.m[insn->k] = BPF_CLASS(insn->code) == BPF_ST ? from->a : from->x;
	return cbpf_step(&ways->graph, insn->code, insn->k, false,
			 ways_go_on(ways, &to, to.a, to.x));
}

static uint32_t operate(struct ways *ways, const struct way *from, struct sock_filter insn)
{
	const uint8_t op = BPF_OP(insn.code);
	bool by_x = op != BPF_NEG && BPF_SRC(insn.code) == BPF_X, ends = false;
	uint32_t value;

	if (by_x && cbpf_is_constant(&ways->values, from->x, &insn.k)) {
		insn.code = BPF_ALU | op | BPF_K;
		by_x = false;
	}
	if (op == BPF_DIV || op == BPF_MOD) {
		if (!by_x && !insn.k)
			return ways_reject(ways);
		ends = by_x;
	}
	if (by_x && (op == BPF_LSH || op == BPF_RSH))
		return ways_give_up(
			ways,
			"shifts by a number of the packet's, which the kernel takes modulo 32");
	value = ways_compute(ways, insn.code, by_x || op == BPF_NEG ? 0 : insn.k, from->a,
			     by_x ? from->x : 0);
	if (!by_x && (op == BPF_LSH || op == BPF_RSH) && insn.k >= 32) {
		value = cbpf_constant(&ways->values, 0);
		insn = (struct sock_filter){ BPF_LD | BPF_IMM, 0, 0, 0 };
	}
	value = ways_settle(ways, from, value);
	return ways_put_a(ways, from, value, insn, ends, ways_go_on(ways, from, value, from->x));
}

static uint32_t move(struct ways *ways, const struct way *from, const struct sock_filter *insn)
{
	if (BPF_MISCOP(insn->code) == BPF_TAX)
		return ways_put_x(ways, from, from->a, *insn, false,
				  ways_go_on(ways, from, from->a, from->a));
	return ways_put_a(ways, from, from->x, *insn, false,
			  ways_go_on(ways, from, from->x, from->x));
}

/* Where a test has had an outcome. */
static struct way behind(struct ways *ways, const struct way *from, struct sock_filter test,
			 bool holds)
{
	struct way to = *from;

	to.pc += 1 + (holds ? test.jt : test.jf);
	if (BPF_SRC(test.code) == BPF_X)
		return to;
	cbpf_learn(&to.known, from->a, BPF_OP(test.code), test.k, holds);
	if (from->x == from->a)
		to.x = ways_settle(ways, &to, from->x);
	to.a = ways_settle(ways, &to, from->a);
	return to;
}

static uint32_t jump(struct ways *ways, const struct way *from, struct sock_filter insn)
{
	enum cbpf_outcome outcome = CBPF_OPEN;
	struct way to = *from;

	if (BPF_OP(insn.code) == BPF_JA) {
		to.pc += 1 + insn.k;
		return ways_walk(ways, to);
	}
	if (BPF_SRC(insn.code) == BPF_X && cbpf_is_constant(&ways->values, from->x, &insn.k))
		insn.code = BPF_JMP | BPF_OP(insn.code) | BPF_K;
	if (BPF_SRC(insn.code) == BPF_K)
		outcome = cbpf_decide(&ways->values, &from->known, from->a, BPF_OP(insn.code),
				      insn.k);
	if (outcome != CBPF_OPEN) {
		to.pc += 1 + (outcome == CBPF_HOLDS ? insn.jt : insn.jf);
		return ways_walk(ways, to);
	}
	return cbpf_branch(&ways->graph, insn.code, insn.k,
			   ways_walk(ways, behind(ways, from, insn, true)),
			   ways_walk(ways, behind(ways, from, insn, false)));
}

/* Following the program */

static uint32_t take(struct ways *ways, const struct way *from)
{
	const struct sock_filter *insn = &ways->prog->insns[from->pc];

	switch (BPF_CLASS(insn->code)) {
	case BPF_LD:
		return ways_load(ways, from, insn);
	case BPF_LDX:
		return ways_load_x(ways, from, insn);
	case BPF_ST:
	case BPF_STX:
		return store(ways, from, insn);
	case BPF_ALU:
		return operate(ways, from, *insn);
	case BPF_JMP:
		return jump(ways, from, *insn);
	case BPF_RET:
		return ways_finish(ways, from, insn);
	default:
		return move(ways, from, insn);
	}
}

static uint32_t step(struct ways *ways, const struct way *from)
{
	uint32_t tagged;

	if (from->view & (WAYS_TAGGED | WAYS_SURE) || ways->tagged[from->view] == NO ||
	    !ways_may_reject(ways, from))
		return take(ways, from);
	tagged = ways_begin_tagged(ways, from->view, &from->known);
	return tagged == ways_reject(ways) ? take(ways, from) : ways_ask_first(ways, from, tagged);
}

static int compare_facts(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct cbpf_fact));
}

/* Facts of what nobody loads again, nor has at hand. */
static void forget_facts(const struct ways *ways, struct cbpf_known *known, uint64_t of_use)
{
	uint32_t n = 0;

	if (ways->points.n > MANY)
		of_use = 0;
	for (uint32_t i = 0; i < known->n; i++) {
		if (cbpf_loads(&ways->values, known->facts[i].value) & of_use)
			known->facts[n++] = known->facts[i];
	}
	memset(&known->facts[n], 0, (CBPF_FACTS - n) * sizeof(*known->facts));
	known->n = n;
	qsort(known->facts, n, sizeof(*known->facts), compare_facts);
}

/* What makes no difference from here on, so that ways meet. */
static void forget(const struct ways *ways, struct way *way)
{
	const uint64_t ahead = ways->ahead[way->view % WAYS_VIEWS][way->pc];
	const uint32_t live = ways->live[way->pc];

	if (!(live & CBPF_A) && !(cbpf_loads(&ways->values, way->a) & ahead))
		way->a = CBPF_NO_VALUE;
	if (!(live & CBPF_X) && !(cbpf_loads(&ways->values, way->x) & ahead))
		way->x = CBPF_NO_VALUE;
	for (unsigned int i = 0; i < BPF_MEMWORDS; i++) {
		if (!(live & CBPF_M << i))
			way->m[i] = CBPF_NO_VALUE;
	}
	forget_facts(ways, &way->known,
		     ahead | cbpf_loads(&ways->values, way->a) | cbpf_loads(&ways->values, way->x));
}

uint32_t ways_walk(struct ways *ways, struct way way)
{
	size_t n = ways->points.n;
	uint32_t number, made, *node;

	if (ways->oom || ways->why)
		return ways_reject(ways);
	forget(ways, &way);
	number = intern_add(&ways->points, &way);
	if (number != INTERN_OOM && number < n)
		return ways->nodes[number];
	node = number == INTERN_OOM ? NULL : array_add(ways->nodes, ways->n_nodes);
	ways->oom |= !node || ways->values.oom || ways->graph.oom;
	if (ways->oom)
		return 0;
	if (n > TOO_MANY || ways->depth == DEEP)
		return ways_give_up(ways, n > TOO_MANY
						  ? "would be too large"
						  : "has more than 2,048 instructions on one way");
	ways->depth++;
	made = step(ways, &way);
	ways->depth--;
	return ways->nodes[n] = made;
}
