// SPDX-License-Identifier: GPL-2.0-only
/*
 * A chain whose root is a component of libxdp's dispatcher. The root is pinned here, and linked by
 * pins of libxdp's, which are made anew whenever a component comes or goes: so the chain asks who
 * is in the dispatcher on the hook, and knows the root by its program's id.
 *
 * The note "shared" is written before the root joins and goes after it has left: who dies between
 * leaves what the next command finds.
 */
#include <jansson.h>
#include <string.h>

#include "attach_xdp_pins.h"
#include "attach_xdp_shared.h"
#include "chain_parts.h"

static void note_path(const char *dir, char *path)
{
	pin_path(path, dir, "shared");
}

bool chain_has_component(const char *dir)
{
	char path[PIN_PATH_MAX];

	note_path(dir, path);
	return pin_exists(path);
}

/* What the note says. */
struct note {
	uint32_t ifindex;
	bool joined; /* false while the root joins: libxdp may have been killed, or refuse */
};

/* -ENOENT, not reported, if there is none. */
static int read_note(const char *dir, struct note *out)
{
	char path[PIN_PATH_MAX];
	_free_ char *text = NULL;
	json_int_t ifindex = 0;
	int err, joined = 0;
	json_t *o;

	*out = (struct note){ 0 };
	note_path(dir, path);
	err = pin_read_text(path, &text);
	if (err)
		return err;
	o = json_loads(text, 0, NULL);
	err = json_unpack(o, "{s:I, s:b}", "ifindex", &ifindex, "joined", &joined);
	json_decref(o);
	out->ifindex = ifindex;
	out->joined = joined;
	return err ? fail(-EBADMSG, "%s is not what this version of weir wrote", path) : 0;
}

static int write_note(const struct chain *chain, uint32_t ifindex, bool joined)
{
	return chain_write_note(
		chain, "shared",
		json_pack("{s:I, s:b}", "ifindex", (json_int_t)ifindex, "joined", joined));
}

int chain_find_component(struct chain *chain)
{
	struct chain_attachment *out = &chain->at;
	struct xdp_shared shared;
	struct note note;
	int err = read_note(chain->dir, &note);

	out->ifindex = note.ifindex;
	if (!err)
		err = chain_prog_id(chain->root_fd, &out->prog_id);
	if (!err)
		err = attach_shared_query(out->ifindex, chain->interface, &shared);
	if (err)
		return err;
	out->attached = attach_shared_find(&shared, out->prog_id) < shared.n;
	out->mode = shared.mode;
	return 0;
}

/* The modes to try: where there is a dispatcher, its own. */
static int choose_modes(const struct nic *nic, const struct meta *meta, enum hook_mode modes[2],
			size_t *n, const char **why)
{
	struct xdp_shared shared;
	int err = attach_shared_query(nic->ifindex, nic->name, &shared);

	*n = meta->n_modes;
	*why = meta->why;
	memcpy(modes, meta->modes, meta->n_modes * sizeof(*modes));
	if (err || !shared.dispatcher)
		return err;
	if (shared.unpinned)
		return fail(
			-EBUSY,
			"%s: libxdp's dispatcher on it has lost its pins, and cannot be joined: `xdp-loader unload %s --all`, then load what it ran anew",
			nic->name, nic->name);
	*n = 1;
	*modes = shared.mode;
	*why = "libxdp's dispatcher was there in this mode";
	for (size_t i = 0; i < meta->n_modes; i++)
		if (meta->modes[i] == shared.mode)
			return 0;
	return fail(
		-EBUSY,
		"%s: libxdp's dispatcher is on it in %s mode, and all components are in one: say `xdp %s shared`",
		nic->name, policy_mode_name(shared.mode), policy_mode_name(shared.mode));
}

static int end_join(const struct chain *chain, uint32_t ifindex, enum hook_mode mode,
		    const char *why)
{
	uint32_t root;
	int err = chain_prog_id(chain->root_fd, &root);

	if (!err)
		err = chain_note_attach(chain, mode, why);
	if (!err)
		err = attach_pins_clean(ifindex, chain->interface, root);
	return err ? err : write_note(chain, ifindex, true);
}

int chain_end_join(struct chain *chain, const struct meta *meta)
{
	struct note note;
	int err = read_note(chain->dir, &note);

	if (err || note.joined)
		return err;
	return end_join(chain, note.ifindex, chain->at.mode, meta->why);
}

/* The interface that it was on before is gone; what is pinned for that is not. */
static int begin_join(const struct chain *chain, const struct nic *nic)
{
	struct note before;
	uint32_t root;
	int err = read_note(chain->dir, &before);

	if (!err && before.ifindex != nic->ifindex) {
		err = chain_prog_id(chain->root_fd, &root);
		if (!err)
			err = attach_pins_clean(before.ifindex, nic->name, root);
	}
	return err && err != -ENOENT ? err : write_note(chain, nic->ifindex, false);
}

int chain_join(struct chain *chain, const struct nic *nic, const struct meta *meta)
{
	char first[XDP_WHY] = "", last[XDP_WHY] = "";
	enum hook_mode modes[2];
	const char *why;
	size_t n;
	int err = choose_modes(nic, meta, modes, &n, &why);

	if (!err)
		err = begin_join(chain, nic);
	if (err)
		return err;
	err = attach_shared_join(nic, chain->root_fd, modes[0], first);
	if (!err)
		return end_join(chain, nic->ifindex, modes[0], why);
	if (n == 1 || err == -ENOLINK)
		return fail(err, "%s", first);
	note("%s; trying %s", first, policy_mode_name(modes[1]));
	err = attach_shared_join(nic, chain->root_fd, modes[1], last);
	if (err)
		return fail(err, "%s", last);
	/* It begins with the interface, which status says already. */
	return end_join(chain, nic->ifindex, modes[1], first + strlen(nic->name) + strlen(": "));
}

static int leave(const char *dir, const char *interface, uint32_t ifindex)
{
	char path[PIN_PATH_MAX];
	_close_ int root = -1;

	pin_path(path, dir, "root");
	root = pin_get(path);
	if (root < 0)
		return root == -ENOENT ? 0 : root;
	return attach_shared_leave(ifindex, interface, root);
}

int chain_remove_component(const char *dir, const char *interface)
{
	char path[PIN_PATH_MAX];
	struct note note;
	int err = read_note(dir, &note);

	if (err)
		return err == -ENOENT ? 0 : err;
	err = leave(dir, interface, note.ifindex);
	note_path(dir, path);
	if (!err)
		err = pin_remove(path);
	return err ? err : 1;
}
