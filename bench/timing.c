// SPDX-License-Identifier: GPL-2.0-only
#include "timing.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "../loader/fail.h"

enum { REPEAT = 200000 };

static int time_one(struct timed *timed, unsigned int round)
{
	DECLARE_LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = timed->packet,
			    .data_size_in = timed->len, .repeat = REPEAT);

	if (bpf_prog_test_run_opts(timed->prog_fd, &opts))
		return fail(-errno, "cannot run '%s' by BPF_PROG_TEST_RUN: %s", timed->name,
			    strerror(errno));
	timed->verdict = opts.retval;
	timed->rounds[round] = opts.duration;
	return 0;
}

int timing_run(struct timed *timed, size_t n)
{
	for (unsigned int round = 0; round < TIMING_ROUNDS; round++) {
		for (size_t i = 0; i < n; i++) {
			int err = time_one(&timed[i], round);

			if (err)
				return err;
		}
	}
	return 0;
}

uint32_t timing_least(const struct timed *timed)
{
	uint32_t least = timed->rounds[0];

	for (unsigned int i = 1; i < TIMING_ROUNDS; i++)
		if (timed->rounds[i] < least)
			least = timed->rounds[i];
	return least;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double timing_median_over(const struct timed *timed, const struct timed *base)
{
	double over[TIMING_ROUNDS];

	for (unsigned int i = 0; i < TIMING_ROUNDS; i++)
		over[i] = (double)timed->rounds[i] - base->rounds[i];
	qsort(over, TIMING_ROUNDS, sizeof(*over), compare);
	return over[TIMING_ROUNDS / 2];
}
