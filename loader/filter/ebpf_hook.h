/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs from hook to hook in a program: where the packet is, how its bytes are read the slow
 * way, what a verdict is. Private to ebpf*.c; one file a hook.
 */
#pragma once
#include "ebpf_asm.h"

struct hook {
	/* The program's first instructions: ctx, data, data_end and the length into their
	 * registers. */
	void (*start)(struct emit *e);

	/*
	 * Load bytes at a constant offset that a check has proven, as they stand in the packet.
	 * dst is any of r0 to r3, r5; clobbers r3 and r4.
	 */
	void (*load)(struct emit *e, unsigned int size, enum reg dst, uint32_t k);

	/*
	 * Call what copies bytes of the packet: r1 ctx, r2 offset (up to ir_fetch_max()), r3 to, r4
	 * size. r0 is 0 then if they are all there. Clobbers r1 to r5.
	 */
	void (*load_bytes)(struct emit *e);

	/* The subprogram at fetch_label(), if load_bytes() calls it. */
	void (*fetch)(struct emit *e);

	/* What a rule that goes on does besides counting; NULL: nothing. Clobbers r0 to r5. */
	void (*pass_on)(struct emit *e, const struct filter_rule *rule);

	/*
	 * Change the packet, as the verb of a verdict says, ahead of the tail call: r0 is 0 if that
	 * was possible. Clobbers r1 to r5, data and data_end.
	 */
	void (*change)(struct emit *e, const struct ir_end *end);

	/* The end of a program after a verb was counted; a redirect's target is in r8. */
	void (*finish)(struct emit *e, enum filter_verb verb);

	/* Four bytes of the context of which the verifier knows nothing. */
	int16_t unknown;
};

extern const struct hook hook_xdp, hook_tc;

const struct hook *hook_of(enum filter_hook hook);

/* Hide a register's bounds: add and subtract a number of which the verifier knows nothing, so that
 * it does not see that they cancel. Clobbers r3. */
void hook_forget(struct emit *e, enum reg reg);

/* Count the packet in the counter whose index is at STACK_KEY. Clobbers r0 to r5. */
void hook_count(struct emit *e);

/* The shared end of a verb: the counter's index is at STACK_KEY, a redirect's target in r8. */
void hook_verb(struct emit *e, enum filter_verb verb);

/* End the program with a verdict: XDP_*, TC_ACT_*. */
void hook_return(struct emit *e, int32_t verdict);
