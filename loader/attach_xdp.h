/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The XDP hook of an interface: who holds it, attaching by bpf_link, and why the kernel refuses.
 *
 * Nothing here ever displaces a program of somebody else, not for a moment: a link attach is
 * refused while any program is on the hook, and so is the netlink attach that harvests the
 * driver's words (XDP_FLAGS_UPDATE_IF_NOEXIST).
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nic_check.h"
#include "policy.h"

/* A program on the hook. Name, tag and link need CAP_SYS_ADMIN: without it only the id is known. */
struct xdp_holder {
	uint32_t prog_id;
	char prog_name[17]; /* "": not known, or the program has none */
	uint8_t tag[8];
	bool tag_known;
	enum hook_mode mode; /* XDP_NATIVE or XDP_GENERIC */
	bool offload;	     /* in the NIC itself; mode is XDP_NATIVE then */
	enum nic_known by_link;
	uint32_t link_id; /* with by_link == NIC_YES; 0: more than one could be it */
};

enum { XDP_HOLDERS_MAX = 3, XDP_WHY = 512 };

/*
 * The programs that are on the hook now: their number (0 to XDP_HOLDERS_MAX), or a reported error
 * (-ENODEV: the interface is gone).
 */
int attach_xdp_query(const struct nic *nic, struct xdp_holder holders[XDP_HOLDERS_MAX]);

/*
 * Is this program on the hook of the interface with this index, in this network namespace? 1, 0
 * (also if there is no such interface), or a reported error. `name` is for messages.
 */
int attach_xdp_is_on(uint32_t ifindex, const char *name, uint32_t prog_id);

/* Is it libxdp's dispatcher, which runs others (attach_xdp_shared.h)? */
bool attach_xdp_is_dispatcher(const struct xdp_holder *holder);

/*
 * One sentence on a program that is in the way: what it is, and the command that removes it. For
 * the caller to report: "eth0: program 'xdp_pass' (id 12, tag …, native) holds the XDP hook: …".
 */
void attach_xdp_say_holder(const struct nic *nic, const struct xdp_holder *holder, char *buf,
			   size_t size);

/*
 * Attach a program by a new bpf_link, in mode XDP_NATIVE or XDP_GENERIC: the link's fd, which the
 * caller owns (and pins, or the program goes with it). On a refusal -errno, not reported (`auto`
 * goes on to generic), and in `why` the kernel's own words and what to do, one sentence.
 */
int attach_xdp(const struct nic *nic, int prog_fd, enum hook_mode mode, char why[XDP_WHY]);

/*
 * Put another program behind a link: no packet meets neither. old_prog_fd is what must be there
 * now, or -1. -errno, not reported: -ENOLINK when the interface is gone.
 */
int attach_xdp_update(int link_fd, int prog_fd, int old_prog_fd);

/* Take the link's program off the hook, whoever else holds the link. 0 or -errno, not reported. */
int attach_xdp_detach(int link_fd);

/*
 * What a link is attached to: its interface (0: it is gone) in the network namespace where that
 * is, and its program. 0 or -errno, not reported; -EINVAL if it is no XDP link.
 */
int attach_xdp_link_info(int link_fd, uint32_t *ifindex, uint32_t *prog_id);

/*
 * What the profile of the driver has to say where attach_xdp_hint() knows nothing: a setting that
 * is in the way (of nic_check()'s findings) with its cure, else what is known of the driver.
 */
void attach_xdp_hint_profile(const struct nic *nic, enum hook_mode mode, int err,
			     const struct nic_finding *findings, ssize_t n, char *buf, size_t size);

/*
 * What to do about a refusal in this state of the interface, "" if nobody knows. A sentence for
 * the end of a message; here for the planner and for tests.
 */
void attach_xdp_hint(const struct nic *nic, enum hook_mode mode, int err, char *buf, size_t size);

/*
 * Both of these, the interface looked at anew: what attach_xdp() and attach_shared_join() put into
 * `why`.
 */
void attach_xdp_advise(const struct nic *nic, enum hook_mode mode, int err, char *buf, size_t size);
