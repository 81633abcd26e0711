/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rules that never match, because those before them take all their packets.
 */
#pragma once
#include "ir.h"

/*
 * Mark the rules whose actions can be reached in a graph that was threaded, and has no slow bodies:
 * through these every rule seems to be. 0 or -ENOMEM.
 */
int ir_reached(const struct ir *ir, size_t n_rules, bool *reached);

/*
 * For each rule of a run: FILTER_REACHED, or the last of the rules that take its packets; the
 * rule's own number if it matches no packet at all. A rule in whose expression something is not
 * understood as a test counts as reached. `reached` is what ir_reached() said; NULL: it is found
 * here. 0 or -ENOMEM.
 */
int ir_shadows(const struct filter_run *run, const bool *reached, uint32_t *shadowed_by);
