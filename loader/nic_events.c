// SPDX-License-Identifier: GPL-2.0-only
#include "nic_events.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include "fail.h"
#include "netlink.h"

int nic_events_open(struct nl_sock **out)
{
	_netlink_ struct nl_sock *sk = NULL;
	int err = netlink_open(NETLINK_ROUTE, &sk);

	if (err)
		return err;
	err = nl_socket_add_membership(sk, RTNLGRP_LINK);
	if (err < 0)
		return fail(-EIO, "cannot listen to what happens to interfaces: %s",
			    nl_geterror(err));
	*out = TAKE(sk);
	return 0;
}

int nic_events_fd(const struct nl_sock *sk)
{
	return nl_socket_get_fd(sk);
}

void nic_events_drain(const struct nl_sock *sk)
{
	char message[8192];

	/* ENOBUFS says that some were lost: as good as one that was read. */
	while (recv(nl_socket_get_fd(sk), message, sizeof(message), MSG_DONTWAIT) > 0 ||
	       errno == EINTR || errno == ENOBUFS)
		;
}
