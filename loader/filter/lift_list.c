// SPDX-License-Identifier: GPL-2.0-only
#include "lift_list.h"

#include <errno.h>
#include <stdlib.h>

struct lifter {
	struct grammar *grammar;
	struct lists *lists;
	size_t least;
};

/* A value, by what may stand in a list with it. */
struct member {
	enum value_kind kind;
	const struct grammar_quals *quals;
};

/* "src and dst" holds for a packet whose two values are the same one of a list: no look-up of each.
 */
static struct member member(const struct grammar *grammar, const struct grammar_node *node,
			    struct cbpf_element *element)
{
	struct member none = { VALUE_NONE, NULL };

	if (node->kind != GRAMMAR_VALUE || node->quals.dir > GRAMMAR_SRC_OR_DST)
		return none;
	return (struct member){ value_read(grammar, node, element), &node->quals };
}

/* Directions that mean the same: none is either. */
static enum grammar_dir meaning(enum grammar_dir dir)
{
	return dir == GRAMMAR_NO_DIR ? GRAMMAR_SRC_OR_DST : dir;
}

static bool is_alike(const struct member *a, const struct member *b)
{
	return a->kind && a->kind == b->kind && a->quals->proto == b->quals->proto &&
	       meaning(a->quals->dir) == meaning(b->quals->dir);
}

/* What stands beneath `node` there, without the "not" that all of an "and"'s list have. */
static struct grammar_node *inner(const struct grammar_node *node, size_t kid)
{
	struct grammar_node *found = node->kids[kid];

	if (node->kind == GRAMMAR_OR)
		return found;
	return found->kind == GRAMMAR_NOT ? found->kids[0] : NULL;
}

/* How many kids from `first` on are of one list; 1 if it is none. */
static size_t run_length(const struct grammar *grammar, const struct grammar_node *node,
			 size_t first)
{
	struct grammar_node *kid = inner(node, first);
	struct cbpf_element element;
	struct member begin, next;
	size_t n = 1;

	if (!kid)
		return 1;
	begin = member(grammar, kid, &element);
	for (; begin.kind && first + n < node->n_kids; n++) {
		kid = inner(node, first + n);
		if (!kid)
			break;
		next = member(grammar, kid, &element);
		if (!is_alike(&begin, &next))
			break;
	}
	return n;
}

static bool is_chain(const struct grammar_node *node)
{
	return node->kind == GRAMMAR_AND || node->kind == GRAMMAR_OR;
}

size_t lists_longest(const struct grammar *grammar)
{
	size_t longest = 0, n;

	for (size_t i = 0; i < grammar->n_nodes; i++) {
		const struct grammar_node *node = grammar->nodes[i];

		for (size_t kid = 0; is_chain(node) && kid < node->n_kids; kid += n) {
			n = run_length(grammar, node, kid);
			longest = n > longest ? n : longest;
		}
	}
	return longest;
}

/* The value that stands for those of a run behind its first. */
static struct grammar_node *lift(struct lifter *l, const struct grammar_node *node, size_t first,
				 size_t n)
{
	struct lifted_list *added = array_add(l->lists->all, l->lists->n);
	struct grammar_node *value = grammar_add(l->grammar, GRAMMAR_VALUE);
	struct cbpf_element *elements = added ? calloc(n, sizeof(*elements)) : NULL;
	struct member like = { VALUE_NONE, NULL };

	if (added)
		added->list.elements = elements;
	if (!value || !elements)
		return NULL;
	for (size_t i = 1; i < n; i++)
		like = member(l->grammar, inner(node, first + i), &elements[i - 1]);
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): a run is of two at least */
	value->quals = *like.quals;
	value->quals.type = like.kind == VALUE_PORT ? GRAMMAR_PORT : GRAMMAR_HOST;
	value->span = node->kids[first]->span;
	added->node = value;
	added->kind = like.kind;
	added->list = (struct cbpf_list){ value_words(like.kind), elements, n - 1 };
	return value;
}

static struct grammar_node *around(struct lifter *l, struct grammar_node *kid)
{
	struct grammar_node *node = grammar_add(l->grammar, GRAMMAR_NOT);

	return node && grammar_add_kid(node, kid) ? node : NULL;
}

static struct grammar_node *rebuild(struct lifter *l, struct grammar_node *node);

/* A kid, rebuilt, or its own kids if it is of the same kind: "a or (b or c)". */
static bool take(struct lifter *l, struct grammar_node *into, struct grammar_node *kid)
{
	if (kid->kind != into->kind || !is_chain(into)) {
		kid = rebuild(l, kid);
		return kid && grammar_add_kid(into, kid);
	}
	for (size_t i = 0; i < kid->n_kids; i++)
		if (!take(l, into, kid->kids[i]))
			return false;
	return true;
}

static struct grammar_node *lift_runs(struct lifter *l, const struct grammar_node *node)
{
	struct grammar_node *made = grammar_add(l->grammar, node->kind);
	size_t n;

	if (!made)
		return NULL;
	made->span = node->span;
	for (size_t kid = 0; kid < node->n_kids; kid += n) {
		struct grammar_node *value;

		n = run_length(l->grammar, node, kid);
		n = n < l->least ? 1 : n;
		if (!grammar_add_kid(made, node->kids[kid]))
			return NULL;
		if (n == 1)
			continue;
		value = lift(l, node, kid, n);
		if (value && node->kind == GRAMMAR_AND)
			value = around(l, value);
		if (!value || !grammar_add_kid(made, value))
			return NULL;
	}
	return made;
}

/* The tree of a node, its lists lifted; NULL: memory is out. */
static struct grammar_node *rebuild(struct lifter *l, struct grammar_node *node)
{
	struct grammar_node *made;

	if (node->kind > GRAMMAR_ANY_VLAN)
		return node;
	made = grammar_add(l->grammar, node->kind);
	if (!made)
		return NULL;
	made->span = node->span;
	for (size_t i = 0; i < node->n_kids; i++)
		if (!take(l, made, node->kids[i]))
			return NULL;
	return is_chain(made) ? lift_runs(l, made) : made;
}

int lists_lift(struct grammar *grammar, size_t least, struct lists *out)
{
	struct lifter l = { grammar, out, least };

	*out = (struct lists){ 0 };
	grammar->root = rebuild(&l, grammar->root);
	return grammar->root ? 0 : fail_oom();
}

void lists_free(struct lists *lists)
{
	for (size_t i = 0; i < lists->n; i++)
		free(lists->all[i].list.elements);
	free(lists->all);
	*lists = (struct lists){ 0 };
}
