// SPDX-License-Identifier: GPL-2.0-only
#include "filter_socket.h"

#include <errno.h>
#include <linux/filter.h>
#include <sys/socket.h>

#include "../fail.h"
#include "../testrun.h"
#include "filter_engine.h"

static int make_own(const struct cbpf *prog, enum cbpf_seat seat, struct socket_filter *out)
{
	out->prog_fd = engine_load_socket(prog, seat);
	return out->prog_fd < 0 ? out->prog_fd : 0;
}

/* Whether a socket has room for what the kernel makes of it, whose size only the kernel knows. */
static int find_room(const struct cbpf *classic, bool *out)
{
	const struct sock_fprog prog = { classic->n, classic->insns };
	int sockets[2];
	int err = testrun_socket_open(sockets);

	if (err)
		return err;
	*out = !setsockopt(sockets[1], SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) ||
	       errno != ENOMEM;
	own_close(&sockets[0]);
	own_close(&sockets[1]);
	return 0;
}

/* The classic program that there is; -EOPNOTSUPP: none, and why. */
static int make_classic(const struct cbpf *prog, enum cbpf_seat seat, enum socket_form form,
			struct socket_filter *out)
{
	bool has_room = true;
	int err = cbpf_for_socket(prog, seat, &out->classic, &out->why);

	if (!err && seat == CBPF_FILTER && form == SOCKET_BEST)
		err = find_room(&out->classic, &has_room);
	if (err || has_room)
		return err;
	cbpf_free(&out->classic);
	out->why = "is larger than the memory that a socket has for options";
	return -EOPNOTSUPP;
}

int socket_filter_make(const struct cbpf *prog, enum cbpf_seat seat, enum socket_form form,
		       struct socket_filter *out)
{
	int err;

	*out = (struct socket_filter){ .prog_fd = -1 };
	if (form == SOCKET_BPF)
		return make_own(prog, seat, out);
	err = make_classic(prog, seat, form, out);
	if (err != -EOPNOTSUPP)
		return err;
	if (form == SOCKET_CLASSIC)
		return fail(err, "the classic program %s; as bpf it is exact", out->why);
	return make_own(prog, seat, out);
}

void socket_filter_free(struct socket_filter *filter)
{
	cbpf_free(&filter->classic);
	own_close(&filter->prog_fd);
}

int socket_filter_attach(const int sockets[2], const struct socket_filter *filter)
{
	const struct sock_fprog classic = { filter->classic.n, filter->classic.insns };

	return classic.len ? testrun_socket_attach_classic(sockets, &classic)
			   : testrun_socket_attach(sockets, filter->prog_fd);
}
