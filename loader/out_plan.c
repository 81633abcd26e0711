// SPDX-License-Identifier: GPL-2.0-only
/* The plan for people: what apply would change, hook by hook. */
#include "out_text.h"
#include "plan_diff.h"

static size_t count_edits(const struct plan_edit *edits, size_t n, enum plan_edit_kind kind)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += edits[i].kind == kind;
	return count;
}

static void put_head(const struct plan_hook *hook, const struct chain *chain, FILE *out)
{
	fprintf(out, "%s %s: ", hook->nic.name, policy_hook_name(hook->hook->kind));
	if (hook->unchanged) {
		fprintf(out, "no change\n");
		return;
	}
	if (chain && hook->attached)
		fprintf(out, "another generation, one flip%s\n",
			hook->moves ? "; then from a filter of clsact to a tcx link" : "");
	else if (chain)
		fprintf(out, "attach anew: the interface it was on is gone\n");
	else
		fprintf(out, "%s %s%s: %s\n",
			hook->hook->shared ? "join libxdp's dispatcher," : "attach",
			policy_mode_name(hook->modes[0]),
			hook->n_modes > 1 ? ", or else generic" : "", hook->why);
}

/* Programs are bound to mode, miss and targets too: say so when no rule explains the change. */
static void put_rest(const struct plan_edit *edits, size_t n, FILE *out)
{
	size_t kept = count_edits(edits, n, PLAN_KEEP);

	if (kept == n)
		fprintf(out, "    the rules stay; labels, options, targets or stages change\n");
	else if (kept)
		fprintf(out, "    %zu other rule%s stay%s, with %s counters\n", kept,
			kept == 1 ? "" : "s", kept == 1 ? "s" : "", kept == 1 ? "its" : "their");
}

void out_text_plan_hook(const struct plan_hook *hook, const struct chain *chain, FILE *out)
{
	_free_ struct plan_edit *edits = NULL;
	ssize_t n;

	put_head(hook, chain, out);
	if (hook->unchanged)
		return;
	n = plan_diff(chain ? chain->live_meta : NULL, hook, &edits);
	for (ssize_t i = 0; i < n; i++) {
		if (edits[i].kind == PLAN_KEEP)
			continue;
		fprintf(out, "  %c %s%s%s\n", edits[i].kind == PLAN_ADD ? '+' : '-', edits[i].text,
			edits[i].label ? "    # " : "", edits[i].label ? edits[i].label : "");
	}
	if (n >= 0 && chain)
		put_rest(edits, n, out);
}

void out_text_removal(const struct plan_removal *removal, FILE *out)
{
	fprintf(out, "%s %s: detach, the policy has no such hook\n", removal->nic.name,
		policy_hook_name(removal->kind));
}
