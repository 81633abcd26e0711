// SPDX-License-Identifier: GPL-2.0-only
/*
 * Flips: several hooks go from one generation to another, all of them or none. A pinned journal
 * says what is under way, so that a process that dies between two flips leaves work, not a mixture.
 */
#include <bpf/bpf.h>
#include <jansson.h>
#include <string.h>

#include "chain_load.h"
#include "chain_parts.h"

static char *encode(const struct flip *flips, size_t n)
{
	json_t *list = json_array();
	char *text = NULL;

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_pack("{s:s, s:i, s:I, s:I, s:b, s:b, s:b}",
						      "interface", flips[i].interface, "hook",
						      flips[i].kind, "to", (json_int_t)flips[i].to,
						      "from", (json_int_t)flips[i].from, "attached",
						      flips[i].was_attached, "made", flips[i].made,
						      "moves", flips[i].moves));
	if (list)
		text = json_dumps(list, JSON_COMPACT);
	json_decref(list);
	return text;
}

static int decode_one(json_t *o, struct flip *flip)
{
	const char *interface;
	json_int_t to, from;
	int kind, attached, made, moves;

	if (json_unpack(o, "{s:s, s:i, s:I, s:I, s:b, s:b, s:b}", "interface", &interface, "hook",
			&kind, "to", &to, "from", &from, "attached", &attached, "made", &made,
			"moves", &moves))
		return -EINVAL;
	snprintf(flip->interface, sizeof(flip->interface), "%s", interface);
	flip->kind = kind;
	flip->to = to;
	flip->from = from;
	flip->was_attached = attached;
	flip->made = made;
	flip->moves = moves;
	return 0;
}

static int decode(const char *text, const char *where, struct flip **flips, size_t *n)
{
	json_t *list = json_loads(text, 0, NULL);
	int err = json_is_array(list) ? 0 : -EINVAL;

	*n = json_array_size(list);
	*flips = calloc(*n + 1, sizeof(**flips));
	if (!*flips)
		err = -ENOMEM;
	for (size_t i = 0; i < *n && !err; i++)
		err = decode_one(json_array_get(list, i), &(*flips)[i]);
	json_decref(list);
	return err ? fail(-EBADMSG,
			  "%s is not what this version of weir wrote: `weir detach --all`, then apply again",
			  where)
		   : 0;
}

/* The folder of a generation, made (gen-N) or in the making (new-N). */
static void find_dir(const struct chain *chain, uint32_t number, char *path)
{
	generation_dir(chain, "new", number, path);
	if (!pin_exists(path))
		generation_dir(chain, "gen", number, path);
}

/* The one write that a flip is. */
static int write_slot(const struct chain *chain, const char *dir, const struct meta *meta)
{
	char path[PIN_PATH_MAX];
	_close_ int fd = -1;
	uint32_t slot = 0;
	int err = load_set_miss(chain->config_fd, chain->kind, meta->miss);

	if (err)
		return err;
	pin_path(path, dir, "first");
	fd = pin_get(path);
	if (fd < 0)
		return fd == -ENOENT ? fail(fd, "%s is missing", path) : fd;
	err = bpf_map_update_elem(chain->slots_fd, &slot, &fd, BPF_ANY);
	return err ? fail(err, "%s %s: cannot flip: %s", chain->interface,
			  policy_hook_name(chain->kind), strerror(-err))
		   : 0;
}

static int flip_to(const struct pin_tree *tree, const struct flip *flip)
{
	char dir[PIN_PATH_MAX];
	struct meta *meta = NULL;
	struct chain chain;
	int err = chain_open(tree, flip->interface, flip->kind, &chain);

	if (err)
		return err == -ENOENT ? fail(err, "%s %s: the chain is gone", flip->interface,
					     policy_hook_name(flip->kind))
				      : err;
	find_dir(&chain, flip->to, dir);
	err = generation_meta(dir, &meta);
	if (!err)
		err = write_slot(&chain, dir, meta);
	if (!err)
		err = chain_attach(&chain, meta);
	meta_free(meta);
	chain_close(&chain);
	return err;
}

/* A generation's folder under its other name: "new" while it may still be undone. */
static int rename_generation(const struct pin_tree *tree, const struct flip *flip,
			     const char *from_kind, const char *to_kind)
{
	char from[PIN_PATH_MAX], to[PIN_PATH_MAX];
	struct chain chain;

	pin_hook_dir(tree, flip->interface, flip->kind, chain.dir);
	generation_dir(&chain, from_kind, flip->to, from);
	generation_dir(&chain, to_kind, flip->to, to);
	return pin_exists(from) ? pin_rename(from, to) : 0;
}

/* Every step may be done already: a journal is carried out again from its start. */
static int flip_each(const struct pin_tree *tree, const struct flip *flips, size_t n)
{
	int err = 0;

	for (size_t i = 0; i < n && !err; i++)
		if (flips[i].to)
			err = flip_to(tree, &flips[i]);
	for (size_t i = 0; i < n && !err; i++)
		if (flips[i].to)
			err = rename_generation(tree, &flips[i], "new", "gen");
	return err;
}

/* Behind all flips: which way a chain hangs on its hook is no part of its policy. */
static int move_each(const struct pin_tree *tree, const struct flip *flips, size_t n)
{
	int err = 0;

	for (size_t i = 0; i < n && !err; i++) {
		struct chain chain;

		if (!flips[i].moves)
			continue;
		err = chain_open(tree, flips[i].interface, flips[i].kind, &chain);
		if (err)
			break;
		err = chain.live_meta ? chain_move(&chain, chain.live_meta) : 0;
		chain_close(&chain);
	}
	return err;
}

/* Behind all flips: from a removal there is no way back. */
static int remove_each(const struct pin_tree *tree, const struct flip *flips, size_t n)
{
	int err = 0;

	for (size_t i = 0; i < n && !err; i++)
		if (!flips[i].to)
			err = chain_remove(tree, flips[i].interface, flips[i].kind);
	return err;
}

static int write_back(const struct chain *chain, uint32_t number)
{
	char dir[PIN_PATH_MAX];
	struct meta *meta = NULL;
	int err;

	generation_dir(chain, "gen", number, dir);
	err = generation_meta(dir, &meta);
	if (!err)
		err = write_slot(chain, dir, meta);
	meta_free(meta);
	return err;
}

/* Back to what was; the generation that was made for it is the sweep's. */
static int undo(const struct pin_tree *tree, const struct flip *flip)
{
	struct chain chain;
	int err;

	if (!flip->to)
		return 0; /* a removal waits for all flips: it has not begun */
	if (!flip->from)
		return chain_remove(tree, flip->interface, flip->kind);
	err = chain_open(tree, flip->interface, flip->kind, &chain);
	if (err)
		return err == -ENOENT ? 0 : err;
	if (!flip->was_attached)
		chain_take_down(&chain);
	err = write_back(&chain, flip->from);
	chain_close(&chain);
	if (!err && flip->made)
		err = rename_generation(tree, flip, "gen", "new");
	return err;
}

static int undo_all(const struct pin_tree *tree, const struct flip *flips, size_t n)
{
	int first_err = 0;

	while (n-- > 0) {
		int err = undo(tree, &flips[n]);

		first_err = first_err ? first_err : err;
	}
	return first_err;
}

/* As long as it can be neither finished nor undone the journal stays: the next command tries. */
static int finish(const struct pin_tree *tree, const struct flip *flips, size_t n)
{
	int err = flip_each(tree, flips, n);

	if (err && undo_all(tree, flips, n))
		return err;
	if (!err) {
		err = move_each(tree, flips, n) ?: remove_each(tree, flips, n);
		if (err)
			return err;
	}
	pin_remove(tree->journal);
	return err;
}

bool flip_is_under_way(const struct pin_tree *tree)
{
	return pin_exists(tree->journal);
}

int flip_all(const struct pin_tree *tree, const struct flip *flips, size_t n)
{
	_free_ char *text = encode(flips, n);
	int err;

	if (!text)
		return fail_oom();
	err = pin_write_text(tree->journal, "weir_journal", text);
	if (err)
		return err;
	err = finish(tree, flips, n);
	if (err && flip_is_under_way(tree))
		note("this is half done: the next command of weir will finish or undo it");
	return err;
}

int flip_recover(const struct pin_tree *tree)
{
	_free_ struct flip *flips = NULL;
	_free_ char *text = NULL;
	int err = pin_read_text(tree->journal, &text);
	size_t n;

	if (err)
		return err == -ENOENT ? 0 : err;
	err = decode(text, tree->journal, &flips, &n);
	if (err)
		return err;
	err = finish(tree, flips, n);
	if (flip_is_under_way(tree))
		return fail(
			err,
			"what an interrupted command had begun can be neither finished nor undone, see above; each command tries again. `weir detach --all` gives up every policy here");
	for (size_t i = 0; i < n; i++)
		note("%s %s: an interrupted command had begun to change it; %s", flips[i].interface,
		     policy_hook_name(flips[i].kind),
		     err ? "this has been undone" : "this has been finished");
	return 0;
}
