// SPDX-License-Identifier: GPL-2.0-only
/* Opening a chain from its pins, and telling what it is. */
#include "chain.h"

#include <bpf/bpf.h>
#include <string.h>

#include "chain_parts.h"

int chain_prog_id(int fd, uint32_t *id)
{
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info);
	int err = bpf_obj_get_info_by_fd(fd, &info, &len);

	*id = info.id;
	return err ? fail(err, "cannot ask what a program is: %s", strerror(-err)) : 0;
}

/* The id of the program in slot 0; 0: none. */
static int live_prog_id(const struct chain *chain, uint32_t *id)
{
	uint32_t slot = 0;
	int err = bpf_map_lookup_elem(chain->slots_fd, &slot, id);

	if (!err)
		return 0;
	*id = 0;
	return err == -ENOENT
		       ? 0
		       : fail(err, "%s %s: cannot tell which generation is live: %s",
			      chain->interface, policy_hook_name(chain->kind), strerror(-err));
}

void generation_dir(const struct chain *chain, const char *kind, uint32_t number, char *path)
{
	char name[32];

	snprintf(name, sizeof(name), "%s-%u", kind, number);
	pin_path(path, chain->dir, name);
}

int generation_meta(const char *dir, struct meta **out)
{
	char path[PIN_PATH_MAX];
	_free_ char *json = NULL;
	int err;

	pin_path(path, dir, "meta");
	err = pin_read_text(path, &json);
	if (err == -ENOENT)
		return fail(
			-EBADMSG,
			"%s is missing: somebody removed it; `weir detach` the interface, then apply again",
			path);
	return err ? err : meta_decode(json, path, out);
}

/* While the generations of a chain are looked through. */
struct search {
	struct chain *chain;
	uint32_t live_prog, newest;
};

static int look_at(const char *name, void *arg)
{
	struct search *search = arg;
	struct chain *chain = search->chain;
	char dir[PIN_PATH_MAX], path[PIN_PATH_MAX];
	_close_ int fd = -1;
	uint32_t number, id;
	int err;

	if (sscanf(name, "gen-%u", &number) != 1)
		return 0;
	generation_dir(chain, "gen", number, dir);
	pin_path(path, dir, "first");
	fd = pin_get(path);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	err = chain_prog_id(fd, &id);
	if (err)
		return err;
	if (id == search->live_prog)
		chain->live = number;
	else if (number > search->newest)
		search->newest = number;
	return 0;
}

/* Which generation is live tells slot 0. To roll back to is the one before it, or else the newest
 * other. */
static int find_generations(struct chain *chain)
{
	struct search search = { .chain = chain };
	char dir[PIN_PATH_MAX];
	int err = live_prog_id(chain, &search.live_prog);

	if (!err)
		err = pin_each(chain->dir, look_at, &search);
	if (err || !chain->live)
		return err;
	generation_dir(chain, "gen", chain->live, dir);
	err = generation_meta(dir, &chain->live_meta);
	if (err)
		return err;
	generation_dir(chain, "gen", chain->live_meta->previous, dir);
	chain->rollback = chain->live_meta->previous && pin_exists(dir) ? chain->live_meta->previous
									: search.newest;
	if (!chain->rollback)
		return 0;
	generation_dir(chain, "gen", chain->rollback, dir);
	return generation_meta(dir, &chain->rollback_meta);
}

int chain_missing(const struct chain *chain, const char *path)
{
	return fail(-EBADMSG,
		    "%s is missing: somebody removed it; `weir detach %s`, then apply again", path,
		    chain->interface);
}

/* What is attached has all of its pins; what is being made has not. */
static int open_pin(const struct chain *chain, const char *name, int *fd)
{
	char path[PIN_PATH_MAX];

	pin_path(path, chain->dir, name);
	*fd = pin_get(path);
	if (*fd == -ENOENT && chain->linked)
		return chain_missing(chain, path);
	return *fd < 0 ? *fd : 0;
}

static int open_pins(struct chain *chain)
{
	int err = open_pin(chain, "link", &chain->link_fd);

	if (err && err != -ENOENT)
		return err;
	chain->linked = chain_is_linked(chain->dir);
	err = open_pin(chain, "slots", &chain->slots_fd);
	if (!err)
		err = chain_open_counters(chain);
	if (!err)
		err = open_pin(chain, "config", &chain->config_fd);
	return err ? err : open_pin(chain, "root", &chain->root_fd);
}

void chain_close(struct chain *chain)
{
	own_close(&chain->slots_fd);
	chain_close_counters(chain);
	own_close(&chain->config_fd);
	own_close(&chain->root_fd);
	own_close(&chain->link_fd);
	meta_free(TAKE(chain->live_meta));
	meta_free(TAKE(chain->rollback_meta));
}

int chain_open(const struct pin_tree *tree, const char *interface, enum hook_kind kind,
	       struct chain *out)
{
	int err;

	*out = (struct chain){ .tree = tree, .kind = kind, .slots_fd = -1, .config_fd = -1 };
	out->root_fd = out->link_fd = -1;
	snprintf(out->interface, sizeof(out->interface), "%s", interface);
	pin_hook_dir(tree, interface, kind, out->dir);
	err = open_pins(out);
	if (!err)
		err = find_generations(out);
	if (!err)
		err = chain_check_counters(out);
	if (!err)
		err = chain_find_attachment(out);
	if (err)
		chain_close(out);
	return err;
}

int chain_each_of(const struct pin_tree *tree, const char *interface,
		  int (*fn)(const struct chain *chain, void *arg), void *arg)
{
	struct chain chain;
	int err = 0;

	for (enum hook_kind kind = HOOK_XDP; kind <= HOOK_EGRESS && !err; kind++) {
		err = chain_open(tree, interface, kind, &chain);
		if (err == -ENOENT) {
			err = 0;
			continue;
		}
		if (err)
			break;
		err = fn(&chain, arg);
		chain_close(&chain);
	}
	return err;
}

/* A walk over interfaces, and over the hooks of one. */
struct walk {
	const struct pin_tree *tree;
	chain_fn fn;
	void *arg;
};

static int walk_interface(const char *name, void *arg)
{
	const struct walk *walk = arg;
	char dir[PIN_PATH_MAX];
	int err = 0;

	for (enum hook_kind kind = HOOK_XDP; kind <= HOOK_EGRESS && !err; kind++) {
		pin_hook_dir(walk->tree, name, kind, dir);
		if (pin_exists(dir))
			err = walk->fn(name, kind, walk->arg);
	}
	return err;
}

int chain_each(const struct pin_tree *tree, chain_fn fn, void *arg)
{
	struct walk walk = { .tree = tree, .fn = fn, .arg = arg };

	return pin_each(tree->dir, walk_interface, &walk);
}

static int known_of(const struct chain *chain, struct plan_base *out)
{
	const struct meta *metas[] = { chain->live_meta, chain->rollback_meta };
	size_t n_known = 0, n_slots = 0;
	struct plan_known *known;
	uint32_t *slots;

	for (size_t i = 0; i < ARRAY_SIZE(metas); i++) {
		n_known += metas[i] ? metas[i]->n_rules : 0;
		n_slots += metas[i] ? metas[i]->n_slots : 0;
	}
	out->known = known = calloc(n_known + 1, sizeof(*known));
	out->slots = slots = calloc(n_slots + 1, sizeof(*slots));
	if (!known || !slots)
		return fail_oom();
	for (size_t i = 0; i < ARRAY_SIZE(metas); i++) {
		if (!metas[i])
			continue;
		memcpy(known + out->n_known, metas[i]->known, metas[i]->n_rules * sizeof(*known));
		memcpy(slots + out->n_slots, metas[i]->slots, metas[i]->n_slots * sizeof(*slots));
		out->n_known += metas[i]->n_rules;
		out->n_slots += metas[i]->n_slots;
	}
	return 0;
}

int chain_unknown(const struct chain *chain)
{
	return fail(
		-EBADMSG,
		"%s %s: nothing is known of the program that is live: `weir detach %s`, then apply",
		chain->interface, policy_hook_name(chain->kind), chain->interface);
}

int chain_check_place(const struct chain *chain, uint32_t ifindex)
{
	char name[IF_NAMESIZE] = "another name";

	if (chain->at.elsewhere)
		return fail(
			-EBUSY,
			"the policy of %s is on an interface that was moved to another network namespace since: `weir detach %s` takes it off there",
			chain->interface, chain->interface);
	if (!chain->at.attached || chain->at.ifindex == ifindex)
		return 0;
	if_indextoname(chain->at.ifindex, name);
	return fail(
		-EBUSY,
		"the policy of %s is on %s, which was %s then: `weir detach %s` takes it off there, and an apply for %s takes it over",
		chain->interface, name, chain->interface, chain->interface, name);
}

static int claim_of_note(const char *dir, const char *name, uint32_t *ifindex)
{
	char path[PIN_PATH_MAX];
	_free_ char *text = NULL;
	json_int_t number = 0;
	json_t *o;
	int err;

	pin_path(path, dir, name);
	err = pin_read_text(path, &text);
	if (err)
		return err == -ENOENT ? 0 : err;
	o = json_loads(text, 0, NULL);
	json_unpack(o, "{s:I}", "ifindex", &number);
	json_decref(o);
	*ifindex = number;
	return 0;
}

int chain_claim(const struct pin_tree *tree, const char *interface, enum hook_kind kind,
		uint32_t *ifindex)
{
	char dir[PIN_PATH_MAX], path[PIN_PATH_MAX];
	struct bpf_link_info info = { 0 };
	uint32_t size = sizeof(info);
	_close_ int link = -1;
	int err;

	*ifindex = 0;
	pin_hook_dir(tree, interface, kind, dir);
	pin_path(path, dir, "link");
	link = pin_get(path);
	if (link == -ENOENT)
		return claim_of_note(dir, kind == HOOK_XDP ? "shared" : "filter", ifindex);
	if (link < 0)
		return link;
	err = bpf_obj_get_info_by_fd(link, &info, &size);
	/* xdp.ifindex and tcx.ifindex stand in the same place. */
	*ifindex = info.xdp.ifindex;
	return err ? fail(err, "%s: cannot ask what its link is: %s", interface, strerror(-err))
		   : 0;
}

int chain_base(const struct pin_tree *tree, const char *interface, uint32_t ifindex,
	       enum hook_kind kind, struct chain *chain, struct plan_base *out)
{
	int err = chain_open(tree, interface, kind, chain);

	*out = (struct plan_base){ 0 };
	if (err)
		return err == -ENOENT ? 0 : err;
	if (!chain->live)
		return chain->linked ? chain_unknown(chain) : 0;
	err = chain_check_place(chain, ifindex);
	if (err)
		return err;
	out->loaded = true;
	out->attached = chain->at.attached;
	out->mode = chain->at.mode;
	out->why = chain->at.why;
	out->shared = chain->live_meta->shared;
	out->priority = chain->live_meta->priority;
	out->frags = chain->live_meta->frags;
	out->key = chain->live_meta->key;
	out->tail_calls = chain->live_meta->tail_calls;
	return known_of(chain, out);
}

void chain_base_free(struct plan_base *base)
{
	free((void *)base->known);
	free((void *)base->slots);
}
