/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The intermediate form: one control-flow graph of basic blocks for a whole run of rules.
 *
 * A block is a list of instructions that cannot fail and cannot branch, and an end that tells
 * where it goes. All that may turn an expression down (a load past the end of the packet, a
 * division by zero, a loop that runs too long) is an end with an edge of its own, so that a pass
 * sees every path. Passes work in place; ir_print() shows the graph between any two.
 *
 * Values are 32-bit and unsigned. Variables are mutable; there is no rule for who may write them.
 * No variable is live from one rule into the next.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "filter.h"

/* What an expression computes with: A, X, M[0..15], and how often it may still loop. */
enum ir_var {
	IR_A,
	IR_X,
	IR_M,
	IR_FUEL = IR_M + 16,
	IR_VARS,
};

enum {
	IR_CONST = 0xff, /* as an operand: the constant k */
	IR_NO_BLOCK = UINT32_MAX,
	IR_NO_COUNTER = UINT32_MAX,
	/*
	 * Backward jumps that one evaluation of an expression may make; then it rejects.
	 * `protochain` makes one for each header. libpcap 1.11's bpf_filter() has the same
	 * bound; 1.10 has none.
	 */
	IR_LOOPS = 64,
	/* No byte from here on is ever read: the verifier's and bpf_xdp_load_bytes()' own limit. */
	IR_PACKET_MAX = 0xffff,
};

/* "src" is a variable, or IR_CONST for k. Shifts by 32 or more give 0. */
enum ir_op {
	IR_SET, /* dst = src */
	IR_ADD, /* dst += src, and so on */
	IR_SUB,
	IR_MUL,
	IR_DIV, /* src is not 0 */
	IR_MOD, /* src is not 0 */
	IR_AND,
	IR_OR,
	IR_XOR,
	IR_LSH,
	IR_RSH,
	IR_NEG,	 /* dst = -dst */
	IR_LOAD, /* dst = size bytes at k, or at X + k if indexed, big-endian; see IR_CHECK */
	IR_LEN,	 /* dst = length of the whole packet */
	/*
	 * dst = dst (A or X), in a way that hides its bounds from the verifier. At a loop's end:
	 * then all rounds look alike to it, and it walks each path of the loop once a round, not
	 * all paths of all rounds.
	 */
	IR_FORGET,
	IR_COUNT, /* the packet matched the rule whose counter is k */
};

struct ir_insn {
	uint8_t op; /* enum ir_op */
	uint8_t dst, src;
	uint8_t size; /* IR_LOAD: 1, 2, 4 */
	bool indexed; /* IR_LOAD */
	uint32_t k;
};

enum ir_end_kind {
	IR_GOTO,   /* yes */
	IR_BRANCH, /* var COND src: yes, else no */
	/*
	 * Are the packet's first k bytes (indexed: the k bytes from X on, k > 0) in the linear
	 * part? A LOAD needs, on every path to it, a CHECK that says yes and covers it; an indexed
	 * one with no write of X, COUNT or FETCH in between.
	 */
	IR_CHECK,
	/* Load as IR_LOAD does, from any part of the packet, by helper; no: out of the packet. */
	IR_FETCH,
	IR_VERDICT, /* count in `counter`, do `verb` */
};

enum ir_cond { IR_EQ, IR_GT, IR_GE, IR_ANY /* any of the bits set */ };

struct ir_end {
	uint8_t kind;	  /* enum ir_end_kind */
	uint8_t cond;	  /* IR_BRANCH: enum ir_cond */
	uint8_t var;	  /* IR_BRANCH: left side; IR_FETCH: destination */
	uint8_t src;	  /* IR_BRANCH: right side */
	uint8_t size;	  /* IR_FETCH */
	bool indexed;	  /* IR_CHECK, IR_FETCH */
	bool bounded;	  /* indexed IR_CHECK: X + k <= IR_PACKET_MAX, and the verifier sees it */
	uint32_t k;	  /* right side, end, or offset */
	uint32_t yes, no; /* blocks */
	enum filter_verb verb; /* IR_VERDICT, not COUNT */
	uint32_t arg, counter; /* as in struct filter_rule; IR_NO_COUNTER: do not count */
};

struct ir_block {
	struct ir_insn *insns;
	size_t n;
	struct ir_end end;
	uint32_t rule; /* whose expression or action it is; n_rules: the end of the run */
};

/* Blocks stand in no order; the first is the entry. A block that nothing leads to does no harm. */
struct ir {
	struct ir_block *blocks;
	size_t n;
};

void ir_free(struct ir *ir);

/* Print the graph, block by block in the order of ir_order(). */
void ir_print(const struct ir *ir, FILE *out);

/* The same as a graph of Graphviz, which has that name (a word). 0 or -ENOMEM. */
int ir_print_dot(const struct ir *ir, const char *name, FILE *out);

/* A new block of a rule, its end a GOTO nowhere; its index, or IR_NO_BLOCK if memory is out. */
uint32_t ir_add_block(struct ir *ir, uint32_t rule);

/* Append to a block. false: memory is out. */
bool ir_add_insn(struct ir_block *block, struct ir_insn insn);

/*
 * Reverse post-order of the blocks that can be reached: every edge but those of loops leads
 * forward, and a block's `yes` follows it where it can. The caller frees *order; its length, or
 * -ENOMEM.
 */
ssize_t ir_order(const struct ir *ir, uint32_t **order);

/* Successors of a block: their number (0 to 2), `yes` first. */
unsigned int ir_successors(const struct ir_end *end, uint32_t next[2]);

/*
 * The graph of a run, as the classic programs have it: variables start at 0 in each rule, every
 * load has its own check. Programs must have passed cbpf_check(). 0 or -ENOMEM.
 */
int ir_lower(const struct filter_run *run, struct ir *ir);

/*
 * Which variables may be read after each block's start before they are written: a set of 1 <<
 * var for each block. The caller frees *live. 0 or -ENOMEM.
 */
int ir_live(const struct ir *ir, uint32_t **live);

/* Passes. Each leaves a graph that means the same. 0 or -ENOMEM. */
int ir_pass_bounds(struct ir *ir); /* a check proven on every path is not made again */
void ir_pass_thread(
	struct ir *ir);		 /* an edge to a block that only goes on leads to where that goes */
int ir_pass_dead(struct ir *ir); /* what nobody reads is not computed */
