/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What of an expression is put on a socket: a classic program, whose translation by the kernel
 * reads packets in place, where there is one that is exact; else the compiler's own.
 */
#pragma once
#include "../filter/cbpf_socket.h"

enum socket_form {
	SOCKET_BEST,
	SOCKET_BPF,	/* the compiler's own */
	SOCKET_CLASSIC, /* a classic program, or an error that says why there is none */
};

struct socket_filter {
	struct cbpf classic; /* empty: it is the compiler's */
	int prog_fd;	     /* that one; or -1 */
	const char *why;     /* half a sentence: why it is none that is classic; NULL: no reason */
};

/*
 * Make it of a program. Reported. The caller owns *out in any case: socket_filter_free().
 */
int socket_filter_make(const struct cbpf *prog, enum cbpf_seat seat, enum socket_form form,
		       struct socket_filter *out);
void socket_filter_free(struct socket_filter *filter);

/* From now on the second socket receives what the filter lets through. Reported. */
int socket_filter_attach(const int sockets[2], const struct socket_filter *filter);
