/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an interface is and what its XDP can do: the kernel's own answer where there is one, else
 * the table of drivers (nic_table.c), and which of the two. "Unknown" is never "no".
 *
 * Everything is asked in the network namespace that the thread is in, by sockets of this call.
 */
#pragma once
#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum nic_known { NIC_UNKNOWN, NIC_NO, NIC_YES };

/* Who says what `native`, `target`, `frags` and `zero_copy` hold. */
enum nic_source { NIC_FROM_NOBODY, NIC_FROM_TABLE, NIC_FROM_KERNEL };

struct pos; /* fail.h */

/* Another interface. All zero: there is none. */
struct nic_other {
	uint32_t ifindex;
	bool elsewhere;	     /* in another network namespace: ifindex counts there */
	char name[IFNAMSIZ]; /* "": not known (elsewhere, without CAP_NET_ADMIN there) */
	char kind[32];	     /* as nic.kind */
	uint32_t mtu;	     /* 0: not known */
	bool native_program; /* has a native XDP program */
	enum nic_known gro;  /* of a veth's peer, where the kernel has no XDP features to give */
};

struct nic {
	char name[IFNAMSIZ];
	uint32_t ifindex;
	uint32_t mtu; /* bytes of layer 3 */
	uint8_t mac[6];
	bool ethernet; /* its frames begin with an Ethernet header (lo's do, a tun's do not) */
	bool up, carrier;
	char kind[32];	 /* rtnetlink's link kind: "veth", "tun", "bond" …; "": hardware, or lo */
	char driver[32]; /* as `ethtool -i` prints it; "": it says none */
	uint32_t rx_queues,
		tx_queues;	    /* in use now, as `ethtool -l` counts; 0: none, or not known */
	uint32_t virtual_functions; /* in use (SR-IOV) */

	struct nic_other peer;	 /* of a veth */
	struct nic_other lower;	 /* that a vlan, macvlan, vxlan … stands on */
	struct nic_other master; /* bond or bridge that it is a port of */

	enum nic_source source;
	enum nic_known native; /* has native XDP, in its present state */
	/*
	 * Takes frames that native XDP redirects to it, in its present state. While it is down or
	 * has no carrier (a veth whose peer is down, a tap that nobody has opened) a target loses
	 * them.
	 */
	enum nic_known target;
	enum nic_known frags;	  /* gives frames of several buffers to xdp.frags programs */
	enum nic_known zero_copy; /* AF_XDP without copies */
	/*
	 * The largest MTU with which a program without xdp.frags works natively; 0: not known,
	 * UINT32_MAX: any. A veth's is compared with its peer's MTU: nic_needs_frags() knows.
	 */
	uint32_t one_buffer_mtu;
};

/*
 * Ask what the interface `name` is. Errors are reported: -ENODEV with the nearest name in this
 * network namespace, -EINVAL if `name` is only an alternative name of an interface.
 */
int nic_probe(const char *name, struct nic *out);

/* The same for a name that stands somewhere (NULL: nowhere): there it is reported. */
int nic_probe_at(const char *name, const struct pos *where, struct nic *out);

/* The same as a function to hand on, so that decisions are tested without root or NIC. */
typedef int (*nic_probe_fn)(const char *name, struct nic *out, void *arg);

/* Does native XDP need a program with xdp.frags here, for the MTU as it is now? */
enum nic_known nic_needs_frags(const struct nic *nic);

/*
 * Would the driver take a native program with the MTU as it is now, and then silently drop every
 * frame that needs several buffers?
 */
bool nic_loses_long_frames(const struct nic *nic);

/*
 * Why nothing redirected natively arrives at this interface, and what to do: one sentence without
 * name and full stop, for nic->target == NIC_NO.
 */
void nic_target_hint(const struct nic *nic, char *buf, size_t size);

/* Has its driver native XDP, if not in the present state (a veth with too few queues)? */
bool nic_driver_has_native(const struct nic *nic);

/* "kernel", "table", "nobody". */
const char *nic_source_name(enum nic_source source);
