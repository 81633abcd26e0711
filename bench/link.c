// SPDX-License-Identifier: GPL-2.0-only
#include "link.h"

#include <fcntl.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>

#include "../loader/cmd/cmd.h"
#include "../loader/fail.h"

static void link_putp(struct rtnl_link **link)
{
	rtnl_link_put(*link);
}

static int open_here(const struct link *link, void *arg)
{
	struct link *out = arg;

	(void)link;
	out->ifindex = if_nametoindex(out->name);
	if (!out->ifindex)
		return fail(-errno, "no interface '%s' in %s: %s", out->name,
			    out->netns ?: "this network namespace", strerror(errno));
	out->netlink = nl_socket_alloc();
	if (!out->netlink || nl_connect(out->netlink, NETLINK_ROUTE))
		return fail(-EIO, "cannot open a netlink socket");
	out->ioctl_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (out->ioctl_fd < 0)
		return fail(-errno, "cannot open a socket: %s", strerror(errno));
	return 0;
}

int link_open(const char *name, const char *netns, struct link *out)
{
	*out = (struct link){ .netns = netns, .ioctl_fd = -1 };
	if (strlen(name) >= sizeof(out->name))
		return fail(-ENODEV, "'%s' is too long for the name of an interface", name);
	strcpy(out->name, name);
	return link_call(out, open_here, out);
}

void link_close(struct link *link)
{
	nl_socket_free(link->netlink);
	link->netlink = NULL;
	own_close(&link->ioctl_fd);
}

int link_call(const struct link *link, int (*fn)(const struct link *link, void *arg), void *arg)
{
	_close_ int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	int err;

	if (!link->netns)
		return fn(link, arg);
	if (home < 0)
		return fail(-errno, "cannot open the network namespace: %s", strerror(errno));
	err = cmd_enter_netns(link->netns);
	if (err)
		return err;
	err = fn(link, arg);
	if (setns(home, CLONE_NEWNET))
		return fail(-errno, "cannot return to the network namespace: %s", strerror(errno));
	return err;
}

int link_count(const struct link *link, struct link_counters *out)
{
	_cleanup_(link_putp) struct rtnl_link *is = NULL;
	int err = rtnl_link_get_kernel(link->netlink, link->ifindex, NULL, &is);

	if (err)
		return fail(-EIO, "cannot read the counters of %s: %s", link->name,
			    nl_geterror(err));
	*out = (struct link_counters){
		.sent = rtnl_link_get_stat(is, RTNL_LINK_TX_PACKETS),
		.send_dropped = rtnl_link_get_stat(is, RTNL_LINK_TX_DROPPED),
		.send_errors = rtnl_link_get_stat(is, RTNL_LINK_TX_ERRORS),
		.received = rtnl_link_get_stat(is, RTNL_LINK_RX_PACKETS),
		.receive_dropped = rtnl_link_get_stat(is, RTNL_LINK_RX_DROPPED),
		.receive_errors = rtnl_link_get_stat(is, RTNL_LINK_RX_ERRORS),
		.missed = rtnl_link_get_stat(is, RTNL_LINK_RX_MISSED_ERR),
		.overruns = rtnl_link_get_stat(is, RTNL_LINK_RX_FIFO_ERR) +
			    rtnl_link_get_stat(is, RTNL_LINK_RX_OVER_ERR),
	};
	return 0;
}

int link_driver(const struct link *link, struct nic_counters *out)
{
	return nic_counters_read(link->ioctl_fd, link->name, out);
}
