// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lists that a lifted expression looks up (struct cbpf_place) as switches: one for a value of one
 * word; of several words, one for the first, and behind each of its cases one for the next, of
 * those elements that begin so.
 */
#include <stdlib.h>

#include "ir_lower.h"

struct lookup {
	struct body *body;
	const struct cbpf_place *place;
	unsigned int words;
};

/* One word of it: which one, and where a packet goes whose other words do not matter. */
struct level {
	const struct lookup *lookup;
	unsigned int word;
	uint32_t accept;
	struct ir_case *cases;
	size_t n;
};

/* Is nothing asked of the words behind this one? */
static bool ends_at(const struct level *l, const struct cbpf_element *element)
{
	for (unsigned int word = l->word + 1; word < l->lookup->words; word++)
		if (element->first[word] || element->last[word] != UINT32_MAX)
			return false;
	return true;
}

/* By their first value; of those that begin alike the ones that end here are first. */
static int by_first(const void *a, const void *b, void *level)
{
	const struct level *l = level;
	const struct cbpf_element *x = *(const struct cbpf_element *const *)a,
				  *y = *(const struct cbpf_element *const *)b;

	if (x->first[l->word] != y->first[l->word])
		return x->first[l->word] < y->first[l->word] ? -1 : 1;
	return ends_at(l, y) - ends_at(l, x);
}

/* Where it goes on when the comparison of a word came out so. */
static uint32_t outcome(const struct lookup *l, unsigned int word, bool yes)
{
	uint32_t at = l->place->at[word];
	const struct sock_filter *insn = &l->body->prog->insns[at];

	return l->body->starts[at + 1 + (yes ? insn->jt : insn->jf)];
}

/* A block that loads the next word. It may take several; the last one is left to be filled. */
static uint32_t load_next(const struct lookup *l, unsigned int word)
{
	struct body *b = l->body;
	const struct sock_filter *insns = b->prog->insns;
	uint32_t block = b->now = body_block(b), i = l->place->at[word];

	for (i += 1 + insns[i].jt; i != l->place->at[word + 1]; i++) {
		if (insns[i].code == (BPF_JMP | BPF_JA))
			i += insns[i].k;
		else
			body_insn(b, i);
	}
	return block;
}

/* It is in the list whatever its other words are; but these must be in the packet. */
static uint32_t accept(const struct lookup *l, unsigned int word)
{
	struct body *b = l->body;
	uint32_t first = IR_NO_BLOCK;

	for (; word + 1 < l->words && !b->oom; word++) {
		uint32_t before = b->now, block = load_next(l, word);

		if (first == IR_NO_BLOCK)
			first = block;
		else
			b->ir->blocks[before].end = ir_goto(block);
	}
	if (first == IR_NO_BLOCK)
		return outcome(l, word, true);
	if (!b->oom)
		b->ir->blocks[b->now].end = ir_goto(outcome(l, word, true));
	return first;
}

static void look_up(const struct lookup *l, unsigned int word, const struct cbpf_element **elements,
		    size_t n);

static void add_case(struct level *l, uint32_t first, uint32_t last, uint32_t to)
{
	struct ir_case *added = array_add(l->cases, l->n);

	if (added)
		*added = (struct ir_case){ first, last, to };
	else
		l->lookup->body->oom = true;
}

/* A range; it goes up to `end` with those before it. */
static void add_range(struct level *l, const struct cbpf_element *element, uint64_t *end)
{
	uint32_t first = element->first[l->word], last = element->last[l->word];
	struct ir_case *before = l->n ? &l->cases[l->n - 1] : NULL;

	if (last < *end)
		return;
	if (l->accept == IR_NO_BLOCK)
		l->accept = accept(l->lookup, l->word);
	if (before && before->to == l->accept && first <= *end)
		before->last = last;
	else
		add_case(l, first < *end ? *end : first, last, l->accept);
	*end = (uint64_t)last + 1;
}

/* Elements that go on alike, if no range has them all: they are looked at by their next word. */
static void add_value(struct level *l, const struct cbpf_element **elements, size_t n, uint64_t end)
{
	uint32_t value = elements[0]->first[l->word];

	if (value < end)
		return;
	add_case(l, value, value, load_next(l->lookup, l->word));
	look_up(l->lookup, l->word + 1, elements, n);
}

/* Fill the block, which has loaded the word: a switch. */
static void look_up(const struct lookup *lookup, unsigned int word,
		    const struct cbpf_element **elements, size_t n)
{
	struct level l = { .lookup = lookup, .word = word, .accept = IR_NO_BLOCK };
	struct body *b = lookup->body;
	uint32_t block = b->now;
	uint64_t end = 0;
	size_t alike;

	qsort_r(elements, n, sizeof(*elements), by_first, &l);
	for (size_t i = 0; i < n && !b->oom; i += alike) {
		alike = 1;
		if (ends_at(&l, elements[i])) {
			add_range(&l, elements[i], &end);
			continue;
		}
		while (i + alike < n &&
		       elements[i + alike]->first[word] == elements[i]->first[word])
			alike++;
		add_value(&l, &elements[i], alike, end);
	}
	if (b->oom || block == IR_NO_BLOCK) {
		free(l.cases);
		return;
	}
	b->ir->blocks[block].end = (struct ir_end){ .kind = IR_SWITCH,
						    .var = IR_A,
						    .value = IR_NO_VALUE,
						    .right = IR_NO_VALUE,
						    .yes = IR_NO_BLOCK,
						    .no = outcome(lookup, word, false),
						    .cases = l.cases,
						    .n_cases = l.n };
}

bool body_lookup(struct body *b, size_t i)
{
	const struct cbpf *prog = b->prog;
	const struct cbpf_element **elements;
	const struct cbpf_place *place = prog->places;
	const struct cbpf_list *list;
	struct lookup l;

	while (place < prog->places + prog->n_places && place->at[0] != i)
		place++;
	if (place == prog->places + prog->n_places)
		return false;
	list = &prog->lists[place->list];
	elements = calloc(list->n + 1, sizeof(*elements));
	for (size_t e = 0; e < list->n && elements; e++)
		elements[e] = &list->elements[e];
	b->oom |= !elements;
	l = (struct lookup){ b, place, list->words };
	if (!b->oom)
		look_up(&l, 0, elements, list->n);
	free(elements);
	b->now = IR_NO_BLOCK;
	return true;
}
