// SPDX-License-Identifier: GPL-2.0-only
#include "fix_memory.h"

#include <string.h>

#include "fail.h"

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
