/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libxdp's dispatcher: a program with a slot for each of several, that calls them in turn
 * (xdp-tools, lib/libxdp/protocol.org). Here it has programs that do nothing, on the lo of a
 * network namespace of its own.
 */
#pragma once
#include <stddef.h>

/*
 * A dispatcher of `n` such programs: its fd, the caller's. -errno: why not, in a sentence. The
 * process needs a bpffs of its own (contestant_arena()), and is in another network namespace then.
 */
int dispatcher_open(size_t n, char *why, size_t why_size);
