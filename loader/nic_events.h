/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Being told when an interface of the network namespace that the thread is in comes, goes or
 * changes (RTNLGRP_LINK, rtnetlink(7)).
 */
#pragma once
#include <stdbool.h>

struct nl_sock;

/* A socket for poll(): readable when something has happened. Errors are reported. */
int nic_events_open(struct nl_sock **out);
int nic_events_fd(const struct nl_sock *sk);

/* Take all that has come, without a wait; what it was is not told: ask what there is now. */
void nic_events_drain(const struct nl_sock *sk);
