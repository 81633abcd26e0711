// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each path through a rule's graph to its match makes a box: of each branch on a field the range
 * of the side taken. What is no range, or not about a field, is left out, and the box is not exact.
 */
#include "ir_boxes.h"

#include <stdlib.h>
#include <string.h>

enum { STEPS_MAX = 2000, IP_HEADER = 14, HOLES_MAX = 16 };

/* What is known of the packet on a path. */
struct path {
	struct ir_box box;
	struct ir_bound holes[HOLES_MAX]; /* ranges that a field is not in */
	size_t n_holes;
	uint32_t length, length_behind; /* bytes that it has, from its start and from X on */
};

struct walk {
	const struct ir *ir;
	bool *on_path; /* blocks */
	struct ir_box *boxes;
	size_t n;
	unsigned int steps;
	bool lost; /* too much, or a loop: nothing is known */
};

struct ir_bound *ir_box_bound(struct ir_box *box, const struct ir_field *field)
{
	for (size_t i = 0; i < box->n; i++) {
		if (ir_field_equal(&box->bounds[i].field, field))
			return &box->bounds[i];
	}
	return NULL;
}

static bool is_operation(const struct ir *ir, uint32_t value, enum ir_op op, uint32_t k)
{
	const struct ir_value *v = &ir->values[value];

	return v->op == op && v->b == IR_NO_VALUE && v->k == k;
}

/* 4 * ([14] & 0xf) */
static bool is_header_length(const struct ir *ir, uint32_t value)
{
	const struct ir_value *load;
	uint32_t nibble;

	if (!is_operation(ir, value, IR_LSH, 2))
		return false;
	nibble = ir->values[value].a;
	if (!is_operation(ir, nibble, IR_AND, 0xf))
		return false;
	load = &ir->values[ir->values[nibble].a];
	return load->op == IR_LOAD && load->a == IR_NO_VALUE && load->size == 1 &&
	       load->k == IP_HEADER;
}

/* A load, or a load and a mask. */
static bool as_field(const struct ir *ir, uint32_t value, struct ir_field *field)
{
	const struct ir_value *load = &ir->values[value];
	uint32_t mask = UINT32_MAX;

	if (load->op == IR_AND && load->b == IR_NO_VALUE) {
		mask = load->k;
		load = &ir->values[load->a];
	}
	if (load->op != IR_LOAD || load->k + load->size > INT16_MAX)
		return false;
	*field = (struct ir_field){ .k = load->k,
				    .mask = mask & ir_all_bits(load->size),
				    .size = load->size,
				    .behind_ip = load->a != IR_NO_VALUE };
	return !field->behind_ip || is_header_length(ir, load->a);
}

/* Are the bits that are not in the mask all below those that are? Then it is equal to k in a range
 * of the field without the mask. */
static void widen(struct ir_bound *bound)
{
	uint32_t max = ir_all_bits(bound->field.size), low = ~bound->field.mask & max;

	if (low & (low + 1) || bound->first != bound->last)
		return;
	bound->field.mask = max;
	bound->last |= low;
}

enum side { IN_RANGE, OUTSIDE, UNKNOWN };

/* Which values of a field take `yes`: those in the bound, or those outside of it. */
static enum side range_of(const struct ir_end *end, struct ir_bound *bound)
{
	uint32_t k = end->k;

	bound->first = 0;
	bound->last = bound->field.mask;
	switch ((enum ir_cond)end->cond) {
	case IR_EQ:
		bound->first = bound->last = k;
		widen(bound);
		return IN_RANGE;
	case IR_GT:
		bound->last = k;
		return OUTSIDE;
	case IR_GE:
		bound->last = k - 1;
		return k ? OUTSIDE : UNKNOWN;
	case IR_ANY:
		bound->field.mask &= k;
		bound->last = 0;
		return OUTSIDE;
	}
	return UNKNOWN;
}

/* A hole at the lower or upper end leaves a range. */
static bool rest_of(const struct ir_bound *hole, struct ir_bound *rest)
{
	*rest = *hole;
	if (!hole->first && hole->last < hole->field.mask) {
		rest->first = hole->last + 1;
		rest->last = hole->field.mask;
		return true;
	}
	if (hole->first && hole->last >= hole->field.mask) {
		rest->first = 0;
		rest->last = hole->first - 1;
		return true;
	}
	return false;
}

/* False if no packet is in the box any more. */
static bool narrow(struct ir_box *box, const struct ir_bound *bound)
{
	struct ir_bound *known = ir_box_bound(box, &bound->field);

	if (!known && box->n < BOX_BOUNDS)
		box->bounds[box->n++] = *bound;
	else if (!known)
		box->exact = false;
	if (!known)
		return true;
	known->first = bound->first > known->first ? bound->first : known->first;
	known->last = bound->last < known->last ? bound->last : known->last;
	return known->first <= known->last;
}

static void add_hole(struct path *path, const struct ir_bound *hole)
{
	if (path->n_holes < HOLES_MAX)
		path->holes[path->n_holes++] = *hole;
	else
		path->box.exact = false;
}

/* Take a side of a branch. False if no packet does. */
static bool take(const struct ir *ir, const struct ir_end *end, bool yes, struct path *path)
{
	struct ir_bound bound, rest;
	enum side side = UNKNOWN;

	if (end->value != IR_NO_VALUE && end->right == IR_NO_VALUE &&
	    as_field(ir, end->value, &bound.field))
		side = range_of(end, &bound);
	if (side == UNKNOWN) {
		path->box.exact = false;
		return true;
	}
	if ((side == IN_RANGE) == yes)
		return narrow(&path->box, &bound);
	if (rest_of(&bound, &rest))
		return narrow(&path->box, &rest);
	add_hole(path, &bound);
	return true;
}

/* Are the holes outside of the box, so that they say nothing new? Else it is not exact. */
static bool holes_are_outside(struct path *path)
{
	for (size_t i = 0; i < path->n_holes; i++) {
		const struct ir_bound *hole = &path->holes[i];
		const struct ir_bound *bound = ir_box_bound(&path->box, &hole->field);

		if (!bound || (hole->first <= bound->last && hole->last >= bound->first))
			return false;
	}
	return true;
}

/* Does a packet that has the box's fields have all that was checked for? */
static bool has_length(const struct path *path)
{
	uint32_t length = IP_HEADER, behind = 0;

	for (size_t i = 0; i < path->box.n; i++) {
		const struct ir_field *field = &path->box.bounds[i].field;
		uint32_t *has = field->behind_ip ? &behind : &length;

		*has = field->k + field->size > *has ? field->k + field->size : *has;
	}
	length = behind > length ? behind : length;
	return length >= path->length && behind >= path->length_behind;
}

static void add_box(struct walk *w, struct path *path)
{
	path->box.exact &= holes_are_outside(path) && has_length(path);
	w->boxes[w->n++] = path->box;
}

static void note_check(const struct ir *ir, const struct ir_end *end, struct path *path)
{
	uint32_t *length = end->indexed ? &path->length_behind : &path->length;

	if (end->indexed && (end->value == IR_NO_VALUE || !is_header_length(ir, end->value)))
		path->box.exact = false;
	*length = end->k > *length ? end->k : *length;
}

static void walk(struct walk *w, uint32_t number, const struct path *path);

static void walk_sides(struct walk *w, const struct ir_end *end, const struct path *path)
{
	for (size_t i = 0; i < ir_n_next(end); i++) {
		struct path side = *path;

		if (end->kind == IR_BRANCH && !take(w->ir, end, i == 0, &side))
			continue;
		if (end->kind == IR_CHECK && i == 0)
			note_check(w->ir, end, &side);
		else if (end->kind != IR_GOTO && end->kind != IR_BRANCH)
			side.box.exact = false;
		walk(w, ir_next_of(end, i), &side);
	}
}

/* Rule 0 is the one; all else is the run's end. */
static void walk(struct walk *w, uint32_t number, const struct path *path)
{
	const struct ir_end *end = &w->ir->blocks[number].end;

	if (++w->steps > STEPS_MAX || w->on_path[number] || w->n == BOXES_MAX)
		w->lost = true;
	if (w->lost)
		return;
	w->on_path[number] = true;
	if (end->kind != IR_VERDICT) {
		walk_sides(w, end, path);
	} else if (w->ir->blocks[number].rule == 0) {
		struct path whole = *path;

		add_box(w, &whole);
	}
	w->on_path[number] = false;
}

/* The rule by itself, its whole packet in the linear part. */
static int lower_alone(const struct filter_rule *rule, struct ir *ir)
{
	const struct filter_rule alone = { .cbpf = rule->cbpf, .verb = FILTER_DROP };
	const struct filter_run run = { .rules = &alone, .n_rules = 1 };
	int err = ir_lower(&run, ir);

	return err ? err : ir_pass_values(ir);
}

int ir_boxes(const struct filter_rule *rule, struct ir_box **boxes, size_t *n)
{
	const struct path all = { .box.exact = true };
	_free_ struct ir_box *found = calloc(BOXES_MAX, sizeof(*found));
	_free_ bool *on_path = NULL;
	struct walk w = { .boxes = found };
	struct ir ir = { 0 };
	int err = found ? lower_alone(rule, &ir) : fail_oom();

	if (!err) {
		on_path = calloc(ir.n, sizeof(*on_path));
		err = on_path ? 0 : fail_oom();
	}
	if (!err) {
		w.ir = &ir;
		w.on_path = on_path;
		walk(&w, 0, &all);
		if (w.lost) {
			w.n = 1;
			found[0] = (struct ir_box){ 0 };
		}
		*n = w.n;
		*boxes = TAKE(found);
	}
	ir_free(&ir);
	return err;
}

/* In how many fields they differ, if they bound the same ones; else more than any. */
static size_t difference(struct ir_box *a, struct ir_box *b)
{
	size_t differ = 0;

	if (a->n != b->n)
		return SIZE_MAX;
	for (size_t i = 0; i < a->n; i++) {
		const struct ir_bound *other = ir_box_bound(b, &a->bounds[i].field);

		if (!other)
			return SIZE_MAX;
		differ += other->first != a->bounds[i].first || other->last != a->bounds[i].last;
	}
	return differ;
}

/* Do two ranges leave no gap? */
static bool touch(const struct ir_bound *a, const struct ir_bound *b)
{
	return (uint64_t)a->last + 1 >= b->first && (uint64_t)b->last + 1 >= a->first;
}

/* Is the smallest box around two no more than the two? They differ in so many fields. */
static bool covers_exactly(struct ir_box *a, struct ir_box *b, size_t differ)
{
	if (!differ)
		return a->exact || b->exact;
	for (size_t i = 0; i < a->n && differ == 1; i++) {
		if (!touch(&a->bounds[i], ir_box_bound(b, &a->bounds[i].field)))
			return false;
	}
	return a->exact && b->exact && differ == 1;
}

/* Grow a box so that it holds another one too. */
static void cover(struct ir_box *box, struct ir_box *other)
{
	bool exact = covers_exactly(box, other, difference(box, other));
	size_t kept = 0;

	for (size_t i = 0; i < box->n; i++) {
		struct ir_bound bound = box->bounds[i];
		const struct ir_bound *also = ir_box_bound(other, &bound.field);

		if (!also)
			continue;
		bound.first = also->first < bound.first ? also->first : bound.first;
		bound.last = also->last > bound.last ? also->last : bound.last;
		box->bounds[kept++] = bound;
	}
	box->n = kept;
	box->exact = exact;
}

/* Cover pairs that differ in so many fields at most, while there are too many. */
static size_t merge_near(struct ir_box *boxes, size_t n, size_t most, size_t apart)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t j = i + 1; j < n;) {
			size_t differ = difference(&boxes[i], &boxes[j]);

			if (differ > apart || (differ && n <= most)) {
				j++;
				continue;
			}
			cover(&boxes[i], &boxes[j]);
			boxes[j] = boxes[--n];
		}
	}
	return n;
}

size_t ir_boxes_merge(struct ir_box *boxes, size_t n, size_t most)
{
	n = merge_near(boxes, n, most, 0);
	n = merge_near(boxes, n, most, 1);
	for (; n > most; n--)
		cover(&boxes[n - 2], &boxes[n - 1]);
	return n;
}
