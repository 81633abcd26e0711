/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What can tell whether a packet matches an expression: libpcap, and each place in the kernel where
 * the compiled expression can run.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "filter_socket.h"

struct testrun_tc;

/* One expression in an engine, ready for packets. */
struct engine_run {
	const struct cbpf *cbpf; /* not owned */
	bool frags;		 /* packets are so long that they may come in fragments */
	int prog_fd, counters_fd;
	struct testrun_tc *tc;
	int sockets[2];
	struct socket_filter filter;
};

struct engine {
	const char *name;
	bool classic;	      /* it takes classic programs, without look-ups (struct cbpf) */
	const char *carrier;  /* "XDP", as in "XDP carries 14 to 65535 bytes" */
	uint32_t least, most; /* bytes of a packet that it carries */
	/* Load the program. Reported. */
	int (*start)(struct engine_run *run);
	/* 1: the packet, which is as long as it may be, matches; 0: it does not. Reported. */
	int (*match)(struct engine_run *run, const uint8_t *packet, uint32_t len);
};

extern const struct engine engine_libpcap, engine_xdp;

/* The engine of that name; NULL is reported. */
const struct engine *engine_find(const char *name);

bool engine_carries(const struct engine *engine, uint32_t len);

/* Reported. engine_stop() in any case. */
int engine_start(const struct engine *engine, const struct cbpf *cbpf, bool frags,
		 struct engine_run *run);
void engine_stop(struct engine_run *run);

/* The compiler's own program for a socket: the fd, which the caller closes. Reported. */
int engine_load_socket(const struct cbpf *cbpf, enum cbpf_seat seat);
