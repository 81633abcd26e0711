// SPDX-License-Identifier: GPL-2.0-only
/*
 * A rule whose action the threaded graph does not reach never matches. There, ways meet, and forget
 * what only some of them know; so each rule that seems to be reached is looked at once more: the
 * packets that it would take, by what is known of them, are followed from the first rule on. Where
 * they surely end before they come to it, it never matches; and whose the ends are tells which
 * rules shadow it.
 *
 * A test that is not decided by what is known leads to all of its outcomes. Once it is as if
 * nothing were learned from it: then each block is visited at most once. Where that is too little
 * (two rules that together take what a third would), what is learned counts, and there may be many
 * ways.
 */
#include "ir_shadow.h"

#include <stdlib.h>
#include <string.h>

#include "ir_decide.h"

enum {
	/* For one rule that is known to be dead; what is found by then is said. */
	STEPS_NAMING = 20000,
	/* For one that may be; it counts as reached if that is not enough. */
	STEPS_LEARNING = 2000,
	/* For all of the latter in a run, some 20 ms; those behind count as reached. */
	STEPS_ALL = 300000,
	DEPTH_MAX = 256,
	OUTCOMES_MAX = 16,
};

struct pursuit {
	const struct ir *ir;
	struct ir_store *store;
	uint32_t rule;
	bool alone; /* in the rule's own tests, to find what it would take */
	bool learns;
	bool naming; /* it is dead, by whom is the question; else the first that comes to it ends it
		      */
	bool reached; /* packets came to the rule, or it is not sure that they do not */
	uint32_t last, steps, depth;
	uint32_t most_steps;
	uint32_t *seen; /* blocks that were visited, by the number of the visit; with `stack` */
	uint32_t *stack;
	uint32_t visit;
};

static void follow(struct pursuit *p, uint32_t at, const struct ir_facts *facts);

static bool acts(const struct ir_block *block)
{
	return block->end.kind == IR_VERDICT || (block->n && block->insns[0].op == IR_COUNT);
}

static bool is_over(struct pursuit *p)
{
	if (p->steps >= p->most_steps)
		p->reached = true;
	return p->reached && (!p->naming || p->steps >= p->most_steps);
}

static void note_end(struct pursuit *p, uint32_t rule)
{
	if (p->last == FILTER_REACHED || rule > p->last)
		p->last = rule;
}

/* Nothing is learned */

/* Of a value, the bits that facts about it, or about other bits of it, tell: *known, and *bits. */
static void find_bits(const struct pursuit *p, const struct ir_facts *facts, uint32_t value,
		      uint32_t *known, uint32_t *bits)
{
	*known = *bits = 0;
	for (size_t i = 0; i < facts->n; i++) {
		const struct ir_fact *fact = &facts->facts[i];
		const struct ir_set *set = ir_set_at(p->store, fact->set);
		const struct ir_value *of;
		uint32_t mask = UINT32_MAX;

		if (fact->quantity & IR_BYTES || set->n != 1 ||
		    set->ranges[0].first != set->ranges[0].last)
			continue;
		of = &p->ir->values[fact->quantity];
		if (of->op == IR_AND && of->b == IR_NO_VALUE && of->a == value)
			mask = of->k;
		else if (fact->quantity != value)
			continue;
		*known |= mask;
		*bits |= set->ranges[0].first & mask;
	}
}

static uint32_t decide(const struct pursuit *p, const struct ir_end *end,
		       const struct ir_facts *facts)
{
	const struct ir_value *value;
	struct ir_test test;
	struct ir_set set;
	uint32_t to, known, bits;

	if (!ir_test_of(end, &test))
		return IR_NO_BLOCK;
	set = ir_facts_set(p->store, facts, test.quantity);
	to = ir_decide(&test, &set);
	if (to != IR_NO_BLOCK || test.quantity & IR_BYTES)
		return to;
	value = &p->ir->values[test.quantity];
	if (value->op != IR_AND || value->b != IR_NO_VALUE)
		return to;
	find_bits(p, facts, value->a, &known, &bits);
	set = (struct ir_set){ 1, { { bits & value->k, value->k & (bits | ~known) } } };
	return ir_decide(&test, &set);
}

static void push(struct pursuit *p, size_t *n, uint32_t block)
{
	if (p->seen[block] == p->visit)
		return;
	p->seen[block] = p->visit;
	p->stack[(*n)++] = block;
}

static void flood(struct pursuit *p, const struct ir_facts *facts)
{
	size_t n = 0;

	p->visit++;
	push(p, &n, 0);
	while (n && !is_over(p)) {
		const struct ir_block *block = &p->ir->blocks[p->stack[--n]];
		uint32_t to;

		p->steps++;
		if (block->rule >= p->rule) {
			p->reached = true;
			continue;
		}
		if (block->end.kind == IR_VERDICT)
			note_end(p, block->rule);
		to = decide(p, &block->end, facts);
		if (to != IR_NO_BLOCK) {
			push(p, &n, to);
			continue;
		}
		for (size_t i = 0; i < ir_n_next(&block->end); i++)
			push(p, &n, ir_next_of(&block->end, i));
	}
}

/* What is learned counts */

/* What the rule would take: whose is it? */
static void follow_from_start(struct pursuit *p, const struct ir_facts *facts)
{
	if (!p->learns) {
		flood(p, facts);
		return;
	}
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
	size_t n = 0;

	while (!is_over(p) && ir_next_part(&parts, &part)) {
		if (n++ == OUTCOMES_MAX) {
			p->reached = true;
			break;
		}
		follow_part(p, test, part, facts);
	}
}

static void follow_all(struct pursuit *p, const struct ir_end *end, const struct ir_facts *facts)
{
	struct ir_test test;

	if (ir_test_of(end, &test)) {
		follow_test(p, &test, facts);
		return;
	}
	for (size_t i = 0; i < ir_n_next(end) && !is_over(p); i++)
		follow(p, ir_next_of(end, i), facts);
}

/* Is it the end of the pursuit in the rule's own tests, or in those before it? */
static bool is_end(struct pursuit *p, const struct ir_block *block, const struct ir_facts *facts)
{
	if (p->alone) {
		if (block->rule == p->rule && acts(block))
			follow_from_start(p, facts);
		return block->rule != p->rule || acts(block);
	}
	if (block->rule >= p->rule)
		p->reached = true;
	else if (block->end.kind == IR_VERDICT)
		note_end(p, block->rule);
	return block->rule >= p->rule || block->end.kind == IR_VERDICT;
}

/* On to the next place where it is not sure how to go on. */
static void follow(struct pursuit *p, uint32_t at, const struct ir_facts *facts)
{
	if (p->depth == DEPTH_MAX) {
		p->reached = true;
		return;
	}
	p->depth++;
	while (!is_over(p)) {
		const struct ir_block *block = &p->ir->blocks[at];
		uint32_t to;

		p->steps++;
		if (is_end(p, block, facts))
			break;
		to = block->end.kind == IR_GOTO ? block->end.yes : decide(p, &block->end, facts);
		if (to == IR_NO_BLOCK) {
			follow_all(p, &block->end, facts);
			break;
		}
		at = to;
	}
	p->depth--;
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

/*
 * The graph of a run with its tests, not threaded, as if all packets were in place. That each has
 * an Ethernet header is so on XDP alone.
 */
static int lower_tests(const struct filter_run *run, struct ir *ir)
{
	struct filter_run linear = *run;
	int err;

	linear.hook = FILTER_XDP;
	linear.frags = linear.by_helper = false;
	err = ir_lower(&linear, ir);
	if (!err && run->hook != FILTER_XDP)
		ir->blocks[0].end = ir_goto(ir->blocks[0].end.yes);
	if (!err)
		err = ir_pass_values(ir);
	return err ? err : ir_pass_tests(ir);
}

/* Rules begin in blocks 1 and on: ir_lower(). Whether packets come to the rule. */
static bool pursue(struct pursuit *p, uint32_t rule, bool learns, uint32_t most_steps)
{
	p->rule = rule;
	p->alone = true;
	p->learns = learns;
	p->reached = false;
	p->last = FILTER_REACHED;
	p->steps = 0;
	p->most_steps = most_steps;
	follow(p, 1 + rule, ir_facts_none());
	return p->reached;
}

static uint32_t name_shadow(struct pursuit *p, uint32_t rule)
{
	p->naming = true;
	pursue(p, rule, true, STEPS_NAMING);
	return p->last == FILTER_REACHED ? rule : p->last;
}

/* Is a rule dead, that seemed to be reached? `left`: steps that all such may still take. */
static bool is_dead(struct pursuit *p, uint32_t rule, uint32_t *left)
{
	bool reached = true;

	p->naming = false;
	for (unsigned int learns = 0; learns < 2 && reached && *left; learns++) {
		uint32_t most = learns && *left > STEPS_LEARNING ? STEPS_LEARNING : *left;

		reached = pursue(p, rule, learns, most);
		*left -= p->steps < most ? p->steps : most;
	}
	return !reached;
}

static void find_shadows(struct pursuit *p, const struct filter_run *run, const bool *reached,
			 uint32_t *shadowed_by)
{
	uint32_t left = STEPS_ALL;

	for (uint32_t i = 0; i < run->n_rules; i++) {
		bool dead = !reached[i] || is_dead(p, i, &left);

		shadowed_by[i] = dead ? name_shadow(p, i) : FILTER_REACHED;
	}
}

static int name_shadows(const struct filter_run *run, const bool *reached, uint32_t *shadowed_by)
{
	_cleanup_(ir_store_freep) struct ir_store *store = NULL;
	_free_ uint32_t *seen = NULL, *stack = NULL;
	struct ir ir = { 0 };
	int err = lower_tests(run, &ir);

	if (!err) {
		store = ir_store_new(&ir);
		seen = calloc(ir.n, sizeof(*seen));
		stack = calloc(ir.n, sizeof(*stack));
		err = store && seen && stack ? 0 : fail_oom();
	}
	if (!err) {
		struct pursuit p = { .ir = &ir, .store = store, .seen = seen, .stack = stack };

		find_shadows(&p, run, reached, shadowed_by);
		err = ir_store_failed(store) ? fail_oom() : 0;
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
	int err = 0;

	if (!reached) {
		reached = found = calloc(run->n_rules + 1, sizeof(*found));
		err = found ? find_reached(run, found) : fail_oom();
	}
	return err ? err : name_shadows(run, reached, shadowed_by);
}
