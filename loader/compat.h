/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between kernel versions, and what Debian 12's headers (6.1) do not know yet. Each
 * entry says since which version.
 */
#pragma once
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

/* The running kernel as KERNEL_VERSION(a, b, c); 0 if uname() says nothing that can be read. */
unsigned int compat_kernel(void);

/*
 * Does this process have CAP_PERFMON (5.8), or CAP_SYS_ADMIN, which holds it? Without it the
 * verifier lets no program calculate with pointers into a packet.
 */
bool compat_has_perfmon(void);
