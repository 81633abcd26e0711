/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Many different packets through a program by BPF_PROG_TEST_RUN, which by itself takes but one: a
 * program of ours writes the next packet's headers over it and tail-calls the one that is measured
 * (progs/shuffle.bpf.h). Of each packet the first SHUFFLE_BYTES bytes are used; all are as long as
 * that, shorter ones with zeros at the end.
 */
#pragma once
#include "../loader/policy.h"
#include "frames.h"
#include "progs/shuffle.h"

struct shuffle;

/*
 * For programs of a hook, the frames in an order of `seed`, each as often as another, give or take
 * one. Errors are reported; *out is to be closed in any case.
 */
int shuffle_open(const struct frames *frames, uint64_t seed, enum hook_kind kind,
		 struct shuffle **out);
void shuffle_close(struct shuffle *shuffle);

/* The program that is measured from now on: one of the hook, on XDP for packets of one buffer.
 * Reported. */
int shuffle_aim(struct shuffle *shuffle, int prog_fd);

/* The program to run. Owned by the shuffle. */
int shuffle_prog_fd(const struct shuffle *shuffle);
