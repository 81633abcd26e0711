/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ends of blocks: branches, checks, switches about values of the packet. Private to ebpf*.c.
 */
#pragma once
#include "ebpf_asm.h"

/* Go to `yes` if left COND k, or left COND right, of 32 bits each; else to `no`. */
void compare_k(struct emit *e, uint8_t cond, enum reg left, uint32_t k, uint32_t yes, uint32_t no);
void compare_x(struct emit *e, uint8_t cond, enum reg left, enum reg right, uint32_t yes,
	       uint32_t no);

void emit_value_branch(struct emit *e, const struct ir_end *end);
void emit_value_check(struct emit *e, const struct ir_end *end);
void emit_linear_check(struct emit *e, const struct ir_end *end);
void emit_value_switch(struct emit *e, const struct ir_end *end);

/* The items that an end is about; returns how many. */
enum { END_ITEMS = 4 };
size_t end_items(struct emit *e, const struct ir_end *end, uint32_t items[END_ITEMS]);
