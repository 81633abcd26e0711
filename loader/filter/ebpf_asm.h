/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The assembler beneath ebpf*.c: registers, one function an instruction, jumps to labels. Private
 * to them. An emitter that is out of memory goes on and says so at the end (emit.oom).
 *
 * What a block about variables has in registers:
 *
 *   r0 A        r1 X        r2 data + X, once a check has proven it     r3, r4 scratch
 *
 * in all blocks:
 *
 *   r6 ctx      r7 data     r8 data_end     r9 length of the whole packet
 *
 * All others, and of r6 and r9 those that a program has no need of, hold what ebpf_cache.h says.
 * Registers of variables hold 32 bits, zero-extended. M[] and the fuel live on the stack in 64
 * bits each, since every verifier keeps the bounds of a register spilled whole.
 */
#pragma once
#include <linux/bpf.h>

#include "ebpf_cache.h"
#include "filter.h"
#include "ir.h"

enum reg { A, X, FROM_X, T, U, FIFTH, CTX, DATA, END, LEN, FP };

enum { CALL_CLOBBERS = 0x3f };

/* The stack, from the frame pointer down. */
enum {
	STACK_KEY = -4,		    /* index of a counter */
	STACK_BYTES = -8,	    /* what a slow load read */
	STACK_TARGET = STACK_BYTES, /* of a redirect */
	STACK_A = -16,		    /* A and X over a slow load's call */
	STACK_X = -24,
	STACK_VARS = -32,				   /* variables from M[0] on */
	STACK_TAG = STACK_VARS - 8 * (IR_VARS - IR_M) - 8, /* the hook's own */
	STACK_SPILLED = STACK_TAG - 24,			   /* operands, where registers are few */
	STACK_INDEX = -320, /* of a program that has one: its words are below */
	STACK_END = -448,   /* the rest is for a subprogram */
	/*
	 * The window of a socket: a stack is read at aligned places only, and an address in a
	 * packet stands two bytes behind a multiple of four as a rule.
	 */
	STACK_WINDOW = -478,
};

/* A jump or call whose offset waits for its label. */
struct fixup {
	uint32_t insn, label;
};

struct hook;

/* Labels are the blocks' numbers, one for each shared end, by its verb, fetch_label(), and local
 * ones. */
struct emit {
	const struct hook *hook;
	const struct ir *ir;
	const struct filter_run *run;
	struct ir_view view; /* of the run */
	uint32_t window;     /* bytes that DATA leads to, on the stack; 0: in place */
	struct filter_prog *prog;
	struct fixup *fixups;
	size_t n_fixups;
	uint32_t islands_at; /* where the last islands were placed */
	uint32_t *label_at;  /* UINT32_MAX: not yet placed */
	bool *entered;	     /* whether a jump leads to a label: a block without one has no code */
	uint32_t *order;     /* of blocks */
	size_t n_order;
	uint32_t *live;
	bool *heads, *shallow; /* of loops; without a check below */
	struct cache cache;
	uint32_t holds; /* of r6 and r9, those that have what is said above: 1 << register */
	uint32_t fail;	/* where the block under way goes with a packet that is too short */
	unsigned int n_spilled;
	int16_t stack_end;	       /* of what may be spilled */
	bool too_deep;		       /* a value did not find room on the stack */
	uint32_t rule;		       /* of the block under way */
	uint32_t next;		       /* the block that comes behind */
	bool falls;		       /* the block under way falls into it */
	uint32_t n_local;	       /* new_label() */
	unsigned int verbs;	       /* which shared ends are jumped to: 1 << verb */
	size_t last_use[FILTER_COUNT]; /* the place of the last block that may jump there */
	bool oom;
};

static inline bool holds(const struct emit *e, enum reg reg)
{
	return e->holds & 1u << reg;
}

/* The arithmetic of an instruction or value, for BPF_ALU. */
uint8_t alu_code(uint8_t ir_op);

/*
 * Between two blocks, now and then: jumps whose labels are still to come are led over a jump here,
 * since an offset has 16 bits. 0, -E2BIG (a block is too large) or -ENOMEM.
 */
int place_islands(struct emit *e);

/* Set the offsets of all jumps. -E2BIG if one does not fit. */
int fix_jumps(struct emit *e);

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

/* The same at any offset that the packet may have. */
static inline void load_far(struct emit *e, unsigned int size, enum reg dst, enum reg base,
			    int32_t off)
{
	if (off < INT16_MIN || off > INT16_MAX) {
		if (base != dst)
			mov(e, dst, base);
		add_imm(e, dst, off);
		base = dst;
		off = 0;
	}
	load(e, size, dst, base, off);
}

/*
 * Load from an address on the stack of which the verifier does not know that it is aligned; scratch
 * is not `from`. By way of STACK_BYTES.
 */
void load_unaligned(struct emit *e, unsigned int size, enum reg dst, enum reg from, int32_t off,
		    enum reg scratch);

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

/* Note that a label is reached, and with what in registers. */
static inline void enter(struct emit *e, uint32_t label)
{
	e->entered[label] = true;
	if (label < e->ir->n)
		cache_flow(&e->cache, label, e->ir->blocks[label].rule == e->rule);
}

/* What a redirect will ask for. */
static inline void set_target(struct emit *e, uint32_t target)
{
	op(e, BPF_ST | BPF_MEM | BPF_W, FP, 0, STACK_TARGET, target);
}

/* A conditional jump over all that comes until land() is called with what this returns. */
static inline size_t branch(struct emit *e, uint8_t code, enum reg dst, enum reg src, int32_t imm)
{
	op(e, code, dst, src, 0, imm);
	return e->prog->n_insns - 1;
}

static inline void land(struct emit *e, size_t at)
{
	if (!e->oom)
		e->prog->insns[at].off = e->prog->n_insns - at - 1;
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
	if (label != e->next) {
		jump(e, BPF_JMP | BPF_JA, 0, 0, 0, label);
		return;
	}
	enter(e, label);
	e->falls = true;
}

/* The hook's own subprogram, which reads the packet the slow way. */
static inline uint32_t fetch_label(const struct emit *e)
{
	return e->ir->n + FILTER_COUNT;
}

/* The body that tells a packet's flow (ebpf_cpu.h). */
static inline uint32_t flow_label(const struct emit *e)
{
	return fetch_label(e) + 1;
}

enum { LOCAL_LABELS = 256 };

static inline uint32_t n_labels(const struct ir *ir)
{
	return ir->n + FILTER_COUNT + 2 + LOCAL_LABELS;
}

/* A label of the emitter's own; there are LOCAL_LABELS of them. */
static inline uint32_t new_label(struct emit *e)
{
	return flow_label(e) + 1 + e->n_local++;
}

/* The label is here. */
static inline void put_label(struct emit *e, uint32_t label)
{
	e->label_at[label] = e->prog->n_insns;
}

/* What becomes of a packet that is counted as a miss. */
static inline enum filter_verb miss_verb(const struct emit *e)
{
	return e->run->miss_drop ? FILTER_DROP : FILTER_PASS;
}

static inline uint32_t verb_label(const struct emit *e, enum filter_verb verb)
{
	return e->ir->n + verb;
}

static inline void jump_verb(struct emit *e, enum filter_verb verb)
{
	e->verbs |= 1u << verb;
	jump(e, BPF_JMP | BPF_JA, 0, 0, 0, verb_label(e, verb));
}

static inline void go_verb(struct emit *e, enum filter_verb verb)
{
	e->verbs |= 1u << verb;
	go(e, verb_label(e, verb));
}
