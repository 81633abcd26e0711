// SPDX-License-Identifier: GPL-2.0-only
#include "ir_index.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <stdlib.h>
#include <string.h>

#include "ir_index_parts.h"

enum {
	HALF = 32, /* of a word: what a PROBE can tell bits of */
	CHUNK = 8, /* rules that are skipped together */
};

static const struct ir_field ethertype = { .k = offsetof(struct ethhdr, h_proto),
					   .mask = UINT16_MAX,
					   .size = 2 };

void ir_index_free(struct ir_index *index)
{
	for (size_t i = 0; index && i < INDEX_KINDS; i++)
		part_free(&index->parts[i]);
	free(index);
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
		if (field_tells(&part->fields[i].field, field))
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
