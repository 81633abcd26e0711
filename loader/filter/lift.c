// SPDX-License-Identifier: GPL-2.0-only
#include "lift.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lift_list.h"

enum {
	LIST_LEAST = 8, /* of an expression that is lifted anyway */
	PIECE = 32,	/* primitives that libpcap gets at a time */
	ACCEPT = 262144,
	TERMS = 16, /* numbers and operators of a comparison that weigh as a primitive */
};

/* Where a jump leads, which is not known yet. */
struct fix {
	uint32_t insn, label;
};

/* The words of an expression that move what stands behind them in its text: "vlan 10". */
struct moved {
	struct grammar_node **words;
	size_t n;
};

struct builder {
	struct grammar *grammar;
	const struct pos *pos;
	enum expr_link link;
	struct lists lists;
	struct moved moved;
	struct cbpf *out;
	struct fix *fixes;
	size_t n_fixes;
	uint32_t *labels; /* instructions */
	size_t n_labels;
};

bool lift_is_needed(const struct grammar *grammar)
{
	size_t i = 0;

	return grammar->n_primitives > LIFT_PRIMITIVES || lists_longest(grammar) >= LIFT_LIST ||
	       grammar_next(grammar, GRAMMAR_ANY_VLAN, &i);
}

/* The program under construction */

static int new_label(struct builder *b, uint32_t *label)
{
	*label = b->n_labels;
	return array_add(b->labels, b->n_labels) ? 0 : fail_oom();
}

static void place_label(struct builder *b, uint32_t label)
{
	b->labels[label] = b->out->n;
}

static int add_insn(struct builder *b, struct sock_filter insn)
{
	struct sock_filter *added = array_add(b->out->insns, b->out->n);

	if (!added)
		return fail_oom();
	*added = insn;
	return 0;
}

static int add_jump(struct builder *b, uint32_t label)
{
	struct fix *fix = array_add(b->fixes, b->n_fixes);

	if (!fix)
		return fail_oom();
	*fix = (struct fix){ b->out->n, label };
	return add_insn(b, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, 0));
}

static void set_jumps(struct builder *b)
{
	for (size_t i = 0; i < b->n_fixes; i++) {
		const struct fix *fix = &b->fixes[i];

		b->out->insns[fix->insn].k = b->labels[fix->label] - fix->insn - 1;
	}
}

/* Its instructions from `entry` on; a return of it leads on. */
static int append(struct builder *b, const struct cbpf *prog, uint32_t entry, uint32_t yes,
		  uint32_t no)
{
	int err = 0;

	for (size_t i = entry; i < prog->n && !err; i++) {
		const struct sock_filter *insn = &prog->insns[i];

		if (insn->code == (BPF_RET | BPF_K))
			err = add_jump(b, insn->k ? yes : no);
		else
			err = add_insn(b, *insn);
	}
	return err;
}

/* Where lists are looked up */

/* Where a jump leads in the end. */
static uint32_t follow(const struct cbpf *prog, uint32_t at)
{
	while (prog->insns[at].code == (BPF_JMP | BPF_JA))
		at += 1 + prog->insns[at].k;
	return at;
}

static const struct hole_spot *spot_at(const struct shape *shape, uint32_t insn)
{
	for (size_t i = 0; i < shape->n; i++)
		if (shape->spots[i].insn == insn)
			return &shape->spots[i];
	return NULL;
}

/* The comparison that follows where one holds, with nothing but loads in between. */
static const struct hole_spot *next_spot(const struct shape *shape, const struct hole_spot *spot)
{
	const struct cbpf *prog = &shape->prog;
	uint32_t at = spot->insn + 1 + prog->insns[spot->insn].jt;

	while (BPF_CLASS(prog->insns[at].code) != BPF_RET) {
		const struct sock_filter *insn = &prog->insns[at];

		if (BPF_CLASS(insn->code) != BPF_JMP)
			at++;
		else if (BPF_OP(insn->code) == BPF_JA)
			at += 1 + insn->k;
		else
			return spot_at(shape, at);
	}
	return NULL;
}

static uint32_t if_not(const struct cbpf *prog, uint32_t at)
{
	return follow(prog, at + 1 + prog->insns[at].jf);
}

/* The place that begins at a spot of a list's first word; false: the program is not as it should.
 */
static bool read_place(const struct shape *shape, const struct hole_spot *spot, unsigned int words,
		       struct cbpf_place *place)
{
	uint32_t no = if_not(&shape->prog, spot->insn), hole = spot->hole;

	for (unsigned int w = 0; w < words; w++) {
		if (w)
			spot = next_spot(shape, spot);
		if (!spot || spot->hole != hole || spot->word != w ||
		    if_not(&shape->prog, spot->insn) != no)
			return false;
		place->at[w] = spot->insn;
	}
	return true;
}

/* Holes are the mark, if there is one, then lists, of which `of` are the numbers. */
static int add_places(struct builder *b, const struct shape *shape, const size_t *of, uint32_t move)
{
	size_t n = 0;

	for (size_t i = 0; i < shape->n; i++) {
		const struct hole_spot *spot = &shape->spots[i];
		struct cbpf_place place = { .list = of[spot->hole] }, *added;
		unsigned int words;

		if (of[spot->hole] == SIZE_MAX || spot->word)
			continue;
		words = b->lists.all[place.list].list.words;
		if (!read_place(shape, spot, words, &place))
			return -ENOTSUP;
		for (unsigned int w = 0; w < words; w++)
			place.at[w] += move;
		added = array_add(b->out->places, b->out->n_places);
		if (!added)
			return fail_oom();
		*added = place;
		n += words;
	}
	for (size_t i = 0; i < shape->n; i++)
		n += of[shape->spots[i].hole] == SIZE_MAX;
	return n == shape->n ? 0 : -ENOTSUP;
}

/* Pieces */

/* What of a piece libpcap does not see as it is. */
struct holes {
	struct hole *all;
	size_t *list; /* of each: the number of its list; SIZE_MAX: the mark */
	size_t n, n_lists;
};

static int add_hole(struct holes *holes, struct grammar_node *node, enum value_kind kind,
		    size_t list)
{
	struct hole *hole = array_add(holes->all, holes->n);
	size_t *number = array_add(holes->list, holes->n_lists);

	if (!hole || !number)
		return fail_oom();
	*hole = (struct hole){ node, kind, 0 };
	*number = list;
	return 0;
}

static void free_holes(struct holes *holes)
{
	free(holes->all);
	free(holes->list);
}

static int find_holes(const struct builder *b, struct grammar_node *node, struct holes *holes)
{
	int err = 0;

	for (size_t i = 0; i < node->n_kids && node->kind <= GRAMMAR_ANY_VLAN && !err; i++)
		err = find_holes(b, node->kids[i], holes);
	for (size_t i = 0; i < b->lists.n && node->kind == GRAMMAR_VALUE && !err; i++)
		if (b->lists.all[i].node == node)
			return add_hole(holes, node, b->lists.all[i].kind, i);
	return err;
}

/* The words that moved it, a mark, then the piece: its program begins where the mark holds. */
static struct grammar_node *behind_mark(struct builder *b, struct grammar_node *piece,
					struct grammar_node *mark)
{
	struct grammar_node *all = grammar_add(b->grammar, GRAMMAR_AND);
	bool good = all && mark;

	for (size_t i = 0; i < b->moved.n && good; i++)
		good = grammar_add_kid(all, b->moved.words[i]);
	good = good && grammar_add_kid(all, mark) && grammar_add_kid(all, piece);
	return good ? all : NULL;
}

static int refuse(const struct builder *b, const struct grammar_node *piece, int err,
		  const char *words)
{
	const struct pos place = grammar_pos(b->pos, piece->span.at);

	if (err == -EINVAL)
		return fail_at(err, &place, "%s", words);
	if (err == -ENOTSUP)
		return fail_at(-EINVAL, &place,
			       "libpcap's program for a list of values is not as it should be: "
			       "write shorter expressions");
	return err;
}

static int append_shape(struct builder *b, const struct shape *shape, const struct holes *holes,
			uint32_t yes, uint32_t no)
{
	const struct cbpf *prog = &shape->prog;
	uint32_t entry = 0;
	int err;

	for (size_t i = 0; i < shape->n; i++)
		/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): no spots without holes */
		if (holes->list[shape->spots[i].hole] == SIZE_MAX)
			entry = shape->spots[i].insn + 1 + prog->insns[shape->spots[i].insn].jt;
	err = add_places(b, shape, holes->list, b->out->n - entry);
	return err ? err : append(b, prog, entry, yes, no);
}

/* A part of the tree that libpcap gets as a whole. */
static int add_piece(struct builder *b, struct grammar_node *piece, uint32_t yes, uint32_t no)
{
	struct grammar_node *whole = piece;
	_cleanup_(free_holes) struct holes holes = { 0 };
	char words[EXPR_WORDS_MAX];
	struct shape shape = { 0 };
	int err = 0;

	if (b->out->n > CBPF_MAX)
		return refuse(
			b, piece, -EINVAL,
			"the expression is too long: from here on it would take more than a million instructions of classic BPF; each 'any-vlan' has three of what it holds");
	if (b->moved.n) {
		struct grammar_node *mark = grammar_add(b->grammar, GRAMMAR_VALUE);

		/* It leaves in a register where its payload begins. */
		for (size_t i = 0; i < b->moved.n; i++)
			if (!strcmp(b->moved.words[i]->word, "geneve"))
				return refuse(
					b, piece, -EINVAL,
					"behind 'geneve' an expression can neither be this long nor have 'any-vlan'");
		whole = behind_mark(b, piece, mark);
		err = whole ? add_hole(&holes, mark, VALUE_MARK, SIZE_MAX) : fail_oom();
	}
	if (!err)
		err = find_holes(b, piece, &holes);
	if (err)
		return err;
	b->grammar->root = whole;
	err = shape_compile(b->grammar, holes.all, holes.n, b->link, false, &shape, words);
	if (!err)
		err = append_shape(b, &shape, &holes, yes, no);
	shape_free(&shape);
	return err ? refuse(b, piece, err, words) : 0;
}

/* The tree */

static size_t weight(const struct grammar_node *node)
{
	size_t sum = 0;

	if (node->kind == GRAMMAR_RELATION)
		return 1 + node->span.len / TERMS;
	for (size_t i = 0; i < node->n_kids && node->kind <= GRAMMAR_ANY_VLAN; i++)
		sum += weight(node->kids[i]);
	return sum ? sum : 1;
}

static bool has_any_vlan(const struct grammar_node *node)
{
	if (node->kind == GRAMMAR_ANY_VLAN)
		return true;
	for (size_t i = 0; i < node->n_kids && node->kind <= GRAMMAR_NOT; i++)
		if (has_any_vlan(node->kids[i]))
			return true;
	return false;
}

/* May libpcap have it as a whole? Large trees are told apart without a look at all of them. */
static bool fits(const struct grammar_node *node)
{
	return node->n_primitives <= PIECE && (weight(node) <= PIECE || node->n_primitives == 1) &&
	       !has_any_vlan(node);
}

static const char *const movers[] = { "vlan", "mpls", "pppoes", "geneve" };

/* What of this part of the text moves what stands behind it. */
static int note_moved(struct builder *b, struct grammar_node *node)
{
	int err = 0;

	for (size_t i = 0; i < node->n_kids && node->kind <= GRAMMAR_NOT && !err; i++)
		err = note_moved(b, node->kids[i]);
	for (size_t i = 0; i < ARRAY_SIZE(movers) && node->kind == GRAMMAR_WORD && !err; i++) {
		struct grammar_node **added;

		if (strcmp(node->word, movers[i]))
			continue;
		added = array_add(b->moved.words, b->moved.n);
		if (!added)
			return fail_oom();
		*added = node;
	}
	return err;
}

static int add_node(struct builder *b, struct grammar_node *node, uint32_t yes, uint32_t no);

/* As many kids as fit into one piece, from `first` on; how many, in *n. 1 need not fit. */
static struct grammar_node *group(struct builder *b, const struct grammar_node *node, size_t first,
				  size_t *n)
{
	struct grammar_node *part = grammar_add(b->grammar, node->kind);

	for (*n = 0; part && first + *n < node->n_kids; ++*n) {
		struct grammar_node *kid = node->kids[first + *n];

		if (*n && (!fits(kid) || weight(part) + weight(kid) > PIECE))
			break;
		if (!grammar_add_kid(part, kid))
			return NULL;
		if (!fits(kid)) {
			++*n;
			break;
		}
	}
	if (part)
		part->span = part->kids[0]->span;
	return part;
}

/* "a or b": what a does not match goes to b; "and": what it matches does. */
static int add_chain(struct builder *b, struct grammar_node *node, uint32_t yes, uint32_t no)
{
	size_t n;
	int err = 0;

	for (size_t i = 0; i < node->n_kids && !err; i += n) {
		struct grammar_node *part = group(b, node, i, &n);
		bool last = i + n == node->n_kids;
		uint32_t next = 0;

		if (!part)
			return fail_oom();
		if (n == 1)
			part = part->kids[0];
		if (!last)
			err = new_label(b, &next);
		if (err)
			return err;
		err = add_node(b, part, last || node->kind == GRAMMAR_OR ? yes : next,
			       last || node->kind == GRAMMAR_AND ? no : next);
		if (!last)
			place_label(b, next);
	}
	return err;
}

static int add_vlan(struct builder *b, uint32_t no)
{
	struct grammar_node *tag = grammar_add(b->grammar, GRAMMAR_WORD);
	uint32_t yes = 0;
	int err = tag ? new_label(b, &yes) : fail_oom();

	if (err)
		return err;
	tag->word = tag->instead = "vlan";
	err = add_piece(b, tag, yes, no);
	place_label(b, yes);
	return err ? err : note_moved(b, tag);
}

/* E, or a tag and E, or two and E. */
static int add_any_vlan(struct builder *b, struct grammar_node *node, uint32_t yes, uint32_t no)
{
	size_t moved = b->moved.n, before;
	int err = 0;

	for (unsigned int tags = 0; tags < 2 && !err; tags++) {
		uint32_t next;

		before = b->moved.n;
		err = new_label(b, &next);
		if (err)
			return err;
		err = add_node(b, node->kids[0], yes, next);
		place_label(b, next);
		b->moved.n = before;
		if (!err)
			err = add_vlan(b, no);
	}
	if (!err)
		err = add_node(b, node->kids[0], yes, no);
	b->moved.n = moved;
	return err;
}

static int add_node(struct builder *b, struct grammar_node *node, uint32_t yes, uint32_t no)
{
	int err;

	if (fits(node)) {
		err = add_piece(b, node, yes, no);
		return err ? err : note_moved(b, node);
	}
	switch (node->kind) {
	case GRAMMAR_NOT:
		return add_node(b, node->kids[0], no, yes);
	case GRAMMAR_ANY_VLAN:
		return add_any_vlan(b, node, yes, no);
	default:
		return add_chain(b, node, yes, no);
	}
}

static int build(struct builder *b)
{
	struct grammar_node *root = b->grammar->root;
	uint32_t yes, no;
	int err = new_label(b, &yes);

	if (!err)
		err = new_label(b, &no);
	if (!err)
		err = add_node(b, root, yes, no);
	if (err)
		return err;
	place_label(b, yes);
	err = add_insn(b, (struct sock_filter)BPF_STMT(BPF_RET, ACCEPT));
	place_label(b, no);
	if (!err)
		err = add_insn(b, (struct sock_filter)BPF_STMT(BPF_RET, 0));
	if (!err)
		set_jumps(b);
	return err;
}

/* The lists become the program's. */
static int take_lists(struct builder *b)
{
	for (size_t i = 0; i < b->lists.n; i++) {
		struct cbpf_list *list = array_add(b->out->lists, b->out->n_lists);

		if (!list)
			return fail_oom();
		*list = b->lists.all[i].list;
		b->lists.all[i].list.elements = NULL;
	}
	return 0;
}

static int check(const struct builder *b)
{
	char why[128];

	if (!cbpf_check(b->out, why, sizeof(why)))
		return 0;
	return fail_at(-EINVAL, b->pos, "the program for the expression cannot be used: %s", why);
}

int lift_compile(struct grammar *grammar, const struct pos *pos, enum expr_link link, bool lists,
		 struct cbpf *out)
{
	struct builder b = { .grammar = grammar, .pos = pos, .link = link, .out = out };
	int err;

	*out = (struct cbpf){ .unoptimised = true };
	err = lists_lift(grammar, lists ? LIST_LEAST : SIZE_MAX, &b.lists);
	if (!err)
		err = build(&b);
	if (!err)
		err = take_lists(&b);
	if (!err)
		err = check(&b);
	lists_free(&b.lists);
	free(b.moved.words);
	free(b.fixes);
	free(b.labels);
	if (err)
		cbpf_free(out);
	return err;
}
