// SPDX-License-Identifier: GPL-2.0-only
/* Generators that are made of a sender: threads, each with a share of the packets and the rate. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "../loader/fail.h"
#include "pace.h"
#include "sender.h"

enum { BURST = 64 }; /* where the sender takes no turns, and nobody says */

struct worker {
	struct generator *generator;
	size_t number;
	pthread_t thread;
	bool started;
	struct sender *sender;
	struct pace pace;
	atomic_uint_fast64_t sent;
	_Atomic double seconds; /* 0: it runs */
	atomic_bool done;
	int err;
};

struct generator {
	const struct job *job;
	const struct sender_ops *ops;
	atomic_bool stop;
	struct worker *workers;
	size_t n;
};

static int bind_to_cpu(int cpu)
{
	cpu_set_t set;

	if (cpu < 0)
		return 0;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		return fail(-errno,
			    "cannot run on CPU %d: %s (`nproc --all` tells how many there are)",
			    cpu, strerror(errno));
	return 0;
}

static int cpu_of(const struct worker *worker)
{
	const struct number_list *cpus = &worker->generator->job->cpus;

	return cpus->n ? (int)cpus->numbers[worker->number] : -1;
}

/* Copies of a frame in a row; for a sender that takes turns, frames in one call. */
static uint32_t copies(const struct worker *worker, bool turns)
{
	const struct job *job = worker->generator->job;
	uint32_t most = worker->generator->ops->burst_max, n = job->burst ?: BURST;

	return turns || job->frames.n == 1 || n > most ? most : n;
}

/* Frames in turn until the pace says that it is enough. */
static int send_all(struct worker *worker)
{
	const struct job *job = worker->generator->job;
	const struct sender_ops *ops = worker->generator->ops;
	bool turns = !job->burst && ops->takes_turns && ops->takes_turns(worker->sender);
	uint32_t most = copies(worker, turns), left = most, n;
	size_t frame = sender_first_frame(job, worker->number);

	while ((n = pace_next(&worker->pace, left))) {
		int err = ops->send(worker->sender, frame, n);

		if (err)
			return err;
		worker->pace.sent += n;
		if (ops->under_way)
			worker->pace.under_way = ops->under_way(worker->sender);
		atomic_store_explicit(&worker->sent, worker->pace.sent, memory_order_relaxed);
		if (turns) {
			frame = (frame + n) % job->frames.n;
			continue;
		}
		left -= n;
		if (left)
			continue;
		left = most;
		frame = (frame + 1) % job->frames.n;
	}
	return ops->flush ? ops->flush(worker->sender) : 0;
}

/* The clock runs from pace_begin() on. */
static void set_pace(struct worker *worker)
{
	const struct job *job = worker->generator->job;

	worker->pace = (struct pace){
		.packets = job_share(job, worker->number),
		.rate = job->rate / worker->generator->n,
		.duration_ns = job->duration_ns,
		.stop = &worker->generator->stop,
	};
	pace_begin(&worker->pace);
}

static void *work(void *arg)
{
	struct worker *worker = arg;
	struct generator *g = worker->generator;

	worker->err = bind_to_cpu(cpu_of(worker));
	/* Fewer packets than workers: a share of 0 would mean no limit. */
	if (!worker->err && (!g->job->packets || job_share(g->job, worker->number))) {
		set_pace(worker);
		worker->err = send_all(worker);
		worker->seconds = pace_elapsed(&worker->pace);
	}
	if (worker->err)
		g->stop = true;
	worker->done = true;
	return NULL;
}

int workers_open(const struct job *job, const struct sender_ops *ops, struct generator **out)
{
	struct generator *g = calloc(1, sizeof(*g));
	int err = 0;

	if (!g)
		return fail_oom();
	*out = g;
	g->job = job;
	g->ops = ops;
	g->n = job_workers(job);
	g->workers = calloc(g->n, sizeof(*g->workers));
	if (!g->workers)
		return fail_oom();
	for (size_t i = 0; i < g->n && !err; i++) {
		g->workers[i].generator = g;
		g->workers[i].number = i;
		err = ops->open(job, i, &g->workers[i].sender);
	}
	return err;
}

int workers_start(struct generator *g)
{
	for (size_t i = 0; i < g->n; i++) {
		struct worker *worker = &g->workers[i];
		int err = pthread_create(&worker->thread, NULL, work, worker);

		if (err) {
			g->stop = true;
			return fail(-err, "cannot start a thread: %s", strerror(err));
		}
		worker->started = true;
	}
	return 0;
}

bool workers_look(struct generator *g, struct generator_count *counts)
{
	bool running = false;

	for (size_t i = 0; i < g->n; i++) {
		struct worker *worker = &g->workers[i];

		running |= !worker->done;
		counts[i] = (struct generator_count){
			.cpu = cpu_of(worker),
			.queue = g->ops->queue ? g->ops->queue(g->job, i) : -1,
			.packets = worker->sent,
			.seconds = worker->seconds,
		};
	}
	return running;
}

int workers_stop(struct generator *g)
{
	int err = 0;

	g->stop = true;
	for (size_t i = 0; i < g->n; i++) {
		if (!g->workers[i].started)
			continue;
		pthread_join(g->workers[i].thread, NULL);
		g->workers[i].started = false;
		err = err ?: g->workers[i].err;
	}
	return err;
}

void workers_close(struct generator *g)
{
	if (!g)
		return;
	workers_stop(g);
	for (size_t i = 0; g->workers && i < g->n; i++)
		g->ops->close(g->workers[i].sender);
	free(g->workers);
	free(g);
}
