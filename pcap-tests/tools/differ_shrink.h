/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A trial that fails, made smaller as long as it fails: fewer rules, fewer options, a shorter
 * packet, simpler expressions. Each attempt is the whole trial again.
 */
#pragma once
#include <time.h>

#include "../../loader/filter/grammar.h"
#include "differ_trial.h"

enum { SHRINK_SECONDS = 30 };

struct shrink {
	struct trial *t;
	time_t end;
};

/* Take the attempt's place if it fails too. */
static bool keep(struct shrink *s, struct trial *attempt)
{
	if (time(NULL) > s->end || trial_good(attempt, false))
		return false;
	*s->t = *attempt;
	return true;
}

static bool drop_rules(struct shrink *s, size_t first, size_t n)
{
	static struct trial attempt;
	size_t rest;

	attempt = *s->t;
	rest = attempt.run.n_rules - first - n;
	memmove(&attempt.rules[first], &attempt.rules[first + n], rest * sizeof(*attempt.rules));
	memmove(&attempt.exprs[first], &attempt.exprs[first + n], rest * sizeof(*attempt.exprs));
	attempt.run.n_rules -= n;
	return keep(s, &attempt);
}

static bool fewer_rules(struct shrink *s)
{
	bool did = false;

	for (size_t n = (s->t->run.n_rules + 1) / 2; n; n /= 2)
		for (size_t i = 0; i + n <= s->t->run.n_rules;)
			if (drop_rules(s, i, n))
				did = true;
			else
				i += n;
	return did;
}

static bool fewer_options(struct shrink *s)
{
	static struct trial attempt;
	bool did = false;

	for (unsigned int i = 0; i < 5; i++) {
		attempt = *s->t;
		bool *flags[] = { &attempt.run.frags, &attempt.run.by_helper,
				  &attempt.run.miss_drop, &attempt.run.jump_at_end };

		if (i < ARRAY_SIZE(flags) ? !*flags[i] : !attempt.packet.linear)
			continue;
		if (i < ARRAY_SIZE(flags))
			*flags[i] = false;
		if (i == 0 || i == 4)
			attempt.packet.linear = 0;
		did |= keep(s, &attempt);
	}
	return did;
}

static bool shorter_packet(struct shrink *s)
{
	static struct trial attempt;
	bool did = false;

	for (uint32_t cut = s->t->packet.len / 2; cut;) {
		attempt = *s->t;
		attempt.packet.len -= cut;
		if (attempt.packet.linear > attempt.packet.len)
			attempt.packet.linear = 0;
		if (attempt.packet.len >= TESTRUN_MIN && attempt.packet.len < s->t->packet.len &&
		    keep(s, &attempt))
			did = true;
		else
			cut /= 2;
	}
	return did;
}

/* Another expression for a rule. It is never freed: trials share them. */
static bool replace(struct shrink *s, size_t rule, const struct expression *e)
{
	static struct trial attempt;

	attempt = *s->t;
	attempt.exprs[rule] = e;
	attempt.rules[rule].cbpf = &e->prog;
	return keep(s, &attempt);
}

static bool replace_by_tree(struct shrink *s, size_t rule, struct grammar *tree,
			    struct grammar_node *root)
{
	struct expression *e = need(calloc(1, sizeof(*e)));
	_free_ char *text = NULL;
	size_t size;
	FILE *out = need(open_memstream(&text, &size));

	tree->root = root;
	grammar_print(tree, out);
	fclose(out);
	return strlen(text) < strlen(s->t->exprs[rule]->text) && expression_of_text(text, e) &&
	       replace(s, rule, e);
}

/* A part of the expression in its place, the smallest first; or one without one of its parts. */
static bool simpler_text(struct shrink *s, size_t rule)
{
	_cleanup_(grammar_freep) struct grammar *tree = NULL;
	struct grammar_error error;
	struct grammar_node *root;

	if (grammar_read(s->t->exprs[rule]->text, &tree, &error) || !tree->root)
		return false;
	root = tree->root;
	for (size_t i = 0; i < tree->n_nodes; i++)
		if (tree->nodes[i]->kind <= GRAMMAR_WORD &&
		    replace_by_tree(s, rule, tree, tree->nodes[i]))
			return true;
	for (size_t i = 0; i < tree->n_nodes; i++) {
		struct grammar_node *node = tree->nodes[i];

		if (node->kind > GRAMMAR_OR || node->n_kids < 2)
			continue;
		for (size_t kid = node->n_kids--; kid-- > 0;) {
			struct grammar_node *last = node->kids[node->n_kids];

			node->kids[node->n_kids] = node->kids[kid];
			node->kids[kid] = last;
			if (replace_by_tree(s, rule, tree, root))
				return true;
		}
		node->n_kids++;
	}
	return false;
}

/* A classic program in which one more instruction does nothing. */
static bool simpler_program(struct shrink *s, size_t rule)
{
	static const struct sock_filter nothing = BPF_STMT(BPF_JMP | BPF_JA, 0);
	bool did = false;

	for (size_t i = 0; i + 1 < s->t->exprs[rule]->law.n; i++) {
		struct expression *e = need(calloc(1, sizeof(*e)));

		*e = expression_of_program(&s->t->exprs[rule]->law);
		if (!memcmp(&e->law.insns[i], &nothing, sizeof(nothing)))
			continue;
		e->law.insns[i] = e->prog.insns[i] = nothing;
		did |= replace(s, rule, e);
	}
	return did;
}

static bool simpler_rules(struct shrink *s)
{
	bool did = false;

	for (size_t i = 0; i < s->t->run.n_rules; i++) {
		if (!s->t->exprs[i])
			continue;
		did |= s->t->exprs[i]->text ? simpler_text(s, i) : simpler_program(s, i);
	}
	return did;
}

static void shrink(struct trial *t)
{
	struct shrink s = { t, time(NULL) + SHRINK_SECONDS };

	while (fewer_rules(&s) || fewer_options(&s) || shorter_packet(&s) || simpler_rules(&s))
		;
}
