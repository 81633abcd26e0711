/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rules that never match, because those before them take all their packets.
 */
#pragma once
#include "ir.h"

/*
 * For each rule of a run: FILTER_REACHED, or the last of the rules that take its packets; the
 * rule's own number if it matches no packet at all. A rule in whose expression something is not
 * understood as a test counts as reached. 0 or -ENOMEM.
 */
int ir_shadows(const struct filter_run *run, uint32_t *shadowed_by);
