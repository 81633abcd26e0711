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

struct nic_peer_settings {
	enum nic_known gro;    /* in software */
	enum nic_known txvlan; /* tags stay beside the frames that it sends */
};

/*
 * Ask for them. `sk` is a NETLINK_ROUTE socket of the thread's network namespace, `netnsid` what
 * that calls the peer's (NULL: it is the same). NIC_UNKNOWN: its namespace has no name in
 * /run/netns, or we may not enter it. 0, or a reported -errno: the thread is in a wrong namespace.
 */
int nic_peer_ask(struct nl_sock *sk, const struct nic_other *peer, const int32_t *netnsid,
		 struct nic_peer_settings *out);

/* The same for a veth that was probed (nic.c). */
int nic_peer_of(const struct nic *nic, struct nic_peer_settings *out);
