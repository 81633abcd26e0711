/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs from hook to hook in a program: where the packet is, how its bytes are read the slow
 * way, what a verdict is. Private to ebpf*.c; one file a hook.
 */
#pragma once
#include "ebpf_asm.h"

struct hook {
	/* Which of r6 and r9 a run needs for more than what its blocks read: 1 << register. */
	uint32_t (*holds)(const struct emit *e);

	/*
	 * The program's first instructions: data, data_end and, where they are held, ctx and the
	 * length into their registers.
	 */
	void (*start)(struct emit *e);

	/*
	 * The packet's length, in a register of which the verifier knows nothing: it would walk all
	 * that follows for each length that it was compared with.
	 */
	void (*length)(struct emit *e, enum reg dst, enum reg scratch);

	/*
	 * Call what copies bytes of the packet: r1 ctx, r2 offset (up to ir_view.fetch_max), r3 to,
	 * r4 size. r0 is 0 then if they are all there. Clobbers r1 to r5.
	 */
	void (*load_bytes)(struct emit *e);

	/*
	 * A FETCH of a direct program (ir_view.direct): the value to r0, or the program ends. r2 is
	 * the offset if that is indexed. Clobbers r1 to r5.
	 */
	void (*load_direct)(struct emit *e, const struct ir_end *end);

	/* The subprogram at fetch_label(), if load_bytes() calls it. */
	void (*fetch)(struct emit *e);

	/* What a rule that goes on does besides counting; NULL: nothing. Clobbers r0 to r5. */
	void (*pass_on)(struct emit *e, const struct filter_rule *rule);

	/*
	 * Change the packet, as the verb of a verdict says, ahead of the tail call: r0 is 0 if that
	 * was possible. Clobbers r1 to r5, data and data_end.
	 */
	void (*change)(struct emit *e, const struct ir_end *end);

	/* A verdict that is the rule's own from here on: counting it, and the end of the program.
	 */
	void (*hand_over)(struct emit *e, const struct filter_rule *rule);

	/* The end of a program after a verb was counted; a redirect's target is at STACK_TARGET. */
	void (*finish)(struct emit *e, enum filter_verb verb);

	bool counts; /* rules have counters */

	/* Four bytes of the context of which the verifier knows nothing. */
	int16_t unknown;
};

extern const struct hook hook_xdp, hook_tc, hook_socket, hook_fanout;

const struct hook *hook_of(enum filter_hook hook);

/* Hide a register's bounds: add and subtract a number of which the verifier knows nothing, so that
 * it does not see that they cancel. */
void hook_forget(struct emit *e, enum reg reg, enum reg scratch);

/* Count the packet in the counter whose index is at STACK_KEY. Clobbers r0 to r5. */
void hook_count(struct emit *e);

/* The same for the counter with this index. */
void hook_count_at(struct emit *e, uint32_t counter);

/* Do with the packet as if it had missed the chain: for what cannot be. */
void hook_miss(struct emit *e);

/* The shared end of a verb: the counter's index is at STACK_KEY, a redirect's target at
 * STACK_TARGET. */
void hook_verb(struct emit *e, enum filter_verb verb);

/* End the program with a verdict: XDP_*, TC_ACT_*. */
void hook_return(struct emit *e, int32_t verdict);
