// SPDX-License-Identifier: GPL-2.0-only
/* What the language says and this version cannot do yet: refused in a plain sentence each. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "filter/grammar.h"
#include "plan_parts.h"

static const char *const later_actions[] = {
	[ACTION_SYNCOOKIE] = "'syncookie' is not in this version",
	[ACTION_LIMIT] = "'limit' is not in this version: rates cannot be limited yet",
	[ACTION_SAMPLE] = "'sample' is not in this version: use 'count' to see how many match",
	[ACTION_CAPTURE] = "'capture' is not in this version: use 'count' to see how many match",
};

/* "in @NAME" in an expression. The policy's parser has seen that the set is there. */
static bool tests_a_set(const char *expr)
{
	return expr && strchr(expr, '@');
}

const char *plan_later_rule(const struct rule *rule)
{
	const struct action *action = &rule->action;

	if ((size_t)action->kind < ARRAY_SIZE(later_actions) && later_actions[action->kind])
		return later_actions[action->kind];
	if (tests_a_set(rule->expr))
		return "sets are read but not matched in this version: write the addresses in the expression";
	return NULL;
}

/* Has an '@' no name behind it? The policy's parser has said so. */
static bool names_no_set(const char *expr)
{
	for (const char *at = expr; (at = strchr(at, '@')); at++)
		if (!isalnum((unsigned char)at[1]) && at[1] != '_' && at[1] != '-')
			return true;
	return false;
}

/* libpcap never sees a set test: it would look up a host called "in". */
static int check_set_tests(const struct rule *rule)
{
	_cleanup_(grammar_freep) struct grammar *grammar = NULL;
	struct grammar_error error;
	int err = grammar_check(rule->expr, &rule->expr_pos, GRAMMAR_POLICY, &error, &grammar);
	struct pos place;

	if (err != GRAMMAR_SYNTAX)
		return err;
	place = grammar_pos(&rule->expr_pos, error.at);
	return fail_at(-EINVAL, &place, "syntax error: %s", error.text);
}

int plan_check_later(const struct rule *rule)
{
	struct plan_rule planned = { .rule = rule };
	int err;

	if (tests_a_set(rule->expr))
		return names_no_set(rule->expr) ? -EINVAL : check_set_tests(rule);
	err = plan_compile_rule(&planned, NULL);
	cbpf_free(&planned.cbpf);
	return err;
}
