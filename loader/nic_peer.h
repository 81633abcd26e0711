/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Does a veth's peer poll, so that frames redirected to the veth arrive? Kernels from 6.3 on say so
 * of the veth itself; for older ones the peer is asked, also in another network namespace.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "netlink.h"
#include "nic.h"

/*
 * Has the peer GRO on? `sk` is a NETLINK_ROUTE socket of the thread's network namespace, `netnsid`
 * what that calls the peer's (NULL: it is the same). NIC_UNKNOWN: its namespace has no name in
 * /run/netns, or we may not enter it. 0, or a reported -errno: the thread is in a wrong namespace.
 */
int nic_peer_gro(struct nl_sock *sk, const struct nic_other *peer, const int32_t *netnsid,
		 enum nic_known *gro);
