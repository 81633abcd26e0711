// SPDX-License-Identifier: GPL-2.0-only
#include "link.h"

#include <net/if.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>
#include <string.h>

#include "../loader/fail.h"

static void socket_freep(struct nl_sock **sk)
{
	nl_socket_free(*sk);
}

static void link_putp(struct rtnl_link **link)
{
	rtnl_link_put(*link);
}

int link_find(const char *name, int *ifindex)
{
	*ifindex = if_nametoindex(name);
	if (!*ifindex)
		return fail(-errno, "no interface '%s' in this network namespace: %s", name,
			    strerror(errno));
	return 0;
}

int link_count(int ifindex, struct link_counters *out)
{
	_cleanup_(socket_freep) struct nl_sock *sk = nl_socket_alloc();
	_cleanup_(link_putp) struct rtnl_link *link = NULL;
	int err;

	if (!sk)
		return fail_oom();
	err = nl_connect(sk, NETLINK_ROUTE);
	if (!err)
		err = rtnl_link_get_kernel(sk, ifindex, NULL, &link);
	if (err)
		return fail(-EIO, "cannot read the interface's counters: %s", nl_geterror(err));
	out->sent = rtnl_link_get_stat(link, RTNL_LINK_TX_PACKETS);
	out->send_dropped = rtnl_link_get_stat(link, RTNL_LINK_TX_DROPPED);
	return 0;
}
