/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * AF_XDP sockets that receive (Documentation/networking/af_xdp.rst): one for each queue of an
 * interface, put into the XSKMAP of a policy's `socket` rule. Each has its own memory. The only
 * file that knows <xdp/xsk.h>, besides the benchmark's sender.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum xsk_copy { XSK_ANY_COPY, XSK_COPY, XSK_ZERO_COPY };

struct xsk_options {
	enum xsk_copy copy;  /* ANY: zero-copy where the driver has it */
	bool busy_poll;	     /* the reader's CPU does the driver's work (SO_PREFER_BUSY_POLL) */
	const char *forward; /* send out of the same queue of this interface; NULL: do not */
};

/* What one socket has seen; the last three are the kernel's counts of frames it could not have. */
struct xsk_counts {
	uint64_t packets, bytes;
	uint64_t forwarded, refused; /* of them: given to the other interface; that had no room */
	uint64_t no_buffer, ring_full, invalid;
};

struct xsk;

/*
 * Bind a socket to a queue and put it into the map. The mode that the kernel gave is *zero_copy.
 * Errors are reported. The caller closes it; the kernel takes a closed one out of the map.
 */
int xsk_open(const char *interface, uint32_t queue, int map_fd, const struct xsk_options *options,
	     struct xsk **out);
void xsk_close(struct xsk *xsk);

bool xsk_is_zero_copy(const struct xsk *xsk);

/* Readable when frames are there; for poll(). */
int xsk_fd(const struct xsk *xsk);

/* Called for each frame, which is the callee's to read until it returns. -errno ends the batch. */
typedef int (*xsk_frame_fn)(const uint8_t *frame, uint32_t len, void *arg);

/*
 * Take what is there, up to `most` frames (0: no end), in batches; forward it or give the buffers
 * back. How many were taken, or what `fn` (may be NULL) returned.
 */
ssize_t xsk_receive(struct xsk *xsk, uint64_t most, xsk_frame_fn fn, void *arg);

/* The counts so far. */
void xsk_count(struct xsk *xsk, struct xsk_counts *out);
