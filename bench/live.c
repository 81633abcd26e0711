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
#include "live.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>

#include "../loader/fail.h"
#include "embedded.h"
#include "progs/live_turns.h"

enum {
	LO = 1,	    /* lo's index, in every network namespace */
	BATCH = 64, /* frames between two looks at the receiver's NAPI: its ring holds 256 */
};

struct sender {
	const struct job *job;
	struct bpf_object *object; /* of the program that takes turns; NULL: one frame a call */
	int prog_fd, link_fd, netns_fd;
};

static int load_plain(int *prog_fd)
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

/* Can frames be made of each other: as long, and the same beyond the bytes that are rewritten? */
static bool can_take_turns(const struct job *job)
{
	const struct frames *frames = &job->frames;
	const struct frame *first = &frames->frames[0];

	if (job->burst || frames->n < 2 || frames->n > LIVE_SLOTS || first->len < LIVE_BYTES)
		return false;
	for (size_t i = 1; i < frames->n; i++)
		if (frames->frames[i].len != first->len ||
		    memcmp(frames->frames[i].data + LIVE_BYTES, first->data + LIVE_BYTES,
			   first->len - LIVE_BYTES))
			return false;
	return true;
}

static int put_frames(const struct sender *s, size_t first)
{
	_free_ struct live_memory *memory = calloc(1, sizeof(*memory));
	const struct frames *frames = &s->job->frames;
	uint32_t key = 0;

	if (!memory)
		return fail_oom();
	memory->turn = first;
	memory->n = frames->n;
	for (size_t i = 0; i < frames->n; i++)
		memcpy(memory->slots[i].frame, frames->frames[i].data, LIVE_BYTES);
	if (bpf_map_update_elem(bpf_object__find_map_fd_by_name(s->object, ".bss"), &key, memory,
				BPF_ANY))
		return fail(-errno, "cannot hand frames to a program: %s", strerror(errno));
	return 0;
}

static int load_turns(struct sender *s, size_t first)
{
	int err = embedded_load("live_turns", &s->object);

	if (err)
		return err;
	s->prog_fd =
		dup(bpf_program__fd(bpf_object__find_program_by_name(s->object, "live_turns")));
	if (s->prog_fd < 0)
		return fail(-errno, "cannot keep a program: %s", strerror(errno));
	return put_frames(s, first);
}

/* Keep the program in the dispatcher: see above. In the new namespace, which netns_fd keeps. */
static int keep_attached(struct sender *s)
{
	DECLARE_LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_SKB_MODE);

	s->netns_fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (s->netns_fd < 0)
		return -errno;
	s->link_fd = bpf_link_create(s->prog_fd, LO, BPF_XDP, &opts);
	return s->link_fd < 0 ? -errno : 0;
}

static int keep_in_dispatcher(struct sender *s)
{
	_close_ int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	int err;

	if (home < 0 || unshare(CLONE_NEWNET))
		return fail(-errno, "cannot make a network namespace: %s", strerror(errno));
	err = keep_attached(s);
	if (setns(home, CLONE_NEWNET))
		return fail(-errno, "cannot return to the network namespace: %s", strerror(errno));
	if (err)
		note("each call for frames will take 24 ms: attaching to a lo of our own: %s",
		     strerror(-err));
	return 0;
}

void live_close(struct sender *s)
{
	if (!s)
		return;
	own_close(&s->link_fd);
	own_close(&s->netns_fd);
	own_close(&s->prog_fd);
	bpf_object__close(s->object);
	free(s);
}

int live_open(const struct job *job, size_t worker, struct sender **out)
{
	struct sender *s = malloc(sizeof(*s));
	int err;

	if (!s)
		return fail_oom();
	*s = (struct sender){ job, NULL, -1, -1, -1 };
	*out = s;
	if (can_take_turns(job))
		err = load_turns(s, sender_first_frame(job, worker));
	else
		err = load_plain(&s->prog_fd);
	return err ? err : keep_in_dispatcher(s);
}

static const char *reason(int error)
{
	switch (error) {
	case EINVAL:
		return "; the kernel takes 14 to about 3500 bytes, since 5.18";
	case ENODEV:
		return "; their interface has gone away";
	}
	return "";
}

int live_run(int prog_fd, const struct frame *frame, int ifindex, uint32_t n, uint32_t *ns)
{
	struct xdp_md md = { .data_end = frame->len, .ingress_ifindex = ifindex };
	DECLARE_LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame->data,
			    .data_size_in = frame->len, .ctx_in = &md, .ctx_size_in = sizeof(md),
			    .repeat = n, .batch_size = BATCH, .flags = BPF_F_TEST_XDP_LIVE_FRAMES);

	if (bpf_prog_test_run_opts(prog_fd, &opts))
		return fail(-errno, "cannot send live frames of %u bytes: %s%s", frame->len,
			    strerror(errno), reason(errno));
	*ns = opts.duration;
	return 0;
}

int live_send_by(struct sender *s, int ifindex, size_t number, uint32_t n, uint32_t *ns)
{
	return live_run(s->prog_fd, &s->job->frames.frames[number], ifindex, n, ns);
}

static int live_send(struct sender *s, size_t number, uint32_t n)
{
	uint32_t ns;

	return live_send_by(s, s->job->ifindex, number, n, &ns);
}

static bool live_takes_turns(const struct sender *s)
{
	return s->object;
}

static const struct sender_ops live_sender = {
	.burst_max = LIVE_BURST,
	.open = live_open,
	.takes_turns = live_takes_turns,
	.send = live_send,
	.close = live_close,
};

static const char *live_refusal(const struct job *job)
{
	if (job->queues.n)
		return "the driver chooses the queue (no --queues)";
	return sender_refusal(job);
}

static int open_workers(const struct job *job, struct generator **out)
{
	return workers_open(job, &live_sender, out);
}

const struct generator_ops generator_live = {
	.word = "live",
	.name = "live frames (BPF_PROG_TEST_RUN)",
	.refusal = live_refusal,
	.open = open_workers,
	.start = workers_start,
	.look = workers_look,
	.stop = workers_stop,
	.close = workers_close,
};
