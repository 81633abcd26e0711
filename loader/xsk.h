/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * AF_XDP sockets that receive (Documentation/networking/af_xdp.rst): one for each queue of an
 * interface, put into the XSKMAP of a policy's `socket` rule, and what is sent on. All share one
 * memory, so nothing is copied here. The only files that know <xdp/xsk.h>, besides the benchmark's.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* As many frames has a queue room for, wherever they are just now. */
enum { XSK_RING = 2048 };

enum xsk_copy { XSK_ANY_COPY, XSK_COPY, XSK_ZERO_COPY };

struct xsk_options {
	enum xsk_copy copy;	 /* ANY: zero-copy where the driver has it */
	bool busy_poll;		 /* the reader's CPU does the driver's work (SO_PREFER_BUSY_POLL) */
	const char *forward;	 /* send out of this interface; NULL: do not */
	uint32_t forward_queues; /* its: what queue N receives goes out of queue N modulo this */
};

/* What one socket has seen; the last three are the kernel's counts of frames it could not have. */
struct xsk_counts {
	uint64_t packets, bytes;
	uint64_t forwarded, refused; /* of them: given to the other interface; that had no room */
	uint64_t no_buffer, ring_full, invalid;
};

/* One queue's. */
struct xsk;

/* All of them. */
struct xsk_set;

/*
 * Bind a socket to each of the first n queues, and put them into the map. Errors are reported. The
 * caller closes it; the kernel takes closed ones out of the map. Interfaces' names outlive it.
 */
int xsk_open(const char *interface, uint32_t n, int map_fd, const struct xsk_options *options,
	     struct xsk_set **out);
void xsk_close(struct xsk_set *set);

/* That of a queue. */
struct xsk *xsk_of(struct xsk_set *set, uint32_t queue);

/* Which mode the kernel gave. */
bool xsk_is_zero_copy(const struct xsk *xsk);

/* Readable when frames are there; for poll(). */
int xsk_fd(const struct xsk *xsk);

/* Called for each frame, which is the callee's to read until it returns. -errno ends the batch. */
typedef int (*xsk_frame_fn)(const uint8_t *frame, uint32_t len, void *arg);

/*
 * Take what is there, up to `most` frames, in batches; forward it or give the buffers back. How
 * many were taken, or what `fn` (may be NULL) returned.
 */
ssize_t xsk_receive(struct xsk *xsk, uint32_t most, xsk_frame_fn fn, void *arg);

/*
 * -ENODEV, reported, once: an interface has gone, or into another network namespace, and with it
 * what the sockets were bound to. poll() does not tell.
 */
int xsk_check(const struct xsk_set *set);

/* The counts so far. */
void xsk_count(struct xsk *xsk, struct xsk_counts *out);
