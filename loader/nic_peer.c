// SPDX-License-Identifier: GPL-2.0-only
#include "nic_peer.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "fail.h"

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static int parse_id(struct nlmsghdr *hdr, void *arg)
{
	struct nlattr *id = nlmsg_find_attr(hdr, sizeof(struct rtgenmsg), NETNSA_NSID);

	if (!id)
		return -EBADMSG;
	*(int32_t *)arg = nla_get_s32(id);
	return 0;
}

/* Is it what the socket's network namespace calls `id`? */
static bool is_netns(struct nl_sock *sk, int fd, int32_t id)
{
	_netlink_msg_ struct nl_msg *msg = nlmsg_alloc_simple(RTM_GETNSID, 0);
	struct rtgenmsg head = { .rtgen_family = AF_UNSPEC };
	int32_t got = NETNSA_NSID_NOT_ASSIGNED;

	return msg && !nlmsg_append(msg, &head, sizeof(head), NLMSG_ALIGNTO) &&
	       !nla_put_u32(msg, NETNSA_FD, (uint32_t)fd) &&
	       !netlink_ask(sk, msg, parse_id, &got, NULL) && got == id;
}

/* A file of that network namespace; -1: none of those with a name. */
static int open_netns(struct nl_sock *sk, int32_t id)
{
	_cleanup_(close_dir) DIR *dir = opendir("/run/netns");
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		int fd = openat(dirfd(dir), entry->d_name, O_RDONLY | O_CLOEXEC);

		if (fd >= 0 && is_netns(sk, fd, id))
			return fd;
		if (fd >= 0)
			close(fd);
	}
	return -1;
}

static int open_socket(void)
{
	return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
}

/* A socket in that network namespace, *out -1: there is no way in; this thread stays where it is.
 */
static int open_socket_in(struct nl_sock *sk, int32_t netnsid, int *out)
{
	_close_ int there = open_netns(sk, netnsid);
	_close_ int here = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	*out = -1;
	if (there < 0 || here < 0 || setns(there, CLONE_NEWNET))
		return 0;
	*out = open_socket();
	if (setns(here, CLONE_NEWNET))
		return fail(-errno,
			    "cannot come back from the network namespace of a veth's peer: %s",
			    strerror(errno));
	return 0;
}

/* One of ethtool's settings that are a number. */
static bool ask_value(int fd, const struct nic_other *peer, uint32_t command, uint32_t *value)
{
	struct ethtool_value request = { .cmd = command };
	struct ifreq ifr = { .ifr_data = (void *)&request };

	memcpy(ifr.ifr_name, peer->name, sizeof(ifr.ifr_name));
	if (ioctl(fd, SIOCETHTOOL, &ifr))
		return false;
	*value = request.data;
	return true;
}

int nic_peer_ask(struct nl_sock *sk, const struct nic_other *peer, const int32_t *netnsid,
		 struct nic_peer_settings *out)
{
	_close_ int fd = -1;
	uint32_t value;
	int err = 0;

	*out = (struct nic_peer_settings){ NIC_UNKNOWN, NIC_UNKNOWN };
	if (netnsid)
		err = open_socket_in(sk, *netnsid, &fd);
	else
		fd = open_socket();
	if (err || fd < 0)
		return err;
	if (ask_value(fd, peer, ETHTOOL_GGRO, &value))
		out->gro = value ? NIC_YES : NIC_NO;
	if (ask_value(fd, peer, ETHTOOL_GFLAGS, &value))
		out->txvlan = value & ETH_FLAG_TXVLAN ? NIC_YES : NIC_NO;
	return 0;
}
