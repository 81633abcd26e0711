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

/* What attaching a program does to the traffic. A flip of generations never reaches the driver. */
enum nic_disturbance {
	DISTURBS_NOTHING,
	DISTURBS_FIRST, /* the first program makes it reset or reopen its queues; a swap does not */
	DISTURBS_EVERY, /* every program does */
	DISTURBS_UNSAID,
};

/* What a driver asks for before it takes a program, or is the better for. */
enum nic_demand {
	DEMANDS_NO_LRO = 1 << 0,
	DEMANDS_NO_GRO_HW = 1 << 1,
	DEMANDS_HALF_QUEUES = 1 << 2,  /* at most half of the queues in use */
	DEMANDS_SPARE_QUEUES = 1 << 3, /* one more for each CPU, else a lock on transmit */
	DEMANDS_NO_SRIOV = 1 << 4,
	DEMANDS_PEER_QUEUES = 1 << 5,	/* veth */
	DEMANDS_QUEUE_PER_CPU = 1 << 6, /* a redirect from a CPU without a queue is lost */
	DEMANDS_ONE_BUFFER = 1 << 7, /* without frags: takes a larger MTU, then loses long frames */
};

struct nic_driver {
	const char *name;
	int native_since;
	uint32_t one_buffer_mtu; /* as in struct nic */
	int frags_since;
	enum nic_target_rule target;
	int zero_copy_since;
	enum nic_disturbance disturbs;
	unsigned int demands; /* of enum nic_demand */
	const char *note;     /* what else to know: a sentence without full stop; NULL: nothing */
};

/* The row of a driver, as ethtool names it; NULL: no row. */
const struct nic_driver *nic_driver_find(const char *name);

/*
 * Fill native, target, frags, zero_copy, source and one_buffer_mtu. `features` are the bits of
 * enum compat_xdp_act that the kernel gave, NULL if it has none to give; `attached`: a native
 * program is on the interface; `kernel`: compat_kernel().
 */
void nic_judge(struct nic *nic, const uint64_t *features, bool attached, unsigned int kernel);
