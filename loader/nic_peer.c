// SPDX-License-Identifier: GPL-2.0-only
#include "nic_peer.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/net_namespace.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <string.h>

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
	*(int32_t *)arg = netlink_u32(id);
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

static int ask_here(const struct nic_other *peer, struct nic_ethtool *out)
{
	struct nic nic = { .ifindex = peer->ifindex };
	int err;

	memcpy(nic.name, peer->name, sizeof(nic.name));
	err = nic_ethtool_try(&nic, out);
	return err == -ENODEV ? 0 : err ?: 1; /* both of the pair are going just now */
}

int nic_peer_ask(struct nl_sock *sk, const struct nic_other *peer, const int32_t *netnsid,
		 struct nic_ethtool *out)
{
	_close_ int there = netnsid ? open_netns(sk, *netnsid) : -1;
	_close_ int here = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	int known;

	if (!netnsid)
		return ask_here(peer, out);
	if (there < 0 || here < 0 || setns(there, CLONE_NEWNET))
		return 0;
	known = ask_here(peer, out);
	if (setns(here, CLONE_NEWNET))
		return fail(-errno,
			    "cannot come back from the network namespace of a veth's peer: %s",
			    strerror(errno));
	return known;
}
