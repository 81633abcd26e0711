/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The end of a block that is a SWITCH: from a key in a register to the block whose case holds it.
 * Private to ebpf*.c.
 */
#pragma once
#include "ebpf_asm.h"

/*
 * Go where a SWITCH leads. `key` holds the value in host order, zero-extended to 64 bits, at most
 * `max` (ir_value_max(); UINT32_MAX if not known); it is neither r3 nor r4, and stays as it is.
 * Clobbers no registers but those that it returns, as a set of 1 << register: some of r3 and r4.
 *
 * A target that is nothing but a verdict may be done here: the packet then never enters that block
 * (emit.entered).
 */
uint32_t emit_switch(struct emit *e, const struct ir_end *end, enum reg key, uint32_t max);
