// SPDX-License-Identifier: GPL-2.0-only
#include "ir_sweep.h"

bool sweep_may_grow(const struct sweep *s)
{
	return s->made < IR_GROWTH * s->seen + IR_GROWTH_FREE && s->extra < IR_COPIES_MOST;
}

uint32_t sweep_new_copy(struct sweep *s, const struct ir_block *from)
{
	struct copy *copy = array_add(s->copies, s->n_copies);
	struct ir_block *block;

	if (!copy) {
		s->oom = true;
		return IR_NO_BLOCK;
	}
	block = &copy->block;
	*block = *from;
	block->insns = NULL;
	block->n = 0;
	block->end.cases = NULL;
	for (size_t i = 0; i < from->n && !s->oom; i++)
		s->oom = !ir_add_insn(block, from->insns[i]);
	s->made++;
	return s->n_copies - 1;
}

static void end_in_switch(struct sweep *s, uint32_t number, const struct ir_test *test,
			  const struct ir_set *set)
{
	struct copy *copy = &s->copies[number];

	for (size_t i = 0; i < test->n; i++) {
		struct ir_case one = test->cases[i];

		if (!ir_set_meets(set, one.first, one.last))
			continue;
		one.to = sweep_way_to(s, one.to);
		ir_cases_add(&copy->cases, one);
		s->made++;
	}
	copy->block.end.no = sweep_way_to(s, test->no);
}

/*
 * A check that asks for more bytes than it needs, so that later ones need not ask. What has not as
 * many comes to the same block again, and is asked what it must be.
 */
static bool end_in_larger_check(struct sweep *s, uint32_t number, const struct ir_test *test,
				const struct ir_facts *facts)
{
	struct ir_set set = ir_facts_set(s->store, facts, test->quantity), more = { 0 },
		      less = { 0 };
	struct ir_end *end = &s->copies[number].block.end;
	uint32_t bytes = ir_demand_at(&s->demands, facts, test->quantity, end->k);
	const struct ir_range *range = &set.ranges[0];
	uint32_t yes = test->cases[0].to;

	if (bytes == end->k || s->copies[number].block.n || set.n != 1 || range->last < bytes ||
	    range->first >= bytes || !sweep_may_grow(s))
		return false;
	ir_set_add(&more, bytes, range->last);
	ir_set_add(&less, range->first, bytes - 1);
	end->k = bytes;
	end->yes = sweep_new_way(s, number, sweep_learn(s, facts, test->quantity, &more));
	end->no = sweep_new_way(s, number, sweep_learn(s, facts, test->quantity, &less));
	sweep_add_to_queue(s, &s->again, end->no);
	sweep_lead(s, end->yes, yes);
	return true;
}

static void end_in_test(struct sweep *s, uint32_t number, const struct ir_test *test,
			const struct ir_facts *facts)
{
	struct ir_set set = ir_facts_set(s->store, facts, test->quantity);
	struct ir_end *end = &s->copies[number].block.end;

	if (end->kind == IR_CHECK && end_in_larger_check(s, number, test, facts))
		return;
	sweep_find_outcomes(s, test, &set);
	sweep_make_ways(s, number, facts, test->quantity);
	if (s->n_outcomes == 1) {
		*end = ir_goto(s->outcomes[0].way);
	} else if (end->kind == IR_SWITCH) {
		end_in_switch(s, number, test, &set);
	} else {
		end->yes = sweep_way_to(s, end->yes);
		end->no = sweep_way_to(s, end->no);
	}
	sweep_lead_all(s);
}

/* An end that tells nothing, or nothing that facts are about. */
static void end_in_other(struct sweep *s, uint32_t number, const struct ir_end *from,
			 const struct ir_facts *facts)
{
	struct ir_end *end = &s->copies[number].block.end;

	for (size_t i = 0; i < from->n_cases && !s->oom; i++) {
		struct ir_case *added = array_add(end->cases, end->n_cases);

		s->oom = !added;
		s->made++;
	}
	for (size_t i = 0; i < ir_n_next(from) && !s->oom; i++) {
		uint32_t way = sweep_new_way(s, number, facts);

		if (from->kind == IR_SWITCH && i < from->n_cases)
			end->cases[i] = from->cases[i];
		*ir_next(end, i) = way;
		sweep_lead(s, way, ir_next_of(from, i));
	}
}

uint32_t sweep_copy_block(struct sweep *s, const struct ir_block *from,
			  const struct ir_facts *facts)
{
	uint32_t number = sweep_new_copy(s, from);
	struct ir_test test;

	if (s->oom)
		return number;
	if (ir_test_of(&from->end, &test)) {
		end_in_test(s, number, &test, facts);
	} else {
		s->copies[number].block.end.n_cases = 0;
		end_in_other(s, number, &from->end, facts);
	}
	return number;
}
