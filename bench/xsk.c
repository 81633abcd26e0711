// SPDX-License-Identifier: GPL-2.0-only
/*
 * AF_XDP sockets that only send. The frames stand in the UMEM from the start, each in a chunk of
 * its own, and a descriptor names one as often as it is to be sent: nothing is copied here. The
 * kernel copies (or a driver with zero copy does not); sendto() makes it look at the ring.
 */
#include <xdp/xsk.h>

#include <errno.h>
#include <linux/if_link.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>

#include "../loader/fail.h"
#include "sender.h"

enum {
	CHUNK = 2048,
	RING = 2048,
	BURST = 256, /* a copying kernel takes 32 for each sendto() */
	WAIT_MS = 1000,
	BUSY_NAPS = 100, /* of 10 ms */
};

struct sender {
	const struct job *job;
	void *area;
	size_t size;
	struct xsk_umem *umem;
	struct xsk_socket *socket;
	struct xsk_ring_prod fill, tx;
	struct xsk_ring_cons completed;
	uint32_t under_way;
};

static int map_frames(struct sender *s)
{
	s->size = s->job->frames.n * (size_t)CHUNK;
	s->area = mmap(NULL, s->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (s->area == MAP_FAILED) {
		s->area = NULL;
		return fail_oom();
	}
	for (size_t i = 0; i < s->job->frames.n; i++)
		memcpy((uint8_t *)s->area + i * CHUNK, s->job->frames.frames[i].data,
		       s->job->frames.frames[i].len);
	return 0;
}

static int open_umem(struct sender *s)
{
	const struct xsk_umem_config config = {
		.fill_size = RING,
		.comp_size = RING,
		.frame_size = CHUNK,
	};
	int err = xsk_umem__create(&s->umem, s->area, s->size, &s->fill, &s->completed, &config);

	return err ? fail(err, "cannot give frames to an AF_XDP socket: %s", strerror(-err)) : 0;
}

static int xsk_queue(const struct job *job, size_t worker)
{
	return job->queues.n ? (int)job->queues.numbers[worker] : (int)worker;
}

/* The kernel lets go of a queue a little after its socket is closed: a trial may follow another. */
static int create_socket(struct sender *s, uint32_t queue, const struct xsk_socket_config *config)
{
	const struct timespec nap = { .tv_nsec = 10000000 };
	int err = -EBUSY;

	for (int i = 0; i < BUSY_NAPS && err == -EBUSY; i++) {
		if (i)
			nanosleep(&nap, NULL);
		err = xsk_socket__create(&s->socket, s->job->interface, queue, s->umem, NULL,
					 &s->tx, config);
	}
	return err;
}

/* Nothing is attached: sending needs no XDP program. */
static int open_socket(struct sender *s, size_t worker)
{
	const struct xsk_socket_config config = {
		.tx_size = RING,
		.libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD,
		.bind_flags = XDP_USE_NEED_WAKEUP,
	};
	uint32_t queue = xsk_queue(s->job, worker);
	int err = create_socket(s, queue, &config);

	if (err)
		return fail(err, "cannot open an AF_XDP socket on queue %u of %s: %s%s", queue,
			    s->job->interface, strerror(-err),
			    err == -EINVAL  ? " (has it that queue? `ethtool -l` tells)"
			    : err == -EBUSY ? ": another socket has it; --queues takes others"
					    : "");
	return 0;
}

static void xsk_close(struct sender *s)
{
	if (!s)
		return;
	if (s->socket)
		xsk_socket__delete(s->socket);
	if (s->umem)
		xsk_umem__delete(s->umem);
	if (s->area)
		munmap(s->area, s->size);
	free(s);
}

static int xsk_open(const struct job *job, size_t worker, struct sender **out)
{
	struct sender *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return fail_oom();
	s->job = job;
	*out = s;
	err = map_frames(s);
	err = err ? err : open_umem(s);
	return err ? err : open_socket(s, worker);
}

static void reap(struct sender *s)
{
	uint32_t at, n = xsk_ring_cons__peek(&s->completed, RING, &at);

	xsk_ring_cons__release(&s->completed, n);
	s->under_way -= n;
}

/* Make the kernel send; it may be too busy, and then takes them at the next call. */
static int kick(struct sender *s)
{
	if (sendto(xsk_socket__fd(s->socket), NULL, 0, MSG_DONTWAIT, NULL, 0) >= 0)
		return 0;
	if (errno == EAGAIN || errno == EBUSY || errno == ENOBUFS || errno == EINTR)
		return 0;
	return fail(-errno, "cannot send by an AF_XDP socket of %s: %s%s", s->job->interface,
		    strerror(errno),
		    errno == ENETDOWN ? "; it is down (`ip link set up` it), or has gone away"
		    : errno == ENXIO  ? "; it has gone away"
				      : "");
}

/* Room for n more? Linux 6.1 may give frames back before the places that they had in its ring. */
static bool has_room(struct sender *s, uint32_t n)
{
	return s->under_way + n <= RING && xsk_prod_nb_free(&s->tx, n) >= n;
}

/* Until there is room for n more; an error when nothing moves for a second. */
static int wait_for_room(struct sender *s, uint32_t n)
{
	struct pollfd fd = { .fd = xsk_socket__fd(s->socket), .events = POLLOUT };

	for (int quiet = 0; !has_room(s, n);) {
		uint32_t before = s->under_way;
		int err = kick(s);

		if (err)
			return err;
		reap(s);
		quiet = s->under_way < before ? 0 : quiet + 1;
		if (quiet > WAIT_MS)
			return fail(-ETIME, "%s has sent nothing for a second", s->job->interface);
		if (quiet > 1)
			poll(&fd, 0, 1);
	}
	return 0;
}

static int xsk_send(struct sender *s, size_t number, uint32_t n)
{
	const struct frames *frames = &s->job->frames;
	uint32_t at;
	int err = wait_for_room(s, n);

	if (err)
		return err;
	if (xsk_ring_prod__reserve(&s->tx, n, &at) != n)
		return fail(-ENOSPC, "the ring of an AF_XDP socket is full");
	for (uint32_t i = 0; i < n; i++) {
		struct xdp_desc *desc = xsk_ring_prod__tx_desc(&s->tx, at + i);

		*desc = (struct xdp_desc){ .addr = number * CHUNK,
					   .len = frames->frames[number].len };
		if (!s->job->burst)
			number = (number + 1) % frames->n;
	}
	xsk_ring_prod__submit(&s->tx, n);
	s->under_way += n;
	reap(s);
	return xsk_ring_prod__needs_wakeup(&s->tx) ? kick(s) : 0;
}

static int xsk_flush(struct sender *s)
{
	return wait_for_room(s, RING);
}

static uint32_t xsk_under_way(const struct sender *s)
{
	return s->under_way;
}

static bool xsk_takes_turns(const struct sender *s)
{
	return !s->job->burst;
}

static const struct sender_ops xsk_sender = {
	.burst_max = BURST,
	.open = xsk_open,
	.takes_turns = xsk_takes_turns,
	.queue = xsk_queue,
	.send = xsk_send,
	.flush = xsk_flush,
	.under_way = xsk_under_way,
	.close = xsk_close,
};

static const char *xsk_refusal(const struct job *job)
{
	int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return errno == EPERM ? "it needs CAP_NET_RAW"
				      : "the kernel has no AF_XDP sockets (CONFIG_XDP_SOCKETS)";
	close(fd);
	if (job->queues.n && job->queues.n < job_workers(job))
		return "it needs a queue for each CPU (--queues)";
	for (size_t i = 0; i < job->frames.n; i++)
		if (job->frames.frames[i].len > CHUNK)
			return "it takes frames of 2048 bytes at most";
	return sender_refusal(job);
}

static int open_workers(const struct job *job, struct generator **out)
{
	return workers_open(job, &xsk_sender, out);
}

const struct generator_ops generator_xsk = {
	.word = "xsk",
	.name = "AF_XDP sockets",
	.refusal = xsk_refusal,
	.open = open_workers,
	.start = workers_start,
	.look = workers_look,
	.stop = workers_stop,
	.close = workers_close,
};
