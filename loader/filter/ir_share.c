// SPDX-License-Identifier: GPL-2.0-only
/*
 * Blocks that do the same and go on alike become one (backward, so that what follows has been
 * merged before). A test all of whose edges lead to one place is none. Switches get one form:
 * neighbouring cases with one target are one case, and the default is where most of them lead.
 * What cannot be reached is dropped.
 */
#include <stdlib.h>
#include <string.h>

#include "ir.h"

struct pass {
	struct ir *ir;
	uint32_t *same;	 /* the block that each has become */
	uint32_t *index; /* a hash table of blocks that stay */
	size_t mask;
	/* Of a block, as a target of the switch at hand: how many parts lead to it, how
	 * many of them have numbers below and above, how wide they are. */
	struct weight {
		uint32_t parts, ranges;
		uint64_t width;
	} * weight;
	struct ir_case *parts; /* of the switch at hand: all numbers */
	size_t n_parts;
	bool oom;
};

/* Equal blocks */

static bool insns_equal(const struct ir_insn *a, const struct ir_insn *b)
{
	return a->op == b->op && a->dst == b->dst && a->src == b->src && a->size == b->size &&
	       a->indexed == b->indexed && a->k == b->k;
}

static bool cases_equal(const struct ir_case *a, const struct ir_case *b)
{
	return a->first == b->first && a->last == b->last && a->to == b->to;
}

static bool ends_equal(const struct ir_end *a, const struct ir_end *b)
{
	bool equal = a->kind == b->kind && a->cond == b->cond && a->var == b->var &&
		     a->src == b->src && a->size == b->size && a->indexed == b->indexed &&
		     a->value == b->value && a->right == b->right && a->k == b->k &&
		     a->yes == b->yes && a->no == b->no && a->n_cases == b->n_cases &&
		     a->verb == b->verb && a->arg == b->arg && a->slot == b->slot &&
		     a->counter == b->counter;

	for (size_t i = 0; equal && i < a->n_cases; i++)
		equal = cases_equal(&a->cases[i], &b->cases[i]);
	return equal;
}

static bool blocks_equal(const struct ir_block *a, const struct ir_block *b)
{
	bool equal = a->n == b->n && ends_equal(&a->end, &b->end);

	for (size_t i = 0; equal && i < a->n; i++)
		equal = insns_equal(&a->insns[i], &b->insns[i]);
	return equal;
}

static uint64_t mix(uint64_t h, uint32_t word)
{
	h = (h ^ word) * 0x9e3779b97f4a7c15;
	return h ^ h >> 29;
}

static size_t hash(const struct ir_block *block)
{
	const struct ir_end *end = &block->end;
	uint64_t h = mix(mix(mix(mix(end->kind, end->value), end->k), end->yes), end->no);

	h = mix(mix(mix(h, end->n_cases), end->counter), block->n);
	for (size_t i = 0; i < end->n_cases; i++)
		h = mix(mix(h, end->cases[i].first), end->cases[i].to);
	for (size_t i = 0; i < block->n; i++)
		h = mix(mix(h, block->insns[i].op), block->insns[i].k);
	return h ^ h >> 32;
}

/* The block that stays and is equal to this one: itself, if it is the first. */
static uint32_t find_equal(struct pass *p, uint32_t number)
{
	const struct ir_block *block = &p->ir->blocks[number];
	size_t at = hash(block) & p->mask;

	while (p->index[at] != IR_NO_BLOCK) {
		if (blocks_equal(&p->ir->blocks[p->index[at]], block))
			return p->index[at];
		at = (at + 1) & p->mask;
	}
	return p->index[at] = number;
}

/* One form for switches */

static void add_part(struct pass *p, uint64_t first, uint32_t last, uint32_t to)
{
	struct ir_case *end = p->n_parts ? &p->parts[p->n_parts - 1] : NULL;

	if (first > last)
		return;
	if (end && end->to == to) {
		end->last = last;
		return;
	}
	end = array_add(p->parts, p->n_parts);
	p->oom |= !end;
	if (end)
		*end = (struct ir_case){ first, last, to };
}

/* All numbers that the value can be, the default's too. */
static void find_parts(struct pass *p, const struct ir_end *end)
{
	uint32_t max = end->value == IR_NO_VALUE ? UINT32_MAX : ir_value_max(p->ir, end->value);
	uint64_t from = 0;

	p->n_parts = 0;
	for (size_t i = 0; i < end->n_cases && end->cases[i].first <= max; i++) {
		struct ir_case one = end->cases[i];

		if (one.first > from)
			add_part(p, from, one.first - 1, end->no);
		add_part(p, one.first, one.last < max ? one.last : max, one.to);
		from = (uint64_t)one.last + 1;
	}
	add_part(p, from, max, end->no);
}

static void weigh(struct pass *p)
{
	for (size_t i = 0; i < p->n_parts; i++)
		p->weight[p->parts[i].to] = (struct weight){ 0 };
	for (size_t i = 0; i < p->n_parts; i++) {
		const struct ir_case *part = &p->parts[i];
		struct weight *weight = &p->weight[part->to];

		weight->parts++;
		weight->ranges += i && i + 1 < p->n_parts && part->first != part->last;
		weight->width += (uint64_t)part->last - part->first + 1;
	}
}

static bool outweighs(const struct weight *a, const struct weight *b)
{
	if (a->parts != b->parts)
		return a->parts > b->parts;
	if (a->ranges != b->ranges)
		return a->ranges > b->ranges;
	return a->width > b->width;
}

/* The target that takes the most work off the cases. */
static uint32_t find_default(struct pass *p)
{
	uint32_t best = p->parts[0].to;

	weigh(p);
	for (size_t i = 1; i < p->n_parts; i++) {
		if (outweighs(&p->weight[p->parts[i].to], &p->weight[best]))
			best = p->parts[i].to;
	}
	return best;
}

/* There are never more parts than cases and gaps between them. */
static void tidy_switch(struct pass *p, struct ir_block *block)
{
	struct ir_end *end = &block->end;
	struct ir_case *cases;
	size_t n = 0;

	find_parts(p, end);
	if (p->oom)
		return;
	if (p->n_parts == 1) {
		ir_set_end(block, ir_goto(p->parts[0].to));
		return;
	}
	cases = malloc(p->n_parts * sizeof(*cases));
	p->oom = !cases;
	if (p->oom)
		return;
	end->no = find_default(p);
	for (size_t i = 0; i < p->n_parts; i++) {
		if (p->parts[i].to != end->no)
			cases[n++] = p->parts[i];
	}
	free(end->cases);
	end->cases = cases;
	end->n_cases = n;
}

static void tidy(struct pass *p, struct ir_block *block)
{
	struct ir_end *end = &block->end;

	for (size_t i = 0; i < ir_n_next(end); i++)
		*ir_next(end, i) = p->same[ir_next_of(end, i)];
	if (end->kind == IR_SWITCH)
		tidy_switch(p, block);
	else if ((end->kind == IR_BRANCH || end->kind == IR_CHECK) && end->yes == end->no)
		*end = ir_goto(end->yes);
}

static void merge(struct pass *p, uint32_t number)
{
	struct ir_block *block = &p->ir->blocks[number];

	tidy(p, block);
	if (!block->n && block->end.kind == IR_GOTO)
		p->same[number] = block->end.yes;
	else
		p->same[number] = find_equal(p, number);
}

/* Move the blocks that can be reached to a new array, in order; the others are freed. */
static int move_blocks(struct ir *ir, const uint32_t *order, size_t n, uint32_t *place)
{
	struct ir_block *blocks = NULL;
	size_t n_blocks = 0;

	for (size_t i = 0; i < n; i++) {
		struct ir_block *added = array_add(blocks, n_blocks);

		if (!added) {
			free(blocks);
			return fail_oom();
		}
		place[order[i]] = i;
	}
	for (size_t i = 0; i < n; i++) {
		blocks[i] = ir->blocks[order[i]];
		ir->blocks[order[i]] = (struct ir_block){ 0 };
	}
	for (size_t i = 0; i < ir->n; i++) {
		free(ir->blocks[i].insns);
		free(ir->blocks[i].end.cases);
	}
	free(ir->blocks);
	ir->blocks = blocks;
	ir->n = n;
	return 0;
}

/* Only what can be reached stays, the entry first. */
static int compact(struct pass *p)
{
	struct ir *ir = p->ir;
	_free_ uint32_t *order = NULL, *place = calloc(ir->n, sizeof(*place));
	ssize_t n;

	/* What was the entry may have become another block; it leads there. */
	if (p->same[0] != 0)
		ir_set_end(&ir->blocks[0], ir_goto(p->same[0]));
	n = ir_order(ir, &order);
	if (n < 0 || !place || move_blocks(ir, order, n, place))
		return n < 0 ? n : fail_oom();
	for (size_t i = 0; i < ir->n; i++) {
		struct ir_end *end = &ir->blocks[i].end;

		for (size_t j = 0; j < ir_n_next(end); j++)
			*ir_next(end, j) = place[ir_next_of(end, j)];
	}
	return 0;
}

static int share(struct pass *p)
{
	_free_ uint32_t *order = NULL;
	ssize_t n = ir_order(p->ir, &order);

	if (n < 0)
		return n;
	for (size_t i = 0; i < p->ir->n; i++)
		p->same[i] = i;
	memset(p->index, 0xff, (p->mask + 1) * sizeof(*p->index));
	for (ssize_t i = n - 1; i >= 0 && !p->oom; i--)
		merge(p, order[i]);
	return p->oom ? fail_oom() : compact(p);
}

int ir_pass_share(struct ir *ir)
{
	size_t n_index = 2ul << (64 - __builtin_clzl(ir->n));
	_free_ uint32_t *same = calloc(ir->n, sizeof(*same));
	_free_ uint32_t *index = calloc(n_index, sizeof(*index));
	_free_ struct weight *weight = calloc(ir->n, sizeof(*weight));
	struct pass p = {
		.ir = ir, .same = same, .index = index, .mask = n_index - 1, .weight = weight
	};
	int err = same && index && weight ? share(&p) : fail_oom();

	free(p.parts);
	return err;
}
