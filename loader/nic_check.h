/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What stands in the way of native XDP on an interface, and what removes it: the checks of every
 * NIC, in the order in which one looks, by what the kernel and the table of drivers say.
 */
#pragma once
#include "nic.h"
#include "nic_ethtool.h"
#include "nic_tags.h"

enum nic_level {
	NIC_FINE,    /* looked at, nothing to do */
	NIC_ADVISED, /* works, but not as well as it could, or not for every policy */
	NIC_BLOCKED, /* native XDP is refused, or loses packets, until it is changed */
};

enum nic_fix_kind {
	NIC_FIX_NONE,	 /* nothing that weir could run */
	NIC_FIX_FEATURE, /* turn `feature` off */
	NIC_FIX_QUEUES,	 /* have `queues` */
};

struct nic_fix {
	enum nic_fix_kind kind;
	bool of_peer; /* of a veth: it is the peer's setting */
	enum nic_feature_id feature;
	struct nic_channels queues;
};

struct nic_finding {
	enum nic_level level;
	char text[240];	   /* a sentence without full stop */
	char command[128]; /* that removes it; "": none is known */
	struct nic_fix fix;
};

/* What is asked besides struct nic and ethtool. */
struct nic_host {
	uint32_t cpus; /* online */
	struct nic_tags tags;
	enum nic_known out_of_tree; /* the driver is a module that the kernel did not come with */
};

/* Errors of reading are "unknown", but for the tags. */
int nic_host_read(const struct nic *nic, const struct nic_ethtool *ethtool, struct nic_host *out);

/* What a driver is known for; all texts are static. */
struct nic_profile {
	const char *disturbs; /* what attaching does to the traffic; "not known" */
	const char *note;     /* NULL: nothing */
};

struct nic_profile nic_profile(const struct nic *nic);

/* The findings, in the order of the checks. The caller frees *out; their number, or -ENOMEM. */
ssize_t nic_check(const struct nic *nic, const struct nic_ethtool *ethtool,
		  const struct nic_host *host, struct nic_finding **out);

/*
 * Probe an interface by its name, read what there is to ask, and check it: the number of findings,
 * which the caller frees, or a reported error.
 */
ssize_t nic_look(const char *name, struct nic *nic, struct nic_finding **out);

/* Do what a finding's fix says. Errors are reported. */
int nic_fix_apply(const struct nic *nic, const struct nic_fix *fix);

/* "fine", "advised", "blocked". */
const char *nic_level_name(enum nic_level level);
