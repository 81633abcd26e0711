/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Settings of a veth's peer that decide what the veth does: whether the peer polls, so that frames
 * redirected to the veth arrive (kernels from 6.3 on say so of the veth itself), and whether it
 * leaves VLAN tags beside its frames. The peer may be in another network namespace.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "netlink.h"
#include "nic.h"
#include "nic_ethtool.h"

/*
 * Ask for them. `sk` is a NETLINK_ROUTE socket of the thread's network namespace, `netnsid` what
 * that calls the peer's (NULL: it is the same). 1, 0 if its namespace has no name in /run/netns, or
 * we may not enter it, or the pair has just gone, or a reported -errno: the thread may be in a
 * wrong namespace.
 */
int nic_peer_ask(struct nl_sock *sk, const struct nic_other *peer, const int32_t *netnsid,
		 struct nic_ethtool *out);

/* The same for a veth that was probed (nic.c). */
int nic_peer_of(const struct nic *nic, struct nic_ethtool *out);
