// SPDX-License-Identifier: GPL-2.0-only
#include "nic.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "compat.h"
#include "fail.h"
#include "netlink.h"
#include "nic_peer.h"
#include "nic_table.h"

/* What RTM_GETLINK says of a link, as far as it is asked for here. */
struct link {
	uint32_t ifindex, mtu;
	char name[IFNAMSIZ], kind[32];
	unsigned int flags;  /* IFF_* */
	unsigned short type; /* ARPHRD_* */
	uint8_t mac[6];
	bool carrier, native_program;
	uint32_t rx_queues, tx_queues; /* allocated, not in use */
	uint32_t lower, master;	       /* ifindex; 0: none */
	uint32_t virtual_functions;
	bool lower_elsewhere;
	int32_t lower_netnsid;
};

static void parse_kind(struct nlattr *info, char *kind, size_t size)
{
	struct nlattr *name = info ? nla_find(nla_data(info), nla_len(info), IFLA_INFO_KIND) : NULL;

	if (name)
		nla_strlcpy(kind, name, size);
}

static bool parse_native_program(struct nlattr *xdp)
{
	struct nlattr *tb[IFLA_XDP_MAX + 1];

	return xdp && !nla_parse_nested(tb, IFLA_XDP_MAX, xdp, NULL) && tb[IFLA_XDP_DRV_PROG_ID];
}

static uint32_t get_u32(struct nlattr *attr)
{
	return attr ? nla_get_u32(attr) : 0;
}

static int parse_link(struct nlmsghdr *hdr, void *arg)
{
	struct link *link = arg;
	const struct ifinfomsg *head = nlmsg_data(hdr);
	struct nlattr *tb[IFLA_MAX + 1];

	if (nlmsg_parse(hdr, sizeof(*head), tb, IFLA_MAX, NULL) < 0)
		return -EBADMSG;
	link->ifindex = head->ifi_index;
	link->flags = head->ifi_flags;
	link->type = head->ifi_type;
	if (tb[IFLA_IFNAME])
		nla_strlcpy(link->name, tb[IFLA_IFNAME], sizeof(link->name));
	if (tb[IFLA_ADDRESS] && nla_len(tb[IFLA_ADDRESS]) == sizeof(link->mac))
		memcpy(link->mac, nla_data(tb[IFLA_ADDRESS]), sizeof(link->mac));
	parse_kind(tb[IFLA_LINKINFO], link->kind, sizeof(link->kind));
	link->native_program = parse_native_program(tb[IFLA_XDP]);
	link->mtu = get_u32(tb[IFLA_MTU]);
	link->carrier = tb[IFLA_CARRIER] && nla_get_u8(tb[IFLA_CARRIER]);
	link->rx_queues = get_u32(tb[IFLA_NUM_RX_QUEUES]);
	link->tx_queues = get_u32(tb[IFLA_NUM_TX_QUEUES]);
	link->lower = get_u32(tb[IFLA_LINK]);
	link->master = get_u32(tb[IFLA_MASTER]);
	link->virtual_functions = get_u32(tb[IFLA_NUM_VF]);
	if (tb[IFLA_LINK_NETNSID]) {
		link->lower_elsewhere = true;
		link->lower_netnsid = nla_get_s32(tb[IFLA_LINK_NETNSID]);
	}
	return 0;
}

static int ask_link(struct nl_sock *sk, struct nl_msg *msg, struct link *out)
{
	memset(out, 0, sizeof(*out));
	return netlink_ask(sk, msg, parse_link, out, NULL);
}

static int ask_link_by_name(struct nl_sock *sk, const char *name, struct link *out)
{
	_netlink_msg_ struct nl_msg *msg = netlink_link_request(RTM_GETLINK, 0);

	if (!msg || nla_put_string(msg, IFLA_IFNAME, name) ||
	    nla_put_u32(msg, IFLA_EXT_MASK, RTEXT_FILTER_VF | RTEXT_FILTER_SKIP_STATS))
		return -ENOMEM;
	return ask_link(sk, msg, out);
}

/* In the namespace that this one calls `netnsid` (NULL: this one), where we may: CAP_NET_ADMIN
 * there. */
static int ask_link_by_index(struct nl_sock *sk, uint32_t ifindex, const int32_t *netnsid,
			     struct link *out)
{
	_netlink_msg_ struct nl_msg *msg = netlink_link_request(RTM_GETLINK, ifindex);

	if (!msg || (netnsid && nla_put_s32(msg, IFLA_TARGET_NETNSID, *netnsid)))
		return -ENOMEM;
	return ask_link(sk, msg, out);
}

static void ask_other(struct nl_sock *sk, uint32_t ifindex, const int32_t *netnsid,
		      struct nic_other *out)
{
	struct link link;

	out->ifindex = ifindex;
	out->elsewhere = netnsid;
	if (ask_link_by_index(sk, ifindex, netnsid, &link))
		return;
	memcpy(out->name, link.name, sizeof(out->name));
	memcpy(out->kind, link.kind, sizeof(out->kind));
	out->mtu = link.mtu;
	out->native_program = link.native_program;
}

static void ask_neighbours(struct nl_sock *sk, const struct link *link, struct nic *nic)
{
	struct nic_other *lower = strcmp(link->kind, "veth") ? &nic->lower : &nic->peer;

	if (link->lower)
		ask_other(sk, link->lower, link->lower_elsewhere ? &link->lower_netnsid : NULL,
			  lower);
	if (link->master)
		ask_other(sk, link->master, NULL, &nic->master);
}

/* An ethtool command; `request` begins with its number. 0 or -errno, not reported. */
static int ask_ethtool(const char *name, void *request)
{
	_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = { .ifr_data = request };

	if (fd < 0)
		return -errno;
	memcpy(ifr.ifr_name, name, strnlen(name, IFNAMSIZ - 1));
	return ioctl(fd, SIOCETHTOOL, &ifr) ? -errno : 0;
}

static void ask_driver(struct nic *nic)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };

	if (!ask_ethtool(nic->name, &info))
		snprintf(nic->driver, sizeof(nic->driver), "%.31s", info.driver);
}

static void ask_queues(const struct link *link, struct nic *nic)
{
	struct ethtool_channels now = { .cmd = ETHTOOL_GCHANNELS };

	nic->rx_queues = link->rx_queues;
	nic->tx_queues = link->tx_queues;
	if (ask_ethtool(nic->name, &now))
		return;
	nic->rx_queues = now.rx_count + now.combined_count;
	nic->tx_queues = now.tx_count + now.combined_count;
}

static int parse_features(struct nlmsghdr *hdr, void *arg)
{
	uint64_t *features = arg;
	struct nlattr *tb[COMPAT_NETDEV_A_DEV_MAX + 1];

	if (genlmsg_parse(hdr, 0, tb, COMPAT_NETDEV_A_DEV_MAX, NULL) < 0)
		return -EBADMSG;
	if (!tb[COMPAT_NETDEV_A_DEV_XDP_FEATURES])
		return -ENODATA;
	*features = nla_get_u64(tb[COMPAT_NETDEV_A_DEV_XDP_FEATURES]);
	return 0;
}

/*
 * The bits of enum compat_xdp_act: 1, or 0 where the kernel has none to give (before 6.3), or a
 * reported error.
 */
static int ask_features(uint32_t ifindex, uint64_t *features)
{
	_netlink_ struct nl_sock *sk = NULL;
	_netlink_msg_ struct nl_msg *msg = nlmsg_alloc();
	int family, err;

	if (!msg)
		return fail_oom();
	err = netlink_open(NETLINK_GENERIC, &sk);
	if (err)
		return err;
	family = genl_ctrl_resolve(sk, COMPAT_NETDEV_FAMILY);
	if (family < 0)
		return 0;
	if (!genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, 0, COMPAT_NETDEV_CMD_DEV_GET,
			 COMPAT_NETDEV_VERSION) ||
	    nla_put_u32(msg, COMPAT_NETDEV_A_DEV_IFINDEX, ifindex))
		return fail_oom();
	return !netlink_ask(sk, msg, parse_features, features, NULL);
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* The network namespace as `ip netns` calls it, else "net:[INODE]". */
static void netns_name(char buf[static NAME_MAX + 8], size_t size)
{
	_cleanup_(close_dir) DIR *dir = opendir("/run/netns");
	struct stat own, named;
	struct dirent *entry;

	snprintf(buf, size, "?");
	if (stat("/proc/thread-self/ns/net", &own))
		return;
	snprintf(buf, size, "net:[%lu]", (unsigned long)own.st_ino);
	while (dir && (entry = readdir(dir)))
		if (!fstatat(dirfd(dir), entry->d_name, &named, 0) && named.st_ino == own.st_ino &&
		    named.st_dev == own.st_dev)
			snprintf(buf, size, "'%s'", entry->d_name);
}

static int no_such(const char *name, const struct pos *where)
{
	struct if_nameindex *all = if_nameindex();
	const char **names = NULL, **slot, *nearest;
	size_t n = 0;
	char netns[NAME_MAX + 8];

	for (struct if_nameindex *i = all; i && i->if_index; i++) {
		slot = array_add(names, n);
		if (slot)
			*slot = i->if_name;
	}
	netns_name(netns, sizeof(netns));
	nearest = fail_nearest(name, names, n);
	if (nearest)
		fail_at(-ENODEV, where,
			"no interface '%s' in the network namespace %s; did you mean '%s'?", name,
			netns, nearest);
	else
		fail_at(-ENODEV, where,
			"no interface '%s' in the network namespace %s; `ip -br link` lists those there are",
			name, netns);
	free(names);
	if_freenameindex(all);
	return -ENODEV;
}

static void take_link(const struct link *link, struct nic *nic)
{
	memcpy(nic->name, link->name, sizeof(nic->name));
	memcpy(nic->kind, link->kind, sizeof(nic->kind));
	memcpy(nic->mac, link->mac, sizeof(nic->mac));
	nic->ifindex = link->ifindex;
	nic->mtu = link->mtu;
	nic->ethernet = link->type == ARPHRD_ETHER || link->type == ARPHRD_LOOPBACK;
	nic->up = link->flags & IFF_UP;
	nic->carrier = link->carrier;
	nic->virtual_functions = link->virtual_functions;
}

static int ask_peer(struct nl_sock *sk, const struct link *link, const struct nic_other *peer,
		    struct nic_peer_settings *out)
{
	return nic_peer_ask(sk, peer, link->lower_elsewhere ? &link->lower_netnsid : NULL, out);
}

int nic_peer_of(const struct nic *nic, struct nic_peer_settings *out)
{
	_netlink_ struct nl_sock *sk = NULL;
	struct link link;
	int err = netlink_open(NETLINK_ROUTE, &sk);

	*out = (struct nic_peer_settings){ NIC_UNKNOWN, NIC_UNKNOWN };
	if (err || !nic->peer.name[0] || ask_link_by_name(sk, nic->name, &link))
		return err;
	return ask_peer(sk, &link, &nic->peer, out);
}

int nic_probe(const char *name, struct nic *out)
{
	return nic_probe_at(name, NULL, out);
}

int nic_probe_at(const char *name, const struct pos *where, struct nic *out)
{
	_netlink_ struct nl_sock *sk = NULL;
	struct link link;
	uint64_t features = 0;
	int err, known;

	memset(out, 0, sizeof(*out));
	err = netlink_open(NETLINK_ROUTE, &sk);
	if (err)
		return err;
	err = strlen(name) < IFNAMSIZ ? ask_link_by_name(sk, name, &link) : -ENODEV;
	if (err == -ENODEV)
		return no_such(name, where);
	if (err)
		return fail_at(err, where, "cannot ask the kernel about the interface '%s': %s",
			       name, strerror(-err));
	if (strcmp(name, link.name))
		return fail_at(-EINVAL, where,
			       "'%s' is an alternative name of the interface '%s': write that",
			       name, link.name);
	take_link(&link, out);
	ask_neighbours(sk, &link, out);
	ask_driver(out);
	ask_queues(&link, out);
	known = ask_features(out->ifindex, &features);
	if (known < 0)
		return known;
	if (!known && out->peer.name[0]) {
		struct nic_peer_settings peer;

		err = ask_peer(sk, &link, &out->peer, &peer);
		if (err)
			return err;
		out->peer.gro = peer.gro;
	}
	nic_judge(out, known ? &features : NULL, link.native_program, compat_kernel());
	return 0;
}

enum nic_known nic_needs_frags(const struct nic *nic)
{
	uint32_t mtu = nic->mtu;

	/* What a veth receives is what its peer may send. */
	if (!strcmp(nic->kind, "veth") && nic->peer.mtu)
		mtu = nic->peer.mtu;
	if (!nic->one_buffer_mtu)
		return NIC_UNKNOWN;
	return mtu > nic->one_buffer_mtu ? NIC_YES : NIC_NO;
}

bool nic_loses_long_frames(const struct nic *nic)
{
	const struct nic_driver *driver = nic_driver_find(nic->driver);

	return driver && driver->demands & DEMANDS_ONE_BUFFER && nic->frags != NIC_YES &&
	       nic_needs_frags(nic) == NIC_YES;
}

static void veth_target_hint(const struct nic *nic, char *buf, size_t size)
{
	const struct nic_other *peer = &nic->peer;
	const char *there = peer->elsewhere ? " in its network namespace" : "";
	const char *name = peer->name[0] ? peer->name : "PEER";

	/* veth clears all its bits then, and a program could not be attached either. */
	if (nic->source == NIC_FROM_KERNEL && nic->native == NIC_NO)
		snprintf(
			buf, size,
			"it has fewer receive queues (%u) than its peer has transmit queues: `ethtool -L %s rx N`",
			nic->rx_queues, nic->name);
	else
		snprintf(
			buf, size,
			"its peer has neither a native XDP program nor GRO: `ethtool -K %s gro on`%s, or "
			"give %s a policy (an empty one will do)",
			name, there, name);
}

void nic_target_hint(const struct nic *nic, char *buf, size_t size)
{
	const struct nic_driver *driver = nic_driver_find(nic->driver);

	if (driver && driver->target == TARGET_PEER)
		veth_target_hint(nic, buf, size);
	else if (driver && driver->target == TARGET_ATTACHED)
		snprintf(
			buf, size,
			"%s takes redirected frames only while the interface has a native XDP program "
			"itself: give it a policy (an empty one will do)",
			driver->name);
	else
		snprintf(
			buf, size,
			"%s takes no redirected frames: redirect to a device beneath it, or use `xdp generic`",
			nic->driver[0] ? nic->driver : "its driver");
}

const char *nic_source_name(enum nic_source source)
{
	static const char *const names[] = { "nobody", "table", "kernel" };

	return names[source];
}
