/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Senders: ways for a thread to hand frames to an interface. workers.c makes a generator of one:
 * threads, each with a sender, and a pace to keep.
 */
#pragma once
#include "generator.h"

struct sender;

struct sender_ops {
	/* Frames that one call of send() takes at most. */
	uint32_t burst_max;
	/* For worker number `worker`; its own thread sends. Errors are reported. */
	int (*open)(const struct job *job, size_t worker, struct sender **out);
	/*
	 * Does send() send from a frame of the job on each in its turn, one of each, not copies of
	 * that one? So it may if the job does not say how many copies (burst 0). NULL: no.
	 */
	bool (*takes_turns)(const struct sender *sender);
	/* The interface's queue that a worker sends by. NULL: the driver chooses. */
	int (*queue)(const struct job *job, size_t worker);
	/*
	 * Hand `n` copies of a frame of the job to the interface: all or, with a reported error,
	 * none. What the interface does not take is lost, as on a wire: its own counters tell.
	 */
	int (*send)(struct sender *sender, size_t frame, uint32_t n);
	/* Wait until all are on their way. NULL: they are when send() returns. */
	int (*flush)(struct sender *sender);
	/* Frames that flush() would wait for. NULL: none. */
	uint32_t (*under_way)(const struct sender *sender);
	void (*close)(struct sender *sender);
};

/* Why none of them can do this job, or NULL. */
static inline const char *sender_refusal(const struct job *job)
{
	return job->clone_skb || job->xmit_more ? "--clone and --more are pktgen's" : NULL;
}

/* The frame with which a worker begins: they begin apart. */
static inline size_t sender_first_frame(const struct job *job, size_t worker)
{
	return worker * job->frames.n / job_workers(job);
}

/* The generator that is made of them: for its ops. */
int workers_open(const struct job *job, const struct sender_ops *ops, struct generator **out);
int workers_start(struct generator *generator);
bool workers_look(struct generator *generator, struct generator_count *counts);
int workers_stop(struct generator *generator);
void workers_close(struct generator *generator);
