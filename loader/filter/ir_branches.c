// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tests that are left as the machine makes them best: a switch that asks one thing becomes a
 * branch, and one that asks for a few numbers becomes a few branches, which need no byte order. A
 * range that is all numbers with some upper bits is asked by a mask, which makes the load narrow.
 */
#include "ir.h"

#include <stdlib.h>

enum { FEW = 3 };

/* A branch on a value and a constant. */
static struct ir_end branch(uint8_t cond, uint32_t value, uint32_t k, uint32_t yes, uint32_t no)
{
	struct ir_end end = ir_goto(yes);

	end.kind = IR_BRANCH;
	end.cond = cond;
	end.value = value;
	end.src = IR_CONST;
	end.k = k;
	end.no = no;
	return end;
}

/* Is it all numbers that differ in some lower bits only? */
static bool is_prefix(const struct ir_case *one)
{
	uint32_t low = one->last - one->first;

	return !(low & (low + 1)) && !(one->first & low);
}

/* x & k asked for 0. */
static bool asks_any(const struct ir *ir, uint32_t value, const struct ir_case *one)
{
	const struct ir_value *asked = &ir->values[value];

	return !one->last && asked->op == IR_AND && asked->b == IR_NO_VALUE;
}

/* Can a branch ask whether a value is in a case? */
static bool is_simple(const struct ir *ir, uint32_t value, const struct ir_case *one)
{
	return !one->first || one->last >= ir_value_max(ir, value) || is_prefix(one);
}

/* The value as far as a mask leaves it. */
static uint32_t masked(struct ir *ir, uint32_t value, uint32_t mask)
{
	return ir_value(ir,
			(struct ir_value){ .op = IR_AND, .a = value, .b = IR_NO_VALUE, .k = mask });
}

/* The branch that asks whether a value is in a simple case. false: memory is out. */
static bool ask(struct ir *ir, uint32_t value, struct ir_case one, uint32_t no, struct ir_end *out)
{
	if (asks_any(ir, value, &one))
		*out = branch(IR_ANY, ir->values[value].a, ir->values[value].k, no, one.to);
	else if (one.first == one.last)
		*out = branch(IR_EQ, value, one.first, one.to, no);
	else if (one.last >= ir_value_max(ir, value))
		*out = branch(IR_GE, value, one.first, one.to, no);
	else if (is_prefix(&one))
		*out = branch(IR_EQ, masked(ir, value, ~(one.last - one.first)), one.first, one.to,
			      no);
	else
		*out = branch(IR_GE, value, one.last + 1, no, one.to);
	return out->value != IR_NO_VALUE;
}

static bool asks_few(const struct ir *ir, const struct ir_end *end)
{
	for (size_t i = 0; i < end->n_cases && i < FEW; i++) {
		if (!is_simple(ir, end->value, &end->cases[i]))
			return false;
	}
	return end->n_cases <= FEW;
}

/* A branch for each case: the first in this block, the others in blocks of their own. */
static int ask_each(struct ir *ir, uint32_t number)
{
	uint32_t no = ir->blocks[number].end.no, value = ir->blocks[number].end.value;
	struct ir_end now = ir_goto(no); /* if there is no case */

	for (size_t i = ir->blocks[number].end.n_cases; i-- > 0;) {
		struct ir_case one = ir->blocks[number].end.cases[i];
		uint32_t block = i ? ir_add_block(ir, ir->blocks[number].rule) : number;

		if (block == IR_NO_BLOCK || !ask(ir, value, one, no, &now))
			return fail_oom();
		if (i)
			ir->blocks[block].end = now;
		no = block;
	}
	ir_set_end(&ir->blocks[number], now);
	return 0;
}

int ir_pass_branches(struct ir *ir)
{
	size_t n = ir->n;
	int err = 0;

	for (size_t i = 0; i < n && !err; i++) {
		const struct ir_end *end = &ir->blocks[i].end;

		if (end->kind == IR_SWITCH && end->value != IR_NO_VALUE && asks_few(ir, end))
			err = ask_each(ir, i);
	}
	return err;
}
