// SPDX-License-Identifier: GPL-2.0-only
#include "xsk_consume.h"

#include <errno.h>
#include <linux/if_link.h>
#include <linux/if_xdp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <xdp/xsk.h>

#include "../loader/fail.h"
#include "../loader/own.h"

enum { CHUNK = 4096, RING = 2048, BATCH = 64 };

struct consumer {
	struct xsk_umem *umem;
	struct xsk_socket *socket;
	struct xsk_ring_prod fill;
	struct xsk_ring_cons rx, completed;
};

static int open_consumer(struct consumer *c, const char *interface)
{
	const struct xsk_umem_config memory = {
		.fill_size = RING,
		.comp_size = RING,
		.frame_size = CHUNK,
	};
	const struct xsk_socket_config config = {
		.rx_size = RING,
		.tx_size = RING,
		.xdp_flags = XDP_FLAGS_DRV_MODE,
		.bind_flags = XDP_USE_NEED_WAKEUP,
	};
	void *area = mmap(NULL, RING * CHUNK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	uint32_t at = 0;
	int err;

	if (area == MAP_FAILED)
		return -ENOMEM;
	err = xsk_umem__create(&c->umem, area, RING * CHUNK, &c->fill, &c->completed, &memory);
	if (!err)
		err = xsk_socket__create(&c->socket, interface, 0, c->umem, &c->rx, NULL, &config);
	if (err)
		return err;
	xsk_ring_prod__reserve(&c->fill, RING, &at);
	for (uint32_t i = 0; i < RING; i++)
		*xsk_ring_prod__fill_addr(&c->fill, at + i) = (uint64_t)i * CHUNK;
	xsk_ring_prod__submit(&c->fill, RING);
	return 0;
}

/* Take a batch and give its buffers back. False: there was nothing. */
static bool take_batch(struct consumer *c)
{
	uint32_t from = 0, to = 0, n = xsk_ring_cons__peek(&c->rx, BATCH, &from);

	if (!n)
		return false;
	xsk_ring_prod__reserve(&c->fill, n, &to);
	for (uint32_t i = 0; i < n; i++)
		*xsk_ring_prod__fill_addr(&c->fill, to + i) =
			xsk_ring_cons__rx_desc(&c->rx, from + i)->addr & ~(uint64_t)(CHUNK - 1);
	xsk_ring_prod__submit(&c->fill, n);
	xsk_ring_cons__release(&c->rx, n);
	return true;
}

static void consume(struct consumer *c)
{
	struct pollfd fd = { xsk_socket__fd(c->socket), POLLIN, 0 };

	for (;;) {
		while (take_batch(c))
			;
		if (xsk_ring_prod__needs_wakeup(&c->fill))
			recvfrom(fd.fd, NULL, 0, MSG_DONTWAIT, NULL, NULL);
		poll(&fd, 1, -1);
	}
}

static void run(const char *interface, int said_fd)
{
	struct consumer c = { 0 };
	int err;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	err = open_consumer(&c, interface);
	if (write(said_fd, &err, sizeof(err)) == sizeof(err) && !err)
		consume(&c);
}

int xsk_consume_start(const char *interface, pid_t *child)
{
	int ends[2], err = -EIO;
	ssize_t n;

	if (pipe(ends))
		return fail(-errno, "cannot make a pipe: %s", strerror(errno));
	*child = fork();
	if (!*child) {
		run(interface, ends[1]);
		_exit(1);
	}
	close(ends[1]);
	n = *child < 0 ? 0 : read(ends[0], &err, sizeof(err));
	close(ends[0]);
	if (n == sizeof(err) && !err)
		return 0;
	return fail(err, "cannot receive from %s by AF_XDP and libxdp's program: %s", interface,
		    strerror(-err));
}
