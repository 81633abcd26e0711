/* SPDX-License-Identifier: GPL-2.0-only */
/* Live frames, for who wants to know how long the kernel took for them. */
#pragma once
#include "sender.h"

/* A sender of the job's frames. Errors are reported; live_close() in any case. */
int live_open(const struct job *job, size_t worker, struct sender **out);
void live_close(struct sender *sender);

enum { LIVE_BURST = 1 << 15 }; /* frames in a call: a few milliseconds, for which signals wait */

/*
 * The program runs on `n` copies of a frame, as if they had come in by an interface of the current
 * network namespace. The nanoseconds for each, whole ones, hold all that this CPU does for it: a
 * veth's other end too. Errors are reported.
 */
int live_run(int prog_fd, const struct frame *frame, int ifindex, uint32_t n, uint32_t *ns);

/* Send `n` copies of a frame by an interface of the current network namespace. As live_run(). */
int live_send_by(struct sender *sender, int ifindex, size_t frame, uint32_t n, uint32_t *ns);
