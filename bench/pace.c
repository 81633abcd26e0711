// SPDX-License-Identifier: GPL-2.0-only
#include "pace.h"

#include <math.h>
#include <stddef.h>
#include <time.h>

enum {
	TICKS_PER_SECOND = 1000,
	FIRST = 1024, /* packets, where there is a duration and nothing is known yet */
	LEAST = 64,
	NAP = 20000000, /* ns at most without a look at `stop` */
};
static const uint64_t SECOND = 1000000000;

static uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * SECOND + now.tv_nsec;
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void wait_ns(const struct pace *pace, uint64_t ns)
{
	uint64_t end = clock_ns() + ns, now;

	while (!*pace->stop && (now = clock_ns()) < end) {
		uint64_t nap = min_u64(end - now, NAP);
		const struct timespec time = { .tv_nsec = nap };

		nanosleep(&time, NULL);
	}
}

void pace_begin(struct pace *pace)
{
	pace->begun_ns = clock_ns();
}

double pace_elapsed(const struct pace *pace)
{
	return (double)(clock_ns() - pace->begun_ns) / SECOND;
}

static bool is_over(const struct pace *pace)
{
	uint64_t late = pace->rate ? pace->duration_ns / 50 : 0;
	uint64_t elapsed = clock_ns() - pace->begun_ns, gone = pace->sent - pace->under_way;

	if (*pace->stop || (pace->packets && pace->sent >= pace->packets))
		return true;
	if (gone && !pace->rate)
		elapsed += (double)elapsed / gone * pace->under_way;
	return pace->duration_ns && elapsed >= pace->duration_ns + late;
}

/* Packets that may have been sent by now: the first at once, the N-th after (N-1)/rate seconds. */
static uint64_t due(const struct pace *pace)
{
	return pace_elapsed(pace) * pace->rate + 1;
}

/* Until a tick's packets are due, or the last ones. */
static void wait_for_tick(struct pace *pace)
{
	uint64_t wanted = pace->sent + 1 + (uint64_t)(pace->rate / TICKS_PER_SECOND);
	double at;

	if (pace->packets)
		wanted = min_u64(wanted, pace->packets);
	at = (wanted - 1) / pace->rate - pace_elapsed(pace);
	wait_ns(pace, at > 0 ? at * SECOND + 1 : 0);
}

/* For 10 ms at most, and half of the time that is left, so that the last call ends in time. */
static uint64_t fits(const struct pace *pace)
{
	double elapsed = pace_elapsed(pace), left = (double)pace->duration_ns / SECOND - elapsed;
	double n = pace->sent ? pace->sent / elapsed * fmin(left / 2, 0.01) : FIRST;

	return n > LEAST ? n : LEAST;
}

uint32_t pace_next(struct pace *pace, uint32_t max)
{
	uint64_t n = max;

	if (is_over(pace))
		return 0;
	if (pace->packets)
		n = min_u64(n, pace->packets - pace->sent);
	if (!pace->rate)
		return pace->duration_ns ? min_u64(n, fits(pace)) : n;
	while (due(pace) <= pace->sent) {
		wait_for_tick(pace);
		if (is_over(pace))
			return 0;
	}
	return min_u64(n, due(pace) - pace->sent);
}
