/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Beside others on the XDP hook: libxdp's dispatcher, a program that calls up to ten components in
 * the order of their priorities, until one's verdict is other than XDP_PASS. Whoever adds or takes
 * away a component makes a new dispatcher with links to all components that stay, and puts it in
 * the place of the old one in one step (xdp-tools, lib/libxdp/protocol.org).
 *
 * All that libxdp knows is the hook and its pins, /sys/fs/bpf/xdp/dispatch-IFINDEX-ID/ (or below
 * $LIBXDP_BPFFS); a component is found there by its program's id, which is the same in each
 * dispatcher. Takes CAP_SYS_ADMIN. What libxdp says becomes part of our messages.
 */
#pragma once
#include "attach_xdp.h"

enum { XDP_SHARED_MAX = 10, XDP_SHARED_NAME = 64 };

/* What is on the hook, if it is a dispatcher. */
struct xdp_shared {
	uint32_t dispatcher; /* program id; 0: there is none */
	enum hook_mode mode; /* XDP_NATIVE or XDP_GENERIC */
	bool unpinned;	     /* its pins are not to be found, and so neither its components */
	struct xdp_component {
		uint32_t prog_id, priority;
		char name[XDP_SHARED_NAME];
	} components[XDP_SHARED_MAX]; /* in the order in which packets meet them */
	size_t n;
};

/*
 * Ask what is on the hook of the interface with this index, in this network namespace: 0, also if
 * it is gone, or a reported error. `name` is for messages.
 */
int attach_shared_query(uint32_t ifindex, const char *name, struct xdp_shared *out);

/* Where among the components a program stands; shared->n: nowhere. */
size_t attach_shared_find(const struct xdp_shared *shared, uint32_t prog_id);

/*
 * Make a loaded root (of type EXT) a component, in mode XDP_NATIVE or XDP_GENERIC, in which the
 * dispatcher must be if there is one. It stays one when its fd is closed. On a refusal -errno, not
 * reported, and in `why` a sentence as of attach_xdp(); -ENOLINK if no mode would be better. Who
 * may have been killed in the midst of this calls attach_pins_clean() then.
 */
int attach_shared_join(const struct nic *nic, int root_fd, enum hook_mode mode, char why[XDP_WHY]);

/*
 * Take it out of the dispatcher, which goes if it was the last; nothing if it is in none. Removes
 * too what somebody who died in the midst of this left among libxdp's pins. 0 or a reported error.
 */
int attach_shared_leave(uint32_t ifindex, const char *name, int root_fd);
