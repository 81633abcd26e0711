/* SPDX-License-Identifier: GPL-2.0-only */
/* libxdp's pins, where a loader that died in the midst of its work leaves a dispatcher in two. */
#pragma once
#include <stdint.h>

/*
 * Remove the dispatchers of an interface that are pinned though they are not on its hook, and hold
 * no component but those of the one that is, and weir's root (root_id). Where the interface is gone
 * the root's pins go, and all else is left to others. 0 or a reported error.
 */
int attach_pins_clean(uint32_t ifindex, const char *name, uint32_t root_id);
