// SPDX-License-Identifier: GPL-2.0-only
/* What the language says and this version cannot do yet: refused in a plain sentence each. */
#include <string.h>

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
