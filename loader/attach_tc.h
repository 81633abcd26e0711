/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tc hooks of an interface, ingress and egress. Several programs may stand on one: a packet
 * meets first those of tcx (6.6), in an order of their own, then the filters of clsact by their
 * preference, as long as each says TC_ACT_UNSPEC (sch_handle_ingress(), net/core/dev.c).
 *
 * Nothing here displaces anything of somebody else.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nic.h"
#include "policy.h"

enum { TC_WHY = 512 };

/* The handle of weir's filters ("weir" in ASCII): `tc filter show` prints it. */
enum { TC_HANDLE = 0x77656972 };

/* A program, or a filter that is none, on a hook. Names need CAP_SYS_ADMIN for tcx. */
struct tc_holder {
	enum hook_mode mode;   /* TC_TCX or TC_CLSACT */
	uint32_t prog_id;      /* 0: a filter that is no BPF program */
	char name[17];	       /* the program's ("": not known), or the kind of filter: "flower" */
	uint32_t link_id;      /* tcx: 0 if it hangs on no link */
	uint32_t pref, handle; /* clsact */
};

/*
 * What is on a hook now, in the order in which packets meet it: *out is the caller's (free). 0, or
 * a reported error. An interface that is not there has nothing.
 */
int attach_tc_query(uint32_t ifindex, const char *name, enum hook_kind kind, struct tc_holder **out,
		    size_t *n);

/* Has this kernel tcx? 1, 0, or a reported error. */
int attach_tcx_known(void);

/*
 * Attach a program by a new tcx link: the link's fd, the caller's. It goes before all programs
 * there, or with a place (from 1) before the one that has it, or behind all where there are not so
 * many. On a refusal -errno, not reported, and in `why` one sentence on it.
 */
int attach_tcx(const struct nic *nic, enum hook_kind kind, int prog_fd, uint32_t place,
	       char why[TC_WHY]);

/* What a tcx link is attached to, as attach_xdp_link_info(). -EINVAL if it is none of this hook. */
int attach_tcx_link_info(int link_fd, enum hook_kind kind, uint32_t *ifindex, uint32_t *prog_id);

/* Has the interface the qdisc that filters of a hook hang on (clsact, or for ingress ingress)? 1,
 * 0, or a reported error. */
int attach_clsact_has_qdisc(uint32_t ifindex, const char *name, enum hook_kind kind);

/* Make it. -EEXIST, not reported, if another one has taken its place; else as attach_tcx(). */
int attach_clsact_add_qdisc(const struct nic *nic, char why[TC_WHY]);

/* Remove it unless there are filters in it, of either hook. 0 or a reported error. */
int attach_clsact_remove_qdisc(uint32_t ifindex, const char *name);

/*
 * Attach a program by a direct-action filter, handle TC_HANDLE, preference `pref` (0: before all
 * filters there). 0, or as attach_tcx().
 */
int attach_clsact(const struct nic *nic, enum hook_kind kind, int prog_fd, uint32_t pref,
		  char why[TC_WHY]);

/* Remove weir's filter that runs this program, if it is there. 0 or a reported error. */
int attach_clsact_remove(uint32_t ifindex, const char *name, enum hook_kind kind, uint32_t prog_id);
