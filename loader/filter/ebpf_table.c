// SPDX-License-Identifier: GPL-2.0-only
#include "ebpf_table.h"

#include <string.h>

enum { TABLE_ALIGN = 64 }; /* a cache line */

static void alu(struct emit *e, uint8_t operation, enum reg dst, uint32_t imm)
{
	op(e, BPF_ALU | BPF_K | operation, dst, 0, 0, imm);
}

static void copy(struct emit *e, enum reg dst, enum reg src)
{
	op(e, BPF_ALU | BPF_MOV | BPF_X, dst, src, 0, 0);
}

static void shift_right(struct emit *e, enum reg reg, unsigned int bits)
{
	if (bits)
		alu(e, BPF_RSH, reg, bits);
}

uint32_t add_bytes(struct emit *e, const void *bytes, size_t size)
{
	size_t at = (e->prog->tables_size + TABLE_ALIGN - 1) & ~(size_t)(TABLE_ALIGN - 1);
	uint8_t *tables = realloc(e->prog->tables, at + size);

	if (!tables) {
		e->oom = true;
		return 0;
	}
	memset(tables + e->prog->tables_size, 0, at - e->prog->tables_size);
	memcpy(tables + at, bytes, size);
	e->prog->tables = tables;
	e->prog->tables_size = at + size;
	return at;
}

/*
 * base = the address of element `index` of some at an offset; index is lost. Shifted in 64 bits:
 * Linux 6.1 takes no bounds over from there to 32.
 */
static void element(struct emit *e, enum reg base, enum reg index, uint32_t at, unsigned int size)
{
	if (size > 1)
		op(e, BPF_ALU64 | BPF_LSH | BPF_K, index, 0, 0, __builtin_ctz(size));
	table_address(e, base, at);
	op(e, BPF_ALU64 | BPF_ADD | BPF_X, base, index, 0, 0);
}

static void emit_hash(struct emit *e, const struct table *table, uint32_t at, enum reg key,
		      uint32_t otherwise)
{
	copy(e, U, key);
	alu(e, BPF_MUL, U, table->seed);
	shift_right(e, U, table->bucket_shift);
	element(e, T, U, at, 4);
	load(e, 4, T, T, 0);
	op(e, BPF_ALU | BPF_MUL | BPF_X, T, key, 0, 0);
	op(e, BPF_ALU64 | BPF_MUL | BPF_K, T, 0, 0, table->n_slots);
	op(e, BPF_ALU64 | BPF_RSH | BPF_K, T, 0, 0, 32);
	/* It always is less; Linux 6.1 does not see it. */
	jump(e, BPF_JMP | BPF_JGE | BPF_K, T, 0, table->n_slots, otherwise);
	element(e, U, T, at + table->slots_at, table->slot_size);
	if (table->slot_size == 4)
		mov_imm(e, T, table->only);
	else
		load(e, 4, T, U, 4);
	load(e, 4, U, U, 0);
	jump(e, BPF_JMP | BPF_JNE | BPF_X, U, key, 0, otherwise);
}

static void emit_window(struct emit *e, const struct table *table, enum reg key, uint32_t otherwise)
{
	copy(e, U, key);
	if (table->base)
		alu(e, BPF_SUB, U, table->base);
	jump(e, BPF_JMP32 | BPF_JGT | BPF_K, U, 0, table->limit, otherwise);
}

/* r3 holds an element of the level before: make it the address of the one it leads to. */
static void emit_level(struct emit *e, const struct table_level *level, uint32_t at, enum reg key,
		       uint32_t otherwise)
{
	copy(e, U, key);
	shift_right(e, U, level->shift);
	alu(e, BPF_AND, U, UINT8_MAX);
	op(e, BPF_ALU | BPF_AND | BPF_X, U, T, 0, 0);
	alu(e, BPF_RSH, T, 8);
	op(e, BPF_ALU64 | BPF_ADD | BPF_X, U, T, 0, 0);
	/* It never is; but the verifier does not know what the table holds. */
	jump(e, BPF_JMP | BPF_JGE | BPF_K, U, 0, level->n, otherwise);
	element(e, T, U, at + level->at, level->size);
}

static void emit_trie(struct emit *e, const struct table *table, uint32_t at, enum reg key,
		      uint32_t otherwise)
{
	const struct table_level *level = table->levels;

	if (table->base || table->limit != UINT32_MAX)
		emit_window(e, table, key, otherwise);
	copy(e, U, key);
	shift_right(e, U, level->shift);
	alu(e, BPF_AND, U, (1u << level->bits) - 1);
	element(e, T, U, at + level->at, level->size);
	load(e, level->size, T, T, 0);
	while (++level < table->levels + table->n_levels) {
		emit_level(e, level, at, key, otherwise);
		load(e, level->size, T, T, 0);
	}
}

/* r4 moves on by half of what is left of the keys where the last of that half is less. */
static void emit_step(struct emit *e, unsigned int half, enum reg key)
{
	load(e, 4, T, U, 4 * (half - 1));
	op(e, BPF_ALU64 | BPF_SUB | BPF_X, T, key, 0, 0);
	op(e, BPF_ALU64 | BPF_RSH | BPF_K, T, 0, 0, 63);
	op(e, BPF_ALU64 | BPF_LSH | BPF_K, T, 0, 0, __builtin_ctz(4 * half));
	op(e, BPF_ALU64 | BPF_ADD | BPF_X, U, T, 0, 0);
}

static void emit_buckets(struct emit *e, const struct table *table, uint32_t at, enum reg key,
			 uint32_t otherwise)
{
	copy(e, U, key);
	shift_right(e, U, table->bucket_shift);
	alu(e, BPF_AND, U, table->slots_at / 2 - 1);
	element(e, T, U, at, 2);
	load(e, 2, T, T, 0);
	/* It always is less; but the verifier does not know what the table holds. */
	jump(e, BPF_JMP | BPF_JGE | BPF_K, T, 0, table->n_slots, otherwise);
	element(e, U, T, at + table->slots_at, table->slot_size);
	for (unsigned int half = 1u << (table->steps - 1); half; half /= 2)
		emit_step(e, half, key);
	load(e, 4, T, U, 4 * ((1 << table->steps) - 1));
}

void emit_table(struct emit *e, const struct table *table, uint32_t at, enum reg key,
		uint32_t otherwise)
{
	switch (table->kind) {
	case TABLE_HASH:
		emit_hash(e, table, at, key, otherwise);
		return;
	case TABLE_BUCKETS:
		emit_buckets(e, table, at, key, otherwise);
		return;
	case TABLE_TRIE:
		emit_trie(e, table, at, key, otherwise);
	}
}
