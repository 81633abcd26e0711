// SPDX-License-Identifier: GPL-2.0-only
#include "ir_demand.h"

#include <stdlib.h>

#include "ir_decide.h"

enum {
	UNKNOWN = UINT32_MAX, /* in place of a set: no way has come by */
	OFTEN = 8,	      /* one of so many checks is often enough to be of weight */
	MANY = 16,	      /* fewer of a kind are not worth a second way for short packets */
};

struct pass {
	const struct ir *ir;
	struct ir_store *store;
	struct ir_demands *demands;
	uint32_t *sets; /* of the key at each block, as far as its rule knows */
	bool oom;
};

static void meet(struct pass *p, uint32_t block, uint32_t set)
{
	uint32_t *into = &p->sets[block];

	if (*into == UNKNOWN)
		*into = set;
	else if (*into != set)
		*into = IR_SET_ALL;
}

/* What a block's rule knows is known to its successors in the rule. */
static void flow(struct pass *p, uint32_t number)
{
	const struct ir_block *block = &p->ir->blocks[number];
	struct ir_test test;
	bool asks = ir_test_of(&block->end, &test) && test.quantity == p->demands->key;

	for (size_t i = 0; i < ir_n_next(&block->end); i++) {
		uint32_t to = ir_next_of(&block->end, i), set = p->sets[number];

		if (p->ir->blocks[to].rule != block->rule)
			set = IR_SET_ALL;
		else if (asks && i < test.n)
			set = ir_store_set(
				p->store, test.quantity,
				&(struct ir_set){
					1, { { test.cases[i].first, test.cases[i].last } } });
		meet(p, to, set);
	}
}

static void add(struct pass *p, uint32_t number)
{
	struct ir_demand *added;
	struct ir_test test;

	if (p->sets[number] == IR_SET_ALL || p->sets[number] == UNKNOWN ||
	    !ir_test_of(&p->ir->blocks[number].end, &test) || !(test.quantity & IR_BYTES))
		return;
	added = array_add(p->demands->demands, p->demands->n);
	p->oom |= !added;
	if (added)
		*added = (struct ir_demand){ test.quantity, p->sets[number],
					     p->ir->blocks[number].end.k };
}

static int compare(const void *a, const void *b)
{
	const struct ir_demand *left = a, *right = b;

	if (left->quantity != right->quantity)
		return left->quantity < right->quantity ? -1 : 1;
	if (left->set != right->set)
		return left->set < right->set ? -1 : 1;
	return (left->bytes < right->bytes) - (left->bytes > right->bytes);
}

/* Of each kind the number that one of OFTEN exceeds, and no more. */
static void choose(struct ir_demands *demands)
{
	struct ir_demand *all = demands->demands;
	size_t n = 0, first = 0;

	for (size_t i = 1; i <= demands->n; i++) {
		if (i < demands->n && all[i].quantity == all[first].quantity &&
		    all[i].set == all[first].set)
			continue;
		if (i - first >= MANY)
			all[n++] = all[first + (i - first) / OFTEN];
		first = i;
	}
	demands->n = demands->n ? n : 0;
}

static int find(struct pass *p, const uint32_t *order, size_t n)
{
	for (size_t i = 0; i < p->ir->n; i++)
		p->sets[i] = UNKNOWN;
	p->sets[order[0]] = IR_SET_ALL;
	for (size_t i = 0; i < n && !p->oom; i++) {
		flow(p, order[i]);
		add(p, order[i]);
	}
	if (p->oom)
		return fail_oom();
	if (p->demands->n)
		qsort(p->demands->demands, p->demands->n, sizeof(*p->demands->demands), compare);
	choose(p->demands);
	return 0;
}

int ir_demands_find(const struct ir *ir, struct ir_store *store, const struct ir_keys *keys,
		    const uint32_t *order, size_t n, struct ir_demands *demands)
{
	_free_ uint32_t *sets = malloc(ir->n * sizeof(*sets));
	struct pass p = { .ir = ir, .store = store, .demands = demands, .sets = sets };

	*demands = (struct ir_demands){ .key = IR_NO_VALUE };
	if (!sets)
		return fail_oom();
	if (!keys->n || keys->keys[0] & IR_BYTES)
		return 0;
	demands->key = keys->keys[0];
	return find(&p, order, n);
}

void ir_demands_free(struct ir_demands *demands)
{
	free(demands->demands);
	*demands = (struct ir_demands){ 0 };
}

uint32_t ir_demand_at(const struct ir_demands *demands, const struct ir_facts *facts,
		      ir_quantity quantity, uint32_t bytes)
{
	uint32_t set = demands->n ? ir_facts_index(facts, demands->key) : IR_SET_ALL;

	for (size_t i = 0; i < demands->n && set != IR_SET_ALL; i++) {
		const struct ir_demand *demand = &demands->demands[i];

		if (demand->quantity == quantity && demand->set == set && demand->bytes > bytes)
			return demand->bytes;
	}
	return bytes;
}
