/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Blocks to instructions. Private to ebpf*.c.
 */
#pragma once
#include "ebpf_asm.h"

/* Make an emitter, from one that is zero. 0 or -ENOMEM; emit_release() in any case. */
int emit_init(struct emit *e, const struct ir *ir, const struct filter_run *run,
	      struct filter_prog *prog);
void emit_release(struct emit *e);

/* The instructions of a block, with what the cache holds now. */
void emit_block(struct emit *e, uint32_t number);
