// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a chain hangs on its interface: by a pinned bpf_link (XDP, tcx), or by a filter of clsact,
 * which the pinned note "filter" tells of. Either pin says that the chain was attached: one that
 * has neither is in the making, or half removed.
 *
 * The note is written before the filter and before the qdisc that it hangs on, and goes after them:
 * whoever dies between leaves what the next command finds and removes.
 */
#include <bpf/bpf.h>
#include <jansson.h>
#include <string.h>

#include "attach_tc.h"
#include "attach_xdp.h"
#include "chain_parts.h"

/* What the note "filter" says; all zero: there is none. */
struct filter_note {
	uint32_t ifindex;
	bool made_qdisc; /* clsact was not there before weir */
};

static void pin_of(const struct chain *chain, const char *name, char *path)
{
	pin_path(path, chain->dir, name);
}

bool chain_has_filter(const struct chain *chain)
{
	char path[PIN_PATH_MAX];

	pin_of(chain, "filter", path);
	return pin_exists(path);
}

bool chain_is_linked(const char *dir)
{
	char link[PIN_PATH_MAX], filter[PIN_PATH_MAX];

	pin_path(link, dir, "link");
	pin_path(filter, dir, "filter");
	return pin_exists(link) || pin_exists(filter);
}

/* -ENOENT, not reported, if there is none. */
static int read_note(const char *dir, struct filter_note *out)
{
	char path[PIN_PATH_MAX];
	_free_ char *text = NULL;
	json_int_t ifindex = 0;
	int err, made = 0;
	json_t *o;

	*out = (struct filter_note){ 0 };
	pin_path(path, dir, "filter");
	err = pin_read_text(path, &text);
	if (err)
		return err;
	o = json_loads(text, 0, NULL);
	err = json_unpack(o, "{s:I, s:b}", "ifindex", &ifindex, "qdisc", &made);
	json_decref(o);
	if (err)
		return fail(-EBADMSG, "%s is not what this version of weir wrote", path);
	out->ifindex = ifindex;
	out->made_qdisc = made;
	return 0;
}

/* In one step, in the place of what was there. */
static int write_pin(const struct chain *chain, const char *name, json_t *o)
{
	_free_ char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
	char path[PIN_PATH_MAX], fresh[PIN_PATH_MAX], fresh_name[32], map[16];
	int err;

	json_decref(o);
	if (!text)
		return fail_oom();
	snprintf(fresh_name, sizeof(fresh_name), "%s-new", name);
	pin_of(chain, name, path);
	pin_of(chain, fresh_name, fresh);
	snprintf(map, sizeof(map), "weir_%s", name);
	err = pin_remove(fresh);
	if (!err)
		err = pin_write_text(fresh, map, text);
	return err ? err : pin_rename(fresh, path);
}

static int write_note(const struct chain *chain, const struct filter_note *note)
{
	return write_pin(chain, "filter",
			 json_pack("{s:I, s:b}", "ifindex", (json_int_t)note->ifindex, "qdisc",
				   note->made_qdisc));
}

int chain_note_attach(const struct chain *chain, enum hook_mode mode, const char *why)
{
	return write_pin(chain, "attach", json_pack("{s:i, s:s}", "mode", mode, "why", why));
}

/* The kernel knows the mode, too, but nobody why. */
static int ask_xdp_mode(struct chain_attachment *out)
{
	const struct nic nic = { .ifindex = out->ifindex };
	struct xdp_holder holders[XDP_HOLDERS_MAX];
	int n = out->attached ? attach_xdp_query(&nic, holders) : 0;

	for (int i = 0; i < n; i++)
		if (holders[i].prog_id == out->prog_id)
			out->mode = holders[i].mode;
	return n < 0 ? n : 0;
}

static int ask_mode(const struct chain *chain, struct chain_attachment *out)
{
	snprintf(out->why, sizeof(out->why), "somebody removed the note that told why");
	if (chain->kind == HOOK_XDP)
		return ask_xdp_mode(out);
	out->mode = chain->link_fd >= 0 ? TC_TCX : TC_CLSACT;
	return 0;
}

static int read_attach(const struct chain *chain, struct chain_attachment *out)
{
	char path[PIN_PATH_MAX];
	_free_ char *text = NULL;
	const char *why;
	json_t *o;
	int err, mode;

	pin_of(chain, "attach", path);
	err = pin_read_text(path, &text);
	if (err)
		return err == -ENOENT ? ask_mode(chain, out) : err;
	o = json_loads(text, 0, NULL);
	if (o && !json_unpack(o, "{s:i, s:s}", "mode", &mode, "why", &why)) {
		out->mode = mode;
		snprintf(out->why, sizeof(out->why), "%s", why);
	}
	json_decref(o);
	return 0;
}

/* Is this program on the tc hook, as a link's or in weir's filter? 1, 0 or a reported error. */
static int is_on_tc(const struct chain *chain, uint32_t ifindex, uint32_t prog_id,
		    enum hook_mode mode)
{
	_free_ struct tc_holder *holders = NULL;
	size_t n;
	int err = attach_tc_query(ifindex, chain->interface, chain->kind, &holders, &n);

	for (size_t i = 0; i < n && !err; i++)
		if (holders[i].mode == mode && holders[i].prog_id == prog_id &&
		    (mode == TC_TCX || holders[i].handle == TC_HANDLE))
			return 1;
	return err;
}

static uint32_t link_id(int fd)
{
	struct bpf_link_info info = { 0 };
	uint32_t size = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &size) ? 0 : info.id;
}

/* A link follows its interface into another network namespace. */
static int find_link(const struct chain *chain, struct chain_attachment *out)
{
	bool xdp = chain->kind == HOOK_XDP;
	int err = xdp ? attach_xdp_link_info(chain->link_fd, &out->ifindex, &out->prog_id)
		      : attach_tcx_link_info(chain->link_fd, chain->kind, &out->ifindex,
					     &out->prog_id);

	if (err)
		return fail(err, "%s: cannot ask what its link is: %s", chain->interface,
			    strerror(-err));
	out->link_id = link_id(chain->link_fd);
	if (!out->ifindex)
		return 0;
	err = xdp ? attach_xdp_is_on(out->ifindex, chain->interface, out->prog_id)
		  : is_on_tc(chain, out->ifindex, out->prog_id, TC_TCX);
	if (err < 0)
		return err;
	out->attached = err;
	out->elsewhere = !err;
	return 0;
}

/* A filter does not: it goes when its interface moves. */
static int find_filter(const struct chain *chain, struct chain_attachment *out)
{
	struct filter_note note;
	int err = read_note(chain->dir, &note);

	if (!err)
		err = chain_prog_id(chain->root_fd, &out->prog_id);
	if (err)
		return err;
	out->ifindex = note.ifindex;
	err = is_on_tc(chain, out->ifindex, out->prog_id, TC_CLSACT);
	out->attached = err > 0;
	return err < 0 ? err : 0;
}

int chain_find_attachment(struct chain *chain)
{
	struct chain_attachment *out = &chain->at;
	int err;

	if (!chain->linked)
		return 0;
	err = chain->link_fd >= 0 ? find_link(chain, out) : find_filter(chain, out);
	return err ? err : read_attach(chain, out);
}

int chain_check_hook(const struct nic *nic, enum hook_kind kind)
{
	struct xdp_holder holders[XDP_HOLDERS_MAX];
	char why[XDP_WHY];
	int n;

	if (kind != HOOK_XDP)
		return 0; /* there is room for all */
	n = attach_xdp_query(nic, holders);
	if (n <= 0)
		return n;
	attach_xdp_say_holder(nic, &holders[0], why, sizeof(why));
	return fail(-EBUSY, "%s", why);
}

/* attach_xdp() begins its sentence with the interface, which status says already. */
static const char *without_name(const struct nic *nic, const char *sentence)
{
	size_t len = strlen(nic->name);

	return strncmp(sentence, nic->name, len) || strncmp(sentence + len, ": ", 2)
		       ? sentence
		       : sentence + len + 2;
}

/* Try the modes in turn: the link, and why this mode. A fallback is said. */
static int link_xdp(const struct nic *nic, int root_fd, const struct meta *meta,
		    enum hook_mode *mode, char **why)
{
	char first[XDP_WHY] = "", refusal[XDP_WHY] = "";
	int link = -EINVAL;

	for (size_t i = 0; i < meta->n_modes && link < 0; i++) {
		if (i)
			note("%s; trying %s", first, policy_mode_name(meta->modes[i]));
		*mode = meta->modes[i];
		link = attach_xdp(nic, root_fd, *mode, i ? refusal : first);
	}
	if (link < 0)
		return fail(link, "%s", refusal[0] ? refusal : first);
	*why = strdup(first[0] ? without_name(nic, first) : meta->why);
	if (!*why) {
		own_close(&link);
		return fail_oom();
	}
	return link;
}

static int link_tcx(const struct nic *nic, const struct chain *chain, const struct meta *meta,
		    enum hook_mode *mode, char **why)
{
	char refusal[TC_WHY];
	int link;

	*mode = TC_TCX;
	*why = strdup(meta->why);
	if (!*why)
		return fail_oom();
	link = attach_tcx(nic, chain->kind, chain->root_fd, meta->priority, refusal);
	return link < 0 ? fail(link, "%s", refusal) : link;
}

static int attach_link(struct chain *chain, const struct nic *nic, const struct meta *meta)
{
	char path[PIN_PATH_MAX];
	_free_ char *why = NULL;
	_close_ int link = -1;
	enum hook_mode mode = XDP_NATIVE;
	int err;

	pin_of(chain, "link", path);
	link = chain->kind == HOOK_XDP ? link_xdp(nic, chain->root_fd, meta, &mode, &why)
				       : link_tcx(nic, chain, meta, &mode, &why);
	if (link < 0)
		return link;
	err = chain_note_attach(chain, mode, why);
	if (!err)
		err = pin_remove(path);
	if (!err)
		err = pin_put(link, path);
	if (!err)
		return 0;
	bpf_link_detach(link);
	/* A chain without a link is swept: the one whose interface is gone keeps it. */
	if (chain->link_fd >= 0 && !pin_exists(path))
		pin_put(chain->link_fd, path);
	return err;
}

/* Both hooks of an interface hang on one qdisc: whose it is, the other one's note may tell. */
static bool other_made_qdisc(const struct chain *chain, uint32_t ifindex)
{
	struct filter_note note;
	char dir[PIN_PATH_MAX];

	pin_hook_dir(chain->tree, chain->interface,
		     chain->kind == HOOK_INGRESS ? HOOK_EGRESS : HOOK_INGRESS, dir);
	return !read_note(dir, &note) && note.made_qdisc && note.ifindex == ifindex;
}

/* The note of an earlier try for the same interface stays: the qdisc may be its work. */
static int note_filter(const struct chain *chain, const struct nic *nic, bool has_qdisc)
{
	struct filter_note note;
	int err = read_note(chain->dir, &note);

	if (err && err != -ENOENT)
		return err;
	if (!err && note.ifindex == nic->ifindex)
		return 0;
	note.ifindex = nic->ifindex;
	note.made_qdisc = !has_qdisc || other_made_qdisc(chain, nic->ifindex);
	return write_note(chain, &note);
}

static int attach_filter(const struct chain *chain, const struct nic *nic, const struct meta *meta)
{
	int has_qdisc = attach_clsact_has_qdisc(nic->ifindex, nic->name, chain->kind), err;
	char why[TC_WHY];

	if (has_qdisc < 0)
		return has_qdisc;
	err = note_filter(chain, nic, has_qdisc);
	if (err)
		return err;
	if (!has_qdisc) {
		err = attach_clsact_add_qdisc(nic, why);
		if (err)
			return fail(err, "%s", why);
	}
	err = chain_note_attach(chain, TC_CLSACT, meta->why);
	if (err)
		return err;
	err = attach_clsact(nic, chain->kind, chain->root_fd, meta->priority, why);
	return err ? fail(err, "%s", why) : 0;
}

static bool is_here(const struct chain *chain)
{
	return chain->at.attached && chain->at.ifindex == if_nametoindex(chain->interface);
}

int chain_attach(struct chain *chain, const struct meta *meta)
{
	struct nic nic;
	int err;

	if (is_here(chain))
		return 0;
	err = nic_probe(chain->interface, &nic);
	if (!err)
		err = chain_check_hook(&nic, chain->kind);
	if (err)
		return err;
	return meta->modes[0] == TC_CLSACT ? attach_filter(chain, &nic, meta)
					   : attach_link(chain, &nic, meta);
}

/* 1 if there was one. */
static int remove_link(const char *dir, const char *interface)
{
	char path[PIN_PATH_MAX];
	_close_ int link = -1;
	int err;

	pin_path(path, dir, "link");
	link = pin_get(path);
	if (link < 0)
		return link == -ENOENT ? 0 : link;
	err = pin_remove(path);
	if (err)
		return err;
	err = bpf_link_detach(link);
	return err ? fail(err, "%s: cannot detach: %s", interface, strerror(-err)) : 1;
}

/* The id of the root that is pinned in a chain's folder; 0: none is. */
static int root_id(const char *dir, uint32_t *id)
{
	char path[PIN_PATH_MAX];
	_close_ int fd = -1;

	pin_path(path, dir, "root");
	fd = pin_get(path);
	*id = 0;
	return fd == -ENOENT ? 0 : fd < 0 ? fd : chain_prog_id(fd, id);
}

static int take_down_filter(const char *dir, const char *interface, enum hook_kind kind,
			    const struct filter_note *note)
{
	uint32_t prog_id;
	int err = root_id(dir, &prog_id);

	if (!err && prog_id)
		err = attach_clsact_remove(note->ifindex, interface, kind, prog_id);
	if (!err && note->made_qdisc)
		err = attach_clsact_remove_qdisc(note->ifindex, interface);
	return err;
}

/* Should somebody have removed the note, the filter is found without it. */
int chain_remove_filter(const char *dir, const char *interface, enum hook_kind kind)
{
	char path[PIN_PATH_MAX];
	struct filter_note note;
	int err = read_note(dir, &note);

	if (err && err != -ENOENT)
		return err;
	if (err)
		note.ifindex = if_nametoindex(interface);
	err = note.ifindex ? take_down_filter(dir, interface, kind, &note) : 0;
	if (err)
		return err;
	pin_path(path, dir, "filter");
	return pin_exists(path) ? pin_remove(path) : 0;
}

int chain_detach_hook(const char *dir, const char *interface, enum hook_kind kind)
{
	int found = remove_link(dir, interface), err;

	if (found < 0 || kind == HOOK_XDP)
		return found;
	err = chain_remove_filter(dir, interface, kind);
	return err ? err : 1;
}

void chain_take_down(const struct chain *chain)
{
	struct filter_note note;

	if (chain->link_fd >= 0)
		bpf_link_detach(chain->link_fd);
	else if (!read_note(chain->dir, &note))
		take_down_filter(chain->dir, chain->interface, chain->kind, &note);
}
