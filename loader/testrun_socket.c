// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <linux/filter.h>
#include <string.h>
#include <sys/socket.h>

#include "fail.h"
#include "testrun.h"

int testrun_socket_open(int sockets[2])
{
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sockets))
		return fail(-errno, "cannot make a pair of sockets: %s", strerror(errno));
	return 0;
}

/* sk_filter_charge() of the kernel: 8 bytes an instruction. Before Linux 6.8 there are 20480. */
static int fail_attach(void)
{
	if (errno != ENOMEM)
		return fail(-errno, "cannot attach the program to a socket: %s", strerror(errno));
	return fail(
		-ENOMEM,
		"cannot attach the program to a socket: it is larger than the memory that a socket has for options: raise `sysctl net.core.optmem_max` (131072 by default since Linux 6.8)");
}

int testrun_socket_attach(const int sockets[2], int prog_fd)
{
	if (setsockopt(sockets[1], SOL_SOCKET, SO_ATTACH_BPF, &prog_fd, sizeof(prog_fd)))
		return fail_attach();
	return 0;
}

int testrun_socket_attach_classic(const int sockets[2], const struct sock_fprog *prog)
{
	if (setsockopt(sockets[1], SOL_SOCKET, SO_ATTACH_FILTER, prog, sizeof(*prog)))
		return errno == EINVAL ? fail(-EINVAL, "the kernel refuses the classic program: %s",
					      strerror(errno))
				       : fail_attach();
	return 0;
}

int testrun_socket(const int sockets[2], const uint8_t *packet, uint32_t len)
{
	uint8_t byte;

	if (len < TESTRUN_SOCKET_MIN || len > TESTRUN_SOCKET_MAX)
		return fail(-EMSGSIZE, "a packet of %u bytes: a socket carries %d to %d here", len,
			    TESTRUN_SOCKET_MIN, TESTRUN_SOCKET_MAX);
	if (send(sockets[0], packet, len, 0) != (ssize_t)len)
		return fail(-errno, "cannot send a packet of %u bytes to a socket: %s", len,
			    strerror(errno));
	/* It is there, or it was dropped, when send() is done. */
	if (recv(sockets[1], &byte, sizeof(byte), MSG_DONTWAIT) >= 0)
		return 1;
	return errno == EAGAIN ? 0
			       : fail(-errno, "cannot receive a packet of %u bytes: %s", len,
				      strerror(errno));
}
