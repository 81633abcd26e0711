// SPDX-License-Identifier: GPL-2.0-only
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <string.h>

#include "abi.h"
#include "bpflog.h"
#include "fail.h"
#include "stage.h"
#include "testrun.h"

enum {
	GIVEN_MAX = 3072,      /* bytes: of longer packets the kernel gets these */
	ETH_P_NOBODY = 0x88b5, /* local experiments (IEEE 802): the kernel looks at no header */
	VLAN_TAG = 4,	       /* bytes */
	TAGGED_MIN = 20, /* bytes: skb_vlan_untag() wants the tag and an EtherType behind it */
};

struct testrun_tc {
	int prog_fd; /* not owned */
	bool untag;
	struct bpf_object *shim;
	int shim_fd, frame_fd; /* the object's */
	struct weir_replay frame;
};

static int place(struct testrun_tc *tc)
{
	uint32_t slot = 0;
	int fd = bpf_object__find_map_fd_by_name(tc->shim, "tested");
	int err = bpf_map_update_elem(fd, &slot, &tc->prog_fd, BPF_ANY);

	if (err)
		return fail(err, "cannot put the program behind the shim of tc: %s",
			    strerror(-err));
	tc->shim_fd = bpf_program__fd(bpf_object__find_program_by_name(tc->shim, "weir_replay"));
	tc->frame_fd = bpf_object__find_map_fd_by_name(tc->shim, "frame");
	return 0;
}

static int load(struct testrun_tc *tc)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "weir_replay");
	const void *image;
	size_t size;
	int err;

	bpflog_start();
	image = stage_embedded("tc/replay", &size);
	tc->shim = bpf_object__open_mem(image, size, &opts);
	err = tc->shim ? bpf_object__load(tc->shim) : -errno;
	return err ? fail(err, "cannot load the shim that makes packets for tc: %s%s",
			  strerror(-err), bpflog_tail(6))
		   : 0;
}

int testrun_tc_open(int prog_fd, bool untag, struct testrun_tc **out)
{
	struct testrun_tc *tc = calloc(1, sizeof(*tc));
	int err;

	*out = NULL;
	if (!tc)
		return fail_oom();
	tc->prog_fd = prog_fd;
	tc->untag = untag;
	err = load(tc) ?: place(tc);
	if (err)
		testrun_tc_close(tc);
	else
		*out = tc;
	return err;
}

void testrun_tc_close(struct testrun_tc *tc)
{
	if (tc)
		bpf_object__close(tc->shim);
	free(tc);
}

bool testrun_tc_carries(uint32_t len)
{
	return len >= TESTRUN_MIN && len <= WEIR_REPLAY_MAX;
}

static uint16_t ethertype(const uint8_t *packet)
{
	return packet[12] << 8 | packet[13];
}

static bool is_tagged(const struct testrun *run)
{
	uint16_t type = ethertype(run->packet);

	return run->len >= TAGGED_MIN && (type == ETH_P_8021Q || type == ETH_P_8021AD);
}

/* The kernel's test reads the addresses of an IP header, and refuses a packet without. */
static bool is_short(const uint8_t *packet, uint32_t len)
{
	uint16_t type = ethertype(packet);

	return (type == ETH_P_IP && len < ETH_HLEN + sizeof(struct iphdr)) ||
	       (type == ETH_P_IPV6 && len < ETH_HLEN + sizeof(struct ipv6hdr));
}

static int call(int prog_fd, const uint8_t *packet, uint32_t given, struct testrun *run)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = given,
		    .data_out = run->after, .data_size_out = run->after ? run->after_size : 0,
		    .repeat = 1);
	int err;

	/* A signal ends a run before it began. */
	do
		err = bpf_prog_test_run_opts(prog_fd, &opts);
	while (err == -EINTR);
	run->verdict = opts.retval;
	run->after_len = opts.data_size_out;
	if (!err && opts.retval == WEIR_REPLAY_NOT_RUN)
		err = -EMSGSIZE;
	return err ? fail(err, "the kernel does not run the program over a packet of %u bytes: %s",
			  run->len, strerror(-err))
		   : 0;
}

/* What the shim is to make: the packet, its tag aside. */
static void make_frame(struct weir_replay *frame, const struct testrun *run, bool untag)
{
	uint32_t head = 2 * ETH_ALEN, tag = untag ? VLAN_TAG : 0;

	frame->len = run->len - tag;
	frame->vlan_proto = frame->vlan_tci = 0;
	if (untag) {
		memcpy(&frame->vlan_proto, run->packet + head, sizeof(frame->vlan_proto));
		frame->vlan_tci = run->packet[head + 2] << 8 | run->packet[head + 3];
	}
	memcpy(frame->data, run->packet, head);
	memcpy(frame->data + head, run->packet + head + tag, frame->len - head);
}

static int call_shim(struct testrun_tc *tc, struct testrun *run, bool untag)
{
	struct weir_replay *frame = &tc->frame;
	uint32_t key = 0, given;
	uint8_t packet[GIVEN_MAX];
	int err;

	make_frame(frame, run, untag);
	given = frame->len < GIVEN_MAX ? frame->len : GIVEN_MAX;
	memcpy(packet, frame->data, given);
	if (is_short(packet, given))
		memcpy(packet + 12, (uint8_t[]){ ETH_P_NOBODY >> 8, ETH_P_NOBODY & 0xff }, 2);
	frame->rewrite = given < frame->len || is_short(frame->data, frame->len);
	err = bpf_map_update_elem(tc->frame_fd, &key, frame, BPF_ANY);
	return err ? fail(err, "cannot hand a packet to the shim of tc: %s", strerror(-err))
		   : call(tc->shim_fd, packet, given, run);
}

int testrun_tc(struct testrun_tc *tc, struct testrun *run)
{
	bool untag;

	if (!testrun_tc_carries(run->len))
		return fail(-EMSGSIZE, "a packet of %u bytes: tc carries %d to %d here", run->len,
			    TESTRUN_MIN, WEIR_REPLAY_MAX);
	untag = tc->untag && is_tagged(run);
	if (run->len > GIVEN_MAX || untag || is_short(run->packet, run->len))
		return call_shim(tc, run, untag);
	return call(tc->prog_fd, run->packet, run->len, run);
}
