// SPDX-License-Identifier: GPL-2.0-only
#include "xsk.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/if_xdp.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <xdp/xsk.h>

#include "fail.h"

enum {
	CHUNK = 4096, /* bytes: with XDP's headroom the longest frame in one buffer */
	FRAMES = 4096,
	RING = 2048,
	BATCH = 64,
	BUSY_USECS = 20,
	BUSY_BUDGET = 64,
};

struct xsk {
	const char *interface, *forward;
	uint32_t queue;
	void *area;
	struct xsk_umem *umem;
	struct xsk_socket *socket, *out; /* `out` shares the memory: it sends */
	struct xsk_ring_prod fill, out_fill, tx;
	struct xsk_ring_cons rx, completed, out_completed;
	bool zero_copy, busy_poll;
	struct xsk_counts counts;
};

static int map_area(struct xsk *xsk)
{
	xsk->area = mmap(NULL, (size_t)FRAMES * CHUNK, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (xsk->area != MAP_FAILED)
		return 0;
	xsk->area = NULL;
	return fail_oom();
}

static int create_umem(struct xsk *xsk)
{
	const struct xsk_umem_config config = {
		.fill_size = RING,
		.comp_size = RING,
		.frame_size = CHUNK,
	};
	int err = xsk_umem__create(&xsk->umem, xsk->area, (uint64_t)FRAMES * CHUNK, &xsk->fill,
				   &xsk->completed, &config);

	return err ? fail(err, "cannot give memory to an AF_XDP socket: %s%s", strerror(-err),
			  err == -EPERM ? "; it takes CAP_NET_RAW, which root has" : "")
		   : 0;
}

/* What a failed bind is about. */
static const char *hint(int err, enum xsk_copy copy)
{
	switch (err) {
	case -EINVAL:
		return "; has it that queue? `ethtool -l` tells";
	case -EBUSY:
		return "; another AF_XDP socket is bound to that queue";
	case -EOPNOTSUPP:
		return copy == XSK_ZERO_COPY
			       ? "; its driver has no zero-copy: leave --zero-copy away"
			       : "";
	case -ENETDOWN:
		return "; `ip link set` it up";
	case -ENODEV:
		return "; there is no such interface";
	default:
		return "";
	}
}

static int bind_queue(struct xsk *xsk, enum xsk_copy copy)
{
	struct xsk_socket_config config = {
		.rx_size = RING,
		.tx_size = RING,
		.libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD,
		.bind_flags = XDP_USE_NEED_WAKEUP,
	};
	struct xdp_options options = { 0 };
	socklen_t len = sizeof(options);
	int err;

	if (copy == XSK_COPY)
		config.bind_flags |= XDP_COPY;
	if (copy == XSK_ZERO_COPY)
		config.bind_flags |= XDP_ZEROCOPY;
	err = xsk_socket__create(&xsk->socket, xsk->interface, xsk->queue, xsk->umem, &xsk->rx,
				 NULL, &config);
	if (err)
		return fail(err, "cannot bind an AF_XDP socket to queue %u of %s: %s%s", xsk->queue,
			    xsk->interface, strerror(-err), hint(err, copy));
	if (!getsockopt(xsk_socket__fd(xsk->socket), SOL_XDP, XDP_OPTIONS, &options, &len))
		xsk->zero_copy = options.flags & XDP_OPTIONS_ZEROCOPY;
	return 0;
}

/* The sending half: another interface's queue on the same memory, so that nothing is copied here.
 */
static int open_forward(struct xsk *xsk)
{
	const struct xsk_socket_config config = {
		.tx_size = RING,
		.libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD,
		.bind_flags = XDP_USE_NEED_WAKEUP,
	};
	int err = xsk_socket__create_shared(&xsk->out, xsk->forward, xsk->queue, xsk->umem, NULL,
					    &xsk->tx, &xsk->out_fill, &xsk->out_completed, &config);

	return err ? fail(err, "cannot send by an AF_XDP socket on queue %u of %s: %s%s",
			  xsk->queue, xsk->forward, strerror(-err), hint(err, XSK_ANY_COPY))
		   : 0;
}

/* Linux 5.11. */
static int set_busy_poll(const struct xsk *xsk)
{
	const struct {
		int option, value;
	} options[] = {
		{ SO_PREFER_BUSY_POLL, 1 },
		{ SO_BUSY_POLL, BUSY_USECS },
		{ SO_BUSY_POLL_BUDGET, BUSY_BUDGET },
	};

	for (size_t i = 0; i < ARRAY_SIZE(options); i++)
		if (setsockopt(xsk_socket__fd(xsk->socket), SOL_SOCKET, options[i].option,
			       &options[i].value, sizeof(options[i].value)))
			return fail(-errno, "cannot poll queue %u of %s busily: %s", xsk->queue,
				    xsk->interface, strerror(errno));
	return 0;
}

/* Half of the memory waits to be filled, the other half is under way. */
static void give_all(struct xsk *xsk)
{
	uint32_t at = 0;

	xsk_ring_prod__reserve(&xsk->fill, RING, &at);
	for (uint32_t i = 0; i < RING; i++)
		*xsk_ring_prod__fill_addr(&xsk->fill, at + i) = (uint64_t)i * CHUNK;
	xsk_ring_prod__submit(&xsk->fill, RING);
}

static int set_up(struct xsk *xsk, int map_fd, const struct xsk_options *options)
{
	int err = map_area(xsk);

	if (!err)
		err = create_umem(xsk);
	if (!err)
		err = bind_queue(xsk, options->copy);
	if (!err && options->forward)
		err = open_forward(xsk);
	if (!err && options->busy_poll)
		err = set_busy_poll(xsk);
	if (err)
		return err;
	give_all(xsk);
	err = xsk_socket__update_xskmap(xsk->socket, map_fd);
	return err ? fail(err, "cannot put a socket into the map of queue %u of %s: %s", xsk->queue,
			  xsk->interface, strerror(-err))
		   : 0;
}

int xsk_open(const char *interface, uint32_t queue, int map_fd, const struct xsk_options *options,
	     struct xsk **out)
{
	struct xsk *xsk = calloc(1, sizeof(*xsk));
	int err;

	if (!xsk)
		return fail_oom();
	xsk->interface = interface;
	xsk->forward = options->forward;
	xsk->queue = queue;
	xsk->busy_poll = options->busy_poll;
	err = set_up(xsk, map_fd, options);
	if (err)
		xsk_close(xsk);
	else
		*out = xsk;
	return err;
}

void xsk_close(struct xsk *xsk)
{
	if (!xsk)
		return;
	if (xsk->out)
		xsk_socket__delete(xsk->out);
	if (xsk->socket)
		xsk_socket__delete(xsk->socket);
	if (xsk->umem)
		xsk_umem__delete(xsk->umem);
	if (xsk->area)
		munmap(xsk->area, (size_t)FRAMES * CHUNK);
	free(xsk);
}

bool xsk_is_zero_copy(const struct xsk *xsk)
{
	return xsk->zero_copy;
}

int xsk_fd(const struct xsk *xsk)
{
	return xsk_socket__fd(xsk->socket);
}

/* Buffers that go back to be filled. There is room: as many have been taken from there. */
static void give_back(struct xsk *xsk, const uint64_t *addresses, uint32_t n)
{
	uint32_t at = 0;

	if (!n || xsk_ring_prod__reserve(&xsk->fill, n, &at) != n)
		return;
	for (uint32_t i = 0; i < n; i++)
		*xsk_ring_prod__fill_addr(&xsk->fill, at + i) =
			addresses[i] & ~(uint64_t)(CHUNK - 1);
	xsk_ring_prod__submit(&xsk->fill, n);
}

/* What the other interface has sent is free again. */
static void reap(struct xsk *xsk)
{
	uint64_t addresses[BATCH];
	uint32_t at = 0, n;

	if (!xsk->out)
		return;
	while ((n = xsk_ring_cons__peek(&xsk->out_completed, BATCH, &at))) {
		for (uint32_t i = 0; i < n; i++)
			addresses[i] = *xsk_ring_cons__comp_addr(&xsk->out_completed, at + i);
		xsk_ring_cons__release(&xsk->out_completed, n);
		give_back(xsk, addresses, n);
	}
}

/*
 * Have the kernel look at the ring of what is to be sent. Where it copies it takes 32 frames a call
 * (TX_BATCH_SIZE, net/xdp/xsk.c), or fewer when it is short of buffers: what stays is for the next
 * time.
 */
static void kick(struct xsk *xsk)
{
	for (int i = 0; i < RING / 32 && xsk_prod_nb_free(&xsk->tx, RING) < RING; i++) {
		if (!xsk_ring_prod__needs_wakeup(&xsk->tx))
			return;
		sendto(xsk_socket__fd(xsk->out), NULL, 0, MSG_DONTWAIT, NULL, 0);
	}
}

/* Hand frames to the sending half; those that it has no room for are dropped, and counted. */
static void forward(struct xsk *xsk, const struct xdp_desc *frames, uint32_t n)
{
	uint64_t refused[BATCH];
	uint32_t at = 0, room = xsk_prod_nb_free(&xsk->tx, n), sent = n < room ? n : room;

	xsk_ring_prod__reserve(&xsk->tx, sent, &at);
	for (uint32_t i = 0; i < sent; i++)
		*xsk_ring_prod__tx_desc(&xsk->tx, at + i) = frames[i];
	xsk_ring_prod__submit(&xsk->tx, sent);
	for (uint32_t i = sent; i < n; i++)
		refused[i - sent] = frames[i].addr;
	give_back(xsk, refused, n - sent);
	xsk->counts.forwarded += sent;
	xsk->counts.refused += n - sent;
	kick(xsk);
}

/* Wake the driver where it has asked for it. */
static void wake(struct xsk *xsk)
{
	if (xsk->out)
		kick(xsk);
	if (xsk->busy_poll || xsk_ring_prod__needs_wakeup(&xsk->fill))
		recvfrom(xsk_socket__fd(xsk->socket), NULL, 0, MSG_DONTWAIT, NULL, NULL);
}

/* One batch: `frames` is what was in the ring. */
static int take(struct xsk *xsk, const struct xdp_desc *frames, uint32_t n, xsk_frame_fn fn,
		void *arg)
{
	uint64_t addresses[BATCH];
	int err = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (fn && !err)
			err = fn(xsk_umem__get_data(xsk->area, frames[i].addr), frames[i].len, arg);
		xsk->counts.packets++;
		xsk->counts.bytes += frames[i].len;
		addresses[i] = frames[i].addr;
	}
	if (xsk->out)
		forward(xsk, frames, n);
	else
		give_back(xsk, addresses, n);
	return err;
}

ssize_t xsk_receive(struct xsk *xsk, uint64_t most, xsk_frame_fn fn, void *arg)
{
	struct xdp_desc frames[BATCH];
	uint64_t taken = 0;
	int err = 0;

	while (!err && (!most || taken < most)) {
		uint32_t want = most && most - taken < BATCH ? most - taken : BATCH, at = 0;
		uint32_t n = xsk_ring_cons__peek(&xsk->rx, want, &at);

		reap(xsk);
		if (!n) {
			wake(xsk);
			break;
		}
		for (uint32_t i = 0; i < n; i++)
			frames[i] = *xsk_ring_cons__rx_desc(&xsk->rx, at + i);
		xsk_ring_cons__release(&xsk->rx, n);
		err = take(xsk, frames, n, fn, arg);
		taken += n;
	}
	return err ? err : (ssize_t)taken;
}

void xsk_count(struct xsk *xsk, struct xsk_counts *out)
{
	struct xdp_statistics statistics = { 0 };
	socklen_t len = sizeof(statistics);

	if (!getsockopt(xsk_fd(xsk), SOL_XDP, XDP_STATISTICS, &statistics, &len)) {
		xsk->counts.no_buffer = statistics.rx_fill_ring_empty_descs;
		xsk->counts.ring_full = statistics.rx_ring_full;
		xsk->counts.invalid = statistics.rx_dropped;
	}
	*out = xsk->counts;
}
