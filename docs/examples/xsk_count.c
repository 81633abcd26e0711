// SPDX-License-Identifier: GPL-2.0-only
/*
 * A program of your own behind a policy's `socket` rule: count the frames of one queue.
 *
 *   interface eth0 { xdp { socket mine if udp port 53 } }
 *
 *   cc -O2 -o xsk_count xsk_count.c $(pkg-config --cflags --libs libxdp libbpf)
 *   ./xsk_count eth0 0 /sys/fs/bpf/weir/[0-9]*'/eth0/xdp/xsk-mine'
 *
 * weir pins the XSKMAP; whoever puts a socket in at its queue's number gets that queue's frames.
 * The policy may change under it: the map stays as long as a rule names it. Without a MAP it has
 * all frames of the queue, by the program that libxdp attaches: what it takes without weir.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <xdp/xsk.h>

enum { FRAMES = 4096, RING = 2048, BATCH = 64 };

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	(void)signal;
	stopped = 1;
}

static void die(const char *what, int err)
{
	fprintf(stderr, "%s: %s\n", what, strerror(-err));
	exit(1);
}

int main(int argc, char **argv)
{
	const struct xsk_socket_config config = {
		.rx_size = RING,
		/* weir's program is there */
		.libxdp_flags = argc == 4 ? XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD : 0,
		.bind_flags = XDP_USE_NEED_WAKEUP,
	};
	struct xsk_ring_cons rx, completed;
	struct xsk_ring_prod fill;
	struct xsk_socket *socket;
	struct xsk_umem *umem;
	unsigned long packets = 0;
	unsigned int at = 0, n;
	int map = -1, err;
	void *area;

	if (argc != 3 && argc != 4)
		die("usage: xsk_count IFACE QUEUE [MAP]", -EINVAL);
	signal(SIGINT, stop);
	if (argc == 4)
		map = bpf_obj_get(argv[3]);
	if (argc == 4 && map < 0)
		die(argv[3], -errno);
	area = mmap(NULL, FRAMES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0);
	err = xsk_umem__create(&umem, area, FRAMES * 4096, &fill, &completed, NULL);
	if (err)
		die("memory", err);
	err = xsk_socket__create(&socket, argv[1], atoi(argv[2]), umem, &rx, NULL, &config);
	if (err)
		die("socket", err);
	xsk_ring_prod__reserve(&fill, RING, &at);
	for (unsigned int i = 0; i < RING; i++)
		*xsk_ring_prod__fill_addr(&fill, at + i) = i * 4096;
	xsk_ring_prod__submit(&fill, RING);
	err = argc == 4 ? xsk_socket__update_xskmap(socket, map) : 0;
	if (err)
		die("map", err);
	fprintf(stderr, "%s queue %s\n", argv[1], argv[2]);

	while (!stopped) {
		struct pollfd fd = { xsk_socket__fd(socket), POLLIN, 0 };
		unsigned int from = 0, to = 0;

		n = xsk_ring_cons__peek(&rx, BATCH, &from);
		if (!n || xsk_ring_prod__reserve(&fill, n, &to) != n) {
			if (xsk_ring_prod__needs_wakeup(&fill))
				recvfrom(fd.fd, NULL, 0, MSG_DONTWAIT, NULL, NULL);
			poll(&fd, 1, 100);
			continue;
		}
		for (unsigned int i = 0; i < n; i++)
			*xsk_ring_prod__fill_addr(&fill, to + i) =
				xsk_ring_cons__rx_desc(&rx, from + i)->addr & ~4095ull;
		xsk_ring_prod__submit(&fill, n);
		xsk_ring_cons__release(&rx, n);
		packets += n;
	}
	printf("%lu packets\n", packets);
	xsk_socket__delete(socket);
	xsk_umem__delete(umem);
	return 0;
}
