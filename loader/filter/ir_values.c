// SPDX-License-Identifier: GPL-2.0-only
/*
 * Branches on values instead of variables (forward): what a variable holds is followed through each
 * block as a value, and where every path to a block's end brings the same one, the end asks that
 * value. Where paths bring different ones, in loops, behind a FETCH, and where a value would become
 * a large expression, the variable stays.
 *
 * A check at X becomes one at X's value. Where the load behind it is still wanted in a variable,
 * that load keeps a check of its own.
 */
#include "ir.h"

#include <stdlib.h>
#include <string.h>

/* What the variables hold; IR_NO_VALUE: nobody knows. */
struct state {
	uint32_t var[IR_VARS];
};

struct pass {
	struct ir *ir;
	struct state *states; /* at each block's start */
	bool *reached;
	uint8_t *nodes; /* of each value: loads and operations in it, written out as a tree */
	size_t n_nodes;
	bool oom;
};

static void know_nothing(struct state *state)
{
	memset(state, 0xff, sizeof(*state));
}

/* Of two paths that meet. */
static void meet(struct pass *p, uint32_t block, const struct state *from)
{
	struct state *into = &p->states[block];

	if (!p->reached[block]) {
		p->reached[block] = true;
		*into = *from;
		return;
	}
	for (size_t i = 0; i < IR_VARS; i++) {
		if (into->var[i] != from->var[i])
			into->var[i] = IR_NO_VALUE;
	}
}

static unsigned int nodes_of(const struct pass *p, uint32_t value)
{
	return value == IR_NO_VALUE ? 0 : p->nodes[value];
}

/* Operands come before what is made of them. */
static bool count_nodes(struct pass *p)
{
	while (p->n_nodes < p->ir->n_values) {
		const struct ir_value *value = &p->ir->values[p->n_nodes];
		unsigned int sum = 1 + nodes_of(p, value->a) + nodes_of(p, value->b);
		uint8_t *nodes = array_add(p->nodes, p->n_nodes);

		if (!nodes)
			return false;
		*nodes = sum < UINT8_MAX ? sum : UINT8_MAX;
	}
	return true;
}

/* The value, if it is not too large. */
static uint32_t make(struct pass *p, struct ir_value value)
{
	uint32_t made = ir_value(p->ir, value);

	if (made == IR_NO_VALUE || !count_nodes(p)) {
		p->oom = true;
		return IR_NO_VALUE;
	}
	return p->nodes[made] <= IR_VALUE_NODES ? made : IR_NO_VALUE;
}

static bool is_constant(const struct pass *p, uint32_t value)
{
	return value != IR_NO_VALUE && p->ir->values[value].op == IR_SET;
}

/* Where a load or check at X + k begins, if X is a constant. */
static uint64_t offset_at(const struct pass *p, uint32_t x, uint32_t k)
{
	return (uint64_t)p->ir->values[x].k + k;
}

static uint32_t value_of_load(struct pass *p, const struct state *state, const struct ir_insn *insn)
{
	struct ir_value load = {
		.op = IR_LOAD, .size = insn->size, .a = IR_NO_VALUE, .b = IR_NO_VALUE, .k = insn->k
	};

	if (!insn->indexed)
		return make(p, load);
	load.a = state->var[IR_X];
	if (load.a == IR_NO_VALUE)
		return IR_NO_VALUE;
	if (is_constant(p, load.a)) {
		uint64_t at = offset_at(p, load.a, load.k);

		if (at + load.size > IR_PACKET_MAX)
			return IR_NO_VALUE;
		load.a = IR_NO_VALUE;
		load.k = at;
	}
	return make(p, load);
}

static uint32_t value_of_src(struct pass *p, const struct state *state, uint8_t src, uint32_t k)
{
	if (src == IR_CONST)
		return make(p, (struct ir_value){ .op = IR_SET, .k = k });
	return state->var[src];
}

static uint32_t value_of_operation(struct pass *p, const struct state *state,
				   const struct ir_insn *insn)
{
	struct ir_value value = { .op = insn->op, .a = state->var[insn->dst], .b = IR_NO_VALUE };

	if (value.a == IR_NO_VALUE)
		return IR_NO_VALUE;
	if (insn->op == IR_NEG)
		return make(p, value);
	value.b = value_of_src(p, state, insn->src, insn->k);
	return value.b == IR_NO_VALUE ? IR_NO_VALUE : make(p, value);
}

static void after_insn(struct pass *p, struct state *state, const struct ir_insn *insn)
{
	uint32_t *dst = &state->var[insn->dst];

	switch ((enum ir_op)insn->op) {
	case IR_COUNT:
	case IR_FORGET:
		return;
	case IR_SET:
		*dst = value_of_src(p, state, insn->src, insn->k);
		return;
	case IR_LEN:
		*dst = make(p, (struct ir_value){ .op = IR_LEN });
		return;
	case IR_LOAD:
		*dst = value_of_load(p, state, insn);
		return;
	default:
		*dst = value_of_operation(p, state, insn);
	}
}

/* c COND value as value COND' c: for the ordered ones, the edges change places. */
static void mirror(struct ir_end *end)
{
	uint32_t yes = end->yes;

	if (end->cond == IR_EQ || end->cond == IR_ANY)
		return;
	end->cond = end->cond == IR_GT ? IR_GE : IR_GT;
	end->yes = end->no;
	end->no = yes;
}

static void branch_on_values(struct pass *p, const struct state *state, struct ir_end *end)
{
	uint32_t left = state->var[end->var], right = IR_NO_VALUE;

	if (end->value != IR_NO_VALUE || left == IR_NO_VALUE)
		return;
	if (end->src != IR_CONST) {
		right = state->var[end->src];
		if (right == IR_NO_VALUE)
			return;
		if (is_constant(p, left)) {
			uint32_t swap = left;

			left = right;
			right = swap;
			mirror(end);
		}
		end->src = IR_CONST;
		if (is_constant(p, right)) {
			end->k = p->ir->values[right].k;
			right = IR_NO_VALUE;
		}
	}
	end->value = left;
	end->right = right;
	if (is_constant(p, left))
		*end = ir_goto(ir_holds(end->cond, p->ir->values[left].k, end->k) ? end->yes
										  : end->no);
}

static void check_at_value(struct pass *p, const struct state *state, struct ir_end *end)
{
	uint32_t x = state->var[IR_X];
	uint64_t last;

	if (!end->indexed || end->value != IR_NO_VALUE || x == IR_NO_VALUE)
		return;
	end->value = x;
	if (!is_constant(p, x))
		return;
	last = offset_at(p, x, end->k);
	if (last > IR_PACKET_MAX) {
		*end = ir_goto(end->no);
		return;
	}
	end->indexed = false;
	end->value = IR_NO_VALUE;
	end->k = last;
}

static void rewrite_end(struct pass *p, const struct state *state, struct ir_end *end)
{
	switch ((enum ir_end_kind)end->kind) {
	case IR_BRANCH:
		branch_on_values(p, state, end);
		return;
	case IR_SWITCH:
		if (end->value == IR_NO_VALUE)
			end->value = state->var[end->var];
		return;
	case IR_CHECK:
		check_at_value(p, state, end);
		return;
	default:
		return;
	}
}

/* A block that a later one leads back to: what it finds there is unknown. */
static int find_loops(struct pass *p, const uint32_t *order, size_t n)
{
	_free_ uint32_t *place = calloc(p->ir->n, sizeof(*place));

	if (!place)
		return fail_oom();
	for (size_t i = 0; i < n; i++)
		place[order[i]] = i;
	for (size_t i = 0; i < n; i++) {
		const struct ir_end *end = &p->ir->blocks[order[i]].end;

		for (size_t j = 0; j < ir_n_next(end); j++) {
			uint32_t to = ir_next_of(end, j);

			if (place[to] > i)
				continue;
			p->reached[to] = true;
			know_nothing(&p->states[to]);
		}
	}
	return 0;
}

static void follow(struct pass *p, uint32_t number)
{
	struct ir_block *block = &p->ir->blocks[number];
	struct state state = p->states[number];
	size_t n_next;

	for (size_t i = 0; i < block->n; i++)
		after_insn(p, &state, &block->insns[i]);
	rewrite_end(p, &state, &block->end);
	if (block->end.kind == IR_FETCH)
		state.var[block->end.var] = IR_NO_VALUE;
	n_next = ir_n_next(&block->end);
	for (size_t i = 0; i < n_next; i++)
		meet(p, ir_next_of(&block->end, i), &state);
}

static bool begins_with_indexed_load(const struct ir_block *block)
{
	return block->n && block->insns[0].op == IR_LOAD && block->insns[0].indexed;
}

/*
 * Loads that are left need a check of the variable; it is in between nothing else. Only a CHECK
 * leads to such a block, and only to one.
 */
static int check_variables_again(struct ir *ir)
{
	size_t n = ir->n;

	for (size_t i = 0; i < n; i++) {
		struct ir_end *end = &ir->blocks[i].end;
		uint32_t load = end->yes, again;
		const struct ir_insn *insn;

		if (end->kind != IR_CHECK || !begins_with_indexed_load(&ir->blocks[load]) ||
		    (end->indexed && end->value == IR_NO_VALUE))
			continue;
		again = ir_add_block(ir, ir->blocks[i].rule);
		if (again == IR_NO_BLOCK)
			return fail_oom();
		end = &ir->blocks[i].end;
		insn = &ir->blocks[load].insns[0];
		ir->blocks[again].end = (struct ir_end){ .kind = IR_CHECK,
							 .indexed = true,
							 .value = IR_NO_VALUE,
							 .right = IR_NO_VALUE,
							 .k = insn->k + insn->size,
							 .yes = load,
							 .no = end->no };
		end->yes = again;
	}
	return 0;
}

static int follow_all(struct pass *p)
{
	_free_ uint32_t *order = NULL;
	ssize_t n = ir_order(p->ir, &order);
	int err = n < 0 ? (int)n : find_loops(p, order, n);

	if (err)
		return err;
	p->reached[0] = true;
	know_nothing(&p->states[0]);
	for (ssize_t i = 0; i < n && !p->oom; i++) {
		/* Not reached: an end on constants led away from it. */
		if (p->reached[order[i]])
			follow(p, order[i]);
	}
	return p->oom ? fail_oom() : 0;
}

int ir_pass_values(struct ir *ir)
{
	_free_ struct state *states = calloc(ir->n, sizeof(*states));
	_free_ bool *reached = calloc(ir->n, sizeof(*reached));
	struct pass p = { .ir = ir, .states = states, .reached = reached };
	int err = states && reached ? follow_all(&p) : fail_oom();

	free(p.nodes);
	if (!err)
		err = ir_pass_dead(ir);
	return err ? err : check_variables_again(ir);
}
