/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Programs of many expressions that differ but in their constants ("src host A", 16,000 times):
 * libpcap compiles the shape, and each gets a copy with its own constants. That it is the program
 * that libpcap would have made, its optimiser included, is so because the optimiser knows of a
 * constant only whether it is 0, all ones, or equal to another: such values stay in the shape.
 */
#pragma once
#include "shape.h"

struct shape_cache;

/* NULL: memory is out. */
struct shape_cache *shape_cache_new(void);
void shape_cache_free(struct shape_cache *cache);
void shape_cache_freep(struct shape_cache **cache);

/*
 * The program of a tree as libpcap makes it for Ethernet with optimize=1: 1 if it can be had from
 * the cache, in *out, the caller's; 0: the caller asks libpcap; -ENOMEM (reported).
 */
int shape_cache_find(struct shape_cache *cache, const struct grammar *grammar, struct cbpf *out);
