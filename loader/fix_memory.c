// SPDX-License-Identifier: GPL-2.0-only
#include "fix_memory.h"

#include <string.h>

#include "fail.h"
#include "fix.h"

static void memory_path(const struct pin_tree *tree, const char *key, char *path)
{
	char dir[PIN_PATH_MAX];

	snprintf(dir, sizeof(dir), "%.256s-nic", tree->dir);
	if (key)
		pin_path(path, dir, key);
	else
		snprintf(path, PIN_PATH_MAX, "%s", dir);
}

/* What is being written. */
static void fresh_path(const struct pin_tree *tree, char *path)
{
	snprintf(path, PIN_PATH_MAX, "%.256s-nic-new", tree->dir);
}

int fix_recall(const struct pin_tree *tree, const char *key, json_t **out)
{
	char path[PIN_PATH_MAX];
	_free_ char *text = NULL;
	int err;

	*out = NULL;
	memory_path(tree, key, path);
	err = pin_read_text(path, &text);
	if (err)
		return err == -ENOENT ? 0 : err;
	*out = json_loads(text, 0, NULL);
	return *out ? 0 : fail(-EBADMSG, "%s holds no settings of weir: remove it", path);
}

int fix_remember(const struct pin_tree *tree, const char *key, const json_t *memory)
{
	char dir[PIN_PATH_MAX], path[PIN_PATH_MAX], fresh[PIN_PATH_MAX];
	_free_ char *text = json_dumps(memory, JSON_COMPACT);
	int err;

	if (!text)
		return fail_oom();
	memory_path(tree, NULL, dir);
	memory_path(tree, key, path);
	fresh_path(tree, fresh);
	err = pin_make_dir(dir);
	if (!err)
		err = pin_remove(fresh) ?: pin_make_dir(dir);
	if (!err)
		err = pin_write_text(fresh, "weir_nic", text);
	return err ? err : pin_rename(fresh, path);
}

void fix_forget(const struct pin_tree *tree, const char *key)
{
	char path[PIN_PATH_MAX];

	memory_path(tree, key, path);
	pin_remove(path);
	fresh_path(tree, path);
	pin_remove(path);
}

void fix_prune(const struct pin_tree *tree)
{
	char path[PIN_PATH_MAX];

	fresh_path(tree, path);
	if (pin_exists(path))
		pin_remove(path);
	memory_path(tree, NULL, path);
	if (!rmdir(path))
		pin_prune(tree);
}

const char *fix_device(const char *key)
{
	const char *colon = strchr(key, ':');

	return colon ? colon + 1 : key;
}

void fix_interface(const char *key, char *name, size_t size)
{
	snprintf(name, size, "%.*s", (int)strcspn(key, ":"), key);
}

/* While the keys are walked. */
struct walk {
	const struct pin_tree *tree;
	const char *interface;
	int (*fn)(const struct pin_tree *tree, const char *key);
};

static int walk_one(const char *key, void *arg)
{
	const struct walk *walk = arg;
	size_t len = walk->interface ? strlen(walk->interface) : 0;

	if (len && (strncmp(key, walk->interface, len) || (key[len] && key[len] != ':')))
		return 0;
	return walk->fn(walk->tree, key);
}

int fix_each(const struct pin_tree *tree, const char *interface,
	     int (*fn)(const struct pin_tree *tree, const char *key))
{
	struct walk walk = { tree, interface, fn };
	char dir[PIN_PATH_MAX];

	memory_path(tree, NULL, dir);
	return pin_each(dir, walk_one, &walk);
}

/* While the keys are walked that are about an interface that has another name now. */
struct renaming {
	const struct pin_tree *tree;
	const char *from, *to;
};

static bool is_about(const char *key, const char *interface)
{
	char name[IFNAMSIZ];

	fix_interface(key, name, sizeof(name));
	return !strcmp(name, interface) || !strcmp(fix_device(key), interface);
}

static int is_about_one(const char *key, void *arg)
{
	return is_about(key, arg);
}

bool fix_is_about(const struct pin_tree *tree, const char *interface)
{
	char dir[PIN_PATH_MAX];

	memory_path(tree, NULL, dir);
	return pin_each(dir, is_about_one, (void *)interface) > 0;
}

static void new_key(const char *key, const char *from, const char *to, char *out, size_t size)
{
	const char *device = strchr(key, ':') ? fix_device(key) : NULL;
	char name[IFNAMSIZ];

	fix_interface(key, name, sizeof(name));
	snprintf(out, size, "%s%s%s", strcmp(name, from) ? name : to, device ? ":" : "",
		 device ? (strcmp(device, from) ? device : to) : "");
}

/* Of settings that were changed under either name the older values count: the first ones. */
static int merge(const struct pin_tree *tree, const char *key, json_t *older, json_t *newer)
{
	if (json_object_update_missing(json_object_get(older, "features"),
				       json_object_get(newer, "features")) ||
	    json_object_update_missing(older, newer))
		return fail_oom();
	return fix_remember(tree, key, older);
}

static int rename_one(const char *key, void *arg)
{
	const struct renaming *renaming = arg;
	const struct pin_tree *tree = renaming->tree;
	_json_ json_t *older = NULL, *newer = NULL;
	char to[2 * IFNAMSIZ], old_path[PIN_PATH_MAX], path[PIN_PATH_MAX];
	int err;

	if (!is_about(key, renaming->from))
		return 0;
	new_key(key, renaming->from, renaming->to, to, sizeof(to));
	err = fix_recall(tree, key, &older) ?: fix_recall(tree, to, &newer);
	if (!err && newer &&
	    json_equal(json_object_get(older, "ifindex"), json_object_get(newer, "ifindex")))
		err = merge(tree, key, older, newer);
	memory_path(tree, key, old_path);
	memory_path(tree, to, path);
	return err ? err : pin_rename(old_path, path);
}

int fix_follow(const struct pin_tree *tree, const char *from, const char *to)
{
	struct renaming renaming = { tree, from, to };
	char dir[PIN_PATH_MAX];

	memory_path(tree, NULL, dir);
	return pin_each(dir, rename_one, &renaming);
}
