// SPDX-License-Identifier: GPL-2.0-only
#include "filter_socket.h"

#include "../fail.h"
#include "../testrun.h"
#include "filter_engine.h"

static int make_own(const struct cbpf *prog, enum cbpf_seat seat, struct socket_filter *out)
{
	out->prog_fd = engine_load_socket(prog, seat);
	return out->prog_fd < 0 ? out->prog_fd : 0;
}

int socket_filter_make(const struct cbpf *prog, enum cbpf_seat seat, enum socket_form form,
		       struct socket_filter *out)
{
	int err;

	*out = (struct socket_filter){ .prog_fd = -1 };
	if (form == SOCKET_BPF)
		return make_own(prog, seat, out);
	err = cbpf_for_socket(prog, seat, &out->classic, &out->why);
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
