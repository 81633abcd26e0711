// SPDX-License-Identifier: GPL-2.0-only
/*
 * The look-ups of an index: which fields tell rules apart, the classes of their values, and the
 * vectors of these. Of fields with few classes the vectors are AND-ed here, one for each
 * combination, and not once a packet.
 */
#include "ir_index_parts.h"

#include <stdlib.h>
#include <string.h>

enum {
	FIELDS_SEEN = 64,
	FIELD_SHARE = 100,   /* of so many rules one asks a field that is worth a look-up */
	COMBINED_MAX = 1024, /* vectors of several fields */
};

void part_free(struct index_part *part)
{
	for (size_t i = 0; i < part->n_fields; i++)
		table_free(&part->fields[i].table);
	for (size_t i = 0; i < part->n_groups; i++)
		free(part->groups[i].vectors);
	free(part->all);
}

/* Fields */

struct field_use {
	struct ir_field field;
	size_t boxes;
};

static bool same_place(const struct ir_field *a, const struct ir_field *b)
{
	return a->k == b->k && a->size == b->size && a->behind_ip == b->behind_ip;
}

bool field_tells(const struct ir_field *field, const struct ir_field *other)
{
	return same_place(field, other) && !(other->mask & ~field->mask) &&
	       (field->size == 1 || field->mask == other->mask);
}

/* Where the field ends at the latest. */
static uint32_t end_of_field(const struct ir_field *field)
{
	enum { IP_MAX = 60 };

	return field->k + field->size + (field->behind_ip ? IP_MAX : 0);
}

bool is_sure(const struct build *b, const struct ir_field *field)
{
	return end_of_field(field) <= b->view.sure;
}

static bool can_load(const struct build *b, const struct ir_field *field)
{
	return end_of_field(field) <= b->view.window && !(field->behind_ip && b->run->by_helper);
}

/* The bits of one byte are one field. */
static bool is_one_field(const struct ir_field *a, const struct ir_field *b)
{
	return same_place(a, b) && (a->size == 1 || a->mask == b->mask);
}

static size_t count_box(const struct build *b, const struct ir_box *box, struct field_use *uses,
			size_t n)
{
	for (size_t i = 0; i < box->n; i++) {
		const struct ir_field *field = &box->bounds[i].field;
		size_t at = 0;

		while (at < n && !is_one_field(&uses[at].field, field))
			at++;
		if (at == FIELDS_SEEN || !can_load(b, field))
			continue;
		if (at == n)
			uses[n++] = (struct field_use){ .field = *field };
		uses[at].field.mask |= field->mask;
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

/* Classes */

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

/* The vectors of a field's classes, in the making. */
struct classes {
	const struct build *b;
	const struct ir_field *field;
	struct event *events;
	size_t n_events;
	struct table_range *ranges;
	size_t n_ranges;
	uint64_t *vectors;
	size_t n;
	uint32_t *by_hash; /* classes by the hash of their vectors, plus 1 */
	size_t n_hash;
	uint64_t *now; /* the vector at the place that the sweep has come to */
};

static size_t vector_size(const struct build *b)
{
	return b->index->n_words * sizeof(uint64_t);
}

static uint64_t *vector_of(const struct classes *s, size_t class)
{
	return &s->vectors[class * s->b->index->n_words];
}

/* The class of the vector at hand; there is room for all that can come. */
static uint32_t class_of(struct classes *s)
{
	uint64_t hash = 0;

	for (size_t i = 0; i < s->b->index->n_words; i++)
		hash = (hash ^ s->now[i]) * 0x9e3779b97f4a7c15 + (hash >> 29);
	for (hash ^= hash >> 32;; hash++) {
		uint32_t *at = &s->by_hash[hash % s->n_hash];

		if (*at && !memcmp(vector_of(s, *at - 1), s->now, vector_size(s->b)))
			return *at - 1;
		if (*at)
			continue;
		*at = ++s->n;
		memcpy(vector_of(s, *at - 1), s->now, vector_size(s->b));
		return *at - 1;
	}
}

static void classes_free(struct classes *s)
{
	free(s->events);
	free(s->ranges);
	free(s->vectors);
	free(s->by_hash);
	free(s->now);
}

static int add_event(struct classes *s, uint64_t at, uint32_t bit, bool set)
{
	struct event *event = array_add(s->events, s->n_events);

	if (!event)
		return fail_oom();
	*event = (struct event){ at, bit, set };
	return 0;
}

static bool holds_byte(const struct classes *s, const struct ir_box *box, uint32_t value)
{
	for (size_t i = 0; i < box->n; i++) {
		const struct ir_bound *bound = &box->bounds[i];
		uint32_t bits = value & bound->field.mask;

		if (field_tells(s->field, &bound->field) &&
		    (bits < bound->first || bits > bound->last))
			return false;
	}
	return true;
}

/* A byte whose bits have bounds of their own: each of its values, as the mask leaves them. */
static int add_byte(struct classes *s, const struct ir_box *box, uint32_t bit)
{
	bool set = false;
	int err = 0;

	for (uint32_t value = 0; value <= s->field->mask && !err; value++) {
		if (value & ~s->field->mask || holds_byte(s, box, value) == set)
			continue;
		set = !set;
		err = add_event(s, value, bit, set);
	}
	return err || !set ? err : add_event(s, (uint64_t)s->field->mask + 1, bit, false);
}

/* A box that does not bound the field is met by all that it may hold. */
static int add_box(struct classes *s, const struct ir_box *box, uint32_t bit)
{
	for (size_t i = 0; i < box->n; i++) {
		const struct ir_bound *bound = &box->bounds[i];

		if (!field_tells(s->field, &bound->field))
			continue;
		if (s->field->size == 1)
			return add_byte(s, box, bit);
		return add_event(s, bound->first, bit, true)
			       ?: add_event(s, (uint64_t)bound->last + 1, bit, false);
	}
	set_bit(s->now, bit);
	return 0;
}

static int add_boxes(struct classes *s, enum index_kind kind)
{
	for (size_t i = 0; i < s->b->n_rules; i++) {
		const struct rule_bits *bits = &s->b->rules[i];

		for (size_t j = 0; j < bits->n[kind]; j++) {
			int err = add_box(s, &bits->boxes[kind][j], bits->bit + j);

			if (err)
				return err;
		}
	}
	if (s->n_events)
		qsort(s->events, s->n_events, sizeof(*s->events), by_place);
	return 0;
}

/* Every place where something changes may begin a class; and there are those of nothing at all. */
static int allocate(struct classes *s)
{
	size_t most = s->n_events + 2;

	s->n_hash = 2 * most + 1;
	s->ranges = calloc(most, sizeof(*s->ranges));
	s->by_hash = calloc(s->n_hash, sizeof(*s->by_hash));
	s->vectors = calloc(most, vector_size(s->b));
	return s->ranges && s->by_hash && s->vectors ? 0 : fail_oom();
}

static void apply(struct classes *s, const struct event *event)
{
	uint64_t bit = (uint64_t)1 << event->bit % WORD;

	if (event->set)
		s->now[event->bit / WORD] |= bit;
	else
		s->now[event->bit / WORD] &= ~bit;
}

/* Class 0 is that of values that no box bounds. */
static void sweep_over(struct classes *s)
{
	class_of(s);
	for (size_t i = 0, next; i < s->n_events; i = next) {
		uint32_t class;

		for (next = i; next < s->n_events && s->events[next].at == s->events[i].at; next++)
			apply(s, &s->events[next]);
		class = class_of(s);
		if (class && next < s->n_events)
			s->ranges[s->n_ranges++] =
				(struct table_range){ s->events[i].at, s->events[next].at - 1,
						      class };
	}
}

/* Of a packet that is not all in place, nothing is known where the field is not in reach. */
static uint32_t absent_class(struct classes *s, const uint64_t *all)
{
	memcpy(s->now, is_sure(s->b, s->field) ? vector_of(s, 0) : all, vector_size(s->b));
	return class_of(s);
}

static int find_classes(struct classes *s, enum index_kind kind, struct index_field *out)
{
	int err;

	s->now = calloc(1, vector_size(s->b));
	if (!s->now)
		return fail_oom();
	err = add_boxes(s, kind) ?: allocate(s);
	if (err)
		return err;
	sweep_over(s);
	out->absent = absent_class(s, s->b->index->parts[kind].all);
	out->n_classes = s->n;
	return table_build(s->ranges, s->n_ranges, 0, s->field->mask, &out->table);
}

/* Groups */

static void and_into(uint64_t *vector, const uint64_t *other, size_t n_words)
{
	for (size_t i = 0; i < n_words; i++)
		vector[i] &= other[i];
}

/* Up to the next power of two, so that a mask keeps a number in bounds. */
static size_t fitting(size_t n)
{
	size_t fits = 1;

	while (fits < n)
		fits *= 2;
	return fits;
}

/* A field and its classes become a group's next digit: the lowest one was first. */
static int add_to_group(const struct build *b, struct index_group *group,
			const struct classes *classes)
{
	size_t n = group->n ? group->n_combined : 1, words = b->index->n_words;
	size_t fits = fitting(n * classes->n);
	uint64_t *vectors = calloc(fits, vector_size(b));

	if (!vectors)
		return fail_oom();
	for (size_t i = 0; i < n * classes->n; i++) {
		memcpy(&vectors[i * words], vector_of(classes, i / n), vector_size(b));
		if (group->n)
			and_into(&vectors[i * words], &group->vectors[i % n * words], words);
	}
	free(group->vectors);
	group->vectors = vectors;
	group->n_vectors = fits;
	group->n_combined = n * classes->n;
	group->n++;
	return 0;
}

/* A field joins the group before it if their combinations are few. */
static int add_field(const struct build *b, struct index_part *part, const struct classes *classes)
{
	struct index_group *group = part->groups + part->n_groups;

	if (part->n_groups && group[-1].n_combined * classes->n <= COMBINED_MAX) {
		group--;
	} else {
		group->first = part->n_fields;
		part->n_groups++;
	}
	part->n_fields++;
	return add_to_group(b, group, classes);
}

static int build_all_bits(struct build *b, enum index_kind kind)
{
	struct index_part *part = &b->index->parts[kind];

	part->all = calloc(b->index->n_words, sizeof(*part->all));
	if (!part->all)
		return fail_oom();
	for (size_t i = 0; i < b->n_rules; i++) {
		for (size_t j = 0; j < b->rules[i].n[kind]; j++)
			set_bit(part->all, b->rules[i].bit + j);
	}
	return 0;
}

struct found {
	struct index_field field;
	struct classes classes;
};

static int by_classes(const void *a, const void *b)
{
	const struct found *s = a, *t = b;

	return s->classes.n < t->classes.n ? -1 : s->classes.n > t->classes.n;
}

/* Those with few classes first, for they go together. */
static int group_fields(const struct build *b, struct index_part *part, struct found *found,
			size_t n)
{
	int err = 0;

	qsort(found, n, sizeof(*found), by_classes);
	for (size_t i = 0; i < n && !err; i++) {
		part->fields[part->n_fields] = found[i].field;
		found[i].field.table = (struct table){ 0 };
		err = add_field(b, part, &found[i].classes);
	}
	return err;
}

int build_part(struct build *b, enum index_kind kind)
{
	struct field_use uses[FIELDS_SEEN];
	struct found found[INDEX_FIELDS] = { 0 };
	size_t n = choose_fields(b, kind, uses);
	int err = build_all_bits(b, kind);

	for (size_t i = 0; i < n && !err; i++) {
		found[i].field.field = uses[i].field;
		found[i].classes = (struct classes){ .b = b, .field = &uses[i].field };
		err = find_classes(&found[i].classes, kind, &found[i].field);
	}
	if (!err)
		err = group_fields(b, &b->index->parts[kind], found, n);
	for (size_t i = 0; i < INDEX_FIELDS; i++) {
		table_free(&found[i].field.table);
		classes_free(&found[i].classes);
	}
	return err;
}
