/* SPDX-License-Identifier: GPL-2.0-only */
/* What a generator is to do. */
#pragma once
#include <stdint.h>

#include "arguments.h"
#include "traffic.h"

struct job {
	const char *interface; /* in the current network namespace */
	int ifindex;
	struct traffic traffic;
	struct frames frames;	   /* of that traffic */
	uint32_t burst;		   /* copies of a frame in a row; 0: one, or as many as is cheap */
	uint32_t clone_skb;	   /* pktgen: times that a packet is sent before another is made */
	uint32_t xmit_more;	   /* pktgen: packets for which the driver is told once */
	struct number_list cpus;   /* one worker on each; none: one worker, anywhere */
	struct number_list queues; /* none: as the generator likes */

	/* 0 is "no limit" in each; over all workers. */
	uint64_t packets;
	double rate; /* packets a second */
	uint64_t duration_ns;
};

static inline size_t job_workers(const struct job *job)
{
	return job->cpus.n ?: 1;
}

/* The packets of one of the workers: those of all make `packets`. */
static inline uint64_t job_share(const struct job *job, size_t worker)
{
	return job->packets / job_workers(job) + (worker < job->packets % job_workers(job));
}
