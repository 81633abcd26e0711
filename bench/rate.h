/* SPDX-License-Identifier: GPL-2.0-only */
/* A run of `weir-bench rate`: the wish, and what came of it. */
#pragma once
#include "../loader/cmd/cmd.h"
#include "generator.h"
#include "receiver.h"
#include "series.h"

struct rate {
	/* The wish. */
	struct job job;
	const char *generator;				 /* a word of generator_words */
	const char *receiver_interface, *receiver_netns; /* NULL: none, the current one */
	double interval, warm_up;			 /* seconds */
	bool csv;

	/* What came of it. */
	const struct generator_ops *ops;
	const char *why;		/* this one */
	struct generator_count *counts; /* one for each worker */
	uint64_t offered;		/* frames that the generator made */
	double seconds;
	bool interrupted;
	struct series series;
	struct link_counters sender; /* what the run added to them */
	struct receiver receiver;    /* counters of the run */
	json_t *conditions;
};

/* The options of rate and search alike: an argp child whose input is a struct rate. */
extern const struct argp rate_argp;
void rate_init(struct rate *rate);
void rate_free(struct rate *rate);

/*
 * Send what rate->job says and count. `interface`, `frames` and limits of the job must be set; all
 * else of it is filled in. Errors are reported; rate_release() in any case, and then again if
 * wanted.
 */
int rate_run(struct rate *rate);
void rate_release(struct rate *rate);

/* 0, or -errno, reported: nothing went out, or the rate was not held. */
int rate_judge(const struct rate *rate);

/* Frames that the sender's interface counts in no way: its driver did not take them. */
uint64_t rate_refused(const struct rate *rate);

/* Frames a second. */
double rate_offered(const struct rate *rate);
double rate_received(const struct rate *rate);

/* Of so many frames a second: with preamble, FCS and the gap between frames. */
double rate_wire_bits(const struct rate *rate, double frames_per_second);

/* As text; as an object; a line for each interval; a plot of rate over time. */
void rate_print(const struct rate *rate, FILE *out);
json_t *rate_json(const struct rate *rate);
void rate_print_csv(const struct rate *rate, FILE *out);
int rate_plot(const struct rate *rate, const char *path);
