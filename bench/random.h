/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Numbers that look random and are the same on every machine for a seed: splitmix64 (Steele, Lea,
 * Flood: Fast splittable pseudorandom number generators, 2014).
 */
#pragma once
#include <stdint.h>

struct random {
	uint64_t state; /* begins as the seed */
};

static inline uint64_t random_next(struct random *random)
{
	uint64_t z = random->state += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

/* One of 0 .. n-1; n is not 0. */
static inline uint32_t random_below(struct random *random, uint32_t n)
{
	return (random_next(random) >> 32) * n >> 32;
}

/* True so many times in a hundred. */
static inline int random_percent(struct random *random, uint32_t percent)
{
	return random_below(random, 100) < percent;
}
