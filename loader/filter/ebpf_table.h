/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The instructions that look something up in a table (table.h). Private to ebpf*.c.
 */
#pragma once
#include "ebpf_asm.h"
#include "table.h"

/*
 * Append bytes to the program's tables; their offset there, which is a multiple of 64. May set
 * e->oom.
 */
uint32_t add_bytes(struct emit *e, const void *bytes, size_t size);

/*
 * r3 = what the table at that offset holds for `key`, which is zero-extended, not r3 or r4, and
 * stays. A key that is in no range may instead go to the label `otherwise`. Clobbers r3 and r4.
 * No index depends on the contents of the table alone: the verifier sees each one's bounds.
 */
void emit_table(struct emit *e, const struct table *table, uint32_t at, enum reg key,
		uint32_t otherwise);
