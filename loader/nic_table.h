/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The table of drivers, for nic.c: what is known of a driver when the kernel cannot say.
 */
#pragma once
#include "nic.h"

/* When frames may be redirected to an interface of the driver. */
enum nic_target_rule {
	TARGET_NEVER,	 /* no ndo_xdp_xmit */
	TARGET_ATTACHED, /* while it has a native program itself */
	TARGET_PEER,	 /* veth: while its peer has a native program, or GRO on */
	TARGET_ALWAYS,
};

/* Versions are KERNEL_VERSION(); NIC_NEVER: no kernel up to 6.12; NIC_UNSAID: nobody has looked. */
enum { NIC_NEVER = 0, NIC_UNSAID = -1 };

struct nic_driver {
	const char *name;
	int native_since;
	uint32_t one_buffer_mtu; /* as in struct nic */
	int frags_since;
	enum nic_target_rule target;
};

/* The row of a driver, as ethtool names it; NULL: no row. */
const struct nic_driver *nic_driver_find(const char *name);

/*
 * Fill native, target, frags, zero_copy, source and one_buffer_mtu. `features` are the bits of
 * enum compat_xdp_act that the kernel gave, NULL if it has none to give; `attached`: a native
 * program is on the interface; `kernel`: compat_kernel().
 */
void nic_judge(struct nic *nic, const uint64_t *features, bool attached, unsigned int kernel);
