// SPDX-License-Identifier: GPL-2.0-only
#include "ebpf_index.h"

#include <linux/if_ether.h>

#include "ebpf_hook.h"
#include "ebpf_table.h"
#include "ir_index.h"

/* Vectors that are AND-ed at a time: as many as there are registers for their addresses. */
static const enum reg pointers[] = { A, X, FROM_X, FIFTH };

static int16_t word_at(size_t word)
{
	return STACK_INDEX - 8 * (int16_t)(word + 1);
}

/* Nothing is spilled as long as an index is made. */
static int16_t pointer_at(size_t group)
{
	return STACK_INDEX + 8 * (int16_t)group;
}

/*
 * Go to `absent` unless the packet's linear part has so many bytes from a pointer on. The verifier
 * walks the way to `absent` first: see emit_check().
 */
static void need_bytes(struct emit *e, enum reg base, uint32_t n, uint32_t absent)
{
	uint32_t there = new_label(e);

	mov(e, T, base);
	add_imm(e, T, n);
	jump(e, BPF_JMP | BPF_JLE | BPF_X, T, END, 0, there);
	jump(e, BPF_JMP | BPF_JA, 0, 0, 0, absent);
	put_label(e, there);
}

/* r5 = the field, in host order; `absent` if the linear part does not have it. */
static void load_field(struct emit *e, const struct ir_field *field, uint32_t absent)
{
	enum reg base = field->behind_ip ? FROM_X : DATA;

	if (field->behind_ip) {
		need_bytes(e, DATA, ETH_HLEN + 1, absent);
		load(e, 1, FROM_X, DATA, ETH_HLEN);
		op(e, BPF_ALU64 | BPF_AND | BPF_K, FROM_X, 0, 0, 0xf);
		op(e, BPF_ALU64 | BPF_LSH | BPF_K, FROM_X, 0, 0, 2);
		op(e, BPF_ALU64 | BPF_ADD | BPF_X, FROM_X, DATA, 0, 0);
	}
	need_bytes(e, base, field->k + field->size, absent);
	load(e, field->size, FIFTH, base, field->k);
	big_endian(e, FIFTH, field->size);
	if (field->mask != ir_all_bits(field->size))
		op(e, BPF_ALU | BPF_AND | BPF_K, FIFTH, 0, 0, field->mask);
}

/* r3 = the class of the packet's field. */
static void emit_class(struct emit *e, const struct index_field *field)
{
	uint32_t otherwise = new_label(e), absent = new_label(e), found = new_label(e);

	load_field(e, &field->field, absent);
	emit_table(e, &field->table, add_bytes(e, field->table.bytes, field->table.size), FIFTH,
		   otherwise);
	jump(e, BPF_JMP | BPF_JA, 0, 0, 0, found);
	if (e->entered[otherwise]) {
		put_label(e, otherwise);
		mov_imm(e, T, field->table.otherwise);
		jump(e, BPF_JMP | BPF_JA, 0, 0, 0, found);
	}
	put_label(e, absent);
	mov_imm(e, T, field->absent);
	put_label(e, found);
}

/* r5 = the number of the packet's vector. */
static void emit_number(struct emit *e, const struct index_field *fields, size_t n)
{
	uint32_t digit = fields[0].n_classes;

	emit_class(e, &fields[0]);
	if (n > 1)
		mov(e, A, T);
	for (size_t i = 1; i < n; digit *= fields[i++].n_classes) {
		emit_class(e, &fields[i]);
		op(e, BPF_ALU | BPF_MUL | BPF_K, T, 0, 0, digit);
		op(e, BPF_ALU | BPF_ADD | BPF_X, A, T, 0, 0);
	}
	mov(e, FIFTH, n > 1 ? A : T);
}

/*
 * The address of a group's vector, to the stack. The verifier knows what is in the tables, which
 * nobody can write: of a class that it knows it would follow the bits, and every combination of
 * such classes by itself. So it is shown none.
 */
static void emit_group(struct emit *e, const struct index_part *part,
		       const struct index_group *group, size_t n_words, int16_t pointer)
{
	size_t stride = n_words * sizeof(*group->vectors);
	uint32_t vectors = add_bytes(e, group->vectors, group->n_vectors * stride);

	emit_number(e, &part->fields[group->first], group->n);
	hook_forget(e, FIFTH, T);
	op(e, BPF_ALU | BPF_AND | BPF_K, FIFTH, 0, 0, group->n_vectors - 1);
	op(e, BPF_ALU64 | BPF_MUL | BPF_K, FIFTH, 0, 0, stride);
	table_address(e, U, vectors);
	op(e, BPF_ALU64 | BPF_ADD | BPF_X, U, FIFTH, 0, 0);
	store(e, 8, FP, pointer, U);
}

/* AND the vectors of some groups, and what is on the stack already unless they are the first. */
static void emit_and(struct emit *e, size_t first, size_t n, size_t n_words)
{
	for (size_t i = 0; i < n; i++)
		load(e, 8, pointers[i], FP, pointer_at(first + i));
	for (size_t word = 0; word < n_words; word++) {
		bool began = first;

		if (began)
			load(e, 8, T, FP, word_at(word));
		for (size_t i = 0; i < n; i++) {
			load(e, 8, began ? U : T, pointers[i], word * sizeof(uint64_t));
			if (began)
				op(e, BPF_ALU64 | BPF_AND | BPF_X, T, U, 0, 0);
			began = true;
		}
		store(e, 8, FP, word_at(word), T);
	}
}

/* No field tells its rules apart: all bits. */
static void emit_all_bits(struct emit *e, const struct index_part *part, size_t n_words)
{
	uint32_t at = add_bytes(e, part->all, n_words * sizeof(*part->all));

	table_address(e, U, at);
	for (size_t word = 0; word < n_words; word++) {
		load(e, 8, T, U, word * sizeof(uint64_t));
		store(e, 8, FP, word_at(word), T);
	}
}

static void emit_part(struct emit *e, const struct index_part *part, size_t n_words)
{
	size_t some = ARRAY_SIZE(pointers);

	if (!part->n_groups)
		emit_all_bits(e, part, n_words);
	for (size_t i = 0; i < part->n_groups; i++)
		emit_group(e, part, &part->groups[i], n_words, pointer_at(i));
	for (size_t i = 0; i < part->n_groups; i += some)
		emit_and(e, i, part->n_groups - i < some ? part->n_groups - i : some, n_words);
}

/* Every packet has an Ethernet header (bpf_prog_run_xdp()'s callers); one that has none matches
 * nothing. */
void emit_index(struct emit *e, const struct ir_end *end)
{
	const struct ir_index *index = e->ir->index;
	uint32_t ipv6 = new_label(e), other = new_label(e);
	const struct ir_field type = { .k = offsetof(struct ethhdr, h_proto),
				       .mask = UINT16_MAX,
				       .size = 2 };

	cache_forget(&e->cache, CALL_CLOBBERS);
	load_field(e, &type, other);
	jump(e, BPF_JMP32 | BPF_JEQ | BPF_K, FIFTH, 0, ETH_P_IPV6, ipv6);
	jump(e, BPF_JMP32 | BPF_JNE | BPF_K, FIFTH, 0, ETH_P_IP, other);
	emit_part(e, &index->parts[INDEX_IPV4], index->n_words);
	jump(e, BPF_JMP | BPF_JA, 0, 0, 0, end->yes);
	put_label(e, ipv6);
	emit_part(e, &index->parts[INDEX_IPV6], index->n_words);
	jump(e, BPF_JMP | BPF_JA, 0, 0, 0, end->yes);
	put_label(e, other);
	emit_part(e, &index->parts[INDEX_OTHER], index->n_words);
	go(e, end->yes);
}

/* Half of a word: the lower one comes first in memory on a little-endian machine. */
static int16_t half_at(uint32_t half)
{
	bool upper = half % 2;

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	upper = !upper;
#endif
	return word_at(half / 2) + 4 * upper;
}

/* The verifier walks past all rules first, and knows nothing then: see emit_check(). */
void emit_probe(struct emit *e, const struct ir_end *end)
{
	enum reg bits = cache_take(&e->cache, 0);

	if (end->size == 8) {
		load(e, 8, bits, FP, word_at(end->arg / 2));
		jump(e, BPF_JMP | BPF_JNE | BPF_K, bits, 0, 0, end->yes);
	} else {
		load(e, 4, bits, FP, half_at(end->arg));
		jump(e, BPF_JMP32 | BPF_JSET | BPF_K, bits, 0, end->k, end->yes);
	}
	go(e, end->no);
}
