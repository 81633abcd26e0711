// SPDX-License-Identifier: GPL-2.0-only
#include "filter_attach.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../fail.h"
#include "../testrun.h"
#include "filter_socket.h"

enum { PACKET_MAX = 1 << 18, TAG_AT = 2 * ETH_ALEN, TAG_LEN = 4 };

bool attach_as_find(const char *name, enum attach_as *as)
{
	static const char *const names[] = {
		[ATTACH_BPF] = "bpf",
		[ATTACH_CLASSIC] = "classic",
		[ATTACH_FANOUT] = "fanout",
		[ATTACH_FANOUT_BPF] = "fanout-bpf",
	};

	for (unsigned int i = ATTACH_BPF; i < ARRAY_SIZE(names); i++) {
		if (!strcmp(name, names[i])) {
			*as = i;
			return true;
		}
	}
	fail(-EINVAL, "no way '%s' to attach; there are classic, bpf, fanout and fanout-bpf", name);
	return false;
}

static volatile sig_atomic_t stopped;

static void stop(int signal_number)
{
	(void)signal_number;
	stopped = 1;
}

/* recv() is to end by it: no SA_RESTART. */
static void end_by_signals(void)
{
	struct sigaction action = { .sa_handler = stop };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static int bind_to(int fd, const char *interface)
{
	struct sockaddr_ll address = { .sll_family = AF_PACKET,
				       .sll_protocol = htons(ETH_P_ALL),
				       .sll_ifindex = if_nametoindex(interface) };

	if (!address.sll_ifindex)
		return fail(-errno, "no interface '%s'", interface);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)))
		return fail(-errno, "cannot receive from '%s': %s", interface, strerror(errno));
	return 0;
}

static int open_socket(void)
{
	_close_ int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	int on = 1;

	if (fd < 0)
		return fail(-errno, "cannot make a packet socket: %s%s", strerror(errno),
			    errno == EPERM ? "; run as root, or with CAP_NET_RAW" : "");
	if (setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on)))
		return fail(-errno, "the kernel does not tell VLAN tags: %s", strerror(errno));
	return take_fd(&fd);
}

/* What is attached is said, and why, if it was not asked for. */
static int make_filter(const struct attach *attach, const struct cbpf *prog, enum cbpf_seat seat,
		       struct socket_filter *out)
{
	static const enum socket_form forms[] = {
		[ATTACH_BEST] = SOCKET_BEST,	   [ATTACH_BPF] = SOCKET_BPF,
		[ATTACH_CLASSIC] = SOCKET_CLASSIC, [ATTACH_FANOUT] = SOCKET_BEST,
		[ATTACH_FANOUT_BPF] = SOCKET_BPF,
	};
	int err = socket_filter_make(prog, seat, forms[attach->as], out);

	if (!err && out->why)
		note("attached as bpf: the classic program %s", out->why);
	return err;
}

static const char *form_of(const struct socket_filter *filter)
{
	return filter->classic.n ? "classic" : "bpf";
}

/* A socket that receives nothing before it has its filter. */
static int open_filtered(const struct attach *attach, const struct cbpf *prog, const char **what)
{
	_cleanup_(socket_filter_free) struct socket_filter filter = { .prog_fd = -1 };
	_close_ int fd = open_socket();
	int err = fd < 0 ? fd : make_filter(attach, prog, CBPF_FILTER, &filter);

	if (!err)
		err = socket_filter_attach((int[2]){ -1, fd }, &filter);
	if (err)
		return err;
	*what = form_of(&filter);
	err = bind_to(fd, attach->interface);
	return err ? err : take_fd(&fd);
}

/* Fanout */

/* It chooses the second of the group's sockets, which has number 1, for what matches. */
static int set_selector(int fd, const struct socket_filter *filter)
{
	const struct sock_fprog classic = { filter->classic.n, filter->classic.insns };
	int err = classic.len ? setsockopt(fd, SOL_PACKET, PACKET_FANOUT_DATA, &classic,
					   sizeof(classic))
			      : setsockopt(fd, SOL_PACKET, PACKET_FANOUT_DATA, &filter->prog_fd,
					   sizeof(filter->prog_fd));

	if (err)
		return fail(-errno, "the kernel refuses the program as a fanout's: %s",
			    strerror(errno));
	return 0;
}

/* A member of the group, which receives nothing yet. */
static int open_member(const struct attach *attach, int kind)
{
	struct sock_filter ret = { BPF_RET | BPF_K, 0, 0, 0 };
	const struct sock_fprog nothing = { 1, &ret };
	int group = (getpid() & 0xffff) | kind << 16;
	_close_ int fd = open_socket();
	int err;

	if (fd < 0)
		return fd;
	err = testrun_socket_attach_classic((int[2]){ -1, fd }, &nothing);
	if (!err)
		err = bind_to(fd, attach->interface);
	if (err)
		return err;
	if (setsockopt(fd, SOL_PACKET, PACKET_FANOUT, &group, sizeof(group)))
		return fail(-errno, "cannot make a fanout group: %s", strerror(errno));
	return take_fd(&fd);
}

/* The one that receives what matches; *others, the caller's too, stays closed to all packets. */
static int open_fanout(const struct attach *attach, const struct cbpf *prog, int *others,
		       const char **what)
{
	_cleanup_(socket_filter_free) struct socket_filter filter = { .prog_fd = -1 };
	_close_ int fd = -1;
	int err = make_filter(attach, prog, CBPF_FANOUT, &filter), none = 0;
	int kind = filter.classic.n ? PACKET_FANOUT_CBPF : PACKET_FANOUT_EBPF;

	if (err)
		return err;
	*what = filter.classic.n ? "fanout, classic" : "fanout, bpf";
	*others = open_member(attach, kind);
	fd = *others < 0 ? *others : open_member(attach, kind);
	if (fd < 0)
		return fd;
	err = set_selector(fd, &filter);
	if (err)
		return err;
	if (setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof(none)))
		return fail(-errno, "cannot open a socket to its packets: %s", strerror(errno));
	return take_fd(&fd);
}

/* The tag that the kernel took out of a packet, as it was there; false: none. */
static bool tag_of(struct msghdr *message, uint8_t tag[TAG_LEN])
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		struct tpacket_auxdata aux;
		uint16_t proto, tci;

		if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA)
			continue;
		memcpy(&aux, CMSG_DATA(c), sizeof(aux));
		proto = htons(aux.tp_status & TP_STATUS_VLAN_TPID_VALID ? aux.tp_vlan_tpid
									: ETH_P_8021Q);
		tci = htons(aux.tp_vlan_tci);
		memcpy(tag, &proto, sizeof(proto));
		memcpy(tag + sizeof(proto), &tci, sizeof(tci));
		return aux.tp_status & TP_STATUS_VLAN_VALID;
	}
	return false;
}

static void print_bytes(const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		printf("%02x", bytes[i]);
}

/* 1: a packet came and was printed. */
static int print_packet(int fd)
{
	static uint8_t packet[PACKET_MAX];
	union {
		struct cmsghdr align;
		uint8_t bytes[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	} control;
	struct iovec iov = { packet, sizeof(packet) };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(fd, &message, 0);
	uint8_t tag[TAG_LEN];

	if (n < 0)
		return errno == EINTR ? 0
				      : fail(-errno, "cannot receive packets: %s", strerror(errno));
	if (n >= TAG_AT && tag_of(&message, tag)) {
		print_bytes(packet, TAG_AT);
		print_bytes(tag, sizeof(tag));
		print_bytes(packet + TAG_AT, n - TAG_AT);
	} else {
		print_bytes(packet, n);
	}
	putchar('\n');
	fflush(stdout);
	return 1;
}

int attach_run(const struct attach *attach, const struct cbpf *prog)
{
	_close_ int others = -1;
	const char *what = NULL;
	_close_ int fd = attach->as >= ATTACH_FANOUT ? open_fanout(attach, prog, &others, &what)
						     : open_filtered(attach, prog, &what);

	if (fd < 0)
		return fd;
	end_by_signals();
	note("listening on %s, as %s", attach->interface, what);
	for (unsigned long n = 0; !stopped && (!attach->count || n < attach->count);) {
		int got = print_packet(fd);

		if (got < 0)
			return got;
		n += got;
	}
	return 0;
}
