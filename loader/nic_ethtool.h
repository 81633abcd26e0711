/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What `ethtool -k` and `ethtool -l` say of an interface, and changing it (the kernel's `ethtool`
 * generic netlink family, since 5.8: Documentation/networking/ethtool-netlink.rst).
 *
 * Everything is asked in the network namespace that the thread is in.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nic.h"

/* Features that matter to XDP. */
enum nic_feature_id {
	NIC_LRO,	   /* large receive offload: most drivers refuse XDP with it */
	NIC_GRO_HW,	   /* the same in hardware */
	NIC_GRO,	   /* in software; a veth's peer with it takes redirected frames */
	NIC_RXVLAN,	   /* strips a VLAN tag before XDP sees the frame */
	NIC_RXVLAN_FILTER, /* drops VLAN ids that nobody registered */
	NIC_RXSTAG,	   /* NIC_RXVLAN for the outer tags of 802.1ad */
	NIC_TXSTAG,	   /* NIC_TXVLAN for them */
	NIC_TXVLAN, /* leaves a tag beside the frame: of a veth's peer, where XDP misses it */
	NIC_FEATURES,
};

struct nic_feature {
	bool there; /* the kernel knows a feature of this name on this interface */
	bool on;
	bool fixed; /* cannot be changed */
};

/* Queues: in use, and the most there can be. All 0: the driver does not say. */
struct nic_channels {
	uint32_t rx, tx, combined;
	uint32_t rx_max, tx_max, combined_max;
};

struct nic_ethtool {
	struct nic_feature features[NIC_FEATURES];
	struct nic_channels channels;
};

/* What `ethtool -K` calls it: "lro", "rx-gro-hw", "rxvlan", "rx-vlan-stag-hw-parse" … */
const char *nic_feature_name(enum nic_feature_id id);

/* Ask for both. Errors are reported; what a driver does not say is left 0. */
int nic_ethtool_read(const struct nic *nic, struct nic_ethtool *out);

/* The same, but that it is not there (-ENODEV) is not reported. */
int nic_ethtool_try(const struct nic *nic, struct nic_ethtool *out);

/*
 * Turn a feature on or off, as `ethtool -K`. Errors are reported, also that the driver left it as
 * it was (-EOPNOTSUPP).
 */
int nic_feature_set(const struct nic *nic, enum nic_feature_id id, bool on);

/* Set how many queues are in use, as `ethtool -L`: rx, tx and combined. Errors are reported. */
int nic_channels_set(const struct nic *nic, const struct nic_channels *channels);
