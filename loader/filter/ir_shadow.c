// SPDX-License-Identifier: GPL-2.0-only
/*
 * A rule whose action the threaded graph does not reach never matches. Which rules shadow it is
 * found by following the packets that it would take, by what is known of them, from the first rule
 * on to where they end.
 */
#include "ir_shadow.h"

#include <stdlib.h>

#include "ir_decide.h"

enum {
	STEPS_MAX = 20000, /* for one rule; what is found by then is said */
	DEPTH_MAX = 64,
	OUTCOMES_MAX = 16,
};

struct pursuit {
	const struct ir *ir;
	struct ir_store *store;
	uint32_t rule;
	bool alone; /* in the rule's own tests, to find what it would take */
	uint32_t last, steps, depth;
};

static void follow(struct pursuit *p, uint32_t at, const struct ir_facts *facts);

static bool acts(const struct ir_block *block)
{
	return block->end.kind == IR_VERDICT || (block->n && block->insns[0].op == IR_COUNT);
}

/* What the rule would take: whose is it? */
static void follow_from_start(struct pursuit *p, const struct ir_facts *facts)
{
	p->alone = false;
	follow(p, 0, facts);
	p->alone = true;
}

static void follow_part(struct pursuit *p, const struct ir_test *test, struct ir_case part,
			const struct ir_facts *facts)
{
	struct ir_set set = { 1, { { part.first, part.last } } };

	follow(p, part.to,
	       ir_facts_with(p->store, facts, test->quantity,
			     ir_store_set(p->store, test->quantity, &set)));
}

static void follow_test(struct pursuit *p, const struct ir_test *test, const struct ir_facts *facts)
{
	struct ir_set set = ir_facts_set(p->store, facts, test->quantity);
	struct ir_parts parts = { .test = test, .set = &set };
	struct ir_case part;

	for (size_t i = 0; i < OUTCOMES_MAX && ir_next_part(&parts, &part); i++)
		follow_part(p, test, part, facts);
}

/* On to the next place where it is not sure how to go on. */
static void follow(struct pursuit *p, uint32_t at, const struct ir_facts *facts)
{
	if (++p->depth > DEPTH_MAX) {
		p->depth--;
		return;
	}
	while (p->steps++ < STEPS_MAX) {
		const struct ir_block *block = &p->ir->blocks[at];
		struct ir_test test;
		struct ir_set set;

		if (p->alone ? block->rule != p->rule : block->rule >= p->rule)
			break;
		if (acts(block) && p->alone) {
			follow_from_start(p, facts);
			break;
		}
		if (block->end.kind == IR_VERDICT) {
			if (p->last == FILTER_REACHED || block->rule > p->last)
				p->last = block->rule;
			break;
		}
		if (ir_test_of(&block->end, &test)) {
			set = ir_facts_set(p->store, facts, test.quantity);
			at = ir_decide(&test, &set);
			if (at != IR_NO_BLOCK)
				continue;
			follow_test(p, &test, facts);
			break;
		}
		for (size_t i = 1; i < ir_n_next(&block->end) && i < OUTCOMES_MAX; i++)
			follow(p, ir_next_of(&block->end, i), facts);
		at = ir_next_of(&block->end, 0);
	}
	p->depth--;
}

/* Rules begin in blocks 1 and on: ir_lower(). */
static uint32_t find_shadow(const struct ir *ir, struct ir_store *store, uint32_t rule)
{
	struct pursuit p = {
		.ir = ir, .store = store, .rule = rule, .alone = true, .last = FILTER_REACHED
	};

	follow(&p, 1 + rule, ir_facts_none());
	return p.last == FILTER_REACHED ? rule : p.last;
}

int ir_reached(const struct ir *ir, size_t n_rules, bool *reached)
{
	_free_ uint32_t *order = NULL;
	ssize_t n = ir_order(ir, &order);

	for (ssize_t i = 0; i < n; i++) {
		const struct ir_block *block = &ir->blocks[order[i]];

		if (block->rule < n_rules && acts(block))
			reached[block->rule] = true;
	}
	return n < 0 ? n : 0;
}

/* The graph of a run with its tests, not threaded. */
static int lower_tests(const struct filter_run *run, struct ir *ir)
{
	int err = ir_lower(run, ir);

	if (!err)
		err = ir_pass_values(ir);
	return err ? err : ir_pass_tests(ir);
}

static int name_shadows(const struct filter_run *run, const bool *reached, uint32_t *shadowed_by)
{
	_cleanup_(ir_store_freep) struct ir_store *store = NULL;
	struct ir ir = { 0 };
	int err = 0;

	for (uint32_t i = 0; i < run->n_rules && !err; i++) {
		shadowed_by[i] = FILTER_REACHED;
		if (reached[i])
			continue;
		if (!store) {
			err = lower_tests(run, &ir);
			store = err ? NULL : ir_store_new(&ir);
			err = store ? 0 : -ENOMEM;
		}
		if (store)
			shadowed_by[i] = find_shadow(&ir, store, i);
	}
	ir_free(&ir);
	return err;
}

static int find_reached(const struct filter_run *run, bool *reached)
{
	struct ir ir = { 0 };
	int err = lower_tests(run, &ir);

	if (!err)
		err = ir_pass_thread(&ir);
	if (!err)
		err = ir_reached(&ir, run->n_rules, reached);
	ir_free(&ir);
	return err;
}

int ir_shadows(const struct filter_run *run, const bool *reached, uint32_t *shadowed_by)
{
	_free_ bool *found = NULL;
	struct filter_run linear = *run;
	int err = 0;

	linear.hook = FILTER_XDP;
	linear.frags = linear.by_helper = false;
	if (!reached) {
		reached = found = calloc(run->n_rules + 1, sizeof(*found));
		err = found ? find_reached(&linear, found) : fail_oom();
	}
	return err ? err : name_shadows(&linear, reached, shadowed_by);
}
