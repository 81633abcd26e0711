// SPDX-License-Identifier: GPL-2.0-only
#include "adopt.h"

#include <string.h>

#include "chain.h"
#include "fix.h"

/* What a chain's link or note tells; whether it still holds that interface tells chain_open(). */
struct claim {
	char interface[IFNAMSIZ];
	uint32_t ifindex;
};

struct claims {
	const struct pin_tree *tree;
	struct claim *list;
	size_t n;
};

static int note_claim(const char *interface, enum hook_kind kind, void *arg)
{
	struct claims *claims = arg;
	struct claim *claim;
	uint32_t ifindex;
	int err = chain_claim(claims->tree, interface, kind, &ifindex);

	if (err || !ifindex)
		return err;
	claim = array_add(claims->list, claims->n);
	if (!claim)
		return fail_oom();
	snprintf(claim->interface, sizeof(claim->interface), "%s", interface);
	claim->ifindex = ifindex;
	return 0;
}

/* Where the chains of an interface's name are. */
struct places {
	uint32_t ifindex;
	bool on, other; /* on this one; on another */
};

static int note_place(const struct chain *chain, void *arg)
{
	struct places *places = arg;
	bool on = chain->at.attached && chain->at.ifindex == places->ifindex;

	places->on |= on;
	places->other |= chain->at.elsewhere || (chain->at.attached && !on);
	return 0;
}

/* Is one of an interface's chains on this one, and none on another? 1, 0 or a reported error. */
static int is_on(const struct pin_tree *tree, const char *interface, uint32_t ifindex)
{
	struct places places = { .ifindex = ifindex };
	int err = chain_each_of(tree, interface, note_place, &places);

	return err ? err : places.on && !places.other;
}

/* The name under which an interface has a chain, other than its own; NULL: none. */
static int find_former(const struct claims *claims, const char *name, uint32_t ifindex,
		       const char **former)
{
	*former = NULL;
	for (size_t i = 0; i < claims->n && !*former; i++) {
		const struct claim *claim = &claims->list[i];
		int on;

		if (claim->ifindex != ifindex || !strcmp(claim->interface, name))
			continue;
		on = is_on(claims->tree, claim->interface, ifindex);
		if (on < 0)
			return on;
		*former = on ? claim->interface : NULL;
	}
	return 0;
}

static int foresee_one(const struct claims *claims, const char *name, struct adoptions *out)
{
	uint32_t ifindex = if_nametoindex(name);
	struct adoption *adoption;
	char dir[PIN_PATH_MAX];
	const char *former;
	int err = ifindex ? find_former(claims, name, ifindex, &former) : -ENOENT;

	if (err || !former)
		return err == -ENOENT ? 0 : err; /* it is the planner's to miss it */
	pin_path(dir, claims->tree->dir, name);
	if (pin_exists(dir))
		return fail(
			-EBUSY,
			"the policy of %s is on %s, which was %s then, and there is another one of %s: `weir detach %s` removes that one, then apply takes the first over",
			former, name, former, name, name);
	adoption = array_add(out->list, out->n);
	if (!adoption)
		return fail_oom();
	snprintf(adoption->from, sizeof(adoption->from), "%s", former);
	snprintf(adoption->to, sizeof(adoption->to), "%s", name);
	return 0;
}

int adopt_foresee(const struct pin_tree *tree, const struct policy *policy, struct adoptions *out)
{
	struct claims claims = { .tree = tree };
	int err = chain_each(tree, note_claim, &claims);

	*out = (struct adoptions){ 0 };
	for (size_t i = 0; i < policy->n_interfaces; i++) {
		const struct interface *interface = &policy->interfaces[i];

		for (size_t j = 0; j < interface->n_names && !err; j++)
			err = foresee_one(&claims, interface->names[j].text, out);
	}
	free(claims.list);
	return err;
}

/* The pin that tells of settings that are to follow. */
static void was_path(const char *dir, char *path)
{
	pin_path(path, dir, "was");
}

/* Settings follow a folder that was renamed. */
static int follow(const struct pin_tree *tree, const char *from, const char *to)
{
	char dir[PIN_PATH_MAX], was[PIN_PATH_MAX];
	int err = strcmp(from, to) ? fix_follow(tree, from, to) : 0;

	pin_path(dir, tree->dir, to);
	was_path(dir, was);
	return err ? err : pin_remove(was);
}

static int rename_folder(const struct pin_tree *tree, const char *from, const char *to)
{
	char old[PIN_PATH_MAX], new[PIN_PATH_MAX];

	pin_path(old, tree->dir, from);
	pin_path(new, tree->dir, to);
	return pin_rename(old, new);
}

static int rename_with_settings(const struct pin_tree *tree, const char *from, const char *to)
{
	char old[PIN_PATH_MAX], was[PIN_PATH_MAX];
	int err;

	pin_path(old, tree->dir, from);
	was_path(old, was);
	err = pin_write_text(was, "weir_was", from);
	if (err)
		return err;
	err = rename_folder(tree, from, to);
	if (!err) {
		err = follow(tree, from, to);
		if (!err || fix_follow(tree, to, from) || rename_folder(tree, to, from))
			return err;
	}
	pin_remove(was);
	return err;
}

int adopt_rename(const struct pin_tree *tree, const char *from, const char *to)
{
	return fix_is_about(tree, from) ? rename_with_settings(tree, from, to)
					: rename_folder(tree, from, to);
}

static int recover_one(const char *interface, void *arg)
{
	const struct pin_tree *tree = arg;
	char dir[PIN_PATH_MAX], was[PIN_PATH_MAX];
	_free_ char *from = NULL;
	int err;

	pin_path(dir, tree->dir, interface);
	was_path(dir, was);
	err = pin_read_text(was, &from);
	if (err)
		return err == -ENOENT ? 0 : err;
	return follow(tree, from, interface);
}

int adopt_recover(const struct pin_tree *tree)
{
	return pin_each(tree->dir, recover_one, (void *)tree);
}
