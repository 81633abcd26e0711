// SPDX-License-Identifier: GPL-2.0-only
/* What commands ask of chains: apply, rollback, detach, and recovery before each of them. */
#include <string.h>
#include <time.h>

#include "chain_parts.h"

/* What cannot be swept stays: the command may be the `detach` that mends it. */
static int recover_one(const char *interface, enum hook_kind kind, void *arg)
{
	char dir[PIN_PATH_MAX];
	bool linked;

	pin_hook_dir(arg, interface, kind, dir);
	linked = chain_is_linked(dir);
	if (chain_sweep(arg, interface, kind) <= 0)
		return 0;
	if (linked)
		note("%s %s: removed what an interrupted command had left", interface,
		     policy_hook_name(kind));
	else
		note("%s %s: removed what an interrupted command had left, or somebody who removed its link: it has no policy",
		     interface, policy_hook_name(kind));
	return 0;
}

int chain_recover(const struct pin_tree *tree)
{
	int err = flip_recover(tree);

	if (!err)
		err = chain_each(tree, recover_one, (void *)tree);
	if (!err)
		pin_prune(tree);
	return err;
}

/* The steps of one command. */
struct steps {
	const struct pin_tree *tree;
	struct flip *flips;
	size_t n;
	int64_t apply;		   /* when, in nanoseconds since the epoch */
	const char *const *wanted; /* interfaces; NULL: all */
	size_t n_wanted;
};

static struct flip *add(struct steps *steps, const char *interface, enum hook_kind kind)
{
	struct flip *flip = array_add(steps->flips, steps->n);

	if (!flip)
		return NULL;
	snprintf(flip->interface, sizeof(flip->interface), "%s", interface);
	flip->kind = kind;
	return flip;
}

static void sweep_all(const struct steps *steps)
{
	for (size_t i = 0; i < steps->n; i++)
		if (steps->flips[i].to)
			chain_sweep(steps->tree, steps->flips[i].interface, steps->flips[i].kind);
}

static void discard_all(const struct steps *steps)
{
	struct chain chain;

	for (size_t i = 0; i < steps->n; i++) {
		const struct flip *flip = &steps->flips[i];

		if (!flip->from) {
			chain_remove(steps->tree, flip->interface, flip->kind);
		} else if (!chain_open(steps->tree, flip->interface, flip->kind, &chain)) {
			chain_discard_new(&chain, flip->to);
			chain_close(&chain);
		}
	}
}

static int build_one(struct steps *steps, const struct plan_hook *hook, const char *source)
{
	uint32_t number = 0, from = 0;
	struct flip *flip;
	int err;

	if (hook->unchanged)
		return 0;
	err = hook->attached ? 0
			     : chain_check_hook(&hook->nic, hook->hook->kind, hook->hook->shared);
	if (!err)
		err = chain_build(steps->tree, hook, source, steps->apply, &number, &from);
	if (err)
		return err;
	flip = add(steps, hook->nic.name, hook->hook->kind);
	if (!flip)
		return fail_oom();
	flip->to = number;
	flip->from = from;
	flip->was_attached = hook->attached;
	flip->made = true;
	flip->moves = hook->moves;
	return 0;
}

/* New attachments first: they are what may fail, and then there is nothing to undo. */
static int by_risk(const void *a, const void *b)
{
	const struct flip *x = a, *y = b;

	return (x->was_attached || !x->to) - (y->was_attached || !y->to);
}

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_REALTIME, &time);
	return time.tv_sec * 1000000000ll + time.tv_nsec;
}

int chain_apply(const struct pin_tree *tree, const struct plan *plan, const char *source)
{
	struct steps steps = { .tree = tree, .apply = now() };
	int err = 0;

	for (size_t i = 0; i < plan->n_hooks && !err; i++)
		err = build_one(&steps, &plan->hooks[i], source);
	if (err)
		discard_all(&steps);
	for (size_t i = 0; i < plan->n_removals && !err; i++)
		if (!add(&steps, plan->removals[i].nic.name, plan->removals[i].kind))
			err = fail_oom();
	if (!err && steps.n) {
		qsort(steps.flips, steps.n, sizeof(*steps.flips), by_risk);
		err = flip_all(tree, steps.flips, steps.n);
		sweep_all(&steps);
	}
	free(steps.flips);
	return err;
}

static bool is_wanted(const struct steps *steps, const char *interface)
{
	if (!steps->wanted)
		return true;
	for (size_t i = 0; i < steps->n_wanted; i++)
		if (!strcmp(steps->wanted[i], interface))
			return true;
	return false;
}

static int add_way_back(struct steps *steps, const struct chain *chain)
{
	int err = chain_check_place(chain, if_nametoindex(chain->interface));
	struct flip *flip;

	if (err)
		return err;
	if (!chain->rollback)
		return fail(-ENOENT, "%s %s: there is no generation before this one to go back to",
			    chain->interface, policy_hook_name(chain->kind));
	flip = add(steps, chain->interface, chain->kind);
	if (!flip)
		return fail_oom();
	flip->to = chain->rollback;
	flip->from = chain->live;
	flip->was_attached = chain->at.attached;
	return 0;
}

/* The last apply that made something of a chain anew. */
static int64_t last_apply(const struct chain *chain)
{
	const struct meta *live = chain->live_meta, *rollback = chain->rollback_meta;
	int64_t apply = live ? live->apply : 0;

	return rollback && rollback->apply > apply ? rollback->apply : apply;
}

static int note_newest(const struct chain *chain, void *arg)
{
	int64_t *newest = arg;

	if (last_apply(chain) > *newest)
		*newest = last_apply(chain);
	return 0;
}

/* What one apply has changed goes back together; a hook that it let be is let be again. */
static int add_rollback(const char *interface, enum hook_kind kind, void *arg)
{
	struct steps *steps = arg;
	struct chain chain;
	int64_t newest = 0;
	int err;

	if (!is_wanted(steps, interface))
		return 0;
	err = chain_open(steps->tree, interface, kind, &chain);
	if (err)
		return err;
	err = chain_each_of(steps->tree, interface, note_newest, &newest);
	if (!err && last_apply(&chain) == newest)
		err = add_way_back(steps, &chain);
	chain_close(&chain);
	return err;
}

static int add_removal(const char *interface, enum hook_kind kind, void *arg)
{
	struct steps *steps = arg;

	if (!is_wanted(steps, interface))
		return 0;
	return add(steps, interface, kind) ? 0 : fail_oom();
}

/* Every interface that is named must have a chain. */
static int check_wanted(const struct steps *steps)
{
	int err = 0;

	for (size_t i = 0; i < steps->n_wanted; i++) {
		bool found = false;

		for (size_t j = 0; j < steps->n; j++)
			found |= !strcmp(steps->flips[j].interface, steps->wanted[i]);
		if (!found)
			err = fail(-ENOENT,
				   "%s: no policy of weir is on it; `weir status` lists those",
				   steps->wanted[i]);
	}
	return err;
}

int chain_rollback(const struct pin_tree *tree, const char *const *interfaces, size_t n)
{
	struct steps steps = { .tree = tree, .wanted = n ? interfaces : NULL, .n_wanted = n };
	int err = chain_each(tree, add_rollback, &steps);

	if (!err)
		err = check_wanted(&steps);
	if (!err && !steps.n)
		err = fail(-ENOENT, "no policy of weir is on any interface here");
	if (!err)
		err = flip_all(tree, steps.flips, steps.n);
	free(steps.flips);
	return err;
}

/* Remove what a journal that cannot be carried out is in the way of; with all, the journal too. */
static int remove_all(const struct steps *steps)
{
	int err = 0;

	for (size_t i = 0; i < steps->n && !err; i++)
		err = chain_remove(steps->tree, steps->flips[i].interface, steps->flips[i].kind);
	return err || steps->wanted ? err : pin_remove(steps->tree->journal);
}

int chain_detach(const struct pin_tree *tree, const char *const *interfaces, size_t n)
{
	struct steps steps = { .tree = tree, .wanted = n ? interfaces : NULL, .n_wanted = n };
	int err = chain_each(tree, add_removal, &steps);

	if (!err)
		err = check_wanted(&steps);
	if (!err && flip_is_under_way(tree))
		err = remove_all(&steps);
	else if (!err && steps.n)
		err = flip_all(tree, steps.flips, steps.n);
	free(steps.flips);
	return err;
}
