// SPDX-License-Identifier: GPL-2.0-only
#include "parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../loader/fail.h"
#include "../loader/replay.h"

/* A stage comes behind the programs that hold its rule, and before the one that begins after it. */
static size_t place_of_filter(const struct plan_filter *filter)
{
	return 2 * filter->first;
}

static size_t place_of_stage(size_t rule)
{
	return 2 * rule + 1;
}

static int by_place(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	return x->place < y->place ? -1 : x->place > y->place;
}

/* The name is NULL if memory is out. */
static int add(struct parts *parts, const struct part *part)
{
	struct part *place = part->name ? array_add(parts->parts, parts->n) : NULL;

	if (!place) {
		free(part->name);
		return fail_oom();
	}
	*place = *part;
	return 0;
}

static char *name_filter(const struct plan_hook *hook, const struct plan_filter *filter)
{
	size_t n = filter->end - filter->first;
	char *name = NULL;
	int len;

	if (!n)
		return strdup("no rules");
	if (n == 1)
		len = asprintf(&name, "line %u", hook->rules[filter->first].rule->pos.line);
	else
		len = asprintf(&name, "lines %u-%u: %zu rules",
			       hook->rules[filter->first].rule->pos.line,
			       hook->rules[filter->end - 1].rule->pos.line, n);
	return len < 0 ? NULL : name;
}

static int add_filter(const struct plan_hook *hook, const struct plan_filter *filter,
		      struct parts *out)
{
	const struct part part = {
		.name = name_filter(hook, filter),
		.slot = filter->slot,
		.place = place_of_filter(filter),
	};

	return add(out, &part);
}

static int add_stage(const struct plan_hook *hook, size_t rule, struct parts *out)
{
	struct part part = {
		.slot = hook->rules[rule].slot,
		.place = place_of_stage(rule),
		.is_stage = true,
	};

	if (asprintf(&part.name, "line %u: use %s", hook->rules[rule].rule->pos.line,
		     hook->rules[rule].stage->name) < 0)
		part.name = NULL;
	return add(out, &part);
}

int parts_find(const struct subject *subject, struct parts *out)
{
	const struct plan_hook *hook = replay_hook(subject->replay);
	size_t end = 0;
	int err = 0;

	*out = (struct parts){ 0 };
	for (size_t i = 0; i < hook->n_filters && !err; i++) {
		err = add_filter(hook, &hook->filters[i], out);
		end = hook->filters[i].end > end ? hook->filters[i].end : end;
	}
	for (size_t i = 0; i < end && !err; i++) /* those behind are never reached */
		if (hook->rules[i].stage)
			err = add_stage(hook, i, out);
	if (out->n)
		qsort(out->parts, out->n, sizeof(*out->parts), by_place);
	return err;
}

void parts_free(struct parts *parts)
{
	for (size_t i = 0; i < parts->n; i++)
		free(parts->parts[i].name);
	own_free(&parts->parts);
	parts->n = 0;
}

int parts_cut(struct subject *subject, const struct parts *parts, size_t keep)
{
	struct subject nothing = { .prog_fd = -1 };
	int err = subject_load_empty(replay_hook(subject->replay)->hook->kind, &nothing);

	for (size_t i = keep; i < parts->n && !err; i++)
		err = replay_put(subject->replay, parts->parts[i].slot, nothing.prog_fd);
	subject_close(&nothing);
	return err;
}
