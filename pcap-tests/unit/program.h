/* SPDX-License-Identifier: GPL-2.0-only */
/* Classic programs as the tests write them: PROGRAM(LDH(12), JEQ(0x800, 0, 1), RET(1), RET(0)). */
#pragma once
#include "../../loader/filter/cbpf.h"

#define PROGRAM(...)                                                                            \
	(struct cbpf)                                                                           \
	{                                                                                       \
		.insns = (struct sock_filter[]){ __VA_ARGS__ },                                 \
		.n = sizeof((struct sock_filter[]){ __VA_ARGS__ }) / sizeof(struct sock_filter) \
	}

#define LDB(k)	     BPF_STMT(BPF_LD | BPF_B | BPF_ABS, k)
#define LDH(k)	     BPF_STMT(BPF_LD | BPF_H | BPF_ABS, k)
#define LDW(k)	     BPF_STMT(BPF_LD | BPF_W | BPF_ABS, k)
#define LDB_X(k)     BPF_STMT(BPF_LD | BPF_B | BPF_IND, k)
#define LDH_X(k)     BPF_STMT(BPF_LD | BPF_H | BPF_IND, k)
#define LDX(k)	     BPF_STMT(BPF_LDX, k)
#define MSH(k)	     BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, k)
#define TAX	     BPF_STMT(BPF_MISC | BPF_TAX, 0)
#define TXA	     BPF_STMT(BPF_MISC | BPF_TXA, 0)
#define ST(k)	     BPF_STMT(BPF_ST, k)
#define LD_MEM(k)    BPF_STMT(BPF_LD | BPF_MEM, k)
#define ALU(op, k)   BPF_STMT(BPF_ALU | op, k)
#define ALU_X(op)    BPF_STMT(BPF_ALU | op | BPF_X, 0)
#define AND(k)	     ALU(BPF_AND, k)
#define RSH(k)	     ALU(BPF_RSH, k)
#define JEQ(k, t, f) BPF_JUMP(BPF_JMP | BPF_JEQ, k, t, f)
#define JGE(k, t, f) BPF_JUMP(BPF_JMP | BPF_JGE, k, t, f)
#define JGT_X(t, f)  BPF_JUMP(BPF_JMP | BPF_JGT | BPF_X, 0, t, f)
#define ANY(k, t, f) BPF_JUMP(BPF_JMP | BPF_JSET, k, t, f)
#define JUMP(k)	     BPF_STMT(BPF_JMP, k)
#define RET(k)	     BPF_STMT(BPF_RET, k)
#define RET_A	     BPF_STMT(BPF_RET | BPF_A, 0)
