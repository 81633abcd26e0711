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

/*
 * A value: what can be computed of the packet alone, so that it is the same wherever on a path it
 * is asked for. Values are kept once each (ir_value()): equal index, equal value. The front end
 * makes variables; ir_pass_values() turns branches on variables into branches on values where it
 * can, and all passes behind it look at values only: a block without instructions whose end is a
 * branch on a value, or a check, needs nothing of the blocks before it but the checks that they
 * made.
 *
 *   IR_SET   the constant k
 *   IR_LOAD  size bytes at k, or at value a + k, big-endian
 *   IR_LEN   length of the whole packet
 *   others   a OP b, or a OP k if b is IR_NO_VALUE; as the instruction of that name
 *
 * Written out as a tree, a value that an end asks has IR_VALUE_NODES nodes at most.
 */
struct ir_value {
	uint8_t op;   /* enum ir_op */
	uint8_t size; /* IR_LOAD: 1, 2, 4 */
	uint32_t a, b;
	uint32_t k;
};

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
	IR_NO_VALUE = UINT32_MAX,
	IR_VALUE_NODES = 24,
	/*
	 * Backward jumps that one evaluation of an expression may make; then it rejects.
	 * `protochain` makes one for each header. libpcap 1.11's bpf_filter() has the same
	 * bound; 1.10 has none.
	 */
	IR_LOOPS = 64,
	/* No byte from here on is read in place: the verifier's own limit. */
	IR_PACKET_MAX = 0xffff,
	/* Nor from here on by a program that may have a copy of the packet in its place. */
	IR_COPY_MAX = FILTER_COPY_SIZE,
	/* Where an outer VLAN tag stands in an Ethernet packet, and what comes behind it. */
	IR_TAG = 12,
	IR_HEAD = 16,
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
	IR_COUNT, /* the packet matched rule k of the run, which goes on: count, do what it does */
};

struct ir_insn {
	uint8_t op; /* enum ir_op */
	uint8_t dst, src;
	uint8_t size; /* IR_LOAD: 1, 2, 4 */
	bool indexed; /* IR_LOAD */
	uint32_t k;
};

/* Of a SWITCH: the block for values from first to last. */
struct ir_case {
	uint32_t first, last;
	uint32_t to;
};

/*
 * BRANCH, SWITCH and an indexed CHECK are about a value, or, where `value` is IR_NO_VALUE, about a
 * variable.
 */
enum ir_end_kind {
	IR_GOTO,   /* yes */
	IR_BRANCH, /* left COND right: yes, else no */
	IR_SWITCH, /* the case that holds it, else no; `yes` is IR_NO_BLOCK */
	/*
	 * Are the packet's first k bytes (indexed: the k bytes from X on, k > 0) in the linear
	 * part? A LOAD needs, on every path to it, a CHECK that says yes and covers it; an indexed
	 * one of variables with no write of X, COUNT or FETCH in between.
	 */
	IR_CHECK,
	/* Load as IR_LOAD does, from any part of the packet, by helper; no: out of the packet. */
	IR_FETCH,
	IR_INDEX, /* note which rules may match (ir_index.h); yes */
	/* Of those, is one left of the 32 bits k of half-word arg, or (size 8) of its word? */
	IR_PROBE,
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
	bool bounded;	  /* indexed IR_CHECK: X + k <= IR_COPY_MAX, and the verifier sees it */
	uint32_t value;	  /* left side, or what an indexed CHECK begins at; IR_NO_VALUE: var, X */
	uint32_t right;	  /* IR_BRANCH on a value: the right side; IR_NO_VALUE: k */
	uint32_t k;	  /* right side, end, or offset */
	uint32_t yes, no; /* blocks */
	struct ir_case *cases; /* IR_SWITCH: sorted, disjoint, owned by the block */
	size_t n_cases;
	enum filter_verb verb;	     /* IR_VERDICT: one that does not go on */
	uint32_t arg, slot, counter; /* as in struct filter_rule; IR_NO_COUNTER: do not count */
};

struct ir_block {
	struct ir_insn *insns;
	size_t n;
	struct ir_end end;
	uint32_t rule; /* whose expression or action it is; n_rules: the end of the run */
};

struct ir_index;

/* Blocks stand in no order; the first is the entry. A block that nothing leads to does no harm. */
struct ir {
	struct ir_block *blocks;
	size_t n;
	struct ir_value *values;
	size_t n_values;
	uint32_t *value_index; /* a hash table of n_value_index values: ir_value.c */
	size_t n_value_index;
	struct ir_index *index; /* what INDEX and PROBE are about, or NULL */
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

/* The most branches and switches that are on one path, loops taken once. -ENOMEM. */
ssize_t ir_depth(const struct ir *ir);

/*
 * The edges out of a block, in the order in which they are tried: `yes` (a SWITCH: its cases), then
 * `no`. ir_next() is the place that says where edge i leads.
 */
size_t ir_n_next(const struct ir_end *end);
uint32_t *ir_next(struct ir_end *end, size_t i);
uint32_t ir_next_of(const struct ir_end *end, size_t i);

/*
 * The index of a value, simplified (an operation on constants is a constant, x + 0 is x, and so
 * on); IR_NO_VALUE if memory is out.
 */
uint32_t ir_value(struct ir *ir, struct ir_value value);

/* Is a COND b so? */
bool ir_holds(uint8_t cond, uint32_t a, uint32_t b);

/* The largest that a value can be, whatever the packet. */
uint32_t ir_value_max(const struct ir *ir, uint32_t value);

/* What a value is where its loads read these bytes; every load must lie inside. For tests. */
uint32_t ir_value_eval(const struct ir *ir, uint32_t value, const uint8_t *packet, uint32_t len);

/* A mask of all bits of a load of 0 to 4 bytes. */
static inline uint32_t ir_all_bits(unsigned int size)
{
	return size < 4 ? (1u << 8 * size) - 1 : UINT32_MAX;
}

/* An end that goes on in a block. */
static inline struct ir_end ir_goto(uint32_t to)
{
	return (struct ir_end){ .kind = IR_GOTO,
				.value = IR_NO_VALUE,
				.right = IR_NO_VALUE,
				.yes = to,
				.no = IR_NO_BLOCK };
}

/* Take an end's place: what the old one owns is freed. */
void ir_set_end(struct ir_block *block, struct ir_end end);

/*
 * The graph of a run, as the classic programs have it: variables start at 0 in each rule, every
 * load has its own check. Programs must have passed cbpf_check(). 0 or -ENOMEM.
 */
int ir_lower(const struct filter_run *run, struct ir *ir);

/* What of the packet a program of a run has at hand; ir_view.c. */
struct ir_view {
	/* Bytes that are in place where a fast body begins. 0: there are no fast bodies. */
	uint32_t head;
	/*
	 * Bytes that are in place, as far as the packet has them: a rule that reads no further has
	 * no slow body. 0: every rule has one.
	 */
	uint32_t sure;
	bool copies;	 /* they may be in a copy of the packet's first bytes: ebpf_copy.c */
	bool on_stack;	 /* nothing is in place but the window, a copy on the stack */
	bool direct;	 /* no window: each load is a FETCH that ends the program where it fails */
	uint32_t window; /* bytes that may be in place at all: a load beyond is a FETCH */
	uint32_t fetch_max; /* the largest offset that a FETCH can read from; nothing lies beyond */
};

/* 0, or -ENOMEM. */
int ir_view(const struct filter_run *run, struct ir_view *out);

/* Does a rule read more than what is surely in place? 0, or -ENOMEM. */
int ir_is_beyond(const struct ir_view *view, const struct filter_rule *rule, bool *out);

/*
 * Does a load at a constant offset read either the place of an outer VLAN tag or what is around
 * it, and of the tag an aligned part?
 */
static inline bool ir_spares_tag(uint32_t k, unsigned int size)
{
	return k >= IR_HEAD || k + size <= IR_TAG || (k >= IR_TAG && k % size == 0);
}

/*
 * Which variables may be read after each block's start before they are written: a set of 1 <<
 * var for each block. The caller frees *live. 0 or -ENOMEM.
 */
int ir_live(const struct ir *ir, uint32_t **live);

/*
 * The passes, each a file of its own (ir_NAME.c) that says what it proves. Each leaves a graph that
 * means the same. 0 or -ENOMEM.
 */
int ir_pass_values(struct ir *ir);
int ir_pass_tests(struct ir *ir);
int ir_pass_guards(struct ir *ir);
int ir_pass_bounds(struct ir *ir);
int ir_pass_dead(struct ir *ir); /* ir_live.c */
int ir_pass_thread(struct ir *ir);
int ir_pass_share(struct ir *ir);
int ir_pass_branches(struct ir *ir);

/* All of them, in the order in which filter_graph() runs them; the last one has no name. */
struct ir_pass {
	const char *name;
	int (*run)(struct ir *ir);
};
extern const struct ir_pass filter_passes[];
