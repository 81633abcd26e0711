/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Random classic programs: valid, of every operation, and ending soon. One seed, one sequence.
 */
#pragma once
#include <stdint.h>
#include <string.h>

#include "../../loader/filter/cbpf.h"

enum { RANDOM_CBPF_MAX = 90 };

struct dice {
	uint64_t state; /* not 0 */
};

/* xorshift64* (Vigna 2016): a number below n. */
static inline uint32_t dice_below(struct dice *dice, uint32_t n)
{
	dice->state ^= dice->state >> 12;
	dice->state ^= dice->state << 25;
	dice->state ^= dice->state >> 27;
	return (uint32_t)((dice->state * 0x2545f4914f6cdd1dull) >> 32) % n;
}

static inline bool dice_one_in(struct dice *dice, uint32_t n)
{
	return !dice_below(dice, n);
}

/* Numbers where things happen: small ones, powers of two, the ends of their range. */
static inline uint32_t dice_number(struct dice *dice)
{
	switch (dice_below(dice, 8)) {
	case 0:
		return 1u << dice_below(dice, 32);
	case 1:
		return (1u << dice_below(dice, 32)) - 1;
	case 2:
		return -dice_below(dice, 40);
	case 3:
		return dice_below(dice, UINT32_MAX);
	case 4:
		return dice_below(dice, 0x10000);
	default:
		return dice_below(dice, 40);
	}
}

/* An offset, mostly in the packet. */
static inline uint32_t random_offset(struct dice *dice)
{
	if (dice_one_in(dice, 40))
		return dice_number(dice);
	if (dice_one_in(dice, 60))
		return 0xfffff000 + dice_below(dice, 80);
	if (dice_one_in(dice, 30))
		return 65535 - dice_below(dice, 12);
	return dice_below(dice, dice_one_in(dice, 4) ? 120 : 40);
}

static inline struct sock_filter random_load(struct dice *dice)
{
	static const uint16_t codes[] = {
		BPF_LD | BPF_W | BPF_ABS,  BPF_LD | BPF_H | BPF_ABS, BPF_LD | BPF_B | BPF_ABS,
		BPF_LD | BPF_W | BPF_IND,  BPF_LD | BPF_H | BPF_IND, BPF_LD | BPF_B | BPF_IND,
		BPF_LDX | BPF_B | BPF_MSH,
	};

	return (struct sock_filter)BPF_STMT(codes[dice_below(dice, ARRAY_SIZE(codes))],
					    random_offset(dice));
}

static inline struct sock_filter random_alu(struct dice *dice)
{
	static const uint16_t ops[] = { BPF_ADD, BPF_SUB, BPF_MUL, BPF_DIV, BPF_OR, BPF_AND,
					BPF_LSH, BPF_RSH, BPF_NEG, BPF_MOD, BPF_XOR };
	uint16_t op = ops[dice_below(dice, ARRAY_SIZE(ops))];
	bool by_x = op != BPF_NEG && dice_one_in(dice, 3);
	uint32_t k = dice_number(dice);

	if (op == BPF_LSH || op == BPF_RSH)
		k %= 32;
	if ((op == BPF_DIV || op == BPF_MOD) && !k)
		k = 1;
	return (struct sock_filter)BPF_STMT(BPF_ALU | op | (by_x ? BPF_X : 0),
					    by_x || op == BPF_NEG ? 0 : k);
}

/* Moves between A, X and the first `words` of M[]. */
static inline struct sock_filter random_move(struct dice *dice, uint32_t words)
{
	static const uint16_t codes[] = {
		BPF_LD | BPF_MEM,
		BPF_LDX | BPF_MEM,
		BPF_ST,
		BPF_STX,
		BPF_LD | BPF_IMM,
		BPF_LDX | BPF_IMM,
		BPF_MISC | BPF_TAX,
		BPF_MISC | BPF_TXA,
		BPF_LDX | BPF_LEN,
		BPF_LD | BPF_LEN,
		BPF_MISC | BPF_TAX,
	};
	uint16_t code = codes[dice_below(dice, ARRAY_SIZE(codes))];
	bool immediate = BPF_MODE(code) == BPF_IMM &&
			 (BPF_CLASS(code) == BPF_LD || BPF_CLASS(code) == BPF_LDX);

	return (struct sock_filter)BPF_STMT(code, immediate ? dice_number(dice)
							    : dice_below(dice, words));
}

/* A jump with `rest` instructions behind it, which is one at least. */
static inline struct sock_filter random_jump(struct dice *dice, uint32_t rest)
{
	static const uint16_t ops[] = { BPF_JEQ, BPF_JGT, BPF_JGE, BPF_JSET };
	uint32_t far = rest < 8 || dice_one_in(dice, 8) ? rest : 8;
	bool by_x = dice_one_in(dice, 4);

	if (dice_one_in(dice, 10))
		return (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, dice_below(dice, far));
	return (struct sock_filter)BPF_JUMP(
		BPF_JMP | ops[dice_below(dice, ARRAY_SIZE(ops))] | (by_x ? BPF_X : BPF_K),
		by_x ? 0 : dice_number(dice), dice_below(dice, far), dice_below(dice, far));
}

static inline struct sock_filter random_return(struct dice *dice)
{
	return (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, dice_one_in(dice, 3) ? 0 : 262144);
}

/* One bit of all that has been computed decides: nothing may be lost unseen. At insns[0..n). */
static inline size_t random_end(struct dice *dice, struct sock_filter *insns)
{
	const struct sock_filter end[] = {
		BPF_STMT(BPF_ALU | BPF_XOR | BPF_X, 0),
		BPF_STMT(BPF_LDX | BPF_MEM, dice_below(dice, 6)),
		BPF_STMT(BPF_ALU | BPF_ADD | BPF_X, 0),
		BPF_STMT(BPF_LDX | BPF_MEM, dice_below(dice, BPF_MEMWORDS)),
		BPF_STMT(BPF_ALU | BPF_XOR | BPF_X, 0),
		BPF_STMT(BPF_ALU | BPF_AND, 1u << dice_below(dice, dice_one_in(dice, 4) ? 32 : 4)),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};

	memcpy(insns, end, sizeof(end));
	return ARRAY_SIZE(end);
}

static inline struct sock_filter random_insn(struct dice *dice, uint32_t rest)
{
	uint32_t kind = dice_below(dice, 20);

	if (kind == 0)
		return random_return(dice);
	if (kind < 7)
		return random_jump(dice, rest);
	if (kind < 12)
		return random_load(dice);
	if (kind < 16)
		return random_alu(dice);
	return random_move(dice, dice_one_in(dice, 8) ? BPF_MEMWORDS : 6);
}

/*
 * Up to 65 rounds (64 jumps back: the most there may be) counted in M[15], around a body that has
 * no return and no jump out of it but those of failed loads. Its instructions are at insns[0..n).
 */
static inline size_t random_loop(struct dice *dice, struct sock_filter *insns)
{
	uint32_t body = 1 + dice_below(dice, 5), n = 0, start;

	insns[n++] = (struct sock_filter)BPF_STMT(
		BPF_LD | BPF_IMM, dice_one_in(dice, 4) ? 65 : 1 + dice_below(dice, 65));
	insns[n++] = (struct sock_filter)BPF_STMT(BPF_ST, 15);
	start = n;
	for (uint32_t i = 0; i < body; i++)
		insns[n++] = dice_one_in(dice, 2) ? random_load(dice) : random_move(dice, 6);
	insns[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_MEM, 15);
	insns[n++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_SUB, 1);
	insns[n++] = (struct sock_filter)BPF_STMT(BPF_ST, 15);
	insns[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ, 0, 1, 0);
	insns[n] = (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, start - n - 1);
	return n + 1;
}

/* A program in insns, which has room for RANDOM_CBPF_MAX. */
static inline struct cbpf random_cbpf(struct dice *dice, struct sock_filter *insns)
{
	uint32_t n = 1 + dice_below(dice, dice_one_in(dice, 3) ? 60 : 20);
	struct cbpf prog = { .insns = insns };

	if (dice_one_in(dice, 20))
		prog.n = random_loop(dice, insns);
	for (uint32_t i = 0; i < n; i++)
		insns[prog.n++] = random_insn(dice, n - i);
	if (dice_one_in(dice, 5))
		insns[prog.n++] = random_return(dice);
	else
		prog.n += random_end(dice, insns + prog.n);
	return prog;
}
