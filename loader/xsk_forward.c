// SPDX-License-Identifier: GPL-2.0-only
/* Frames that AF_XDP sockets have received, sent out of another interface, or of the same. */
#include <errno.h>
#include <linux/if_xdp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "fail.h"
#include "own.h"
#include "xsk_parts.h"

/*
 * Another queue on the same memory. Out of the interface that frames come in by, the queue's rings
 * of free and of sent chunks are there already.
 */
static int open_port(struct xsk_set *set, uint32_t queue)
{
	const struct xsk_socket_config config = {
		.tx_size = XSK_RING,
		.libxdp_flags = XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD,
		.bind_flags = XDP_USE_NEED_WAKEUP,
	};
	bool same = !strcmp(set->forward, set->interface);
	struct xsk_port *port = &set->ports[queue];
	int err;

	port->completed = same ? &set->queues[queue].completed : &port->own_completed;
	err = xsk_socket__create_shared(&port->socket, set->forward, queue, set->umem, NULL,
					&port->tx, &port->fill, &port->own_completed, &config);
	return err ? fail(err, "cannot send by an AF_XDP socket on queue %u of %s: %s%s", queue,
			  set->forward, strerror(-err), xsk_hint(err, XSK_ANY_COPY))
		   : 0;
}

int xsk_open_ports(struct xsk_set *set, const struct xsk_options *options)
{
	uint32_t n = options->forward_queues < set->n ? options->forward_queues : set->n;
	int err = 0;

	set->forward = options->forward;
	set->ports = calloc(n, sizeof(*set->ports));
	if (!set->ports)
		return fail_oom();
	for (; set->n_ports < n && !err; set->n_ports++)
		err = open_port(set, set->n_ports);
	for (uint32_t i = 0; i < set->n && !err; i++)
		set->queues[i].port = &set->ports[i % n];
	return err;
}

void xsk_close_ports(struct xsk_set *set)
{
	for (uint32_t i = 0; i < set->n_ports; i++)
		if (set->ports[i].socket)
			xsk_socket__delete(set->ports[i].socket);
	free(set->ports);
}

/* A chunk goes back to the queue that it belongs to. */
void xsk_reap(struct xsk *xsk)
{
	struct xsk_ring_cons *completed = xsk->port ? xsk->port->completed : NULL;
	uint32_t at = 0, n;

	while (completed && (n = xsk_ring_cons__peek(completed, XSK_BATCH, &at))) {
		for (uint32_t i = 0; i < n; i++) {
			struct xdp_desc sent = { .addr = *xsk_ring_cons__comp_addr(completed,
										   at + i) };

			xsk_give_back(&xsk->set->queues[sent.addr / XSK_AREA], &sent, 1);
		}
		xsk_ring_cons__release(completed, n);
	}
}

/*
 * Have the kernel look at the ring of what is to be sent. Where it copies it takes 32 frames a call
 * (TX_BATCH_SIZE, net/xdp/xsk.c), or fewer when it is short of buffers: what stays is for the next
 * time.
 */
void xsk_send_waiting(struct xsk *xsk)
{
	struct xsk_port *port = xsk->port;

	for (int i = 0; port && i < XSK_RING / 32; i++) {
		if (xsk_prod_nb_free(&port->tx, XSK_RING) == XSK_RING ||
		    !xsk_ring_prod__needs_wakeup(&port->tx))
			return;
		sendto(xsk_socket__fd(port->socket), NULL, 0, MSG_DONTWAIT, NULL, 0);
	}
}

void xsk_forward(struct xsk *xsk, const struct xdp_desc *frames, uint32_t n)
{
	struct xsk_ring_prod *tx = &xsk->port->tx;
	uint32_t at = 0, room = xsk_prod_nb_free(tx, n), sent = n < room ? n : room;

	xsk_ring_prod__reserve(tx, sent, &at);
	for (uint32_t i = 0; i < sent; i++)
		*xsk_ring_prod__tx_desc(tx, at + i) = frames[i];
	xsk_ring_prod__submit(tx, sent);
	xsk_give_back(xsk, frames + sent, n - sent);
	xsk->counts.forwarded += sent;
	xsk->counts.refused += n - sent;
	xsk_send_waiting(xsk);
}
