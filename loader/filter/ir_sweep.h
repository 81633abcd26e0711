/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A sweep under way (ir_thread.c): the ways, and the copies of blocks that are the new graph. Ways
 * and outcomes are ir_sweep.c's, copies ir_copy.c's. Private to these. Where memory is out, `oom`
 * is set and what is returned is of no use.
 */
#pragma once
#include "ir_cases.h"
#include "ir_classes.h"
#include "ir_decide.h"
#include "ir_demand.h"

enum { NO_WAY = UINT32_MAX };

/*
 * The new graph may have IR_GROWTH times the blocks and cases of the old one and IR_GROWTH_FREE
 * more, and what follows from the copies made until then.
 */
enum { IR_GROWTH = 2, IR_GROWTH_FREE = 256 };

/*
 * Nor may blocks have more copies than that beyond one each: more do not fit into a program, and a
 * graph of a million blocks would take gigabytes.
 */
enum { IR_COPIES_MOST = FILTER_INSNS_MAX };

/* So many ways into a block are joined before they try to pass it. */
enum { CROWD = 16 };

/* Of a way that has been seen to. */
enum { NO_CLASS = UINT8_MAX };

/* An edge of the new graph. */
struct way {
	const struct ir_facts *facts;
	uint32_t from; /* new block; IR_NO_BLOCK: the way in */
	uint32_t to;   /* new block; IR_NO_BLOCK as long as it is under way */
	uint32_t next; /* of those that wait at the same block */
};

/* A new block. Where its end would name blocks, it names ways. */
struct copy {
	struct ir_block block;
	struct ir_cases cases; /* of a switch on a value, in place of the end's */
};

/* A place that a test may lead to, and what is then known of what it asks. */
struct outcome {
	uint32_t to; /* old block */
	struct ir_set set;
	uint32_t way;
};

/* Ways that wait at a block, or some of them. */
struct queue {
	uint32_t *ways;
	size_t n;
};

struct sweep {
	struct ir *ir;
	struct ir_store *store;
	struct ir_keys keys;
	struct ir_demands demands;
	uint32_t *order, *place; /* the old blocks; where each stands among them */
	bool *loops;		 /* of an old block: does a later one lead back to it? */
	uint32_t *waiting; /* the last way that waits at each; at a loop's head, later: its copy */
	uint32_t now;	   /* the place of the block at hand */
	struct way *ways;
	size_t n_ways;
	struct copy *copies;
	size_t n_copies;
	struct outcome *outcomes; /* of the test at hand */
	size_t n_outcomes;
	uint32_t *outcome_of; /* of an old block: where it stands in outcomes, if it does */
	struct ir_case *gaps; /* new cases of a switch that grows: they name old blocks */
	size_t n_gaps;
	struct queue again; /* ways that come to the block at hand once more */
	size_t seen, made;  /* blocks and cases, of the old graph and of the new one */
	size_t extra;	    /* copies of blocks beyond one each */
	bool oom;
};

/* A new edge out of a new block; its number. */
uint32_t sweep_new_way(struct sweep *s, uint32_t from, const struct ir_facts *facts);

/* Let a way wait at an old block that is yet to come, or lead to the head of a loop. */
void sweep_lead(struct sweep *s, uint32_t number, uint32_t to);

void sweep_add_to_queue(struct sweep *s, struct queue *queue, uint32_t way);

/* The facts, and that a quantity is in a set. */
const struct ir_facts *sweep_learn(struct sweep *s, const struct ir_facts *facts,
				   ir_quantity quantity, const struct ir_set *set);

/* The outcomes of a test for a set; ways to them; let the ways lead there. */
void sweep_find_outcomes(struct sweep *s, const struct ir_test *test, const struct ir_set *set);
void sweep_make_ways(struct sweep *s, uint32_t from, const struct ir_facts *facts,
		     ir_quantity quantity);
void sweep_lead_all(struct sweep *s);

/* The way to an outcome, by the old block that it leads to; NO_WAY: it is none. */
uint32_t sweep_way_to(const struct sweep *s, uint32_t to);

/* Is a way the default of a switch, and the block a test of the same value? */
bool sweep_can_grow(const struct sweep *s, uint32_t number, const struct ir_block *block,
		    struct ir_test *test);

/* Make a test part of the switch whose default this way is. */
void sweep_grow_switch(struct sweep *s, uint32_t number, const struct ir_test *test);

/* Is there room for copies? */
bool sweep_may_grow(const struct sweep *s);

/* A new block: an old one's instructions; and with an end that leads on from these facts. */
uint32_t sweep_new_copy(struct sweep *s, const struct ir_block *from);
uint32_t sweep_copy_block(struct sweep *s, const struct ir_block *from,
			  const struct ir_facts *facts);
