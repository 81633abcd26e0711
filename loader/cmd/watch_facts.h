/* SPDX-License-Identifier: GPL-2.0-only */
/* What watch compares from one look to the next: of an interface with a policy, and of its hooks.
 */
#pragma once
#include "../chain.h"

enum watch_fact {
	FACT_MTU,
	FACT_PEER_MTU,
	FACT_QUEUES,
	FACT_FEATURES,
	FACT_TAGS, /* does XDP see VLAN tags */
	FACT_XDP_MODE,
	FACT_XDP_OTHERS,
	FACT_INGRESS_OTHERS,
	FACT_EGRESS_OTHERS,
	FACTS
};

/* Each fact as text; NULL: there is none. */
struct watch_facts {
	char *text[FACTS];
	bool attached; /* each of its chains holds the interface that has the name */
	uint32_t ifindex;
};

/*
 * Read them; errors are reported, and leave what was read. The caller clears it in any case. An
 * interface that is not there has none.
 */
int watch_facts_read(const struct pin_tree *tree, const char *interface, struct watch_facts *out);
void watch_facts_clear(struct watch_facts *facts);

/* "its MTU". */
const char *watch_fact_name(enum watch_fact fact);
