// SPDX-License-Identifier: GPL-2.0-only
/* What each rule says by itself: its text, its expression compiled, its stage and options. */
#include <string.h>

#include "filter/expr.h"
#include "plan_parts.h"

/* Rules with mistakes that are reported of one hook. */
enum { MISTAKES_MAX = 50 };

void plan_rule_clear(struct plan_rule *rule)
{
	free(rule->text);
	free(rule->identity);
	cbpf_free(&rule->cbpf);
	free(rule->cpus);
	stage_free(rule->stage);
	free(rule->conf);
}

static int print_text(struct plan_rule *rule)
{
	size_t len;
	FILE *out = open_memstream(&rule->text, &len);

	if (!out)
		return fail_oom();
	policy_print_rule(rule->rule, out);
	return fclose(out) ? fail_oom() : 0;
}

int plan_compile_rule(struct plan_rule *planned, struct shape_cache *shapes)
{
	const struct rule *rule = planned->rule;

	if (rule->bytecode)
		return cbpf_parse(rule->bytecode, &rule->expr_pos, &planned->cbpf);
	if (!rule->expr)
		return 0;
	return expr_compile_rule(rule->expr, &rule->expr_pos, GRAMMAR_POLICY, shapes,
				 &planned->cbpf);
}

static int resolve_stage(struct plan_rule *planned, enum hook_kind kind)
{
	const struct action *action = &planned->rule->action;
	int err = stage_find(&action->use.stage, kind, &planned->stage);

	/* Whatever is the matter with an object, it is the policy that names it. */
	if (err)
		return err == -ENOMEM ? err : -EINVAL;
	return stage_configure(planned->stage, action->use.options, action->use.n_options,
			       &planned->conf);
}

/* What goes out of an interface has come in by none, or by another one. */
static int check_verb(const struct plan_rule *planned, enum hook_kind kind)
{
	if (kind != HOOK_EGRESS || planned->rule->action.kind != ACTION_REFLECT)
		return 0;
	return fail_at(
		-EINVAL, &planned->rule->action.pos,
		"'reflect' is for what comes in: on tc egress a frame would meet this rule again, without end; say 'drop', or 'reflect' on tc ingress");
}

static int resolve(struct plan_rule *planned, enum hook_kind kind, struct shape_cache *shapes)
{
	int err = print_text(planned), stage_err = 0;

	if (err)
		return err;
	err = check_verb(planned, kind) ?: plan_compile_rule(planned, shapes);
	if (planned->rule->action.kind == ACTION_USE)
		stage_err = resolve_stage(planned, kind);
	return err ? err : stage_err;
}

static int refuse_size(const struct plan_rule *planned)
{
	return fail_at(
		-EINVAL, &planned->rule->pos,
		"this hook's rules are too many: from here on they would be more than %d instructions of classic BPF; write the addresses or ports of many rules with one action as one expression, joined by 'or'",
		PLAN_CLASSIC_MAX);
}

int plan_resolve_rules(struct plan_hook *hook)
{
	_cleanup_(shape_cache_freep) struct shape_cache *shapes = shape_cache_new();
	unsigned int mistakes = 0;
	size_t size = 0;
	int first_err = 0;

	hook->rules = calloc(hook->hook->n_rules + 1, sizeof(*hook->rules));
	if (!hook->rules || !shapes)
		return fail_oom();
	for (size_t i = 0; i < hook->hook->n_rules; i++) {
		int err;

		hook->n_rules = i + 1;
		hook->rules[i].rule = &hook->hook->rules[i];
		err = resolve(&hook->rules[i], hook->hook->kind, shapes);
		if (!first_err)
			first_err = err;
		size += cbpf_size(&hook->rules[i].cbpf);
		if (size > PLAN_CLASSIC_MAX)
			return refuse_size(&hook->rules[i]);
		if (err && ++mistakes == MISTAKES_MAX)
			return fail(err,
				    "too many mistakes: those of the rules below are not shown");
	}
	return first_err;
}
