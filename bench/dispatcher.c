// SPDX-License-Identifier: GPL-2.0-only
#include "dispatcher.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <xdp/libxdp.h>

#include "embedded.h"

enum { LO = 1, SLOTS = 10 /* of libxdp's */ };

/* What libxdp says goes into the caller's sentence. */
static int be_quiet(enum libxdp_print_level level, const char *fmt, va_list args)
{
	(void)level;
	(void)fmt;
	(void)args;
	return 0;
}

/* The program is the caller's, and its object, which stays open as long: libxdp does not own it. */
static int open_program(struct bpf_object **object, struct xdp_program **out)
{
	long err;

	*object = embedded_open("hand_pass");
	if (!*object)
		return -errno;
	*out = xdp_program__from_bpf_obj(*object, "xdp");
	err = libxdp_get_error(*out);
	if (err)
		*out = NULL;
	return err ?: xdp_program__set_chain_call_enabled(*out, XDP_PASS, true);
}

static int main_program(void)
{
	struct xdp_multiprog *all = xdp_multiprog__get_from_ifindex(LO);
	int fd = -1, err = libxdp_get_error(all);

	if (err)
		return err;
	if (!xdp_multiprog__is_legacy(all))
		fd = dup(xdp_program__fd(xdp_multiprog__main_prog(all)));
	xdp_multiprog__close(all);
	return fd < 0 ? -EOPNOTSUPP : fd;
}

static int attach(size_t n)
{
	struct xdp_program *programs[SLOTS] = { 0 };
	struct bpf_object *objects[SLOTS] = { 0 };
	int err = n <= SLOTS ? 0 : -E2BIG;

	for (size_t i = 0; i < n && !err; i++)
		err = open_program(&objects[i], &programs[i]);
	if (!err)
		err = xdp_program__attach_multi(programs, n, LO, XDP_MODE_SKB, 0);
	if (!err)
		err = main_program();
	for (size_t i = 0; i < SLOTS; i++) {
		xdp_program__close(programs[i]);
		bpf_object__close(objects[i]);
	}
	return err;
}

int dispatcher_open(size_t n, char *why, size_t why_size)
{
	int fd;

	libxdp_set_print(be_quiet);
	if (unshare(CLONE_NEWNET))
		fd = -errno;
	else
		fd = attach(n);
	if (fd < 0)
		snprintf(why, why_size, "libxdp's dispatcher does not load here: %s",
			 strerror(-fd));
	return fd;
}
