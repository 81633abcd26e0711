// SPDX-License-Identifier: GPL-2.0-only
/*
 * A memory is {"ifindex", "features": {NAME: bool}, "queues": {…}}: the oldest values, which detach
 * restores. While a command is under way it has "pending", too: {"generation", "before", "now"}:
 * the live generation of that time, the memory to go back to (null: none), and the values.
 */
#include "fix.h"

#include <net/if.h>
#include <string.h>

#include "chain.h"
#include "fail.h"
#include "fix_memory.h"

/* An interface whose settings are to be changed, and how. */
struct change {
	const struct pin_tree *tree;
	char key[2 * IFNAMSIZ];
	struct nic device;
	bool of_peer; /* which of the findings */
	const struct nic_finding *findings;
	size_t n;
};

static bool is_meant(const struct change *change, size_t i)
{
	const struct nic_fix *fix = &change->findings[i].fix;

	return fix->kind != NIC_FIX_NONE && fix->of_peer == change->of_peer;
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

/* The live generation of an interface's XDP chain; 0: none, or nobody can tell. */
static uint32_t live_generation(const struct pin_tree *tree, const char *key)
{
	char interface[IFNAMSIZ];
	struct chain chain;
	uint32_t live;

	fix_interface(key, interface, sizeof(interface));
	if (chain_open(tree, interface, HOOK_XDP, &chain))
		return 0;
	live = chain.live;
	chain_close(&chain);
	return live;
}

/* `memory` with the values of now, and the way back to `before`. */
static int add_pending(const struct change *change, json_t *memory, json_t *before,
		       const struct nic_ethtool *now)
{
	json_t *values = json_pack("{s:{}}", "features");
	json_int_t live = live_generation(change->tree, change->key);

	for (size_t i = 0; i < change->n && values; i++)
		if (is_meant(change, i) && add_old(values, &change->findings[i].fix, now))
			return fail_oom();
	return json_object_set_new(memory, "pending",
				   json_pack("{s:I, s:O?, s:o}", "generation", live, "before",
					     before, "now", values))
		       ? fail_oom()
		       : 0;
}

static int remember_old(const struct change *change, bool pending)
{
	_json_ json_t *memory = NULL, *before = NULL;
	struct nic_ethtool now;
	int err = nic_ethtool_read(&change->device, &now);

	if (!err)
		err = fix_recall(change->tree, change->key, &before);
	if (err)
		return err;
	if (before &&
	    json_integer_value(json_object_get(before, "ifindex")) != change->device.ifindex)
		json_decref(TAKE(before));
	memory = before ? json_deep_copy(before)
			: json_pack("{s:i, s:{}}", "ifindex", change->device.ifindex, "features");
	for (size_t i = 0; i < change->n; i++)
		if (!memory ||
		    (is_meant(change, i) && add_old(memory, &change->findings[i].fix, &now)))
			return fail_oom();
	if (pending)
		err = add_pending(change, memory, before, &now);
	return err ? err : fix_remember(change->tree, change->key, memory);
}

static bool has_fix(const struct change *change)
{
	for (size_t i = 0; i < change->n; i++)
		if (is_meant(change, i))
			return true;
	return false;
}

static int carry_out(const struct change *change, bool pending, fix_done_fn done, void *arg)
{
	int err = remember_old(change, pending);

	for (size_t i = 0; i < change->n && !err; i++) {
		if (!is_meant(change, i))
			continue;
		err = nic_fix_apply(&change->device, &change->findings[i].fix);
		if (!err && done)
			done(&change->findings[i], arg);
	}
	return err;
}

static int carry_out_all(struct change *change, const struct nic *nic, bool pending,
			 fix_done_fn done, void *arg)
{
	int err = 0;

	change->device = *nic;
	snprintf(change->key, sizeof(change->key), "%s", nic->name);
	if (has_fix(change))
		err = carry_out(change, pending, done, arg);
	change->of_peer = true;
	if (err || !has_fix(change))
		return err;
	snprintf(change->key, sizeof(change->key), "%s:%s", nic->name, nic->peer.name);
	err = nic_probe(nic->peer.name, &change->device);
	return err ? err : carry_out(change, pending, done, arg);
}

int fix_apply(const struct pin_tree *tree, const struct nic *nic,
	      const struct nic_finding *findings, size_t n, fix_done_fn done, void *arg)
{
	struct change change = { .tree = tree, .findings = findings, .n = n };

	return carry_out_all(&change, nic, false, done, arg);
}

int fix_begin(const struct pin_tree *tree, const struct nic *nic,
	      const struct nic_finding *findings, size_t n, fix_done_fn done, void *arg)
{
	struct change change = { .tree = tree, .findings = findings, .n = n };

	return carry_out_all(&change, nic, true, done, arg);
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

static int restore_values(const struct nic *nic, json_t *values)
{
	struct nic_ethtool now;
	int err = nic_ethtool_read(nic, &now), err2;

	if (err)
		return err;
	err = restore_features(nic, &now, json_object_get(values, "features"));
	err2 = restore_queues(nic, &now, json_object_get(values, "queues"));
	return err ? err : err2;
}

/* Set the interface that a key is of to `values`, if it is still the one that is remembered. */
static int restore(const char *key, json_t *memory, json_t *values)
{
	const char *device = fix_device(key);
	uint32_t ifindex = if_nametoindex(device);
	struct nic nic;

	if (ifindex && ifindex == json_integer_value(json_object_get(memory, "ifindex")))
		return nic_probe(device, &nic) ?: restore_values(&nic, values);
	note("%s is gone or another interface now: its former settings are forgotten", device);
	return 0;
}

static int restore_one(const struct pin_tree *tree, const char *key)
{
	_json_ json_t *memory = NULL;
	int err = fix_recall(tree, key, &memory);

	if (err || !memory)
		return err;
	err = restore(key, memory, memory);
	if (!err)
		fix_forget(tree, key);
	return err;
}

int fix_restore(const struct pin_tree *tree, const char *interface)
{
	return fix_each(tree, interface, restore_one);
}

int fix_restore_all(const struct pin_tree *tree)
{
	return fix_each(tree, NULL, restore_one);
}

static int keep_one(const struct pin_tree *tree, const char *key)
{
	_json_ json_t *memory = NULL;
	int err = fix_recall(tree, key, &memory);

	if (err || json_object_del(memory, "pending"))
		return err;
	return fix_remember(tree, key, memory);
}

int fix_keep(const struct pin_tree *tree, const char *interface)
{
	return fix_each(tree, interface, keep_one);
}

static int undo_one(const struct pin_tree *tree, const char *key)
{
	_json_ json_t *memory = NULL;
	json_t *pending, *before;
	int err = fix_recall(tree, key, &memory);

	pending = json_object_get(memory, "pending");
	if (err || !pending)
		return err;
	err = restore(key, memory, json_object_get(pending, "now"));
	if (err)
		return err;
	before = json_object_get(pending, "before");
	if (json_is_object(before))
		return fix_remember(tree, key, before);
	fix_forget(tree, key);
	return 0;
}

int fix_undo(const struct pin_tree *tree, const char *interface)
{
	return fix_each(tree, interface, undo_one);
}

static int recover_one(const struct pin_tree *tree, const char *key)
{
	_json_ json_t *memory = NULL;
	json_t *pending;
	int err = fix_recall(tree, key, &memory);
	bool keep;

	pending = json_object_get(memory, "pending");
	if (err || !pending)
		return err;
	keep = live_generation(tree, key) !=
	       json_integer_value(json_object_get(pending, "generation"));
	err = keep ? keep_one(tree, key) : undo_one(tree, key);
	if (!err)
		note("%s: an interrupted command had changed its settings; %s", fix_device(key),
		     keep ? "they stay until detach" : "they are restored");
	return err;
}

int fix_recover(const struct pin_tree *tree)
{
	fix_prune(tree);
	return fix_each(tree, NULL, recover_one);
}

static int is_one(const struct pin_tree *tree, const char *key)
{
	(void)tree;
	(void)key;
	return 1;
}

bool fix_is_remembered(const struct pin_tree *tree, const char *interface)
{
	return fix_each(tree, interface, is_one) > 0;
}
