/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How many bytes a check had better ask for: as many as most checks of its kind do. Packets that
 * have them need no other check; the few that have not take a way of their own.
 *
 * Checks are of one kind if they count from the same place and know as much of the value that is
 * asked most (the Ethernet type) from their own rule: IPv4's are not IPv6's.
 */
#pragma once
#include "ir_classes.h"

struct ir_demands {
	struct ir_demand {
		ir_quantity quantity;
		uint32_t set; /* of the key */
		uint32_t bytes;
	} * demands;
	size_t n;
	ir_quantity key; /* IR_NO_VALUE: there is none, and no demand */
};

/* 0 or -ENOMEM. */
int ir_demands_find(const struct ir *ir, struct ir_store *store, const struct ir_keys *keys,
		    const uint32_t *order, size_t n, struct ir_demands *demands);
void ir_demands_free(struct ir_demands *demands);

/* The bytes to ask for in place of `bytes` where these facts hold. */
uint32_t ir_demand_at(const struct ir_demands *demands, const struct ir_facts *facts,
		      ir_quantity quantity, uint32_t bytes);
