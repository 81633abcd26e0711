// SPDX-License-Identifier: GPL-2.0-only
#include "ir_classes.h"

#include <stdlib.h>
#include <string.h>

#include "ir_decide.h"

enum { FEW = 12 };

/* In place of a set of numbers of bytes: the packet ends too early for something. */
enum { SHORT = UINT32_MAX };

/* What is asked of a quantity. */
struct use {
	ir_quantity quantity;
	size_t tests;
	uint32_t first[FEW]; /* the different numbers that cases begin with */
	size_t n_first;
};

/* Uses by quantity: values, then checks. */
static struct use *use_of(struct use *uses, const struct ir *ir, ir_quantity quantity)
{
	if (!(quantity & IR_BYTES))
		return &uses[quantity];
	if (quantity == ir_bytes_from(IR_NO_VALUE))
		return &uses[2 * ir->n_values];
	return &uses[ir->n_values + (quantity & ~IR_BYTES)];
}

static void count(struct use *use, const struct ir_test *test)
{
	use->quantity = test->quantity;
	use->tests++;
	for (size_t i = 0; i < test->n && use->n_first < FEW; i++) {
		size_t j = 0;

		while (j < use->n_first && use->first[j] != test->cases[i].first)
			j++;
		if (j == use->n_first)
			use->first[use->n_first++] = test->cases[i].first;
	}
}

static bool is_of_bytes(const struct use *use)
{
	return use->quantity & IR_BYTES;
}

static bool is_key(const struct use *use)
{
	return use->tests > 1 && (use->n_first < FEW || is_of_bytes(use));
}

static int compare(const void *a, const void *b)
{
	const struct use *left = a, *right = b;

	if (is_key(left) != is_key(right))
		return is_key(right) - is_key(left);
	if (is_of_bytes(left) != is_of_bytes(right))
		return is_of_bytes(left) - is_of_bytes(right);
	return (left->tests < right->tests) - (left->tests > right->tests);
}

/* The first few values, then the first few that count bytes. */
static void choose(const struct use *uses, size_t n, struct ir_keys *keys)
{
	size_t values = 0;

	for (size_t i = 0; i < n && keys->n < IR_CLASS_KEYS && is_key(&uses[i]); i++) {
		if (!is_of_bytes(&uses[i]) && values++ >= IR_CLASS_KEYS - 2)
			continue;
		keys->keys[keys->n++] = uses[i].quantity;
	}
}

bool ir_keys_find(const struct ir *ir, const uint32_t *order, size_t n, struct ir_keys *keys)
{
	size_t n_uses = 2 * ir->n_values + 1;
	_free_ struct use *uses = calloc(n_uses, sizeof(*uses));

	*keys = (struct ir_keys){ 0 };
	if (!uses)
		return false;
	for (size_t i = 0; i < n; i++) {
		struct ir_test test;

		if (ir_test_of(&ir->blocks[order[i]].end, &test))
			count(use_of(uses, ir, test.quantity), &test);
	}
	qsort(uses, n_uses, sizeof(*uses), compare);
	choose(uses, n_uses, keys);
	return true;
}

/* The sets of the keys. */
struct class
{
	uint32_t sets[IR_CLASS_KEYS];
	uint8_t joined; /* the class that it has become part of, or itself */
};

/* Is all that may be in a class possible in another? */
static bool is_part(const struct ir_store *store, const struct ir_keys *keys, const struct class *a,
		    const struct class *b)
{
	for (size_t i = 0; i < keys->n; i++) {
		if (a->sets[i] == b->sets[i])
			continue;
		if (a->sets[i] == SHORT || b->sets[i] == SHORT)
			return false;
		if (b->sets[i] == IR_SET_ALL)
			continue;
		if (a->sets[i] == IR_SET_ALL ||
		    !ir_set_holds(ir_set_at(store, b->sets[i]), ir_set_at(store, a->sets[i])))
			return false;
	}
	return true;
}

/* How much two classes agree, the keys most asked counting most. */
static unsigned int likeness(const struct ir_keys *keys, const struct class *a,
			     const struct class *b)
{
	unsigned int sum = 0;

	for (size_t i = 0; i < keys->n; i++)
		sum = 2 * sum + (a->sets[i] == b->sets[i]);
	return sum;
}

/* Give up as many classes as are too many, each to the one that is most like it. */
static void join_nearest(const struct ir_keys *keys, struct class *classes, size_t n, size_t most)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		size_t best = i;

		if (classes[i].joined != i || kept++ < most)
			continue;
		for (size_t j = 0; j < i; j++) {
			if (classes[j].joined == j &&
			    (best == i || likeness(keys, &classes[i], &classes[j]) >
						  likeness(keys, &classes[i], &classes[best])))
				best = j;
		}
		classes[i].joined = best;
	}
}

static void join_parts(const struct ir_store *store, const struct ir_keys *keys,
		       struct class *classes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < n && classes[i].joined == i; j++) {
			if (j != i && classes[j].joined == j &&
			    is_part(store, keys, &classes[i], &classes[j]))
				classes[i].joined = j;
		}
	}
}

static uint32_t set_for_class(const struct ir_store *store, const struct ir_facts *facts,
			      ir_quantity quantity)
{
	uint32_t index = ir_facts_index(facts, quantity);
	const struct ir_set *set = ir_set_at(store, index);

	if (index == IR_SET_ALL || !(quantity & IR_BYTES))
		return index;
	return set->ranges[set->n - 1].last < UINT32_MAX ? SHORT : index;
}

static size_t find_class(const struct ir_store *store, const struct ir_keys *keys,
			 struct class *classes, size_t *n, const struct ir_facts *facts)
{
	struct class class;
	size_t i = 0;

	for (size_t k = 0; k < keys->n; k++)
		class.sets[k] = set_for_class(store, facts, keys->keys[k]);
	while (i < *n && memcmp(classes[i].sets, class.sets, keys->n * sizeof(*class.sets)))
		i++;
	if (i < *n)
		return i;
	if (*n == 2 * IR_CLASSES_MAX)
		return 0;
	class.joined = i;
	classes[(*n)++] = class;
	return i;
}

/* Number those that are left. */
static size_t number(struct class *classes, size_t n, uint8_t *number_of)
{
	size_t left = 0;

	for (size_t i = 0; i < n; i++) {
		if (classes[i].joined == i)
			number_of[i] = left++;
	}
	for (size_t i = 0; i < n; i++) {
		size_t to = i;

		while (classes[to].joined != to)
			to = classes[to].joined;
		number_of[i] = number_of[to];
	}
	return left;
}

size_t ir_classify(const struct ir_store *store, const struct ir_keys *keys,
		   const struct ir_facts *const *facts, size_t n, size_t most, uint8_t *class_of)
{
	struct class classes[2 * IR_CLASSES_MAX];
	uint8_t number_of[2 * IR_CLASSES_MAX];
	size_t n_classes = 0, left;

	if (most <= 1) {
		memset(class_of, 0, n);
		return 1;
	}
	for (size_t i = 0; i < n; i++)
		class_of[i] = find_class(store, keys, classes, &n_classes, facts[i]);
	join_parts(store, keys, classes, n_classes);
	join_nearest(keys, classes, n_classes, most);
	left = number(classes, n_classes, number_of);
	for (size_t i = 0; i < n; i++)
		class_of[i] = number_of[class_of[i]];
	return left;
}
