// SPDX-License-Identifier: GPL-2.0-only
/*
 * Live frames: BPF_PROG_TEST_RUN with BPF_F_TEST_XDP_LIVE_FRAMES (since 5.18) treats a frame as if
 * it had come in by an interface, and carries out what the XDP program says. Ours says XDP_TX, so
 * copies of the frame leave by that interface, 16 at a time through ndo_xdp_xmit.
 *
 * A run of more than one frame makes the kernel put the program into its XDP dispatcher and take it
 * out again, which waits for RCU twice: 24 ms for each call, whatever it sends. Not so if the
 * program is in the dispatcher already because it is attached somewhere. So it is, to the lo of a
 * network namespace that nobody else sees. Then a call costs 15 us and 0.15 us a frame (measured on
 * 6.18), and a rate can be held by calls of a few frames.
 */
#include "generator.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>

#include "../loader/fail.h"

enum {
	LO = 1,		 /* lo's index, in every network namespace */
	BATCH = 64,	 /* frames between two looks at the receiver's NAPI: its ring holds 256 */
	BURST = 1 << 15, /* a few milliseconds: signals wait for the end of a call */
};

struct generator {
	int prog_fd, link_fd, netns_fd;
	int ifindex;
};

static int load(int *prog_fd)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_TX },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	*prog_fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "weir_bench_tx", "GPL", insns,
				 ARRAY_SIZE(insns), NULL);
	if (*prog_fd < 0)
		return fail(-errno, "cannot load the generator's XDP program: %s", strerror(errno));
	return 0;
}

/* Keep the program in the dispatcher: see above. In the new namespace, which netns_fd keeps. */
static int keep_attached(struct generator *g)
{
	DECLARE_LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_SKB_MODE);

	g->netns_fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (g->netns_fd < 0)
		return -errno;
	g->link_fd = bpf_link_create(g->prog_fd, LO, BPF_XDP, &opts);
	return g->link_fd < 0 ? -errno : 0;
}

static int keep_in_dispatcher(struct generator *g)
{
	_close_ int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	int err;

	if (home < 0 || unshare(CLONE_NEWNET))
		return fail(-errno, "cannot make a network namespace: %s", strerror(errno));
	err = keep_attached(g);
	if (setns(home, CLONE_NEWNET))
		return fail(-errno, "cannot return to the network namespace: %s", strerror(errno));
	if (err)
		note("each call for frames will take 24 ms: attaching to a lo of our own: %s",
		     strerror(-err));
	return 0;
}

static void live_close(struct generator *g)
{
	if (!g)
		return;
	own_close(&g->link_fd);
	own_close(&g->netns_fd);
	own_close(&g->prog_fd);
	free(g);
}

static int live_open(int ifindex, struct generator **out)
{
	struct generator *g = malloc(sizeof(*g));
	int err;

	if (!g)
		return fail_oom();
	*g = (struct generator){ -1, -1, -1, ifindex };
	err = load(&g->prog_fd);
	err = err ? err : keep_in_dispatcher(g);
	if (err) {
		live_close(g);
		return err;
	}
	*out = g;
	return 0;
}

static int live_send(struct generator *g, const struct frame *frame, uint32_t n)
{
	struct xdp_md md = { .data_end = frame->len, .ingress_ifindex = g->ifindex };
	DECLARE_LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame->data,
			    .data_size_in = frame->len, .ctx_in = &md, .ctx_size_in = sizeof(md),
			    .repeat = n, .batch_size = BATCH, .flags = BPF_F_TEST_XDP_LIVE_FRAMES);

	if (bpf_prog_test_run_opts(g->prog_fd, &opts))
		return fail(-errno, "cannot send live frames of %u bytes: %s%s", frame->len,
			    strerror(errno),
			    errno == EINVAL
				    ? "; the kernel takes 14 to about 3500 bytes, since 5.18"
				    : "");
	return 0;
}

const struct generator_ops generator_live = {
	.name = "live frames",
	.burst_max = BURST,
	.open = live_open,
	.send = live_send,
	.close = live_close,
};
