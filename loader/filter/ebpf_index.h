/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The instructions of an index of rules (ir_index.h). Private to ebpf*.c.
 */
#pragma once
#include "ebpf_asm.h"

/* An INDEX: the packet's bits to the stack, then on to `yes`. Clobbers r0 to r5. */
void emit_index(struct emit *e, const struct ir_end *end);

/* A PROBE, in a register of the cache's. */
void emit_probe(struct emit *e, const struct ir_end *end);
