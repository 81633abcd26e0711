// SPDX-License-Identifier: GPL-2.0-only
#include "ir_sweep.h"

uint32_t sweep_new_way(struct sweep *s, uint32_t from, const struct ir_facts *facts)
{
	struct way *way = array_add(s->ways, s->n_ways);

	if (!way) {
		s->oom = true;
		return NO_WAY;
	}
	*way = (struct way){ .facts = facts, .from = from, .to = IR_NO_BLOCK, .next = NO_WAY };
	return s->n_ways - 1;
}

void sweep_add_to_queue(struct sweep *s, struct queue *queue, uint32_t way)
{
	uint32_t *added = array_add(queue->ways, queue->n);

	s->oom |= !added;
	if (added)
		*added = way;
}

void sweep_lead(struct sweep *s, uint32_t number, uint32_t to)
{
	if (number == NO_WAY)
		return;
	if (s->place[to] <= s->now) {
		s->ways[number].to = s->waiting[to];
		return;
	}
	s->ways[number].next = s->waiting[to];
	s->waiting[to] = number;
}

const struct ir_facts *sweep_learn(struct sweep *s, const struct ir_facts *facts,
				   ir_quantity quantity, const struct ir_set *set)
{
	return ir_facts_with(s->store, facts, quantity, ir_store_set(s->store, quantity, set));
}

/* Outcomes */

static struct outcome *find_outcome(const struct sweep *s, uint32_t to)
{
	uint32_t at = s->outcome_of[to];

	return at < s->n_outcomes && s->outcomes[at].to == to ? &s->outcomes[at] : NULL;
}

uint32_t sweep_way_to(const struct sweep *s, uint32_t to)
{
	const struct outcome *outcome = find_outcome(s, to);

	return outcome ? outcome->way : NO_WAY;
}

/* Numbers that lead to an old block; ranges must come in order. */
static void add_outcome(struct sweep *s, uint32_t to, uint32_t first, uint32_t last)
{
	struct outcome *outcome = find_outcome(s, to);

	if (!outcome) {
		outcome = array_add(s->outcomes, s->n_outcomes);
		if (!outcome) {
			s->oom = true;
			return;
		}
		*outcome = (struct outcome){ .to = to };
		s->outcome_of[to] = s->n_outcomes - 1;
	}
	ir_set_add(&outcome->set, first, last);
}

void sweep_find_outcomes(struct sweep *s, const struct ir_test *test, const struct ir_set *set)
{
	struct ir_parts parts = { .test = test, .set = set };
	struct ir_case part;

	s->n_outcomes = 0;
	while (!s->oom && ir_next_part(&parts, &part))
		add_outcome(s, part.to, part.first, part.last);
}

void sweep_make_ways(struct sweep *s, uint32_t from, const struct ir_facts *facts,
		     ir_quantity quantity)
{
	for (size_t i = 0; i < s->n_outcomes; i++) {
		struct outcome *outcome = &s->outcomes[i];

		outcome->way =
			sweep_new_way(s, from, sweep_learn(s, facts, quantity, &outcome->set));
	}
}

void sweep_lead_all(struct sweep *s)
{
	for (size_t i = 0; i < s->n_outcomes; i++)
		sweep_lead(s, s->outcomes[i].way, s->outcomes[i].to);
}

/* A switch that grows */

/* What of one case is in no case of the switch so far. */
static void find_gaps(struct sweep *s, const struct ir_cases *cases, struct ir_case one)
{
	uint64_t from = one.first;

	while (from <= one.last && !s->oom) {
		const struct ir_case *after = ir_cases_after(cases, from);
		struct ir_case *gap;

		if (after && after->first <= from) {
			from = (uint64_t)after->last + 1;
			continue;
		}
		gap = array_add(s->gaps, s->n_gaps);
		if (!gap) {
			s->oom = true;
			return;
		}
		*gap = (struct ir_case){ from, one.last, one.to };
		if (after && after->first <= one.last)
			gap->last = after->first - 1;
		from = (uint64_t)gap->last + 1;
	}
}

/* The part of a gap that is possible; false: none is. */
static bool add_gap_outcome(struct sweep *s, const struct ir_case *gap, const struct ir_set *set)
{
	bool possible = false;

	for (size_t i = 0; i < set->n; i++) {
		const struct ir_range *range = &set->ranges[i];
		uint32_t first = range->first > gap->first ? range->first : gap->first;
		uint32_t last = range->last < gap->last ? range->last : gap->last;

		if (first > last)
			continue;
		possible = true;
		add_outcome(s, gap->to, first, last);
	}
	return possible;
}

static void find_all_gaps(struct sweep *s, const struct ir_cases *cases, const struct ir_test *test,
			  const struct ir_set *set)
{
	size_t n = 0;

	s->n_gaps = s->n_outcomes = 0;
	for (size_t i = 0; i < test->n; i++)
		find_gaps(s, cases, test->cases[i]);
	for (size_t i = 0; i < s->n_gaps && !s->oom; i++) {
		if (add_gap_outcome(s, &s->gaps[i], set))
			s->gaps[n++] = s->gaps[i];
	}
	s->n_gaps = n;
}

/* What is left for the switch's default when a test has become part of it. */
static struct ir_set rest_of(const struct ir_test *test, const struct ir_set *set)
{
	struct ir_parts parts = { .test = test, .set = set };
	struct ir_set rest = { 0 };
	struct ir_case part;

	while (ir_next_part(&parts, &part)) {
		if (part.to == test->no)
			ir_set_add(&rest, part.first, part.last);
	}
	return rest;
}

void sweep_grow_switch(struct sweep *s, uint32_t number, const struct ir_test *test)
{
	struct way way = s->ways[number];
	struct ir_set set = ir_facts_set(s->store, way.facts, test->quantity), rest;
	struct ir_cases *cases = &s->copies[way.from].cases;

	find_all_gaps(s, cases, test, &set);
	sweep_make_ways(s, way.from, way.facts, test->quantity);
	if (s->oom)
		return;
	for (size_t i = 0; i < s->n_gaps; i++) {
		s->gaps[i].to = sweep_way_to(s, s->gaps[i].to);
		ir_cases_add(cases, s->gaps[i]);
	}
	s->made += s->n_gaps;
	sweep_lead_all(s);
	rest = rest_of(test, &set);
	if (!rest.n) {
		s->copies[way.from].block.end.no = NO_WAY;
		return;
	}
	s->ways[number].facts = sweep_learn(s, way.facts, test->quantity, &rest);
	sweep_lead(s, number, test->no);
}

bool sweep_can_grow(const struct sweep *s, uint32_t number, const struct ir_block *block,
		    struct ir_test *test)
{
	uint32_t from = s->ways[number].from;
	const struct ir_end *end;

	if (from == IR_NO_BLOCK || block->n || !ir_test_of(&block->end, test))
		return false;
	end = &s->copies[from].block.end;
	return end->kind == IR_SWITCH && end->value == test->quantity && end->no == number;
}
