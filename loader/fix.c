// SPDX-License-Identifier: GPL-2.0-only
#include "fix.h"

#include <jansson.h>
#include <net/if.h>
#include <string.h>

#include "fail.h"

static void decref(json_t **json)
{
	json_decref(*json);
}

#define _json_ _cleanup_(decref)

static void memory_path(const struct pin_tree *tree, const char *interface, char *path)
{
	char dir[PIN_PATH_MAX];

	snprintf(dir, sizeof(dir), "%.256s-nic", tree->dir);
	if (interface)
		pin_path(path, dir, interface);
	else
		snprintf(path, PIN_PATH_MAX, "%s", dir);
}

/* What is being written. */
static void fresh_path(const struct pin_tree *tree, char *path)
{
	snprintf(path, PIN_PATH_MAX, "%.256s-nic-new", tree->dir);
}

bool fix_is_remembered(const struct pin_tree *tree, const char *interface)
{
	char path[PIN_PATH_MAX];

	memory_path(tree, interface, path);
	return pin_exists(path);
}

/* What is remembered, a new reference; NULL with 0: nothing. */
static int recall(const struct pin_tree *tree, const char *interface, json_t **out)
{
	char path[PIN_PATH_MAX];
	_free_ char *text = NULL;
	int err;

	*out = NULL;
	memory_path(tree, interface, path);
	err = pin_read_text(path, &text);
	if (err)
		return err == -ENOENT ? 0 : err;
	*out = json_loads(text, 0, NULL);
	return *out ? 0 : fail(-EBADMSG, "%s holds no settings of weir: remove it", path);
}

/* In the place of what was there, in one step. */
static int remember(const struct pin_tree *tree, const char *interface, const json_t *memory)
{
	char dir[PIN_PATH_MAX], path[PIN_PATH_MAX], fresh[PIN_PATH_MAX];
	_free_ char *text = json_dumps(memory, JSON_COMPACT);
	int err;

	if (!text)
		return fail_oom();
	memory_path(tree, NULL, dir);
	memory_path(tree, interface, path);
	fresh_path(tree, fresh);
	err = pin_make_dir(dir);
	if (!err)
		err = pin_remove(fresh) ?: pin_make_dir(dir);
	if (!err)
		err = pin_write_text(fresh, "weir_nic", text);
	return err ? err : pin_rename(fresh, path);
}

static void forget(const struct pin_tree *tree, const char *interface)
{
	char path[PIN_PATH_MAX];

	memory_path(tree, interface, path);
	pin_remove(path);
	fresh_path(tree, path);
	pin_remove(path);
}

/* Add what a fix is about to change, unless an older value is known. */
static int add_old(json_t *memory, const struct nic_fix *fix, const struct nic_ethtool *now)
{
	const struct nic_channels *queues = &now->channels;
	const char *name = nic_feature_name(fix->feature);
	json_t *features = json_object_get(memory, "features");

	if (fix->kind == NIC_FIX_FEATURE && !json_object_get(features, name))
		return json_object_set_new(features, name,
					   json_boolean(now->features[fix->feature].on));
	if (fix->kind == NIC_FIX_QUEUES && !json_object_get(memory, "queues"))
		return json_object_set_new(memory, "queues",
					   json_pack("{s:i, s:i, s:i}", "rx", queues->rx, "tx",
						     queues->tx, "combined", queues->combined));
	return 0;
}

static int remember_old(const struct pin_tree *tree, const struct nic *nic,
			const struct nic_finding *findings, size_t n)
{
	_json_ json_t *memory = NULL;
	struct nic_ethtool now;
	int err = nic_ethtool_read(nic, &now);

	if (!err)
		err = recall(tree, nic->name, &memory);
	if (err)
		return err;
	if (memory && json_integer_value(json_object_get(memory, "ifindex")) != nic->ifindex)
		json_decref(TAKE(memory));
	if (!memory)
		memory = json_pack("{s:i, s:{}}", "ifindex", nic->ifindex, "features");
	for (size_t i = 0; i < n; i++)
		if (!memory || add_old(memory, &findings[i].fix, &now))
			return fail_oom();
	return remember(tree, nic->name, memory);
}

static bool has_fix(const struct nic_finding *findings, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (findings[i].fix.kind != NIC_FIX_NONE)
			return true;
	return false;
}

int fix_apply(const struct pin_tree *tree, const struct nic *nic,
	      const struct nic_finding *findings, size_t n,
	      void (*done)(const struct nic_finding *finding, void *arg), void *arg)
{
	int err = has_fix(findings, n) ? remember_old(tree, nic, findings, n) : 0;

	for (size_t i = 0; i < n && !err; i++) {
		if (findings[i].fix.kind == NIC_FIX_NONE)
			continue;
		err = nic_fix_apply(nic, &findings[i].fix);
		if (!err && done)
			done(&findings[i], arg);
	}
	return err;
}

static int restore_features(const struct nic *nic, const struct nic_ethtool *now, json_t *features)
{
	int first_err = 0;

	for (size_t i = 0; i < NIC_FEATURES; i++) {
		json_t *old = json_object_get(features, nic_feature_name(i));
		int err = 0;

		if (old && json_is_true(old) != now->features[i].on)
			err = nic_feature_set(nic, i, json_is_true(old));
		first_err = first_err ? first_err : err;
	}
	return first_err;
}

static int restore_queues(const struct nic *nic, const struct nic_ethtool *now, json_t *queues)
{
	struct nic_channels old = now->channels;

	if (json_unpack(queues, "{s:i, s:i, s:i}", "rx", &old.rx, "tx", &old.tx, "combined",
			&old.combined))
		return 0;
	if (!memcmp(&old, &now->channels, sizeof(old)))
		return 0;
	return nic_channels_set(nic, &old);
}

static int restore(const struct nic *nic, json_t *memory)
{
	struct nic_ethtool now;
	int err = nic_ethtool_read(nic, &now), err2;

	if (err)
		return err;
	err = restore_features(nic, &now, json_object_get(memory, "features"));
	err2 = restore_queues(nic, &now, json_object_get(memory, "queues"));
	return err ? err : err2;
}

int fix_restore(const struct pin_tree *tree, const char *interface)
{
	_json_ json_t *memory = NULL;
	uint32_t ifindex = if_nametoindex(interface);
	struct nic nic;
	int err = recall(tree, interface, &memory);

	if (err || !memory)
		return err;
	if (!ifindex || ifindex != json_integer_value(json_object_get(memory, "ifindex")))
		note("%s is gone or another interface now: its former settings are forgotten",
		     interface);
	else
		err = nic_probe(interface, &nic) ?: restore(&nic, memory);
	if (!err)
		forget(tree, interface);
	return err;
}

static int restore_one(const char *name, void *arg)
{
	return fix_restore(arg, name);
}

int fix_restore_all(const struct pin_tree *tree)
{
	char dir[PIN_PATH_MAX];

	memory_path(tree, NULL, dir);
	return pin_each(dir, restore_one, (void *)tree);
}
