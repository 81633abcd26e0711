// SPDX-License-Identifier: GPL-2.0-only
/*
 * A switch is a row of spans: keys from one on, up to the next, have one outcome. Few are found by
 * compares, some by a search that halves them, many by a table, whose results are numbers that are
 * given out so that each kind of outcome has a row of them: these again are spans.
 */
#include "ebpf_switch.h"

#include <errno.h>
#include <stdlib.h>

#include "ebpf_table.h"

enum {
	/*
	 * Measured (pcap-tests/tools/switches cost, ns, one hot packet/16,384 different ones): a
	 * table 2/2 however large; a search 1/8 at 4 keys, 1/14 at 16, 2/22 at 100. A chain of
	 * compares costs as much as a level or two of the search, which a CPU foretells badly.
	 */
	TABLE_SPANS = 12,
	CHAIN_MAX = 24,
	COUNTERS_SPREAD = 1 << 16, /* numbers in a row of counters */
};

/* What is done with a packet: one of a kind. */
enum outcome_kind {
	GO_BLOCK, /* to a block */
	VERDICT,
};

struct outcome {
	enum outcome_kind kind;
	uint32_t block; /* GO_BLOCK: where to */
	enum filter_verb verb;
	uint32_t arg;
	uint32_t counter_at_0; /* the counter is this plus the result, modulo 2^32 */
};

struct span {
	uint32_t first;
	struct outcome outcome;
};

struct spans {
	struct span *spans;
	size_t n;
};

/* A target of the switch, what it does, and the number that stands for it in a table. */
struct target {
	uint32_t block;
	struct outcome outcome;
	uint32_t counter, result;
};

static bool same_kind(const struct outcome *a, const struct outcome *b)
{
	return a->kind == b->kind && a->block == b->block && a->verb == b->verb &&
	       a->arg == b->arg && a->counter_at_0 == b->counter_at_0;
}

static void add_span(struct emit *e, struct spans *spans, uint32_t first,
		     const struct outcome *outcome)
{
	struct span *span;

	if (spans->n && same_kind(&spans->spans[spans->n - 1].outcome, outcome))
		return;
	span = array_add(spans->spans, spans->n);
	if (span)
		*span = (struct span){ first, *outcome };
	else
		e->oom = true;
}

/* Search */

static void emit_outcome(struct emit *e, const struct outcome *outcome)
{
	if (outcome->kind == GO_BLOCK)
		return;
	if (outcome->counter_at_0)
		op(e, BPF_ALU | BPF_ADD | BPF_K, T, 0, 0, outcome->counter_at_0);
	store(e, 4, FP, STACK_KEY, T);
	if (outcome->verb == FILTER_REDIRECT || outcome->verb == FILTER_REDIRECT_INGRESS)
		set_target(e, outcome->arg);
	go_verb(e, outcome->verb);
}

/* The end of a branch of the search; `last`: no more instructions of the switch come behind. */
static void finish(struct emit *e, const struct outcome *outcome, bool last)
{
	emit_outcome(e, outcome);
	if (outcome->kind == VERDICT)
		return;
	if (last)
		go(e, outcome->block);
	else
		jump(e, BPF_JMP | BPF_JA, 0, 0, 0, outcome->block);
}

/* Is span i one key, between spans of the outcome `rest`, or of that itself? */
static bool is_point(const struct spans *s, size_t i, const struct outcome *rest)
{
	return same_kind(&s->spans[i].outcome, rest) ||
	       (i + 1 < s->n && s->spans[i + 1].first - s->spans[i].first == 1 &&
		s->spans[i].outcome.kind == GO_BLOCK);
}

/* Few keys, and one outcome for all others: compare with each. */
static bool emit_points(struct emit *e, const struct spans *s, size_t from, size_t to, enum reg key,
			bool last)
{
	const struct outcome *rest = &s->spans[from].outcome;

	if (to - from > 2 * CHAIN_MAX + 1)
		return false;
	if (from + 1 < to && is_point(s, from, &s->spans[from + 1].outcome))
		rest = &s->spans[from + 1].outcome;
	for (size_t i = from; i < to; i++) {
		if (!is_point(s, i, rest))
			return false;
	}
	for (size_t i = from; i < to; i++) {
		if (!same_kind(&s->spans[i].outcome, rest))
			jump(e, BPF_JMP32 | BPF_JEQ | BPF_K, key, 0, s->spans[i].first,
			     s->spans[i].outcome.block);
	}
	finish(e, rest, last);
	return true;
}

/* Few ranges: compare with the bounds in their order. */
static bool emit_bounds(struct emit *e, const struct spans *s, size_t from, size_t to, enum reg key,
			bool last)
{
	if (to - from > CHAIN_MAX + 1)
		return false;
	for (size_t i = from; i + 1 < to; i++) {
		if (s->spans[i].outcome.kind != GO_BLOCK)
			return false;
	}
	for (size_t i = from; i + 1 < to; i++)
		jump(e, BPF_JMP32 | BPF_JLT | BPF_K, key, 0, s->spans[i + 1].first,
		     s->spans[i].outcome.block);
	finish(e, &s->spans[to - 1].outcome, last);
	return true;
}

/* The key is known to be in spans from .. to - 1. */
static void emit_search(struct emit *e, const struct spans *s, size_t from, size_t to, enum reg key,
			bool last)
{
	size_t middle = from + (to - from) / 2, branch = e->prog->n_insns;

	if (emit_points(e, s, from, to, key, last) || emit_bounds(e, s, from, to, key, last))
		return;
	op(e, BPF_JMP32 | BPF_JGE | BPF_K, key, 0, 0, s->spans[middle].first);
	emit_search(e, s, from, middle, key, false);
	if (e->oom)
		return;
	/* A program that is too large for this is refused (fix_jumps()). */
	e->prog->insns[branch].off = e->prog->n_insns - branch - 1;
	emit_search(e, s, middle, to, key, last);
}

static struct outcome go_to(uint32_t block)
{
	return (struct outcome){ .kind = GO_BLOCK, .block = block };
}

static void list_spans(struct emit *e, const struct ir_end *end, uint32_t max, struct spans *spans)
{
	struct outcome no = go_to(end->no);
	uint64_t next = 0;

	for (size_t i = 0; i < end->n_cases && end->cases[i].first <= max; i++) {
		struct outcome to = go_to(end->cases[i].to);

		if (next < end->cases[i].first)
			add_span(e, spans, next, &no);
		add_span(e, spans, end->cases[i].first, &to);
		next = (uint64_t)end->cases[i].last + 1;
	}
	if (next <= max)
		add_span(e, spans, next, &no);
}

/* Table */

static void understand(const struct emit *e, struct target *target)
{
	const struct ir_block *block = &e->ir->blocks[target->block];
	const struct ir_end *end = &block->end;

	target->outcome = go_to(target->block);
	target->counter = 0;
	if (!block->n && end->kind == IR_VERDICT && end->verb <= FILTER_REDIRECT_INGRESS) {
		target->outcome =
			(struct outcome){ .kind = VERDICT, .verb = end->verb, .arg = end->arg };
		target->counter = end->counter;
	}
}

static int compare(uint32_t a, uint32_t b)
{
	return a < b ? -1 : a > b;
}

static int by_block(const void *a, const void *b)
{
	return compare(((const struct target *)a)->block, ((const struct target *)b)->block);
}

static int by_outcome(const void *a, const void *b)
{
	const struct target *s = a, *t = b;

	return compare(s->outcome.kind, t->outcome.kind) ?:
	       compare(s->outcome.block, t->outcome.block) ?:
	       compare(s->outcome.verb, t->outcome.verb) ?:
	       compare(s->outcome.arg, t->outcome.arg) ?:
	       compare(s->counter, t->counter);
}

/* The blocks that the cases lead to, each once. */
static struct target *list_targets(struct emit *e, const struct ir_end *end, size_t *n)
{
	struct target *targets = calloc(end->n_cases, sizeof(*targets));
	size_t kept = 0;

	if (!targets) {
		e->oom = true;
		return NULL;
	}
	for (size_t i = 0; i < end->n_cases; i++)
		targets[i].block = end->cases[i].to;
	qsort(targets, end->n_cases, sizeof(*targets), by_block);
	for (size_t i = 0; i < end->n_cases; i++) {
		if (!i || targets[i].block != targets[kept - 1].block)
			targets[kept++].block = targets[i].block;
	}
	for (size_t i = 0; i < kept; i++)
		understand(e, &targets[i]);
	*n = kept;
	return targets;
}

/* The end of the row of targets that differ in nothing but their counters. */
static size_t row_end(const struct target *targets, size_t n, size_t from)
{
	size_t to = from + 1;

	while (to < n && targets[from].outcome.kind != GO_BLOCK &&
	       same_kind(&targets[to].outcome, &targets[from].outcome) &&
	       targets[to].counter - targets[from].counter < COUNTERS_SPREAD)
		to++;
	return to;
}

/*
 * Number the targets' results, from 1 on, 0 being the rest: in a row of targets that differ in
 * their counters the number tells the counter. A row of one is a block.
 */
static void number(struct emit *e, struct target *targets, size_t n, struct spans *spans)
{
	uint32_t next = 1;

	qsort(targets, n, sizeof(*targets), by_outcome);
	for (size_t from = 0, to; from < n; from = to) {
		uint32_t first = targets[from].counter;

		to = row_end(targets, n, from);
		if (to - from == 1)
			targets[from].outcome = go_to(targets[from].block);
		for (size_t i = from; i < to; i++) {
			targets[i].outcome.counter_at_0 = first - next;
			targets[i].result = next + targets[i].counter - first;
		}
		add_span(e, spans, next, &targets[from].outcome);
		next = targets[to - 1].result + 1;
	}
}

static uint32_t result_of(const struct target *targets, size_t n, uint32_t block)
{
	struct target key = { .block = block };

	return ((struct target *)bsearch(&key, targets, n, sizeof(key), by_block))->result;
}

static struct table_range *list_ranges(struct emit *e, const struct ir_end *end, uint32_t max,
				       struct target *targets, size_t n_targets, size_t *n)
{
	struct table_range *ranges = malloc(end->n_cases * sizeof(*ranges));

	if (!ranges)
		e->oom = true;
	qsort(targets, n_targets, sizeof(*targets), by_block);
	for (*n = 0; ranges && *n < end->n_cases && end->cases[*n].first <= max; ++*n) {
		const struct ir_case *c = &end->cases[*n];

		ranges[*n] = (struct table_range){ c->first, c->last,
						   c->to == end->no
							   ? 0
							   : result_of(targets, n_targets, c->to) };
	}
	return ranges;
}

/*
 * False if there is no table that is small enough, or if it would leave half of the search to be
 * done behind it: nothing has been emitted.
 */
static bool emit_by_table(struct emit *e, const struct ir_end *end, enum reg key, uint32_t max,
			  size_t n_spans)
{
	size_t n_targets = 0, n = 0;
	_free_ struct target *targets = list_targets(e, end, &n_targets);
	_free_ struct table_range *ranges = NULL;
	struct spans spans = { 0 };
	struct outcome no = go_to(end->no);
	struct table table = { 0 };
	int err;

	add_span(e, &spans, 0, &no);
	if (targets) {
		number(e, targets, n_targets, &spans);
		ranges = list_ranges(e, end, max, targets, n_targets, &n);
	}
	err = 2 * spans.n > n_spans ? -E2BIG : 0;
	if (!err && ranges)
		err = table_build(ranges, n, 0, max, &table);
	if (!err && !e->oom) {
		emit_table(e, &table, add_bytes(e, table.bytes, table.size), key, end->no);
		emit_search(e, &spans, 0, spans.n, T, true);
	}
	e->oom |= err == -ENOMEM;
	table_free(&table);
	free(spans.spans);
	return !err;
}

uint32_t emit_switch(struct emit *e, const struct ir_end *end, enum reg key, uint32_t max)
{
	struct spans spans = { 0 };
	uint32_t clobbers = 0;

	list_spans(e, end, max, &spans);
	if (spans.n > TABLE_SPANS && emit_by_table(e, end, key, max, spans.n))
		clobbers = 1u << T | 1u << U;
	else if (!e->oom)
		emit_search(e, &spans, 0, spans.n, key, true);
	free(spans.spans);
	return clobbers;
}
