/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The programs of a policy's chain, one by one: runs of rules, and stages. What one costs shows
 * when the chain is cut before it, and behind it.
 */
#pragma once
#include "subject.h"

struct part {
	char *name; /* owned; "lines 3-9: 7 rules", "line 5: use ttl_guard" */
	uint32_t slot;
	size_t place; /* in the order of the policy */
	bool is_stage;
};

struct parts {
	struct part *parts;
	size_t n;
};

/* In the order of the policy, in which a packet meets them. Errors are reported; parts_free(). */
int parts_find(const struct subject *subject, struct parts *out);
void parts_free(struct parts *parts);

/* Only the first `keep` parts are left of the chain: what would enter another passes. Reported. */
int parts_cut(struct subject *subject, const struct parts *parts, size_t keep);
