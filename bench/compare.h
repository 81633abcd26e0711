/* SPDX-License-Identifier: GPL-2.0-only */
/* What `weir-bench compare` measures, for its reports. */
#pragma once
#include "../loader/cmd/cmd.h"
#include "contestant.h"
#include "frames.h"

struct compare {
	struct cmd_common common;
	const char **paths; /* of scenarios */
	size_t n_paths;
	unsigned int rounds_asked; /* 0: as the scenario says */
	uint32_t frames_a_round;
	bool csv;
	const char *plot;

	/* The scenario at hand. */
	struct scenario scenario;
	unsigned int rounds;
	struct contestant *contestants; /* scenario.n */
	/*
	 * What a packet takes to a native program by hand that drops it: in each round, whatever
	 * the scenario. It tells the machine's pace, to `weir-bench track`.
	 */
	struct contestant yardstick;
	struct frames frames;
};

/* What the rounds of one say; ratios are to the first that took part, round by round. */
struct compare_result {
	double least, median, p5, p95;	   /* ns a packet */
	double ratio, ratio_p5, ratio_p95; /* median and spread */
	double least_ratio;		   /* of the fastest rounds */
	double paced, paced_p5, paced_p95; /* to the yardstick, round by round */
	/*
	 * What a promise is judged by: least_ratio, since the fastest rounds hold still; but where
	 * a thread on another CPU works along they do not, and the median of the ratios does.
	 */
	double judged;
};

/* The first that took part, or NULL. */
const struct contestant *compare_first(const struct compare *compare);

/* Errors are reported. */
int compare_result(const struct compare *compare, size_t i, struct compare_result *out);

void compare_print(const struct compare *compare, FILE *out);
void compare_print_csv(const struct compare *compare, FILE *out);
json_t *compare_json(const struct compare *compare);
int compare_plot(const struct compare *compare);
