/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A classic program on its way into the graph. Private to ir_lower.c and ir_lookup.c.
 */
#pragma once
#include "ir.h"

/* A run under way. */
struct lowering {
	struct ir *ir;
	const struct filter_run *run;
	struct ir_view view;
};

/* One body of one rule under way. */
struct body {
	struct ir *ir;
	const struct lowering *run;
	const struct cbpf *prog;
	uint32_t rule;
	bool slow;     /* all loads are helper calls */
	bool is_short; /* for packets that are shorter than an Ethernet header */
	uint32_t match, reject;
	uint32_t out;	  /* where a load past what is in place goes */
	uint32_t *starts; /* the block that begins at each instruction; IR_NO_BLOCK: none does */
	uint32_t now;	  /* the block being filled; IR_NO_BLOCK: nothing leads here */
	bool oom;
};

/* A new block of the rule; IR_NO_BLOCK, and b->oom, if memory is out. */
uint32_t body_block(struct body *b);

/* Lower one instruction into the block being filled. */
void body_insn(struct body *b, size_t i);

/* Lower the comparison at i, if a list is looked up there; false: there is none. */
bool body_lookup(struct body *b, size_t i);
