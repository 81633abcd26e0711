// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contestants that send: live frames as `weir-bench rate` sends them, and as xdp-trafficgen does
 * (of xdp-tools): by a program that says bpf_redirect() and is attached nowhere.
 */
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <string.h>

#include "../loader/fail.h"
#include "contestant.h"
#include "live.h"

static int load_redirect(int ifindex)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_1, .imm = ifindex },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_2, .imm = 0 },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_redirect },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "weir_bench_to", "GPL", insns, ARRAY_SIZE(insns),
			       NULL);

	return fd < 0 ? fail(-errno, "cannot load a program that redirects: %s", strerror(errno))
		      : fd;
}

int contestant_open_sender(struct contestant *c)
{
	c->job.ifindex = c->ifindex;
	if (!strcmp(c->is->what, "live"))
		return live_open(&c->job, 0, &c->sender);
	c->redirect_fd = load_redirect(c->ifindex);
	return c->redirect_fd < 0 ? c->redirect_fd : 0;
}

static int send_live(struct contestant *c, uint32_t n, uint32_t *ns)
{
	uint64_t all = 0;

	for (uint32_t left = n, some; left; left -= some) {
		int err;

		some = left < LIVE_BURST ? left : LIVE_BURST;
		err = live_send_by(c->sender, c->ifindex, 0, some, ns);
		if (err)
			return err;
		all += (uint64_t)*ns * some;
	}
	*ns = n ? all / n : 0;
	return 0;
}

int contestant_send(struct contestant *c, uint32_t n, uint32_t *ns)
{
	return c->sender ? send_live(c, n, ns)
			 : live_run(c->redirect_fd, &c->job.frames.frames[0], c->ifindex, n, ns);
}

void contestant_close_sender(struct contestant *c)
{
	live_close(c->sender);
	own_close(&c->redirect_fd);
}
