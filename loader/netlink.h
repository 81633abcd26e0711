/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One netlink request and its answer, with the kernel's own words on a refusal (extended ACK).
 * For nic and attach_*; nobody else talks netlink.
 *
 * A socket belongs to the network namespace in which it was opened: open one for a task and close
 * it, never keep it over a setns().
 */
#pragma once
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stddef.h>
#include <stdint.h>

#include "own.h"

enum { NETLINK_WORDS = 160 }; /* room for the kernel's words; the longest known have 90 */

/* A socket of NETLINK_ROUTE, NETLINK_GENERIC. Errors are reported. netlink_closep() closes it. */
int netlink_open(int protocol, struct nl_sock **out);
void netlink_closep(struct nl_sock **sk);
void netlink_msg_freep(struct nl_msg **msg);

#define _netlink_     _cleanup_(netlink_closep)
#define _netlink_msg_ _cleanup_(netlink_msg_freep)

/* Is given each message of the answer. 0, or -errno, which netlink_ask() then returns. */
typedef int (*netlink_answer_fn)(struct nlmsghdr *hdr, void *arg);

/*
 * Send `msg` and wait for its acknowledgement; `answer` (NULL: none is expected) sees what comes
 * before it. 0, or the kernel's -errno, not reported: only the caller knows whether it is an error.
 * `words` is filled with the kernel's own text, "" if it gave none; it may be NULL.
 */
int netlink_ask(struct nl_sock *sk, struct nl_msg *msg, netlink_answer_fn answer, void *arg,
		char words[NETLINK_WORDS]);

/*
 * A request of `type` with `flags` (NLM_F_DUMP …) and a header of its own behind netlink's. NULL:
 * out of memory, not reported.
 */
struct nl_msg *netlink_request(int type, int flags, const void *head, size_t size);

/*
 * A request about a link: a message of `type` (RTM_GETLINK, RTM_SETLINK) for the interface
 * `ifindex`, or 0 for one that is named by an attribute. NULL: out of memory, not reported.
 */
struct nl_msg *netlink_link_request(int type, uint32_t ifindex);

/* The number that an attribute holds; 0: NULL. Of one that is too short, what is there. */
uint32_t netlink_u32(const struct nlattr *attr);
