// SPDX-License-Identifier: GPL-2.0-only
#include "xsk.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/if_xdp.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <xdp/xsk.h>

#include "fail.h"
#include "xsk_parts.h"

enum { BUSY_USECS = 20, BUSY_BUDGET = 64 };

/* The kernel frees the queue of a socket that was closed some time later (xp_put_pool()). */
enum { TAKEN_TRIES = 150, TAKEN_MS = 20 };

static int map_area(struct xsk_set *set)
{
	set->area = mmap(NULL, (size_t)set->n * XSK_AREA, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (set->area != MAP_FAILED)
		return 0;
	set->area = NULL;
	return fail_oom();
}

/* The rings that come with the memory are those of the first socket. */
static int create_umem(struct xsk_set *set)
{
	const struct xsk_umem_config config = {
		.fill_size = XSK_RING,
		.comp_size = XSK_RING,
		.frame_size = XSK_CHUNK,
	};
	int err = xsk_umem__create(&set->umem, set->area, (uint64_t)set->n * XSK_AREA,
				   &set->queues[0].fill, &set->queues[0].completed, &config);

	return err ? fail(err, "cannot give memory to an AF_XDP socket: %s%s", strerror(-err),
			  err == -EPERM ? "; it takes CAP_NET_RAW, which root has" : "")
		   : 0;
}

/* What a failed bind is about. */
const char *xsk_hint(int err, enum xsk_copy copy)
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

/* A queue that is taken may be free again soon: whose it was has just ended. */
static int create_socket(struct xsk *xsk, const struct xsk_socket_config *config)
{
	int err = -EBUSY;

	for (int try = 0; try < TAKEN_TRIES && err == -EBUSY; try++) {
		if (try)
			usleep(TAKEN_MS * 1000);
		err = xsk_socket__create_shared(&xsk->socket, xsk->set->interface, xsk->queue,
						xsk->set->umem, &xsk->rx, NULL, &xsk->fill,
						&xsk->completed, config);
	}
	return err;
}

static int bind_queue(struct xsk *xsk, enum xsk_copy copy)
{
	struct xsk_socket_config config = {
		.rx_size = XSK_RING,
		.tx_size = XSK_RING,
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
	err = create_socket(xsk, &config);
	if (err)
		return fail(err, "cannot bind an AF_XDP socket to queue %u of %s: %s%s", xsk->queue,
			    xsk->set->interface, strerror(-err), xsk_hint(err, copy));
	if (!getsockopt(xsk_socket__fd(xsk->socket), SOL_XDP, XDP_OPTIONS, &options, &len))
		xsk->zero_copy = options.flags & XDP_OPTIONS_ZEROCOPY;
	return 0;
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
				    xsk->set->interface, strerror(errno));
	return 0;
}

/* All of its memory waits to be filled. */
static void give_all(struct xsk *xsk)
{
	uint32_t at = 0;

	xsk_ring_prod__reserve(&xsk->fill, XSK_RING, &at);
	for (uint32_t i = 0; i < XSK_RING; i++)
		*xsk_ring_prod__fill_addr(&xsk->fill, at + i) =
			(uint64_t)xsk->queue * XSK_AREA + (uint64_t)i * XSK_CHUNK;
	xsk_ring_prod__submit(&xsk->fill, XSK_RING);
}

static int open_queue(struct xsk *xsk, const struct xsk_options *options)
{
	int err = bind_queue(xsk, options->copy);

	xsk->busy_poll = options->busy_poll;
	if (!err && options->busy_poll)
		err = set_busy_poll(xsk);
	if (!err)
		give_all(xsk);
	return err;
}

static int put_into_map(const struct xsk *xsk, int map_fd)
{
	int err = xsk_socket__update_xskmap(xsk->socket, map_fd);

	return err ? fail(err, "cannot put a socket into the map of queue %u of %s: %s", xsk->queue,
			  xsk->set->interface, strerror(-err))
		   : 0;
}

/* Into the map when all can receive and send: until then packets go by the rule's `else`. */
static int set_up(struct xsk_set *set, int map_fd, const struct xsk_options *options)
{
	int err = map_area(set);

	if (!err)
		err = create_umem(set);
	for (uint32_t i = 0; i < set->n && !err; i++)
		err = open_queue(&set->queues[i], options);
	if (!err && options->forward)
		err = xsk_open_ports(set, options);
	for (uint32_t i = 0; i < set->n && !err; i++)
		err = put_into_map(&set->queues[i], map_fd);
	return err;
}

int xsk_open(const char *interface, uint32_t n, int map_fd, const struct xsk_options *options,
	     struct xsk_set **out)
{
	struct xsk_set *set = calloc(1, sizeof(*set));
	int err;

	if (!set)
		return fail_oom();
	set->interface = interface;
	set->n = n;
	set->queues = calloc(n, sizeof(*set->queues));
	for (uint32_t i = 0; i < n && set->queues; i++)
		set->queues[i] = (struct xsk){ .set = set, .queue = i };
	err = set->queues ? set_up(set, map_fd, options) : fail_oom();
	if (err)
		xsk_close(set);
	else
		*out = set;
	return err;
}

void xsk_close(struct xsk_set *set)
{
	if (!set)
		return;
	xsk_close_ports(set);
	for (uint32_t i = 0; i < set->n && set->queues; i++)
		if (set->queues[i].socket)
			xsk_socket__delete(set->queues[i].socket);
	if (set->umem)
		xsk_umem__delete(set->umem);
	if (set->area)
		munmap(set->area, (size_t)set->n * XSK_AREA);
	free(set->queues);
	free(set);
}

struct xsk *xsk_of(struct xsk_set *set, uint32_t queue)
{
	return &set->queues[queue];
}

bool xsk_is_zero_copy(const struct xsk *xsk)
{
	return xsk->zero_copy;
}

int xsk_fd(const struct xsk *xsk)
{
	return xsk_socket__fd(xsk->socket);
}

/* There is room in the ring: as many have been taken from there. */
void xsk_give_back(struct xsk *xsk, const struct xdp_desc *frames, uint32_t n)
{
	uint32_t at = 0;

	if (!n || xsk_ring_prod__reserve(&xsk->fill, n, &at) != n)
		return;
	for (uint32_t i = 0; i < n; i++)
		*xsk_ring_prod__fill_addr(&xsk->fill, at + i) =
			frames[i].addr & ~(uint64_t)(XSK_CHUNK - 1);
	xsk_ring_prod__submit(&xsk->fill, n);
}

/* Wake the driver where it has asked for it. */
static void wake(struct xsk *xsk)
{
	xsk_send_waiting(xsk);
	if (xsk->busy_poll || xsk_ring_prod__needs_wakeup(&xsk->fill))
		recvfrom(xsk_socket__fd(xsk->socket), NULL, 0, MSG_DONTWAIT, NULL, NULL);
}

static int show(const struct xsk *xsk, uint32_t at, uint32_t n, xsk_frame_fn fn, void *arg)
{
	int err = 0;

	for (uint32_t i = 0; i < n && !err; i++) {
		const struct xdp_desc *frame = xsk_ring_cons__rx_desc(&xsk->rx, at + i);

		err = fn(xsk_umem__get_data(xsk->set->area, frame->addr), frame->len, arg);
	}
	return err;
}

/* One batch: n frames of the ring, from `at` on. */
static int take(struct xsk *xsk, uint32_t at, uint32_t n, xsk_frame_fn fn, void *arg)
{
	struct xdp_desc frames[XSK_BATCH];
	uint64_t bytes = 0;
	int err = fn ? show(xsk, at, n, fn, arg) : 0;

	for (uint32_t i = 0; i < n; i++) {
		frames[i] = *xsk_ring_cons__rx_desc(&xsk->rx, at + i);
		bytes += frames[i].len;
	}
	xsk_ring_cons__release(&xsk->rx, n);
	xsk->counts.packets += n;
	xsk->counts.bytes += bytes;
	if (xsk->port)
		xsk_forward(xsk, frames, n);
	else
		xsk_give_back(xsk, frames, n);
	return err;
}

ssize_t xsk_receive(struct xsk *xsk, uint32_t most, xsk_frame_fn fn, void *arg)
{
	uint32_t taken = 0;
	int err = 0;

	while (!err && taken < most) {
		uint32_t want = most - taken < XSK_BATCH ? most - taken : XSK_BATCH, at = 0;
		uint32_t n = xsk_ring_cons__peek(&xsk->rx, want, &at);

		xsk_reap(xsk);
		if (!n) {
			wake(xsk);
			break;
		}
		err = take(xsk, at, n, fn, arg);
		taken += n;
	}
	return err ? err : (ssize_t)taken;
}

/* The kernel unbinds the sockets of an interface that goes, and leaves them an error. */
static bool is_unbound(const struct xsk_socket *socket)
{
	socklen_t len = sizeof(int);
	int error = 0;

	return !getsockopt(xsk_socket__fd(socket), SOL_SOCKET, SO_ERROR, &error, &len) &&
	       error == ENETDOWN;
}

int xsk_check(const struct xsk_set *set)
{
	for (uint32_t i = 0; i < set->n; i++)
		if (is_unbound(set->queues[i].socket))
			return fail(
				-ENODEV,
				"%s is gone, and what its AF_XDP sockets were bound to with it: start again when it is back",
				set->interface);
	for (uint32_t i = 0; i < set->n_ports; i++)
		if (is_unbound(set->ports[i].socket))
			return fail(
				-ENODEV,
				"%s is gone: what comes in cannot be sent out of it; start again when it is back",
				set->forward);
	return 0;
}

void xsk_count(struct xsk *xsk, struct xsk_counts *out)
{
	struct xdp_statistics statistics = { 0 };
	socklen_t len = sizeof(statistics);

	if (!getsockopt(xsk_fd(xsk), SOL_XDP, XDP_STATISTICS, &statistics, &len)) {
		xsk->counts.no_buffer = statistics.rx_fill_ring_empty_descs;
		xsk->counts.ring_full = statistics.rx_ring_full;
		/* Where the kernel copies, it counts a frame without a buffer as dropped too. */
		if (!xsk->zero_copy && statistics.rx_dropped >= xsk->counts.no_buffer)
			statistics.rx_dropped -= xsk->counts.no_buffer;
		xsk->counts.invalid = statistics.rx_dropped;
	}
	*out = xsk->counts;
}
