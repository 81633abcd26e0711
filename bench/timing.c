// SPDX-License-Identifier: GPL-2.0-only
#include "timing.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "../loader/fail.h"
#include "shuffle.h"
#include "statistics.h"

enum {
	ROUND_NS = 5000000, /* what a round should last; the kernel's own part of it is 20 ms */
	FIRST = 1000,	    /* packets, to learn how long one takes */
	MOST = 200000,
	COUNTED = 2048, /* packets in a round where instructions are counted */
};

static enum timing_kind kinds_of(const struct timed *timed)
{
	return timed->shuffle ? TIMING_KINDS : TIMING_MIXED;
}

static int run_once(struct timed *timed, enum timing_kind kind, uint32_t repeat,
		    struct bpf_test_run_opts *opts)
{
	uint8_t written_over[SHUFFLE_BYTES] = { 0 };
	int err = kind == TIMING_MIXED ? shuffle_aim(timed->shuffle, timed->prog_fd) : 0;

	if (err)
		return err;
	/* tc looks at a packet before the program does: at its Ethernet type. */
	memcpy(written_over, timed->packet,
	       timed->len < SHUFFLE_BYTES ? timed->len : SHUFFLE_BYTES);
	opts->data_in = kind == TIMING_MIXED ? written_over : timed->packet;
	opts->data_size_in = kind == TIMING_MIXED ? sizeof(written_over) : timed->len;
	opts->repeat = repeat;
	if (bpf_prog_test_run_opts(
		    kind == TIMING_MIXED ? shuffle_prog_fd(timed->shuffle) : timed->prog_fd, opts))
		return fail(-errno, "cannot run '%s' by BPF_PROG_TEST_RUN: %s", timed->name,
			    strerror(errno));
	return 0;
}

/* As many packets as take ROUND_NS, in whole turns of the mixed ones. */
static uint32_t choose_repeat(enum timing_kind kind, uint32_t ns)
{
	uint32_t n = ROUND_NS / (ns ?: 1), unit = kind == TIMING_MIXED ? SHUFFLE_SLOTS : FIRST;

	n = n > MOST ? MOST : n;
	return n < unit ? unit : n - n % unit;
}

static int learn(struct timed *timed, bool counted)
{
	for (enum timing_kind kind = 0; kind < kinds_of(timed); kind++) {
		DECLARE_LIBBPF_OPTS(bpf_test_run_opts, opts);
		int err = run_once(timed, kind, FIRST, &opts);

		if (err)
			return err;
		if (kind == TIMING_HOT)
			timed->verdict = opts.retval;
		else if (opts.retval == SHUFFLE_MISSED)
			return fail(-EPROTO, "'%s' was not reached by mixed packets", timed->name);
		timed->repeat[kind] = counted ? (int)COUNTED : choose_repeat(kind, opts.duration);
	}
	return 0;
}

static int time_round(struct timed *timed, unsigned int round)
{
	for (enum timing_kind kind = 0; kind < kinds_of(timed); kind++) {
		DECLARE_LIBBPF_OPTS(bpf_test_run_opts, opts);
		int err = run_once(timed, kind, timed->repeat[kind], &opts);

		if (err)
			return err;
		timed->rounds[kind][round] = opts.duration;
	}
	return 0;
}

static int make_room(struct timed *timed, unsigned int rounds)
{
	for (enum timing_kind kind = 0; kind < TIMING_KINDS; kind++) {
		timed->rounds[kind] = calloc(rounds, sizeof(*timed->rounds[kind]));
		if (!timed->rounds[kind])
			return fail_oom();
	}
	timed->n_rounds = rounds;
	return 0;
}

int timing_run(struct timed *timed, size_t n, unsigned int rounds, bool counted)
{
	int err = 0;

	for (size_t i = 0; i < n && !err; i++) {
		err = make_room(&timed[i], rounds);
		err = err ? err : learn(&timed[i], counted);
	}
	for (unsigned int round = 0; round < rounds; round++)
		for (size_t i = 0; i < n && !err; i++)
			err = time_round(&timed[i], round);
	return err;
}

uint32_t timing_least(const struct timed *timed, enum timing_kind kind)
{
	uint32_t least = timed->rounds[kind][0];

	for (unsigned int i = 1; i < timed->n_rounds; i++)
		if (timed->rounds[kind][i] < least)
			least = timed->rounds[kind][i];
	return least;
}

static double difference(const struct timed *timed, const struct timed *base, enum timing_kind kind,
			 unsigned int round)
{
	return (double)timed->rounds[kind][round] - base->rounds[kind][round];
}

double timing_over(const struct timed *timed, const struct timed *base, enum timing_kind kind,
		   double percent)
{
	double over[TIMING_ROUNDS_MOST];

	for (unsigned int i = 0; i < timed->n_rounds; i++)
		over[i] = difference(timed, base, kind, i);
	statistics_sort(over, timed->n_rounds);
	return statistics_percentile(over, timed->n_rounds, percent);
}

void timing_free(struct timed *timed, size_t n)
{
	for (size_t i = 0; timed && i < n; i++)
		for (enum timing_kind kind = 0; kind < TIMING_KINDS; kind++)
			free(timed[i].rounds[kind]);
}
