// SPDX-License-Identifier: GPL-2.0-only
/*
 * A chain on tc moves from a filter of clsact to a tcx link. Every packet meets the policy once:
 *
 *   1. a link with a program that does nothing is attached, and pinned;
 *   2. it gets a root that takes packets, at once for each CPU (bpf_link_update()); the root of the
 *      filter, which stands behind it, lets be what was taken (abi.h);
 *   3. the filter goes, and with it a qdisc that weir has made.
 *
 * From 2 on the taking root never leaves before the filter has: what it has taken is never lost.
 * Who dies in between leaves the journal, and the next command goes on here.
 */
#include <bpf/bpf.h>
#include <string.h>

#include "attach_tc.h"
#include "chain_load.h"
#include "chain_parts.h"

static int load_next(void)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = -1 },
		{ .code = BPF_JMP | BPF_EXIT }, /* TC_ACT_UNSPEC */
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "weir_next", "GPL", insns,
			       ARRAY_SIZE(insns), NULL);

	return fd < 0 ? fail(fd, "cannot load a program that does nothing: %s", strerror(-fd)) : fd;
}

/* The link, pinned. */
static int begin(struct chain *chain, const struct meta *meta)
{
	char path[PIN_PATH_MAX], why[TC_WHY];
	_close_ int idle = load_next();
	struct nic nic;
	int err;

	if (idle < 0)
		return idle;
	err = nic_probe(chain->interface, &nic);
	if (err)
		return err;
	chain->link_fd = attach_tcx(&nic, chain->kind, idle, meta->priority, why);
	if (chain->link_fd < 0) {
		note("%s; it stays a filter", why);
		return chain->link_fd;
	}
	pin_path(path, chain->dir, "link");
	return pin_put(chain->link_fd, path);
}

static int take_over(struct chain *chain)
{
	const struct load_maps maps = { chain->slots_fd, chain->counters_fds[0], NULL, -1, -1 };
	const struct load_root taking = { .kind = chain->kind, .place = WEIR_ROOT_TAKES };
	_close_ int root = -1;
	int err = load_root(&maps, &taking, &root, &chain->config_fd);

	if (err)
		return err;
	err = bpf_link_update(chain->link_fd, root, NULL) ? -errno : 0;
	return err ? fail(err, "%s %s: cannot give its tcx link a program: %s", chain->interface,
			  policy_hook_name(chain->kind), strerror(-err))
		   : 0;
}

/* Nothing was taken yet: the filter is what it was. */
static void give_up(struct chain *chain)
{
	char path[PIN_PATH_MAX];

	pin_path(path, chain->dir, "link");
	pin_remove(path);
	if (chain->link_fd >= 0)
		bpf_link_detach(chain->link_fd);
}

int chain_move(struct chain *chain, const struct meta *meta)
{
	bool begun = chain->link_fd >= 0;
	int err;

	if (!chain_has_filter(chain) || meta->modes[0] != TC_TCX)
		return 0;
	err = begun ? 0 : begin(chain, meta);
	if (!err)
		err = take_over(chain);
	if (err && !begun) {
		give_up(chain);
		return 0;
	}
	if (err)
		return err;
	err = chain_grace();
	if (!err)
		err = chain_note_attach(chain, TC_TCX, meta->why);
	return err ? err : chain_remove_filter(chain->dir, chain->interface, chain->kind);
}
