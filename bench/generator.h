/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Generators: ways to put frames on a wire at a rate. One runs by itself, in threads of its own or
 * of the kernel, until its packets are sent, its time is over, or it is told to stop.
 */
#pragma once
#include <stdbool.h>

#include "job.h"

struct generator;

/* What one worker has sent. */
struct generator_count {
	int cpu;   /* -1: any */
	int queue; /* of the interface; -1: any */
	uint64_t packets;
	uint64_t errors; /* refused by the driver: not among the packets */
	double seconds;	 /* from its start to its end; 0: it has not come to it */
};

struct generator_ops {
	const char *word; /* of --generator: "live" */
	const char *name; /* "live frames (BPF_PROG_TEST_RUN)" */
	/* Why it cannot do this job here, or NULL: it can. A text to follow "NAME: ". */
	const char *(*refusal)(const struct job *job);
	/* Make ready: nothing is sent yet. The job outlives it. Errors are reported. */
	int (*open)(const struct job *job, struct generator **out);
	int (*start)(struct generator *generator);
	/* Fill in counts, one for each worker; false: it has come to its end. */
	bool (*look)(struct generator *generator, struct generator_count *counts);
	/* End it now if need be; 0, or -errno if it failed, reported. */
	int (*stop)(struct generator *generator);
	void (*close)(struct generator *generator);
};

extern const struct generator_ops generator_pktgen, generator_live, generator_xsk;

/* The one that `word` names, or the best that can; why, in a sentence. NULL, reported: none. */
const struct generator_ops *generator_choose(const char *word, const struct job *job,
					     const char **why);

/* "auto", "pktgen", …: what generator_choose() takes. */
extern const char *const generator_words[];
extern const size_t generator_n_words;
