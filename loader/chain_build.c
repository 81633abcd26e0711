// SPDX-License-Identifier: GPL-2.0-only
/* Making generations, and clearing them away. */
#include <bpf/bpf.h>
#include <string.h>

#include "abi.h"
#include "chain_load.h"
#include "chain_parts.h"
#include "maps.h"

static int put(const struct chain *chain, const char *name, int fd)
{
	char path[PIN_PATH_MAX];

	pin_path(path, chain->dir, name);
	return pin_put(fd, path);
}

/* The maps of a chain that is not there yet, pinned at once: its other parts hang on them. */
static int create_chain(const struct pin_tree *tree, const struct plan_hook *hook,
			struct chain *chain)
{
	int err;

	*chain = (struct chain){ .tree = tree, .kind = hook->hook->kind, .slots_fd = -1 };
	chain->config_fd = chain->root_fd = chain->link_fd = -1;
	snprintf(chain->interface, sizeof(chain->interface), "%s", hook->nic.name);
	pin_hook_dir(tree, chain->interface, chain->kind, chain->dir);
	err = pin_make_dir(chain->dir);
	if (err)
		return err;
	chain->slots_fd = maps_create_slots();
	if (chain->slots_fd < 0)
		return chain->slots_fd;
	err = put(chain, "slots", chain->slots_fd);
	return err ? err : chain_add_counters(chain, 0, hook->n_counters);
}

/* The root of a new chain: slot 0 is filled first, so that its tail call is a direct jump. */
static int create_root(struct chain *chain, const struct plan_hook *hook, int first_fd)
{
	const struct load_maps maps = { chain->slots_fd, chain->counters_fds[0], NULL, -1, -1 };
	const struct load_root root = {
		.kind = chain->kind,
		.frags = hook->frags,
		.place = hook->modes[0] == TC_CLSACT ? WEIR_ROOT_YIELDS : WEIR_ROOT_ALONE,
		.shared = hook->hook->shared,
		.priority = hook->hook->priority,
		.pos = &hook->hook->pos,
	};
	uint32_t slot = 0;
	int err = bpf_map_update_elem(chain->slots_fd, &slot, &first_fd, BPF_ANY);

	if (err)
		return fail(err, "cannot put a program into slot 0: %s", strerror(-err));
	err = load_root(&maps, &root, &chain->root_fd, &chain->config_fd);
	if (!err)
		err = load_set_miss(chain->config_fd, chain->kind, hook->hook->miss);
	if (!err)
		err = put(chain, "config", chain->config_fd);
	return err ? err : put(chain, "root", chain->root_fd);
}

/* The maps that a stage had in a generation: pins map-SLOT-NAME. */
struct find_maps {
	const char *dir;
	char prefix[32];
	struct stage_map *maps;
	size_t n;
};

static int find_map(const char *name, void *arg)
{
	struct find_maps *find = arg;
	size_t len = strlen(find->prefix);
	char path[PIN_PATH_MAX];
	struct stage_map *map;

	if (strncmp(name, find->prefix, len))
		return 0;
	map = array_add(find->maps, find->n);
	if (!map)
		return fail_oom();
	snprintf(map->name, sizeof(map->name), "%s", name + len);
	pin_path(path, find->dir, name);
	map->fd = pin_get(path);
	return map->fd < 0 ? map->fd : 0;
}

static const struct meta_rule *rule_of(const struct meta *meta, const char *identity)
{
	for (size_t i = 0; meta && i < meta->n_rules; i++)
		if (!strcmp(meta->rules[i].identity, identity))
			return &meta->rules[i];
	return NULL;
}

static int keep_maps(const struct plan_rule *rule, struct stage_map **maps, size_t *n, void *arg)
{
	const struct chain *chain = arg;
	const struct meta_rule *before = rule_of(chain->live_meta, rule->identity);
	uint32_t number = chain->live;
	char dir[PIN_PATH_MAX];
	struct find_maps find = { .dir = dir };
	int err;

	if (!before) {
		before = rule_of(chain->rollback_meta, rule->identity);
		number = chain->rollback;
	}
	if (!before)
		return 0;
	generation_dir(chain, "gen", number, dir);
	snprintf(find.prefix, sizeof(find.prefix), "map-%u-", before->slot);
	err = pin_each(dir, find_map, &find);
	*maps = find.maps;
	*n = find.n;
	return err;
}

static int pin_prog(const char *dir, const struct load_prog *prog)
{
	char path[PIN_PATH_MAX], name[64];
	int err;

	snprintf(name, sizeof(name), "prog-%u", prog->slot);
	pin_path(path, dir, prog->slot ? name : "first");
	err = pin_put(prog->fd, path);
	for (size_t i = 0; i < prog->instance.n_maps && !err; i++) {
		snprintf(name, sizeof(name), "map-%u-%s", prog->slot, prog->instance.maps[i].name);
		pin_path(path, dir, name);
		err = pin_put(prog->instance.maps[i].fd, path);
	}
	return err;
}

static int pin_generation(const char *dir, const struct loaded *loaded)
{
	char path[PIN_PATH_MAX];
	int err = 0;

	pin_path(path, dir, "devmap");
	if (loaded->devmap_fd >= 0)
		err = pin_put(loaded->devmap_fd, path);
	for (size_t i = 0; i < loaded->n_progs && !err; i++)
		err = pin_prog(dir, &loaded->progs[i]);
	return err;
}

/* New rules start at 0: nobody has counted at their indices since the last grace period. */
static int zero_new_counters(const struct chain *chain, const struct plan_hook *hook)
{
	int err = 0;

	for (size_t i = 0; i < hook->n_rules && !err && chain->live; i++)
		if (!hook->rules[i].kept)
			err = chain_zero_counters(chain, hook->rules[i].counter,
						  hook->rules[i].n_counters);
	return err;
}

/* The meta first: it says which slots to clear if we die behind it. */
static int build_generation(struct chain *chain, const struct plan_hook *hook, const char *source,
			    int64_t apply, const char *dir)
{
	int sockets[WEIR_SOCKETS];
	struct load_maps maps = { chain->slots_fd, -1, sockets, -1, -1 };
	const struct load_keep keep = { keep_maps, chain };
	_free_ char *json = NULL;
	char path[PIN_PATH_MAX];
	struct loaded loaded;
	uint32_t counters;
	int err = chain_choose_counters(chain, hook->n_counters, &counters);

	if (err)
		return err;
	json = meta_encode(hook, chain->live, counters, source, apply);
	if (!json)
		return fail_oom();
	pin_path(path, dir, "meta");
	err = pin_make_dir(dir);
	if (!err)
		err = pin_write_text(path, "weir_meta", json);
	if (!err)
		err = chain_add_counters(chain, counters, hook->n_counters)
			      ?: zero_new_counters(chain, hook);
	if (!err) {
		maps.counters_fd = chain->counters_fds[counters];
		err = chain_open_sockets(chain, hook, sockets)
			      ?: chain_open_cpus(chain, hook, &maps)
			      ?: chain_pin_cpus(dir, &maps)
			      ?: load_generation(hook, &maps, &keep, &loaded);
		chain_close_sockets(sockets);
		chain_close_cpus(&maps);
	}
	if (err)
		return err;
	err = pin_generation(dir, &loaded);
	if (!err && chain->root_fd < 0)
		err = create_root(chain, hook, loaded_first(&loaded));
	loaded_close(&loaded);
	return err;
}

int chain_build(const struct pin_tree *tree, const struct plan_hook *hook, const char *source,
		int64_t apply, uint32_t *number, uint32_t *from)
{
	char dir[PIN_PATH_MAX];
	struct chain chain;
	int err = chain_open(tree, hook->nic.name, hook->hook->kind, &chain);

	if (err == -ENOENT)
		err = create_chain(tree, hook, &chain);
	else if (err)
		return err;
	*from = chain.live;
	*number = (chain.live > chain.rollback ? chain.live : chain.rollback) + 1;
	generation_dir(&chain, "new", *number, dir);
	if (!err)
		err = build_generation(&chain, hook, source, apply, dir);
	if (err && !chain.live)
		chain_remove(tree, hook->nic.name, hook->hook->kind);
	else if (err)
		chain_discard_new(&chain, *number);
	chain_close(&chain);
	return err;
}

static bool holds_slot(const struct meta *meta, uint32_t slot)
{
	for (size_t i = 0; meta && i < meta->n_slots; i++)
		if (meta->slots[i] == slot)
			return true;
	return false;
}

/*
 * Let go of a generation's programs that stand in slots. An empty program takes their places:
 * deleting an element makes the kernel wait for RCU, 16 ms for each that something jumps to
 * (bpf_arch_poke_desc_update()), overwriting it does not. The next generation takes these slots.
 * Where none can be loaded (an apply has failed for lack of CAP_NET_ADMIN, say) they are deleted.
 */
static int clear_slots(const struct chain *chain, const struct meta *meta)
{
	_close_ int empty = -1;
	int err;

	for (size_t i = 0; i < meta->n_slots; i++) {
		if (holds_slot(chain->live_meta, meta->slots[i]) ||
		    holds_slot(chain->rollback_meta, meta->slots[i]))
			continue;
		if (empty < 0)
			empty = load_empty(chain->kind, meta->frags);
		err = empty < 0 ? bpf_map_delete_elem(chain->slots_fd, &meta->slots[i])
				: bpf_map_update_elem(chain->slots_fd, &meta->slots[i], &empty,
						      BPF_ANY);
		if (err && err != -ENOENT)
			return fail(err, "cannot clear slot %u: %s", meta->slots[i],
				    strerror(-err));
	}
	return 0;
}

/* Remove a generation that nothing runs any more. */
static int remove_generation(const struct chain *chain, const char *dir)
{
	struct meta *meta = NULL;
	char path[PIN_PATH_MAX];
	int err;

	pin_path(path, dir, "meta");
	err = pin_exists(path) ? generation_meta(dir, &meta) : 0;
	if (meta)
		err = clear_slots(chain, meta);
	meta_free(meta);
	return err ? err : pin_remove(dir);
}

/*
 * Unpin what only generations had that are about to go. They go behind it: as long as they are
 * there, the next command knows that there is something to sweep.
 */
static int sweep_maps(struct chain *chain)
{
	return chain_sweep_sockets(chain) ?: chain_sweep_counters(chain);
}

int chain_discard_new(struct chain *chain, uint32_t number)
{
	char dir[PIN_PATH_MAX];

	generation_dir(chain, "new", number, dir);
	return pin_exists(dir) ? sweep_maps(chain) ?: remove_generation(chain, dir) : 0;
}

/* Folders of generations to be removed. */
struct sweep {
	const struct chain *chain;
	int removed;
};

static int sweep_one(const char *name, void *arg)
{
	struct sweep *sweep = arg;
	char dir[PIN_PATH_MAX];
	uint32_t number;

	if (sscanf(name, "new-%u", &number) != 1 &&
	    (sscanf(name, "gen-%u", &number) != 1 || number == sweep->chain->live ||
	     number == sweep->chain->rollback))
		return 0;
	sweep->removed++;
	pin_path(dir, sweep->chain->dir, name);
	return remove_generation(sweep->chain, dir);
}

struct count {
	unsigned int made, making; /* generations */
};

static int count_one(const char *name, void *arg)
{
	struct count *count = arg;

	count->made += !strncmp(name, "gen-", 4);
	count->making += !strncmp(name, "new-", 4);
	return 0;
}

/* A chain that runs. One that cannot be opened has been meddled with: it is left as it is. */
static int sweep_generations(const struct pin_tree *tree, const char *interface,
			     enum hook_kind kind)
{
	struct chain chain;
	struct sweep sweep = { .chain = &chain };
	int err = chain_open(tree, interface, kind, &chain);

	if (err)
		return err;
	if (chain.live)
		err = chain_grace() ?: sweep_maps(&chain) ?: pin_each(chain.dir, sweep_one, &sweep);
	chain_close(&chain);
	return err ? err : sweep.removed;
}

int chain_sweep(const struct pin_tree *tree, const char *interface, enum hook_kind kind)
{
	char dir[PIN_PATH_MAX];
	struct count count = { 0 };
	int err;

	if (flip_is_under_way(tree))
		return 0; /* what is live may have the name of what is in the making */
	pin_hook_dir(tree, interface, kind, dir);
	if (!chain_is_linked(dir)) {
		err = chain_remove(tree, interface, kind);
		return err ? err : 1;
	}
	err = pin_each(dir, count_one, &count);
	if (err || (count.made <= 2 && !count.making))
		return err;
	return sweep_generations(tree, interface, kind);
}

/*
 * A chain without a link is a leaving, so the link's pin goes first: whoever dies behind that has
 * its rest swept. Then detach in so many words (the kernel puts off what the last unpinning does),
 * wait for packets under way, and only then let go of the prog array: it is emptied with its last
 * pin.
 */
int chain_remove(const struct pin_tree *tree, const char *interface, enum hook_kind kind)
{
	char dir[PIN_PATH_MAX];
	int err = 0;

	pin_hook_dir(tree, interface, kind, dir);
	if (pin_exists(dir)) {
		err = chain_detach_hook(dir, interface, kind);
		if (err > 0)
			err = chain_grace();
	}
	return err ? err : pin_remove(dir);
}
