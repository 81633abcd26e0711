/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * In which order blocks stand in a program. Private to ebpf*.c.
 */
#pragma once
#include <sys/types.h>

#include "ir.h"

/*
 * A reverse post-order, as ir_order(), but with the successor behind a block that saves a jump: not
 * a verdict, which is off the way of all other packets, and not the side that a test can jump to
 * only. The caller frees *order; its length, or -ENOMEM.
 */
ssize_t layout_order(const struct ir *ir, uint32_t **order);

/* Sets of blocks, one bool for each. The caller frees *heads, *shallow; 0 or -ENOMEM. */
int layout_marks(const struct ir *ir, const uint32_t *order, size_t n,
		 bool **heads /* an edge from behind leads here: a loop */,
		 bool **shallow /* no check lies below */);
