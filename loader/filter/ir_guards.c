// SPDX-License-Identifier: GPL-2.0-only
/*
 * Guards ask for more at once (backward). Proven of a block: packets that have fewer bytes than so
 * many come from here to one and the same block, whatever else they are, and nothing happens on the
 * way. A check that leads there may as well ask for all these bytes, and those behind it, which
 * have nothing left to ask, are what ir_pass_bounds() removes. So a packet too short for a load
 * behind a test gets the verdict that it would have got, one test earlier; where one side of the
 * test takes short packets elsewhere, the guard stays where it was.
 *
 * This is done for bytes from the packet's start, and for those from each value that loads begin
 * at. Guards never become more.
 */
#include "ir.h"

#include <stdlib.h>

enum {
	BASES_MAX = 8,	/* values; what begins at others keeps its guards */
	STEPS_MAX = 64, /* to where two ways meet */
	ALL = UINT32_MAX,
};

/* From a block, packets of fewer than so many bytes come to another; 0: nothing is known. */
struct way {
	uint32_t bytes, to;
};

struct guards {
	struct ir *ir;
	uint32_t base;	 /* the value that bytes are counted from; IR_NO_VALUE: the start */
	uint32_t *order; /* blocks, and where each stands among them */
	uint32_t *place;
	size_t n;
	uint32_t *live; /* variables at each block's start */
	struct way *ways;
};

static bool is_guard(const struct guards *g, const struct ir_end *end)
{
	if (end->kind != IR_CHECK)
		return false;
	return end->indexed ? end->value != IR_NO_VALUE && end->value == g->base
			    : g->base == IR_NO_VALUE;
}

static uint32_t fewer(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* Where two ways meet, for packets of fewer than way[i].bytes on each of them. */
static bool meet(const struct guards *g, struct way way[2])
{
	for (unsigned int steps = 0; way[0].to != way[1].to; steps++) {
		struct way *behind = &way[g->place[way[0].to] > g->place[way[1].to]];
		const struct way *on = &g->ways[behind->to];

		if (!on->bytes || steps == STEPS_MAX)
			return false;
		*behind = (struct way){ fewer(behind->bytes, on->bytes), on->to };
	}
	return true;
}

/* Those that have less go to `no` at once; those that have more may come there, too, or further. */
static struct way from_guard(const struct guards *g, const struct ir_end *end)
{
	struct way way[] = { { ALL, end->yes }, { ALL, end->no } }, direct = { end->k, end->no };
	uint32_t bytes;

	if (!meet(g, way))
		return direct;
	bytes = way[1].bytes < end->k ? fewer(way[0].bytes, way[1].bytes) : way[0].bytes;
	return bytes > end->k ? (struct way){ bytes, way[0].to } : direct;
}

static struct way from_test(const struct guards *g, const struct ir_end *end)
{
	struct way way[2] = { { ALL, ir_next_of(end, 0) } };

	for (size_t i = 1; i < ir_n_next(end); i++) {
		way[1] = (struct way){ ALL, ir_next_of(end, i) };
		if (!meet(g, way))
			return (struct way){ 0 };
		way[0].bytes = fewer(way[0].bytes, way[1].bytes);
	}
	return way[0];
}

/* What happens here is more than what a variable's last reader would see. */
static bool does_something(const struct ir_block *block)
{
	for (size_t i = 0; i < block->n; i++) {
		if (block->insns[i].op == IR_COUNT)
			return true;
	}
	return block->end.kind == IR_VERDICT || block->end.kind == IR_INDEX;
}

static bool loops_back(const struct guards *g, uint32_t number)
{
	const struct ir_end *end = &g->ir->blocks[number].end;

	for (size_t i = 0; i < ir_n_next(end); i++) {
		if (g->place[ir_next_of(end, i)] <= g->place[number])
			return true;
	}
	return false;
}

static void ask_for_more(struct ir_block *block, struct way way)
{
	if (way.bytes == ALL) {
		ir_set_end(block, ir_goto(way.to));
		return;
	}
	block->end.k = way.bytes;
	block->end.no = way.to;
}

static void visit(const struct guards *g, uint32_t number)
{
	struct ir_block *block = &g->ir->blocks[number];
	struct way *way = &g->ways[number];

	*way = (struct way){ 0 };
	if (does_something(block) || loops_back(g, number))
		return;
	if (!is_guard(g, &block->end)) {
		*way = from_test(g, &block->end);
		return;
	}
	*way = from_guard(g, &block->end);
	/* What was not computed on the way must be nobody's. */
	if (way->bytes > block->end.k && !g->live[way->to])
		ask_for_more(block, *way);
}

static void visit_all(struct guards *g, uint32_t base)
{
	g->base = base;
	for (size_t i = g->n; i--;)
		visit(g, g->order[i]);
}

/* The values that checks begin at. */
static size_t find_bases(const struct guards *g, uint32_t bases[BASES_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < g->n; i++) {
		const struct ir_end *end = &g->ir->blocks[g->order[i]].end;
		size_t at = 0;

		if (end->kind != IR_CHECK || !end->indexed || end->value == IR_NO_VALUE)
			continue;
		while (at < n && bases[at] != end->value)
			at++;
		if (at == n && n < BASES_MAX)
			bases[n++] = end->value;
	}
	return n;
}

int ir_pass_guards(struct ir *ir)
{
	_free_ struct way *ways = calloc(ir->n, sizeof(*ways));
	_free_ uint32_t *place = calloc(ir->n, sizeof(*place)), *order = NULL, *live = NULL;
	ssize_t n = ways && place ? ir_order(ir, &order) : fail_oom();
	int err = n < 0 ? n : ir_live(ir, &live);
	uint32_t bases[BASES_MAX];
	struct guards g = { .ir = ir, .order = order, .place = place, .live = live, .ways = ways };
	size_t n_bases;

	if (err)
		return err;
	g.n = n;
	for (size_t i = 0; i < g.n; i++)
		place[order[i]] = i;
	visit_all(&g, IR_NO_VALUE);
	n_bases = find_bases(&g, bases);
	for (size_t i = 0; i < n_bases; i++)
		visit_all(&g, bases[i]);
	return 0;
}
