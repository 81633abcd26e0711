// SPDX-License-Identifier: GPL-2.0-only
/*
 * Drivers, as read in the sources of 6.1 and 6.12 or tried there: data, one row a driver.
 * MTUs are for x86-64 and its 4 KiB pages.
 */
#include "nic_table.h"

#include <string.h>

#include "compat.h"
#include "own.h"

#define V(a, b) KERNEL_VERSION(a, b, 0)

enum { ANY = -1 };

static const struct nic_driver drivers[] = {
	/* name, native since, largest MTU in one buffer, frags since, when a target, zero copy
	 * since, what attaching disturbs, what it demands, what else to know */
	/* Without frags it takes an MTU of 4064, and silently drops every frame over 3508 bytes. */
	{ "virtio_net", V(4, 10), 3490, V(6, 3), TARGET_ATTACHED, V(6, 11), DISTURBS_EVERY,
	  DEMANDS_NO_GRO_HW | DEMANDS_SPARE_QUEUES | DEMANDS_ONE_BUFFER,
	  "the hypervisor gives the queues (QEMU: queues=2×vCPU) and must not offload (guest_tso4, guest_tso6, guest_ecn, guest_ufo, guest_csum off)" },
	{ "veth", V(4, 19), 3506, V(5, 18), TARGET_PEER, NIC_NEVER, DISTURBS_NOTHING,
	  DEMANDS_PEER_QUEUES, NULL },
	/* Frames too large for one page take tun's generic path, which makes them linear. */
	{ "tun", V(4, 14), ANY, NIC_NEVER, TARGET_ALWAYS, NIC_NEVER, DISTURBS_NOTHING, 0, NULL },
	{ "bonding", V(5, 15), 0, NIC_UNSAID, TARGET_ALWAYS, NIC_NEVER, DISTURBS_UNSAID, 0,
	  "modes balance-rr, active-backup, balance-xor and 802.3ad; every port with native XDP and no program of its own" },
	{ "802.1Q VLAN Support", NIC_NEVER, 0, NIC_NEVER, TARGET_NEVER, NIC_NEVER, DISTURBS_NOTHING,
	  0, NULL },
	{ "bridge", NIC_NEVER, 0, NIC_NEVER, TARGET_NEVER, NIC_NEVER, DISTURBS_NOTHING, 0, NULL },
	{ "dummy", NIC_NEVER, 0, NIC_NEVER, TARGET_NEVER, NIC_NEVER, DISTURBS_NOTHING, 0, NULL },
	{ "macvlan", NIC_NEVER, 0, NIC_NEVER, TARGET_NEVER, NIC_NEVER, DISTURBS_NOTHING, 0, NULL },
	{ "e1000", NIC_NEVER, 0, NIC_NEVER, TARGET_NEVER, NIC_NEVER, DISTURBS_NOTHING, 0, NULL },
	{ "e1000e", NIC_NEVER, 0, NIC_NEVER, TARGET_NEVER, NIC_NEVER, DISTURBS_NOTHING, 0, NULL },
	{ "ixgbe", V(4, 12), 3050, NIC_NEVER, TARGET_ATTACHED, V(6, 1), DISTURBS_FIRST,
	  DEMANDS_NO_LRO | DEMANDS_NO_SRIOV,
	  "no XDP beside DCB; over 64 CPUs it takes a lock on transmit, over 128 it refuses" },
	{ "ixgbevf", V(4, 17), 3050, NIC_NEVER, TARGET_NEVER, NIC_NEVER, DISTURBS_FIRST, 0,
	  "drop, pass and reflect only: it cannot redirect" },
	{ "i40e", V(4, 13), 3046, V(6, 4), TARGET_ATTACHED, V(6, 1), DISTURBS_FIRST,
	  DEMANDS_QUEUE_PER_CPU, "the physical function only (iavf has no XDP in 6.12)" },
	{ "ice", V(5, 5), 3046, V(6, 3), TARGET_ATTACHED, V(6, 1), DISTURBS_FIRST,
	  DEMANDS_QUEUE_PER_CPU,
	  "needs its DDP package; \"not enough Tx resources\": lower `combined`; with legacy-rx the MTU may be 1638" },
	{ "igb", V(5, 10), 3046, NIC_NEVER, TARGET_ATTACHED, NIC_UNSAID, DISTURBS_FIRST, 0, NULL },
	{ "igc", V(5, 13), 1500, NIC_NEVER, TARGET_ATTACHED, V(6, 1), DISTURBS_EVERY, 0, NULL },
	/* Before 6.12 frags work on a legacy receive queue only, which cannot be seen from here. */
	{ "mlx5_core", V(4, 9), 3498, V(6, 12), TARGET_ALWAYS, V(6, 1), DISTURBS_FIRST,
	  DEMANDS_NO_LRO | DEMANDS_NO_GRO_HW | DEMANDS_QUEUE_PER_CPU,
	  "before 6.12 a large MTU needs `ethtool --set-priv-flags IFACE rx_striding_rq off`" },
	{ "mlx4_en", V(4, 8), 3498, NIC_NEVER, TARGET_NEVER, NIC_NEVER, DISTURBS_FIRST, 0,
	  "may want fewer transmit rings" },
	{ "bnxt_en", V(4, 11), 3502, V(5, 19), TARGET_ATTACHED, NIC_NEVER, DISTURBS_EVERY,
	  DEMANDS_HALF_QUEUES, "combined channels only; TPA goes off with a program" },
	{ "ena", V(5, 6), 3498, NIC_NEVER, TARGET_ATTACHED, NIC_NEVER, DISTURBS_FIRST,
	  DEMANDS_HALF_QUEUES, "its default MTU is 9001" },
	{ "gve", V(6, 4), 2032, NIC_NEVER, TARGET_ATTACHED, V(6, 12), DISTURBS_EVERY,
	  DEMANDS_NO_LRO | DEMANDS_HALF_QUEUES,
	  "GQI-QPL queue format, as many receive as transmit queues" },
	{ "hv_netvsc", V(5, 6), 3506, NIC_NEVER, TARGET_ALWAYS, NIC_NEVER, DISTURBS_NOTHING,
	  DEMANDS_NO_LRO, "the synthetic NIC, never the virtual function under it" },
	{ "mana", V(5, 17), 3506, NIC_NEVER, TARGET_ALWAYS, NIC_NEVER, DISTURBS_NOTHING, 0, NULL },
	{ "vmxnet3", V(6, 6), 3494, NIC_NEVER, TARGET_ATTACHED, NIC_NEVER, DISTURBS_FIRST, 0,
	  "turns LRO off itself" },
	{ "xen-netfront", V(5, 9), 3840, NIC_NEVER, TARGET_ALWAYS, NIC_NEVER, DISTURBS_EVERY, 0,
	  "may accept a program and not install it: look at `weir status`" },
	{ "sfc", V(5, 5), 3506, NIC_NEVER, TARGET_ALWAYS, NIC_NEVER, DISTURBS_NOTHING, 0, NULL },
	{ "qede", V(4, 10), 0, NIC_NEVER, TARGET_ALWAYS, NIC_NEVER, DISTURBS_EVERY, 0, NULL },
	{ "atlantic", V(5, 19), 2048, V(5, 19), TARGET_ALWAYS, NIC_NEVER, DISTURBS_FIRST,
	  DEMANDS_NO_LRO, NULL },
	{ "nfp", V(4, 10), 0, NIC_NEVER, TARGET_NEVER, V(6, 1), DISTURBS_EVERY, 0,
	  "the only NIC with offload, which has no tail calls" },
	{ "ionic", V(6, 9), 3502, V(6, 9), TARGET_ALWAYS, NIC_NEVER, DISTURBS_FIRST, 0,
	  "no split interrupts" },
	{ "stmmac", V(5, 13), 1500, NIC_UNSAID, TARGET_ALWAYS, V(6, 1), DISTURBS_FIRST, 0, NULL },
	{ "mvneta", V(5, 5), 3520, V(5, 18), TARGET_ALWAYS, NIC_NEVER, DISTURBS_FIRST, 0,
	  "not with hardware buffer management" },
	{ "mvpp2", V(5, 9), 0, NIC_UNSAID, TARGET_ALWAYS, NIC_NEVER, DISTURBS_FIRST, 0, NULL },
	{ "thunder-nicvf", V(4, 12), 1508, NIC_NEVER, TARGET_NEVER, NIC_NEVER, DISTURBS_EVERY,
	  DEMANDS_HALF_QUEUES, "cannot redirect" },
	{ "octeontx2-nicpf", V(5, 16), 1508, NIC_NEVER, TARGET_ALWAYS, NIC_NEVER, DISTURBS_EVERY, 0,
	  NULL },
	{ "fec", V(6, 2), 0, NIC_NEVER, TARGET_ALWAYS, NIC_NEVER, DISTURBS_EVERY, 0, NULL },
	{ "am65-cpsw-nuss", V(6, 10), 0, NIC_NEVER, TARGET_ALWAYS, NIC_NEVER, DISTURBS_EVERY, 0,
	  NULL },
};

const struct nic_driver *nic_driver_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(drivers); i++)
		if (!strcmp(name, drivers[i].name))
			return &drivers[i];
	return NULL;
}

bool nic_driver_has_native(const struct nic *nic)
{
	const struct nic_driver *driver = nic_driver_find(nic->driver);

	return nic->ethernet && driver && driver->native_since != NIC_NEVER;
}

/* A kernel that is older than the version may still have it: distributions carry drivers back. */
static enum nic_known since(int version, unsigned int kernel)
{
	if (version == NIC_NEVER)
		return NIC_NO;
	return version != NIC_UNSAID && kernel >= (unsigned int)version ? NIC_YES : NIC_UNKNOWN;
}

static enum nic_known target_by_rule(const struct nic *nic, enum nic_target_rule rule,
				     bool attached)
{
	switch (rule) {
	case TARGET_NEVER:
		return NIC_NO;
	case TARGET_ATTACHED:
		return attached ? NIC_YES : NIC_NO;
	case TARGET_PEER:
		return nic->peer.native_program ? NIC_YES : nic->peer.gro;
	case TARGET_ALWAYS:
		return NIC_YES;
	}
	return NIC_UNKNOWN;
}

static enum nic_known bit(uint64_t features, enum compat_xdp_act act)
{
	return features & act ? NIC_YES : NIC_NO;
}

static void judge_by_kernel(struct nic *nic, uint64_t features)
{
	nic->source = NIC_FROM_KERNEL;
	nic->native = bit(features, COMPAT_XDP_ACT_BASIC);
	nic->target = bit(features, COMPAT_XDP_ACT_NDO_XMIT);
	nic->frags = bit(features, COMPAT_XDP_ACT_RX_SG);
	nic->zero_copy = bit(features, COMPAT_XDP_ACT_XSK_ZEROCOPY);
}

static void judge_by_table(struct nic *nic, const struct nic_driver *driver, bool attached,
			   unsigned int kernel)
{
	bool tun = !strcmp(nic->kind, "tun") && !nic->ethernet;

	nic->source = NIC_FROM_TABLE;
	nic->native = tun ? NIC_NO : since(driver->native_since, kernel);
	nic->target = tun ? NIC_NO : target_by_rule(nic, driver->target, attached);
	nic->frags = since(driver->frags_since, kernel);
	nic->zero_copy = since(driver->zero_copy_since, kernel);
}

void nic_judge(struct nic *nic, const uint64_t *features, bool attached, unsigned int kernel)
{
	const struct nic_driver *driver = nic_driver_find(nic->driver);

	nic->native = nic->target = nic->frags = nic->zero_copy = NIC_UNKNOWN;
	nic->source = NIC_FROM_NOBODY;
	nic->one_buffer_mtu = driver ? driver->one_buffer_mtu : 0;
	if (features)
		judge_by_kernel(nic, *features);
	else if (driver)
		judge_by_table(nic, driver, attached, kernel);
}
