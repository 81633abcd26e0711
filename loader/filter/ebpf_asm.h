/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The assembler beneath ebpf.c: registers, one function an instruction, jumps to labels. Private to
 * ebpf.c. An emitter that is out of memory goes on and says so at the end (emit.oom).
 *
 *   r0 A        r1 X        r2 data + X, once a check has proven it     r3 scratch
 *   r6 ctx      r7 data     r8 data_end     r9 length of the whole packet
 *
 * Registers of variables hold 32 bits, zero-extended. M[] and the fuel live on the stack in 64
 * bits each, since every verifier keeps the bounds of a register spilled whole.
 */
#pragma once
#include <linux/bpf.h>

#include "filter.h"
#include "ir.h"

enum reg { A, X, FROM_X, T, U, FIFTH, CTX, DATA, END, LEN, FP };

/* The stack, from the frame pointer down. */
enum {
	STACK_KEY = -4,	  /* index of a counter */
	STACK_BYTES = -8, /* what a slow load read */
	STACK_A = -16,	  /* A and X over a slow load's call */
	STACK_X = -24,
	STACK_VARS = -32,				/* variables from M[0] on */
	STACK_DATA = STACK_VARS - 8 * (IR_VARS - IR_M), /* the hook's own, 8 bytes each */
	STACK_TAG = STACK_DATA - 8,
};

/* A jump or call whose offset waits for its label. */
struct fixup {
	uint32_t insn, label;
};

struct hook;

/* Labels are the blocks' numbers, one for each shared end, by its verb, and fetch_label(). */
struct emit {
	const struct hook *hook;
	const struct ir *ir;
	const struct filter_run *run;
	struct filter_prog *prog;
	struct fixup *fixups;
	size_t n_fixups;
	uint32_t *label_at;
	bool *entered; /* whether a jump leads to a label: a block without one has no code */
	const uint32_t *live;
	uint32_t next;	    /* the block that comes behind */
	unsigned int verbs; /* which shared ends are jumped to: 1 << verb */
	bool oom;
};

static inline void put(struct emit *e, struct bpf_insn insn)
{
	struct bpf_insn *added = array_add(e->prog->insns, e->prog->n_insns);

	if (added)
		*added = insn;
	else
		e->oom = true;
}

static inline void op(struct emit *e, uint8_t code, enum reg dst, enum reg src, int16_t off,
		      int32_t imm)
{
	put(e, (struct bpf_insn){ code, dst, src, off, imm });
}

static inline void mov(struct emit *e, enum reg dst, enum reg src)
{
	op(e, BPF_ALU64 | BPF_MOV | BPF_X, dst, src, 0, 0);
}

static inline void mov_imm(struct emit *e, enum reg dst, uint32_t imm)
{
	op(e, BPF_ALU | BPF_MOV | BPF_K, dst, 0, 0, imm);
}

static inline void add_imm(struct emit *e, enum reg dst, int32_t imm)
{
	if (imm)
		op(e, BPF_ALU64 | BPF_ADD | BPF_K, dst, 0, 0, imm);
}

static inline uint8_t mem_size(unsigned int size)
{
	return size == 1 ? BPF_B : size == 2 ? BPF_H : size == 4 ? BPF_W : BPF_DW;
}

static inline void load(struct emit *e, unsigned int size, enum reg dst, enum reg base, int16_t off)
{
	op(e, BPF_LDX | BPF_MEM | mem_size(size), dst, base, off, 0);
}

/* The same at any offset that the packet may have; clobbers r3. */
static inline void load_far(struct emit *e, unsigned int size, enum reg dst, enum reg base,
			    uint32_t off)
{
	if (off > INT16_MAX) {
		mov(e, T, base);
		add_imm(e, T, off);
		base = T;
		off = 0;
	}
	load(e, size, dst, base, off);
}

static inline void store(struct emit *e, unsigned int size, enum reg base, int16_t off,
			 enum reg src)
{
	op(e, BPF_STX | BPF_MEM | mem_size(size), base, src, off, 0);
}

static inline void big_endian(struct emit *e, enum reg reg, unsigned int size)
{
	if (size > 1)
		op(e, BPF_ALU | BPF_END | BPF_TO_BE, reg, 0, 0, size * 8);
}

static inline void call(struct emit *e, enum bpf_func_id helper)
{
	op(e, BPF_JMP | BPF_CALL, 0, 0, 0, helper);
}

static inline void map(struct emit *e, enum reg dst, enum filter_map which)
{
	struct filter_reloc *reloc = array_add(e->prog->relocs, e->prog->n_relocs);

	if (reloc)
		*reloc = (struct filter_reloc){ e->prog->n_insns, which };
	else
		e->oom = true;
	op(e, BPF_LD | BPF_IMM | BPF_DW, dst, BPF_PSEUDO_MAP_FD, 0, 0);
	put(e, (struct bpf_insn){ 0 });
}

/* The address of a byte of the program's tables. */
static inline void table_address(struct emit *e, enum reg dst, uint32_t offset)
{
	map(e, dst, FILTER_MAP_TABLES);
	if (e->oom)
		return;
	e->prog->insns[e->prog->n_insns - 2].src_reg = BPF_PSEUDO_MAP_VALUE;
	e->prog->insns[e->prog->n_insns - 1].imm = offset;
}

/* Note that a label is reached. NULL where blocks are emitted only to be counted. */
static inline void enter(struct emit *e, uint32_t label)
{
	if (e->entered)
		e->entered[label] = true;
}

/* A jump to a label, conditional or not. */
static inline void jump(struct emit *e, uint8_t code, enum reg dst, enum reg src, int32_t imm,
			uint32_t label)
{
	struct fixup *fixup = array_add(e->fixups, e->n_fixups);

	enter(e, label);
	if (fixup)
		*fixup = (struct fixup){ e->prog->n_insns, label };
	else
		e->oom = true;
	op(e, code, dst, src, 0, imm);
}

/* Call a subprogram of the same program. */
static inline void call_label(struct emit *e, uint32_t label)
{
	jump(e, BPF_JMP | BPF_CALL, 0, BPF_PSEUDO_CALL, 0, label);
}

static inline void go(struct emit *e, uint32_t label)
{
	if (label != e->next)
		jump(e, BPF_JMP | BPF_JA, 0, 0, 0, label);
	else
		enter(e, label);
}

/* The hook's own subprogram, which reads the packet the slow way. */
static inline uint32_t fetch_label(const struct emit *e)
{
	return e->ir->n + FILTER_COUNT;
}

static inline uint32_t n_labels(const struct ir *ir)
{
	return ir->n + FILTER_COUNT + 1;
}

static inline uint32_t verb_label(const struct emit *e, enum filter_verb verb)
{
	return e->ir->n + verb;
}

static inline void go_verb(struct emit *e, enum filter_verb verb)
{
	e->verbs |= 1u << verb;
	jump(e, BPF_JMP | BPF_JA, 0, 0, 0, verb_label(e, verb));
}
