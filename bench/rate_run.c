// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "../loader/fail.h"
#include "conditions.h"
#include "rate.h"

enum {
	NAP_NS = 5000000, /* between two looks at the generator */
	LOOKS = 40,	  /* for the last frames to arrive */
	QUIET = 5,	  /* of them in which none comes, if not all have */
	FCS = 4,
	WIRE = 20, /* bytes between two frames: preamble 8, gap 12 */
};
static const double HELD_WITHIN = 0.02, WAKE_UP = 0.1; /* seconds */

static double clock_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

static void hold_signals(sigset_t *held, sigset_t *before)
{
	sigemptyset(held);
	sigaddset(held, SIGINT);
	sigaddset(held, SIGTERM);
	sigaddset(held, SIGHUP);
	sigprocmask(SIG_BLOCK, held, before);
}

static uint64_t sum_counts(const struct rate *rate)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < job_workers(&rate->job); i++)
		sum += rate->counts[i].packets;
	return sum;
}

static int note_moment(struct rate *rate, double seconds)
{
	struct series_moment moment = { .seconds = seconds };

	if (rate->receiver_interface) {
		int err = receiver_look(&rate->receiver);

		if (err)
			return err;
		moment.packets[SERIES_RECEIVED] = rate->receiver.counters.received;
	}
	moment.packets[SERIES_OFFERED] = sum_counts(rate);
	return series_add(&rate->series, &moment);
}

/*
 * Threads of ours keep the time themselves; those of the kernel do not, and wake up in their own
 * time. With a rate they know the number of packets, and this is for those that do not hold it.
 */
static bool is_over(const struct rate *rate, double seconds)
{
	double end = rate->job.duration_ns / 1e9;

	if (rate->job.rate > 0)
		end = end * (1 + HELD_WITHIN) + WAKE_UP;
	return rate->job.duration_ns && seconds >= end;
}

/* Look on while it runs. */
static int watch(struct rate *rate, struct generator *generator, const sigset_t *signals)
{
	const struct timespec nap = { .tv_nsec = NAP_NS };
	double begun = clock_seconds(), next = rate->interval, seconds;
	int err = note_moment(rate, 0);

	while (!err) {
		rate->interrupted = sigtimedwait(signals, NULL, &nap) > 0;
		if (!rate->ops->look(generator, rate->counts) || rate->interrupted)
			break;
		seconds = clock_seconds() - begun;
		if (is_over(rate, seconds))
			break;
		if (seconds < next)
			continue;
		err = note_moment(rate, seconds);
		next += rate->interval;
	}
	return err;
}

static int run_generator(struct rate *rate, struct generator *generator)
{
	sigset_t signals, before;
	int err, stop_err;

	hold_signals(&signals, &before); /* before there are threads: they hold them too */
	err = rate->ops->start(generator);
	err = err ? err : watch(rate, generator, &signals);
	stop_err = rate->ops->stop(generator);
	rate->ops->look(generator, rate->counts);
	sigprocmask(SIG_SETMASK, &before, NULL);
	for (size_t i = 0; i < job_workers(&rate->job); i++)
		rate->seconds = fmax(rate->seconds, rate->counts[i].seconds);
	rate->offered = sum_counts(rate);
	return err ? err : stop_err;
}

/* A veth counts a frame when its other end has taken it, which may be a little later. */
static int count_sent(struct rate *rate, const struct link *link,
		      const struct link_counters *before)
{
	const struct timespec nap = { .tv_nsec = NAP_NS };

	for (int i = 0; i < LOOKS; i++) {
		struct link_counters now;
		int err = link_count(link, &now);

		if (err)
			return err;
		rate->sender = (struct link_counters){
			.sent = now.sent - before->sent,
			.send_dropped = now.send_dropped - before->send_dropped,
			.send_errors = now.send_errors - before->send_errors,
		};
		if (rate->sender.sent + rate->sender.send_dropped >= rate->offered)
			break;
		nanosleep(&nap, NULL);
	}
	return 0;
}

/* Until nothing more comes. */
static int count_received(struct rate *rate)
{
	const struct timespec nap = { .tv_nsec = 4 * NAP_NS };
	uint64_t last, now = rate->receiver.counters.received;
	int err = 0, quiet = 0;

	/* Where some are missing they may wait for a CPU, with the softirq that takes them. */
	for (int i = 0; i < LOOKS && quiet < (now < rate->sender.sent ? QUIET : 1) && !err; i++) {
		last = now;
		nanosleep(&nap, NULL);
		err = receiver_look(&rate->receiver);
		now = rate->receiver.counters.received;
		quiet = now == last ? quiet + 1 : 0;
	}
	return err ? err : receiver_finish(&rate->receiver);
}

static int run_counted(struct rate *rate, const struct link *link, struct generator *generator)
{
	struct link_counters before;
	int err = rate->receiver_interface ? receiver_open(rate->receiver_interface,
							   rate->receiver_netns, &rate->receiver)
					   : 0;

	err = err ? err : link_count(link, &before);
	err = err ? err : run_generator(rate, generator);
	err = err ? err : count_sent(rate, link, &before);
	return err || !rate->receiver_interface ? err : count_received(rate);
}

/* A product of rate and time is a number of packets, and no worker is without any. */
static void settle(struct job *job)
{
	if (job->rate > 0 && job->duration_ns) {
		uint64_t n = llround(job->rate * job->duration_ns / 1e9);

		job->packets = job->packets && job->packets < n ? job->packets : n;
	}
	if (job->packets && job->packets < job->cpus.n)
		job->cpus.n = job->packets;
}

static int read_conditions(struct rate *rate, const struct link *link)
{
	json_t *sender = link_conditions(link), *receiver = NULL;

	if (!sender)
		return -EIO;
	rate->conditions = conditions_read();
	json_object_set_new(rate->conditions, "sender", sender);
	if (!rate->receiver_interface)
		return 0;
	receiver = link_conditions(&rate->receiver.link);
	json_object_set_new(rate->conditions, "receiver", receiver);
	return receiver ? 0 : -EIO;
}

static int run_by_link(struct rate *rate, const struct link *link)
{
	struct generator *generator = NULL;
	int err;

	rate->job.ifindex = link->ifindex;
	rate->ops = generator_choose(rate->generator, &rate->job, &rate->why);
	rate->counts = calloc(job_workers(&rate->job), sizeof(*rate->counts));
	if (!rate->ops || !rate->counts)
		return rate->counts ? -EOPNOTSUPP : fail_oom();
	err = rate->ops->open(&rate->job, &generator);
	err = err ? err : run_counted(rate, link, generator);
	rate->ops->close(generator);
	return err ? err : read_conditions(rate, link);
}

int rate_run(struct rate *rate)
{
	struct link link;
	int err = link_open(rate->job.interface, NULL, &link);

	settle(&rate->job);
	err = err ? err : run_by_link(rate, &link);
	link_close(&link);
	return err;
}

void rate_release(struct rate *rate)
{
	receiver_close(&rate->receiver);
	rate->receiver = (struct receiver){ .link.ioctl_fd = -1 };
	series_free(&rate->series);
	own_free(&rate->counts);
	json_decref(rate->conditions);
	rate->conditions = NULL;
	rate->seconds = 0;
}

double rate_offered(const struct rate *rate)
{
	return rate->seconds > 0 ? rate->offered / rate->seconds : 0;
}

double rate_received(const struct rate *rate)
{
	return rate->seconds > 0 ? rate->receiver.counters.received / rate->seconds : 0;
}

uint64_t rate_refused(const struct rate *rate)
{
	uint64_t counted = rate->sender.sent + rate->sender.send_dropped + rate->sender.send_errors;

	return rate->offered > counted ? rate->offered - counted : 0;
}

double rate_wire_bits(const struct rate *rate, double frames_per_second)
{
	const struct frames *frames = &rate->job.frames;
	double bytes = 0;

	for (size_t i = 0; i < frames->n; i++)
		bytes += fmax(frames->frames[i].len, 60) + FCS + WIRE;
	return frames->n ? frames_per_second * 8 * bytes / frames->n : 0;
}

int rate_judge(const struct rate *rate)
{
	double got = rate_offered(rate);

	if (rate->offered && !rate->sender.sent)
		return fail(
			-ENXIO,
			"%s let none of %" PRIu64
			" frames out: its driver has no ndo_xdp_xmit, it is "
			"down, or the other end of a veth has neither a native XDP program nor GRO "
			"(`ethtool -K IFACE gro on` there)",
			rate->job.interface, rate->offered);
	/* Below a hundred frames, the ends of the run are more than 2 % of it. */
	if (rate->job.rate > 0 && !rate->interrupted && rate->offered > 100 &&
	    fabs(got / rate->job.rate - 1) > HELD_WITHIN)
		return fail(-ETIME,
			    "the rate was %.0f a second, not %.0f: more than this machine can do",
			    got, rate->job.rate);
	return 0;
}
