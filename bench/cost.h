/* SPDX-License-Identifier: GPL-2.0-only */
/* What `weir-bench cost` measures, for its reports. */
#pragma once
#include "../loader/cmd/cmd.h"
#include "frames.h"
#include "ruleset.h"
#include "shuffle.h"
#include "subject.h"
#include "timing.h"

/* --parts: a policy whose chain is cut behind a part of it. */
enum cost_part { COST_WHOLE, COST_ROOT, COST_FILTER, COST_STAGE };

struct cost_subject {
	struct subject subject;
	struct frame hot; /* owned */
	struct shuffle *mixed;
	bool promised;
	enum cost_part part;
	char *part_name;  /* owned; of the last part that it has */
	uint32_t verdict; /* promised: what the hot packet must meet */
	double most;	  /* promised: ns over the empty program at most, hot */
};

struct cost {
	/* The wish. */
	struct cmd_common common;
	const char **policies; /* files */
	size_t n_policies;
	const char *interface, *capture, *plot;
	enum hook_kind hook;
	bool instructions; /* do it in a guest whose clock counts instructions */
	bool counted;	   /* this is that guest */
	bool csv, growth;  /* growth: policies of `sizes` rules of `kind` */
	bool steps;	   /* what a step from program to program costs, beside peers */
	bool parts;	   /* each part of a policy, by chains that are cut behind it */
	enum ruleset_kind kind;
	size_t *sizes;
	size_t n_sizes;
	uint64_t seed;
	unsigned int rounds;

	/* What is measured: subjects[0] is the empty program; timed has as many. */
	struct cost_subject *subjects;
	size_t n;
	struct bpf_object *by_hand; /* of steps: its array is emptied when it goes */
	char no_dispatcher[128];    /* of steps: why there is none; "": there is */
	bool cut_short;		    /* a size was refused: it and those after it are left out */
	struct timed *timed;
};

/* "ns", "instructions" */
const char *cost_unit(const struct cost *cost);

/* Load what is to be measured. Errors are reported. */
int cost_prepare(struct cost *cost);

/* What is measured with `steps`. Errors are reported. */
int cost_prepare_steps(struct cost *cost);

/* Print what steps cost; whether promises are kept, if they can be told. Returns as cost_report. */
int cost_report_steps(const struct cost *cost, int status);

/*
 * Subjects: of no program yet (NULL: no memory); the empty program; a policy from a file, or from
 * `text`, with its parts if they are wanted. Packets for one that has none. Errors are reported.
 */
struct cost_subject *cost_add_subject(struct cost *cost);
int cost_add_empty(struct cost *cost);
int cost_add_policy(struct cost *cost, const char *name, const char *text);
int cost_set_hot(struct cost_subject *subject);

void cost_subject_close(struct cost_subject *subject);

/* ns over the empty program, of the fastest rounds. */
double cost_over(const struct cost *cost, size_t i, enum timing_kind kind);

/* What a part adds, by the fastest rounds if instructions are counted, else by the median. */
double cost_own(const struct cost *cost, size_t i, enum timing_kind kind);

/* Print the results; returns `status`, or CMD_FAILED. */
int cost_report(const struct cost *cost, int status);

/* Cost over the number of rules. Errors are reported. */
int cost_plot(const struct cost *cost);
