/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The graph, interpreted: what a program made of it would do with a packet, and whether it would
 * read any byte that no check on its path has proven to be there.
 */
#pragma once
#include <stdint.h>
#include <string.h>

#include "../../loader/filter/ir.h"

struct ir_packet {
	const uint8_t *data;
	uint32_t len, linear; /* all of it; the part that may be read without help */
};

enum { IR_RUN_COUNTERS = 512, IR_RUN_PROVEN = 64 };

struct ir_outcome {
	const char *wrong; /* NULL, or what the graph may not do */
	enum filter_verb verb;
	uint32_t arg;
	uint32_t counters[IR_RUN_COUNTERS];
	unsigned int steps; /* ends on the way */
};

struct ir_machine {
	const struct ir *ir;
	const struct filter_run *run;
	struct ir_view view;
	const struct ir_packet *packet;
	uint32_t in_place; /* bytes, in the packet or in a copy */
	struct ir_outcome *outcome;
	uint32_t var[IR_VARS];
	uint32_t linear; /* bytes that checks have proven */
	uint32_t from_x; /* bytes from X on, for indexed loads of variables */
	struct {
		uint32_t value, k;
	} from[IR_RUN_PROVEN]; /* bytes from values on */
	size_t n_from;
};

static inline void ir_run_wrong(struct ir_machine *m, const char *what)
{
	m->outcome->wrong = what;
}

static inline uint32_t ir_run_bytes(const struct ir_machine *m, uint64_t at, unsigned int size)
{
	uint32_t loaded = 0;

	for (unsigned int i = 0; i < size && at + i < m->packet->len; i++)
		loaded = loaded << 8 | m->packet->data[at + i];
	return loaded;
}

static inline uint32_t ir_run_value(struct ir_machine *m, uint32_t index);

static inline bool ir_run_covered(const struct ir_machine *m, uint32_t value, uint32_t last)
{
	for (size_t i = 0; i < m->n_from; i++) {
		if (m->from[i].value == value && m->from[i].k >= last)
			return true;
	}
	return false;
}

static inline uint32_t ir_run_value_load(struct ir_machine *m, const struct ir_value *value)
{
	uint64_t at = value->k;

	if (value->a == IR_NO_VALUE) {
		if (at + value->size > m->linear)
			ir_run_wrong(m, "a value loads what no check covers");
	} else {
		at += ir_run_value(m, value->a);
		if (!ir_run_covered(m, value->a, value->k + value->size))
			ir_run_wrong(m, "a value loads at a value what no check covers");
	}
	if (at + value->size > m->in_place)
		ir_run_wrong(m, "a value loads beyond the linear part");
	return ir_run_bytes(m, at, value->size);
}

static inline uint32_t ir_run_alu(uint8_t op, uint32_t a, uint32_t b)
{
	switch ((enum ir_op)op) {
	case IR_ADD:
		return a + b;
	case IR_SUB:
		return a - b;
	case IR_MUL:
		return a * b;
	case IR_DIV:
		return b ? a / b : 0;
	case IR_MOD:
		return b ? a % b : a;
	case IR_AND:
		return a & b;
	case IR_OR:
		return a | b;
	case IR_XOR:
		return a ^ b;
	case IR_LSH:
		return b < 32 ? a << b : 0;
	case IR_RSH:
		return b < 32 ? a >> b : 0;
	default:
		return -a;
	}
}

static inline uint32_t ir_run_value(struct ir_machine *m, uint32_t index)
{
	const struct ir_value *value = &m->ir->values[index];

	switch ((enum ir_op)value->op) {
	case IR_SET:
		return value->k;
	case IR_LEN:
		return m->packet->len;
	case IR_LOAD:
		return ir_run_value_load(m, value);
	default:
		return ir_run_alu(value->op, ir_run_value(m, value->a),
				  value->b == IR_NO_VALUE ? value->k : ir_run_value(m, value->b));
	}
}

static inline uint32_t ir_run_operand(const struct ir_machine *m, uint8_t src, uint32_t k)
{
	return src == IR_CONST ? k : m->var[src];
}

static inline void ir_run_write(struct ir_machine *m, uint8_t var, uint32_t value)
{
	m->var[var] = value;
	if (var == IR_X)
		m->from_x = 0;
}

static inline void ir_run_load(struct ir_machine *m, const struct ir_insn *insn)
{
	uint64_t at = (uint64_t)insn->k + (insn->indexed ? m->var[IR_X] : 0);

	if (insn->k + insn->size > (insn->indexed ? m->from_x : m->linear))
		ir_run_wrong(m, "a load that no check covers");
	if (at + insn->size > m->in_place)
		ir_run_wrong(m, "a load beyond the linear part");
	ir_run_write(m, insn->dst, ir_run_bytes(m, at, insn->size));
}

static inline void ir_run_insn(struct ir_machine *m, const struct ir_insn *insn)
{
	uint32_t old = insn->op == IR_COUNT ? 0 : m->var[insn->dst];

	switch ((enum ir_op)insn->op) {
	case IR_COUNT:
		m->outcome->counters[m->run->rules[insn->k].counter % IR_RUN_COUNTERS]++;
		m->from_x = 0;
		return;
	case IR_SET:
		ir_run_write(m, insn->dst, ir_run_operand(m, insn->src, insn->k));
		return;
	case IR_LEN:
		ir_run_write(m, insn->dst, m->packet->len);
		return;
	case IR_LOAD:
		ir_run_load(m, insn);
		return;
	case IR_FORGET:
		ir_run_write(m, insn->dst, old);
		return;
	default:
		ir_run_write(m, insn->dst,
			     ir_run_alu(insn->op, old, ir_run_operand(m, insn->src, insn->k)));
	}
}

static inline void ir_run_prove(struct ir_machine *m, const struct ir_end *end)
{
	if (!end->indexed) {
		m->linear = end->k > m->linear ? end->k : m->linear;
	} else if (end->value == IR_NO_VALUE) {
		m->from_x = end->k > m->from_x ? end->k : m->from_x;
	} else if (m->n_from < IR_RUN_PROVEN && !ir_run_covered(m, end->value, end->k)) {
		m->from[m->n_from].value = end->value;
		m->from[m->n_from++].k = end->k;
	}
}

static inline uint32_t ir_run_check(struct ir_machine *m, const struct ir_end *end)
{
	uint64_t last = end->k;

	if (end->indexed)
		last += end->value == IR_NO_VALUE ? m->var[IR_X] : ir_run_value(m, end->value);
	if (last > m->in_place || last > m->view.window)
		return end->no;
	ir_run_prove(m, end);
	return end->yes;
}

static inline uint32_t ir_run_fetch(struct ir_machine *m, const struct ir_end *end)
{
	uint64_t at = (uint64_t)end->k + (end->indexed ? m->var[IR_X] : 0);

	m->from_x = 0;
	if (at + end->size > m->packet->len || at > m->view.fetch_max)
		return end->no;
	ir_run_write(m, end->var, ir_run_bytes(m, at, end->size));
	return end->yes;
}

static inline uint32_t ir_run_branch(struct ir_machine *m, const struct ir_end *end)
{
	uint32_t left, right = end->k;

	if (end->value == IR_NO_VALUE) {
		left = m->var[end->var];
		right = ir_run_operand(m, end->src, end->k);
	} else {
		left = ir_run_value(m, end->value);
		if (end->right != IR_NO_VALUE)
			right = ir_run_value(m, end->right);
	}
	return ir_holds(end->cond, left, right) ? end->yes : end->no;
}

static inline uint32_t ir_run_switch(struct ir_machine *m, const struct ir_end *end)
{
	uint32_t value = end->value == IR_NO_VALUE ? m->var[end->var] : ir_run_value(m, end->value);

	for (size_t i = 0; i < end->n_cases; i++) {
		const struct ir_case *one = &end->cases[i];

		if (one->first > one->last || (i && one->first <= end->cases[i - 1].last))
			ir_run_wrong(m, "a switch is not sorted");
		if (one->first <= value && value <= one->last)
			return one->to;
	}
	return end->no;
}

/* The block behind an end. */
static inline uint32_t ir_run_end(struct ir_machine *m, const struct ir_end *end)
{
	switch ((enum ir_end_kind)end->kind) {
	case IR_GOTO:
		return end->yes;
	case IR_BRANCH:
		return ir_run_branch(m, end);
	case IR_SWITCH:
		return ir_run_switch(m, end);
	case IR_CHECK:
		return ir_run_check(m, end);
	case IR_FETCH:
		return ir_run_fetch(m, end);
	default:
		m->outcome->verb = end->verb;
		m->outcome->arg = end->arg;
		if (end->counter != IR_NO_COUNTER)
			m->outcome->counters[end->counter % IR_RUN_COUNTERS]++;
		return IR_NO_BLOCK;
	}
}

/* Where a program copies packets, all that it surely reads is in place. */
static inline uint32_t ir_run_in_place(const struct ir_view *view, const struct ir_packet *packet)
{
	uint32_t copied = packet->len < view->sure ? packet->len : view->sure;

	return view->copies && copied > packet->linear ? copied : packet->linear;
}

static inline struct ir_outcome ir_run(const struct ir *ir, const struct filter_run *run,
				       const struct ir_packet *packet)
{
	struct ir_outcome outcome = { 0 };
	struct ir_machine m = { .ir = ir, .run = run, .packet = packet, .outcome = &outcome };
	uint32_t at = 0;

	memset(m.var, 0x5a, sizeof(m.var));
	if (ir_view(run, &m.view))
		outcome.wrong = "memory is out";
	m.in_place = ir_run_in_place(&m.view, packet);
	while (at != IR_NO_BLOCK && !outcome.wrong) {
		if (at >= ir->n || outcome.steps++ > 1000000) {
			outcome.wrong = "a way that leads nowhere";
			break;
		}
		for (size_t i = 0; i < ir->blocks[at].n; i++)
			ir_run_insn(&m, &ir->blocks[at].insns[i]);
		at = ir_run_end(&m, &ir->blocks[at].end);
	}
	return outcome;
}
