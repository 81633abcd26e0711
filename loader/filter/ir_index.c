// SPDX-License-Identifier: GPL-2.0-only
#include "ir_index.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <stdlib.h>
#include <string.h>

enum {
	WORD = 64,
	HALF = 32,	/* of a word: what a PROBE can tell bits of */
	RULE_BOXES = 2, /* bits of a rule */
	CHUNK = 8,	/* rules that are skipped together */
	FIELDS_SEEN = 64,
	FIELD_SHARE = 100, /* of so many rules one asks a field that is worth a look-up */
};

struct rule_bits {
	struct ir_box boxes[INDEX_KINDS][RULE_BOXES];
	size_t n[INDEX_KINDS];
	uint32_t bit; /* the first of them, in the order of the boxes */
	size_t n_bits;
};

struct build {
	struct ir *ir;
	const struct filter_run *run;
	struct ir_view view;
	struct ir_index *index;
	struct rule_bits *rules;
	size_t n_rules; /* that have bits */
};

static const struct ir_field ethertype = { .k = offsetof(struct ethhdr, h_proto),
					   .mask = UINT16_MAX,
					   .size = 2 };

void ir_index_free(struct ir_index *index)
{
	for (size_t i = 0; index && i < INDEX_KINDS; i++) {
		struct index_part *part = &index->parts[i];

		for (size_t j = 0; j < part->n_fields; j++) {
			table_free(&part->fields[j].table);
			free(part->fields[j].vectors);
		}
		free(part->all);
	}
	free(index);
}

static void set_bit(uint64_t *vector, uint32_t bit)
{
	vector[bit / WORD] |= (uint64_t)1 << bit % WORD;
}

static void clear_bit(uint64_t *vector, uint32_t bit)
{
	vector[bit / WORD] &= ~((uint64_t)1 << bit % WORD);
}

/* Rules to boxes and bits */

/* May a packet of this kind be in the box? If so, its Ethernet type need not be asked again. */
static bool belongs(struct ir_box *box, enum index_kind kind)
{
	static const uint16_t types[] = { [INDEX_IPV4] = ETH_P_IP, [INDEX_IPV6] = ETH_P_IPV6 };
	struct ir_bound *bound = ir_box_bound(box, &ethertype);

	if (!bound)
		return true;
	if (kind == INDEX_OTHER)
		return bound->first != bound->last ||
		       (bound->first != ETH_P_IP && bound->first != ETH_P_IPV6);
	if (bound->first > types[kind] || bound->last < types[kind])
		return false;
	*bound = box->bounds[--box->n];
	return true;
}

static void sort_boxes(struct rule_bits *bits, const struct ir_box *boxes, size_t n)
{
	for (int kind = 0; kind < INDEX_KINDS; kind++) {
		struct ir_box some[BOXES_MAX];
		size_t kept = 0;

		for (size_t i = 0; i < n; i++) {
			some[kept] = boxes[i];
			kept += belongs(&some[kept], kind);
		}
		kept = ir_boxes_merge(some, kept, RULE_BOXES);
		memcpy(bits->boxes[kind], some, kept * sizeof(*some));
		bits->n[kind] = kept;
		bits->n_bits = kept > bits->n_bits ? kept : bits->n_bits;
	}
	bits->n_bits += !bits->n_bits;
}

/* A program that reads slowly by a subprogram leaves it some of its stack. */
static uint32_t most_bits(const struct build *b)
{
	return WORD * (b->run->hook == FILTER_TC ? INDEX_WORDS - 4 : INDEX_WORDS);
}

/* The bits of a rule stand in one half of a word. */
static int give_bits(struct build *b)
{
	uint32_t next = 0;

	for (; b->n_rules < b->run->n_rules; b->n_rules++) {
		struct rule_bits *bits = &b->rules[b->n_rules];
		_free_ struct ir_box *boxes = NULL;
		size_t n;
		int err = ir_boxes(&b->run->rules[b->n_rules], &boxes, &n);

		if (err)
			return err;
		sort_boxes(bits, boxes, n);
		if (next % HALF + bits->n_bits > HALF)
			next = (next / HALF + 1) * HALF;
		if (next + bits->n_bits > most_bits(b))
			return -E2BIG;
		bits->bit = next;
		next += bits->n_bits;
	}
	b->index->n_words = (next + WORD - 1) / WORD;
	return 0;
}

/* Fields */

struct field_use {
	struct ir_field field;
	size_t boxes;
};

/* Is the field in place in each packet that has it? */
static bool is_sure(const struct build *b, const struct ir_field *field)
{
	enum { IP_MAX = 60 };

	return field->k + field->size + (field->behind_ip ? IP_MAX : 0) <= b->view.sure;
}

/* The first byte behind the field: which load finds it is not asked. */
static bool can_load(const struct build *b, const struct ir_field *field)
{
	return !field->behind_ip || !b->run->by_helper;
}

static size_t count_box(const struct build *b, const struct ir_box *box, struct field_use *uses,
			size_t n)
{
	for (size_t i = 0; i < box->n; i++) {
		const struct ir_field *field = &box->bounds[i].field;
		size_t at = 0;

		while (at < n && !ir_field_equal(&uses[at].field, field))
			at++;
		if (at == FIELDS_SEEN || !can_load(b, field))
			continue;
		if (at == n)
			uses[n++] = (struct field_use){ .field = *field };
		uses[at].boxes++;
	}
	return n;
}

static int by_boxes(const void *a, const void *b)
{
	const struct field_use *s = a, *t = b;

	return s->boxes < t->boxes ? 1 : -(s->boxes > t->boxes);
}

/* The fields that tell the most rules apart, the most telling first. */
static size_t choose_fields(const struct build *b, enum index_kind kind, struct field_use *uses)
{
	size_t n = 0, kept = 0;

	for (size_t i = 0; i < b->n_rules; i++) {
		for (size_t j = 0; j < b->rules[i].n[kind]; j++)
			n = count_box(b, &b->rules[i].boxes[kind][j], uses, n);
	}
	qsort(uses, n, sizeof(*uses), by_boxes);
	while (kept < n && kept < INDEX_FIELDS && uses[kept].boxes > b->n_rules / FIELD_SHARE)
		kept++;
	return kept;
}

/* From a value of the field on, a bit is set, or is not any more. */
struct event {
	uint64_t at;
	uint32_t bit;
	bool set;
};

static int by_place(const void *a, const void *b)
{
	const struct event *s = a, *t = b;

	return s->at < t->at ? -1 : s->at > t->at;
}

struct sweep {
	const struct build *b;
	struct index_field *field;
	struct event *events;
	size_t n_events;
	struct table_range *ranges;
	size_t n_ranges;
	uint32_t *by_hash; /* classes by the hash of their vectors, plus 1 */
	size_t n_hash;
	uint64_t *now; /* the vector at the place that the sweep has come to */
};

static size_t vector_size(const struct sweep *s)
{
	return s->b->index->n_words * sizeof(uint64_t);
}

static uint64_t *vector_of(const struct sweep *s, size_t class)
{
	return &s->field->vectors[class * s->b->index->n_words];
}

/* The class of the vector at hand; there is room for all that can come. */
static uint32_t class_of(struct sweep *s)
{
	uint64_t hash = 0;

	for (size_t i = 0; i < s->b->index->n_words; i++)
		hash = (hash ^ s->now[i]) * 0x9e3779b97f4a7c15 + (hash >> 29);
	for (hash ^= hash >> 32;; hash++) {
		uint32_t *at = &s->by_hash[hash % s->n_hash];

		if (*at && !memcmp(vector_of(s, *at - 1), s->now, vector_size(s)))
			return *at - 1;
		if (*at)
			continue;
		*at = ++s->field->n_vectors;
		memcpy(vector_of(s, *at - 1), s->now, vector_size(s));
		return *at - 1;
	}
}

static int sweep_allocate(struct sweep *s, enum index_kind kind)
{
	size_t boxes = 0;

	for (size_t i = 0; i < s->b->n_rules; i++)
		boxes += s->b->rules[i].n[kind];
	s->n_hash = 4 * boxes + 5;
	s->events = calloc(2 * boxes + 1, sizeof(*s->events));
	s->ranges = calloc(2 * boxes + 1, sizeof(*s->ranges));
	s->by_hash = calloc(s->n_hash, sizeof(*s->by_hash));
	s->now = calloc(1, vector_size(s));
	s->field->vectors = calloc(2 * boxes + 3, vector_size(s));
	return s->events && s->ranges && s->by_hash && s->now && s->field->vectors ? 0 : fail_oom();
}

static void sweep_free(struct sweep *s)
{
	free(s->events);
	free(s->ranges);
	free(s->by_hash);
	free(s->now);
}

/* A box that does not bound the field is met by all that it may hold. */
static void add_box(struct sweep *s, struct ir_box *box, uint32_t bit)
{
	const struct ir_bound *bound = ir_box_bound(box, &s->field->field);

	if (!bound) {
		set_bit(s->now, bit);
		return;
	}
	s->events[s->n_events++] = (struct event){ bound->first, bit, true };
	s->events[s->n_events++] = (struct event){ (uint64_t)bound->last + 1, bit, false };
}

static void add_boxes(struct sweep *s, enum index_kind kind)
{
	for (size_t i = 0; i < s->b->n_rules; i++) {
		struct rule_bits *bits = &s->b->rules[i];

		for (size_t j = 0; j < bits->n[kind]; j++)
			add_box(s, &bits->boxes[kind][j], bits->bit + j);
	}
	qsort(s->events, s->n_events, sizeof(*s->events), by_place);
}

/* Class 0 is that of values that no box bounds. */
static void sweep_over(struct sweep *s)
{
	for (size_t i = 0, next; i < s->n_events; i = next) {
		uint32_t class;

		for (next = i; next < s->n_events && s->events[next].at == s->events[i].at;
		     next++) {
			if (s->events[next].set)
				set_bit(s->now, s->events[next].bit);
			else
				clear_bit(s->now, s->events[next].bit);
		}
		class = class_of(s);
		if (class && next < s->n_events)
			s->ranges[s->n_ranges++] =
				(struct table_range){ s->events[i].at, s->events[next].at - 1,
						      class };
	}
}

/* Of a packet that is not all in place, nothing is known where the field is not in reach. */
static void add_absent_class(struct sweep *s, const uint64_t *all)
{
	s->field->absent = s->field->n_vectors++;
	memcpy(vector_of(s, s->field->absent),
	       is_sure(s->b, &s->field->field) ? vector_of(s, 0) : all, vector_size(s));
}

/* Give back what is too much, up to the next power of two. */
static int fit(struct sweep *s)
{
	size_t n = 1;
	uint64_t *fitting;

	while (n < s->field->n_vectors)
		n *= 2;
	fitting = calloc(n, vector_size(s));
	if (!fitting)
		return fail_oom();
	memcpy(fitting, s->field->vectors, s->field->n_vectors * vector_size(s));
	free(s->field->vectors);
	s->field->vectors = fitting;
	s->field->n_vectors = n;
	return 0;
}

static int build_field(const struct build *b, enum index_kind kind, const struct ir_field *field,
		       struct index_field *out)
{
	struct sweep s = { .b = b, .field = out };
	int err;

	*out = (struct index_field){ .field = *field };
	err = sweep_allocate(&s, kind);
	if (!err) {
		add_boxes(&s, kind);
		class_of(&s);
		sweep_over(&s);
		add_absent_class(&s, b->index->parts[kind].all);
		err = fit(&s);
	}
	if (!err)
		err = table_build(s.ranges, s.n_ranges, 0, field->mask, &out->table);
	sweep_free(&s);
	return err;
}

static int build_part(struct build *b, enum index_kind kind)
{
	struct index_part *part = &b->index->parts[kind];
	struct field_use uses[FIELDS_SEEN];
	size_t n = choose_fields(b, kind, uses);
	int err = 0;

	part->all = calloc(b->index->n_words, sizeof(*part->all));
	if (!part->all)
		return fail_oom();
	for (size_t i = 0; i < b->n_rules; i++) {
		for (size_t j = 0; j < b->rules[i].n[kind]; j++)
			set_bit(part->all, b->rules[i].bit + j);
	}
	for (size_t i = 0; i < n && !err; i++)
		err = build_field(b, kind, &uses[i].field, &part->fields[part->n_fields++]);
	return err;
}

/* The graph */

static uint32_t start_of(uint32_t rule)
{
	return rule + 1;
}

static uint32_t mask_of(const struct rule_bits *bits)
{
	return (bits->n_bits == HALF ? UINT32_MAX : (1u << bits->n_bits) - 1) << bits->bit % HALF;
}

/*
 * A PROBE takes the place of a block, so that whoever went there finds it; what was there is
 * behind it. False: memory is out.
 */
static bool put_before(struct build *b, uint32_t at, unsigned int size, uint32_t half,
		       uint32_t mask, uint32_t skip_to)
{
	uint32_t moved = ir_add_block(b->ir, b->ir->blocks[at].rule);
	struct ir_block *block = &b->ir->blocks[at];

	if (moved == IR_NO_BLOCK)
		return false;
	b->ir->blocks[moved] = *block;
	*block = (struct ir_block){ .rule = block->rule, .end = ir_goto(moved) };
	block->end.kind = IR_PROBE;
	block->end.size = size;
	block->end.arg = half;
	block->end.k = mask;
	block->end.no = skip_to;
	return true;
}

/* The first rule behind this one whose bits are in another half, or word. */
static size_t end_of(const struct build *b, size_t from, uint32_t bits)
{
	size_t to = from + 1;

	while (to < b->n_rules && b->rules[to].bit / bits == b->rules[from].bit / bits)
		to++;
	return to;
}

static bool put_chunk_probe(struct build *b, size_t from, size_t to)
{
	uint32_t mask = 0;

	for (size_t i = from; i < to; i++)
		mask |= mask_of(&b->rules[i]);
	return to - from < 2 ||
	       put_before(b, start_of(from), 4, b->rules[from].bit / HALF, mask, start_of(to));
}

static bool put_chunk_probes(struct build *b)
{
	for (size_t from = 0, to; from < b->n_rules; from = to) {
		to = end_of(b, from, HALF);
		to = to < from + CHUNK ? to : from + CHUNK;
		if (!put_chunk_probe(b, from, to))
			return false;
	}
	return true;
}

static bool put_word_probes(struct build *b)
{
	for (size_t from = 0, to; from < b->n_rules; from = to) {
		to = end_of(b, from, WORD);
		if (!put_before(b, start_of(from), 8, b->rules[from].bit / HALF, 0, start_of(to)))
			return false;
	}
	return true;
}

static bool looks_up(const struct index_part *part, const struct ir_field *field)
{
	for (size_t i = 0; i < part->n_fields; i++) {
		if (ir_field_equal(&part->fields[i].field, field))
			return true;
	}
	return false;
}

static bool is_exact(const struct build *b, const struct index_part *part, const struct ir_box *box)
{
	for (size_t i = 0; i < box->n; i++) {
		const struct ir_field *field = &box->bounds[i].field;

		if (!looks_up(part, field) || !is_sure(b, field))
			return false;
	}
	return box->exact;
}

/* Does the rule match whatever its bits are left of? */
static bool bits_decide(const struct build *b, const struct rule_bits *bits)
{
	for (int kind = 0; kind < INDEX_KINDS; kind++) {
		for (size_t i = 0; i < bits->n[kind]; i++) {
			if (!is_exact(b, &b->index->parts[kind], &bits->boxes[kind][i]))
				return false;
		}
	}
	return true;
}

/* What a match of a rule does has a block of its own in each body, first the fast one (ir_lower.c).
 */
static bool is_action(const struct ir_block *block)
{
	return block->end.kind == IR_VERDICT || (block->n && block->insns[0].op == IR_COUNT);
}

static bool put_rule_probes(struct build *b)
{
	size_t n = b->ir->n;

	for (size_t i = 0; i < b->n_rules; i++) {
		const struct rule_bits *bits = &b->rules[i];

		if (!put_before(b, start_of(i), 4, bits->bit / HALF, mask_of(bits),
				start_of(i + 1)))
			return false;
	}
	for (size_t i = n; i--;) {
		const struct ir_block *block = &b->ir->blocks[i];

		if (is_action(block) && block->rule < b->n_rules &&
		    bits_decide(b, &b->rules[block->rule]))
			b->ir->blocks[start_of(block->rule)].end.yes = i;
	}
	return true;
}

/* From the inside out. */
static bool put_probes(struct build *b)
{
	return put_rule_probes(b) && put_chunk_probes(b) && put_word_probes(b);
}

static bool put_index(struct build *b)
{
	uint32_t start = ir_add_block(b->ir, 0);

	if (start == IR_NO_BLOCK)
		return false;
	b->ir->blocks[start] = b->ir->blocks[0];
	b->ir->blocks[0] = (struct ir_block){ .end = ir_goto(start) };
	b->ir->blocks[0].end.kind = IR_INDEX;
	return true;
}

static int build(struct build *b)
{
	int err = give_bits(b);

	for (int kind = 0; kind < INDEX_KINDS && !err; kind++)
		err = build_part(b, kind);
	if (!err && !(put_probes(b) && put_index(b)))
		err = fail_oom();
	return err;
}

int ir_index(struct ir *ir, const struct filter_run *run)
{
	struct build b = { .ir = ir, .run = run };
	int err = ir_view(run, &b.view);

	if (err || run->n_rules < INDEX_RULES || b.view.on_stack)
		return err;
	b.index = calloc(1, sizeof(*b.index));
	b.rules = calloc(run->n_rules, sizeof(*b.rules));
	err = b.index && b.rules ? build(&b) : fail_oom();
	free(b.rules);
	if (err)
		ir_index_free(b.index);
	else
		ir->index = b.index;
	return err;
}
