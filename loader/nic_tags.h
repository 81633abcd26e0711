/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Does XDP on an interface see the VLAN tags of its frames? A NIC may take a tag off and hand it
 * over beside the frame (rxvlan), and a veth's peer may never put it in (txvlan).
 */
#pragma once
#include "nic.h"
#include "nic_ethtool.h"

struct nic_tags {
	enum nic_known hidden;
	bool by_peer;	   /* it is the peer's txvlan, not the interface's rxvlan */
	bool elsewhere;	   /* the peer is in another network namespace */
	bool fixed;	   /* and cannot be changed */
	char command[128]; /* that shows them, to be run where the peer is; "": there is none */
};

/* Errors are reported. What a kind of link does that is neither hardware nor veth is unknown. */
int nic_tags_read(const struct nic *nic, struct nic_tags *out);

/* The same, of an interface whose settings have been read. */
int nic_tags_judge(const struct nic *nic, const struct nic_ethtool *ethtool, struct nic_tags *out);
