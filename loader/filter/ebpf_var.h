/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What blocks do with variables: instructions, and ends about them. Private to ebpf*.c.
 */
#pragma once
#include "ebpf_asm.h"

void emit_insn(struct emit *e, const struct ir_insn *insn);
void emit_var_branch(struct emit *e, const struct ir_end *end);
void emit_var_check(struct emit *e, const struct ir_end *end);
void emit_var_switch(struct emit *e, const struct ir_end *end);
void emit_fetch_direct(struct emit *e, const struct ir_end *end);
void emit_fetch(struct emit *e, const struct ir_end *end);

/* Index of the counter to count in. */
void set_key(struct emit *e, uint32_t counter);
