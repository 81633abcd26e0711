/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of xsk share: sockets that receive, ports that send, and the memory of both. */
#pragma once
#include <xdp/xsk.h>

#include "xsk.h"

enum {
	XSK_CHUNK = 4096, /* bytes: with XDP's headroom the longest frame in one buffer */
	XSK_AREA = XSK_RING * XSK_CHUNK,
	XSK_BATCH = 64,
};

/* One queue of the interface that frames are sent out of; several that receive may share it. */
struct xsk_port {
	struct xsk_socket *socket;
	struct xsk_ring_prod tx, fill;
	struct xsk_ring_cons own_completed;
	struct xsk_ring_cons *completed; /* frames that have been sent */
};

struct xsk {
	struct xsk_set *set;
	uint32_t queue;
	struct xsk_port *port; /* NULL: frames are not sent on */
	struct xsk_socket *socket;
	struct xsk_ring_prod fill;
	struct xsk_ring_cons rx, completed;
	bool zero_copy, busy_poll;
	struct xsk_counts counts;
};

/* Queue N's chunks are the area from N times XSK_AREA on. */
struct xsk_set {
	const char *interface, *forward;
	struct xsk *queues;
	uint32_t n;
	struct xsk_port *ports;
	uint32_t n_ports;
	void *area;
	struct xsk_umem *umem;
};

/* What a failed bind is about, for the end of a message. */
const char *xsk_hint(int err, enum xsk_copy copy);

/* Buffers go back to be filled. */
void xsk_give_back(struct xsk *xsk, const struct xdp_desc *frames, uint32_t n);

/* xsk_forward.c: open and close what sends. All queues receive by now. */
int xsk_open_ports(struct xsk_set *set, const struct xsk_options *options);
void xsk_close_ports(struct xsk_set *set);

/* Hand frames to the queue's port; those that it has no room for are dropped, and counted. */
void xsk_forward(struct xsk *xsk, const struct xdp_desc *frames, uint32_t n);

/* Have the kernel send what waits at the queue's port; take back what was sent, whosever it is. */
void xsk_send_waiting(struct xsk *xsk);
void xsk_reap(struct xsk *xsk);
