/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between kernel versions, and what Debian 12's headers (6.1) do not know yet. Each
 * entry says since which version.
 */
#pragma once
#include <linux/types.h>
#include <linux/version.h>
#include <stdbool.h>

/*
 * The `netdev` generic netlink family, 6.3 (include/uapi/linux/netdev.h): what a device's XDP can
 * do. On an older kernel the name does not resolve.
 */
#define COMPAT_NETDEV_FAMILY "netdev"

enum compat_netdev {
	COMPAT_NETDEV_VERSION = 1,
	COMPAT_NETDEV_CMD_DEV_GET = 1,
	COMPAT_NETDEV_A_DEV_IFINDEX = 1,
	COMPAT_NETDEV_A_DEV_XDP_FEATURES = 3, /* u64 of enum compat_xdp_act */
	COMPAT_NETDEV_A_DEV_MAX = COMPAT_NETDEV_A_DEV_XDP_FEATURES,
};

enum compat_xdp_act {
	COMPAT_XDP_ACT_BASIC = 1 << 0,	      /* native XDP: drop, pass, tx, aborted */
	COMPAT_XDP_ACT_REDIRECT = 1 << 1,     /* XDP_REDIRECT may be returned */
	COMPAT_XDP_ACT_NDO_XMIT = 1 << 2,     /* takes redirected frames now */
	COMPAT_XDP_ACT_XSK_ZEROCOPY = 1 << 3, /* AF_XDP without copies */
	COMPAT_XDP_ACT_RX_SG = 1 << 5, /* frames of several buffers, for xdp.frags programs */
};

/*
 * tcx, 6.6 (include/uapi/linux/bpf.h): programs of a tc hook by bpf_link, in an order of their own.
 * On an older kernel the attach types are unknown: -EINVAL.
 */
enum compat_tcx {
	COMPAT_BPF_TCX_INGRESS = 46, /* enum bpf_attach_type */
	COMPAT_BPF_TCX_EGRESS = 47,
	COMPAT_BPF_LINK_TYPE_TCX = 11, /* enum bpf_link_type */
	COMPAT_BPF_F_BEFORE = 1 << 3,
	COMPAT_BPF_F_ID = 1 << 5,
};

/* union bpf_attr, link_create with its tcx member. */
struct compat_tcx_create {
	__u32 prog_fd, ifindex, attach_type, flags;
	__u32 relative_id, pad;
	__u64 expected_revision;
};

/* union bpf_attr, query. */
struct compat_prog_query {
	__u32 ifindex, attach_type, query_flags, attach_flags;
	__u64 prog_ids; /* pointers to `count` elements each, or 0 */
	__u32 count, pad;
	__u64 prog_attach_flags, link_ids, link_attach_flags;
	__u64 revision;
};

/* struct bpf_link_info with its tcx member. */
struct compat_tcx_info {
	__u32 type, id, prog_id, pad;
	__u32 ifindex, attach_type;
	__u64 rest[8]; /* other kinds of links have more */
};

/* The running kernel as KERNEL_VERSION(a, b, c); 0 if uname() says nothing that can be read. */
unsigned int compat_kernel(void);

/*
 * Does this process have CAP_PERFMON (5.8), or CAP_SYS_ADMIN, which holds it? Without it the
 * verifier lets no program calculate with pointers into a packet.
 */
bool compat_has_perfmon(void);

/*
 * Is the kernel PREEMPT_RT? There, since 6.18, what runs with softirqs disabled may be preempted by
 * what does too (CONFIG_PREEMPT_RT_NEEDS_BH_LOCK is not set): programs of two packets may alternate
 * on a CPU. Older ones are not told apart: others have this in older kernels.
 */
bool compat_is_rt(void);
