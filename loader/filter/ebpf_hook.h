/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs from hook to hook in a program: where the packet is, how its bytes are read the slow
 * way, what a verdict is. Private to ebpf*.c.
 */
#pragma once
#include "ebpf_asm.h"

/* The program's first instructions: ctx, data, data_end and the length into their registers. */
void hook_start(struct emit *e);

/*
 * The helper that copies bytes of the packet: ctx, offset, to, size; 0 if they are all there. The
 * caller has set r1 to r4.
 */
enum bpf_func_id hook_load_bytes(const struct emit *e);

/* Hide a register's bounds: add and subtract a number of which the verifier knows nothing, so that
 * it does not see that they cancel. Clobbers r3. */
void hook_forget(struct emit *e, enum reg reg);

/* Count the packet in the counter whose index is at STACK_KEY. Clobbers r0 to r5. */
void hook_count(struct emit *e);

/* The shared end of a verb: the counter's index is at STACK_KEY, a redirect's target in r8. */
void hook_verb(struct emit *e, enum filter_verb verb);
