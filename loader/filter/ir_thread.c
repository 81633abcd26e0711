// SPDX-License-Identifier: GPL-2.0-only
/*
 * One sweep over the graph, forward, that builds it anew: each way into a block brings what it has
 * proven of the packet (ir_facts.h), and where that decides the block's test, the way goes on to
 * where the test would lead, past it. So a test made for one rule is not made again for another. A
 * test of a value that would follow another test of it, where no case of that one held, becomes
 * more cases of it.
 *
 * Ways that bring too different facts get copies of the block (ir_classes.h), as long as the graph
 * stays in proportion; the others meet, and only what all of them have proven is known behind.
 *
 * Packets do not change on the way (what changes them ends the program), so facts outlive whatever
 * is in between. At the head of a loop nothing is believed.
 */
#include <stdlib.h>
#include <string.h>

#include "ir_sweep.h"

/* Past a block, if what the way knows of the packet allows it. */
static bool pass(struct sweep *s, uint32_t number, const struct ir_block *block)
{
	struct ir_test test;
	struct ir_set set;
	uint32_t to;

	if (block->n)
		return false;
	if (block->end.kind == IR_GOTO) {
		sweep_lead(s, number, block->end.yes);
		return true;
	}
	if (!ir_test_of(&block->end, &test))
		return false;
	set = ir_facts_set(s->store, s->ways[number].facts, test.quantity);
	to = ir_decide(&test, &set);
	if (to != IR_NO_BLOCK)
		sweep_lead(s, number, to);
	return to != IR_NO_BLOCK;
}

/* The block at hand */

static void take_waiting(struct sweep *s, uint32_t number, struct queue *queue)
{
	for (uint32_t way = s->waiting[number]; way != NO_WAY; way = s->ways[way].next)
		sweep_add_to_queue(s, queue, way);
	s->waiting[number] = NO_WAY;
}

/* Put ways into classes: class_of[i]. 0 if memory is out. */
static size_t classify(struct sweep *s, const struct queue *queue, size_t most, uint8_t *class_of)
{
	_free_ const struct ir_facts **facts = calloc(queue->n, sizeof(*facts));

	if (!facts) {
		s->oom = true;
		return 0;
	}
	for (size_t i = 0; i < queue->n; i++)
		facts[i] = s->ways[queue->ways[i]].facts;
	return ir_classify(s->store, &s->keys, facts, queue->n, most, class_of);
}

/* What all ways of a class know. Their number is in *n, the last of them in *last. */
static const struct ir_facts *meet_class(struct sweep *s, const struct queue *queue,
					 const uint8_t *class_of, size_t class, size_t *n,
					 uint32_t *last)
{
	const struct ir_facts *met = NULL;

	*n = 0;
	for (size_t i = 0; i < queue->n; i++) {
		const struct ir_facts *facts = s->ways[queue->ways[i]].facts;

		if (class_of[i] != class)
			continue;
		met = met ? ir_facts_meet(s->store, met, facts) : facts;
		*last = queue->ways[i];
		++*n;
	}
	return met;
}

static void lead_class(struct sweep *s, const struct queue *queue, const uint8_t *class_of,
		       size_t class, uint32_t copy)
{
	for (size_t i = 0; i < queue->n; i++) {
		if (class_of[i] == class)
			s->ways[queue->ways[i]].to = copy;
	}
}

/* How many cases the switch has whose default this way is; 0: it is of none. */
static size_t cases_before(const struct sweep *s, uint32_t way)
{
	uint32_t from = s->ways[way].from;
	const struct copy *copy = from == IR_NO_BLOCK ? NULL : &s->copies[from];

	if (!copy || copy->block.end.kind != IR_SWITCH || copy->block.end.no != way)
		return 0;
	return copy->cases.n_old + copy->cases.n_recent;
}

/* Of a class, the way that is the default of the largest switch; UINT32_MAX: of none. */
static uint32_t find_largest(const struct sweep *s, const struct queue *queue,
			     const uint8_t *class_of, size_t class)
{
	uint32_t best = UINT32_MAX;
	size_t most = 0;

	for (size_t i = 0; i < queue->n; i++) {
		size_t n = class_of[i] == class ? cases_before(s, queue->ways[i]) : 0;

		if (n <= most)
			continue;
		most = n;
		best = i;
	}
	return best;
}

/* Where the ways of a class meet, and the one way on from there. */
static uint32_t join_class(struct sweep *s, const struct ir_block *block, const struct queue *queue,
			   const uint8_t *class_of, size_t class)
{
	const struct ir_block empty = { .end = ir_goto(IR_NO_BLOCK), .rule = block->rule };
	uint32_t way = NO_WAY, copy;
	size_t n;
	const struct ir_facts *met = meet_class(s, queue, class_of, class, &n, &way);

	if (n < 2)
		return way;
	copy = sweep_new_copy(s, &empty);
	s->made--; /* it will vanish */
	lead_class(s, queue, class_of, class, copy);
	way = sweep_new_way(s, copy, met);
	if (!s->oom)
		s->copies[copy].block.end.yes = way;
	return way;
}

/* A crowd: one way goes on for each class, and one whose switch may grow on. */
static void thin_out(struct sweep *s, const struct ir_block *block, struct queue *queue)
{
	_free_ uint8_t *class_of = calloc(queue->n, 1);
	struct queue left = { 0 };
	size_t n = class_of ? classify(s, queue, IR_CLASSES_MAX, class_of) : 0;

	s->oom |= !n;
	for (size_t c = 0; c < n && !s->oom; c++) {
		uint32_t largest = find_largest(s, queue, class_of, c), way;

		if (largest != UINT32_MAX) {
			class_of[largest] = NO_CLASS;
			sweep_add_to_queue(s, &left, queue->ways[largest]);
		}
		way = join_class(s, block, queue, class_of, c);
		if (way != NO_WAY)
			sweep_add_to_queue(s, &left, way);
	}
	free(queue->ways);
	*queue = left;
}

/* Copies that a block may have: one, where it asks nothing, where its facts are of little use. */
static size_t copies_of(const struct sweep *s, const struct ir_block *block)
{
	bool counts = block->n == 1 && block->insns[0].op == IR_COUNT;

	if (block->end.kind == IR_VERDICT || block->end.kind == IR_FETCH || (block->n && !counts))
		return 1;
	return sweep_may_grow(s) ? IR_CLASSES_MAX : 1;
}

/* One copy for the ways of a class, but for the one whose switch can grow instead. */
static void copy_for_class(struct sweep *s, const struct ir_block *block, const struct queue *queue,
			   uint8_t *class_of, size_t class)
{
	uint32_t largest = find_largest(s, queue, class_of, class), copy, last;
	const struct ir_facts *met;
	struct ir_test test;
	size_t n;

	if (largest != UINT32_MAX && (sweep_may_grow(s) || queue->n == 1) &&
	    sweep_can_grow(s, queue->ways[largest], block, &test)) {
		class_of[largest] = NO_CLASS;
		sweep_grow_switch(s, queue->ways[largest], &test);
	}
	met = meet_class(s, queue, class_of, class, &n, &last);
	if (!n || s->oom)
		return;
	copy = s->n_copies;
	lead_class(s, queue, class_of, class, copy);
	sweep_copy_block(s, block, met);
}

static void copy_by_class(struct sweep *s, const struct ir_block *block, const struct queue *queue)
{
	_free_ uint8_t *class_of = calloc(queue->n, 1);
	size_t n = class_of ? classify(s, queue, copies_of(s, block), class_of) : 0;

	s->oom |= !n;
	s->extra += n - !!n;
	for (size_t c = 0; c < n && !s->oom; c++)
		copy_for_class(s, block, queue, class_of, c);
}

/* The head of a loop. */
static void copy_head(struct sweep *s, uint32_t number, const struct queue *queue)
{
	uint32_t copy = s->n_copies;

	for (size_t i = 0; i < queue->n; i++)
		s->ways[queue->ways[i]].to = copy;
	s->waiting[number] = copy;
	sweep_copy_block(s, &s->ir->blocks[number], ir_facts_none());
}

/* What cannot pass is copied; a copy may send ways here again. */
static void process_queue(struct sweep *s, const struct ir_block *block, struct queue *queue)
{
	size_t n = 0;

	if (queue->n > CROWD)
		thin_out(s, block, queue);
	for (size_t i = 0; i < queue->n && !s->oom; i++) {
		if (!pass(s, queue->ways[i], block))
			queue->ways[n++] = queue->ways[i];
	}
	queue->n = n;
	if (n && !s->oom)
		copy_by_class(s, block, queue);
}

static void process(struct sweep *s, uint32_t number)
{
	const struct ir_block *block = &s->ir->blocks[number];
	struct queue queue = { 0 };

	s->seen += 1 + block->end.n_cases;
	take_waiting(s, number, &queue);
	if (s->loops[number])
		copy_head(s, number, &queue);
	while (!s->loops[number] && queue.n && !s->oom) {
		process_queue(s, block, &queue);
		free(queue.ways);
		queue = s->again;
		s->again = (struct queue){ 0 };
	}
	free(queue.ways);
}

/* The new graph takes the old one's place */

static void set_cases(const struct sweep *s, struct copy *copy)
{
	struct ir_end *end = &copy->block.end;

	end->n_cases = ir_cases_take(&copy->cases, &end->cases);
	/* Where the cases leave nothing over, one of them becomes the default. */
	if (end->no == NO_WAY)
		end->no = end->cases[end->n_cases - 1].to;
	for (size_t i = 0; i < end->n_cases; i++)
		end->cases[i].to = s->ways[end->cases[i].to].to;
	end->no = s->ways[end->no].to;
}

static void set_next(const struct sweep *s, struct copy *copy)
{
	struct ir_end *end = &copy->block.end;

	if (end->kind == IR_SWITCH && end->value != IR_NO_VALUE) {
		set_cases(s, copy);
		return;
	}
	for (size_t i = 0; i < ir_n_next(end); i++)
		*ir_next(end, i) = s->ways[ir_next_of(end, i)].to;
}

/* The entry is the first block. */
static void swap_first(struct ir *ir, uint32_t entry)
{
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): a graph has an entry */
	struct ir_block first = ir->blocks[0];

	ir->blocks[0] = ir->blocks[entry];
	ir->blocks[entry] = first;
	for (size_t i = 0; i < ir->n; i++) {
		struct ir_end *end = &ir->blocks[i].end;

		for (size_t j = 0; j < ir_n_next(end); j++) {
			uint32_t *to = ir_next(end, j);

			*to = *to == entry ? 0 : *to ? *to : entry;
		}
	}
}

static int take_place(struct sweep *s)
{
	struct ir_block *blocks = NULL;
	size_t n = 0;

	for (size_t i = 0; i < s->n_copies; i++) {
		struct ir_block *block = array_add(blocks, n);

		if (!block) {
			free(blocks);
			return fail_oom();
		}
		set_next(s, &s->copies[i]);
		*block = s->copies[i].block;
		s->copies[i].block = (struct ir_block){ 0 };
	}
	for (size_t i = 0; i < s->ir->n; i++) {
		free(s->ir->blocks[i].insns);
		free(s->ir->blocks[i].end.cases);
	}
	free(s->ir->blocks);
	s->ir->blocks = blocks;
	s->ir->n = n;
	swap_first(s->ir, s->ways[0].to);
	return 0;
}

static void find_loops(struct sweep *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		s->place[s->order[i]] = i;
	for (size_t i = 0; i < n; i++) {
		const struct ir_end *end = &s->ir->blocks[s->order[i]].end;

		for (size_t j = 0; j < ir_n_next(end); j++) {
			uint32_t to = ir_next_of(end, j);

			s->loops[to] |= s->place[to] <= i;
		}
	}
}

static int sweep(struct sweep *s)
{
	ssize_t n = ir_order(s->ir, &s->order);

	if (n < 0)
		return n;
	if (!ir_keys_find(s->ir, s->order, n, &s->keys))
		return fail_oom();
	if (ir_demands_find(s->ir, s->store, &s->keys, s->order, n, &s->demands))
		return -ENOMEM;
	memset(s->waiting, 0xff, s->ir->n * sizeof(*s->waiting));
	find_loops(s, n);
	/* The way in waits at the first block, which is at hand. */
	s->waiting[s->order[0]] = sweep_new_way(s, IR_NO_BLOCK, ir_facts_none());
	for (ssize_t i = 0; i < n && !s->oom; i++) {
		s->now = i;
		process(s, s->order[i]);
	}
	for (size_t i = 0; i < s->n_copies; i++)
		s->oom |= s->copies[i].cases.failed;
	if (s->oom || ir_store_failed(s->store))
		return fail_oom();
	return take_place(s);
}

static void free_copies(struct sweep *s)
{
	for (size_t i = 0; i < s->n_copies; i++) {
		free(s->copies[i].block.insns);
		free(s->copies[i].block.end.cases);
		ir_cases_free(&s->copies[i].cases);
	}
	free(s->copies);
}

int ir_pass_thread(struct ir *ir)
{
	_cleanup_(ir_store_freep) struct ir_store *store = ir_store_new(ir);
	_free_ uint32_t *place = calloc(ir->n, sizeof(*place));
	_free_ uint32_t *waiting = calloc(ir->n, sizeof(*waiting));
	_free_ uint32_t *outcome_of = calloc(ir->n, sizeof(*outcome_of));
	_free_ bool *loops = calloc(ir->n, sizeof(*loops));
	struct sweep s = { .ir = ir,
			   .store = store,
			   .place = place,
			   .loops = loops,
			   .waiting = waiting,
			   .outcome_of = outcome_of };
	int err = store && place && waiting && outcome_of && loops ? sweep(&s) : fail_oom();

	free_copies(&s);
	ir_demands_free(&s.demands);
	free(s.again.ways);
	free(s.order);
	free(s.ways);
	free(s.outcomes);
	free(s.gaps);
	return err;
}
