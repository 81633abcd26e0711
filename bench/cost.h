/* SPDX-License-Identifier: GPL-2.0-only */
/* What `weir-bench cost` measures, for its reports. */
#pragma once
#include "../loader/cmd/cmd.h"
#include "frames.h"
#include "ruleset.h"
#include "shuffle.h"
#include "subject.h"
#include "timing.h"

struct cost_subject {
	struct subject subject;
	struct frame hot; /* owned */
	struct shuffle *mixed;
	bool promised;
	uint32_t verdict;	/* promised: what the hot packet must meet */
	double most;		/* promised: ns over the empty program at most, hot */
	enum ruleset_kind kind; /* of growth */
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
	bool csv, growth;  /* growth: policies of `sizes` rules of these kinds */
	bool kinds[RULESET_KINDS];
	size_t *sizes;
	size_t n_sizes;
	uint64_t seed;
	unsigned int rounds;

	/* What is measured: subjects[0] is the empty program; timed has as many. */
	struct cost_subject *subjects;
	size_t n;
	bool cut_short; /* a size was refused: it and those after it are left out */
	struct timed *timed;
};

/* "ns", "instructions" */
const char *cost_unit(const struct cost *cost);

/* Load what is to be measured. Errors are reported. */
int cost_prepare(struct cost *cost);

void cost_subject_close(struct cost_subject *subject);

/* ns over the empty program, of the fastest rounds. */
double cost_over(const struct cost *cost, size_t i, enum timing_kind kind);

/* Print the results; returns `status`, or CMD_FAILED. */
int cost_report(const struct cost *cost, int status);

/* Cost over the number of rules. Errors are reported. */
int cost_plot(const struct cost *cost);
