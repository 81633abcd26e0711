/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A packet that is not in place is copied: its first bytes, as far as the run surely reads
 * (ir_view.sure). Private to ebpf*.c.
 */
#pragma once
#include "ebpf_asm.h"

/* How a hook's packets are copied. */
struct copy_how {
	enum bpf_func_id load_bytes; /* ctx, offset, to, size */
	bool may_be_tagged;	     /* with an outer VLAN tag beside the bytes */
};

extern const struct copy_how copy_xdp, copy_skb;

/*
 * DATA and END are the packet's: point them to a copy if those bytes are not in place. Where a tag
 * may be beside the bytes, it is counted into LEN. Needs CTX and LEN; clobbers r0 to r5.
 */
void emit_copy(struct emit *e, const struct copy_how *how);
