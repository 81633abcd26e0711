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
#include "filter_engine.h"

enum { PACKET_MAX = 1 << 18, TAG_AT = 2 * ETH_ALEN, TAG_LEN = 4 };

bool attach_as_find(const char *name, enum attach_as *as)
{
	static const char *const names[] = {
		[ATTACH_BPF] = "bpf", [ATTACH_CLASSIC] = "classic", [ATTACH_FANOUT] = "fanout"
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
		if (!strcmp(name, names[i])) {
			*as = i;
			return true;
		}
	}
	fail(-EINVAL, "no way '%s' to attach; there are bpf, classic and fanout", name);
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

static int attach_bpf(int fd, const struct cbpf *prog)
{
	_close_ int prog_fd = engine_load_socket(prog);

	if (prog_fd < 0)
		return prog_fd;
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, &prog_fd, sizeof(prog_fd)))
		return fail(-errno, "cannot attach the program to a socket: %s", strerror(errno));
	return 0;
}

static int attach_classic(int fd, const struct cbpf *prog)
{
	const struct sock_fprog fprog = { prog->n, prog->insns };

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &fprog, sizeof(fprog)))
		return fail(-errno, "the kernel refuses the classic program: %s", strerror(errno));
	return 0;
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

/* A socket that receives nothing before it has its filter. */
static int open_filtered(const struct attach *attach, const struct cbpf *prog)
{
	_close_ int fd = open_socket();
	int err;

	if (fd < 0)
		return fd;
	err = attach->as == ATTACH_BPF ? attach_bpf(fd, prog) : attach_classic(fd, prog);
	if (!err)
		err = bind_to(fd, attach->interface);
	return err ? err : take_fd(&fd);
}

/* Fanout */

static bool is_load(uint16_t code)
{
	uint8_t mode = BPF_MODE(code);

	return (BPF_CLASS(code) == BPF_LD || BPF_CLASS(code) == BPF_LDX) &&
	       (mode == BPF_ABS || mode == BPF_IND || mode == BPF_MSH);
}

/*
 * For packet_rcv_fanout(), where a received packet begins with its network header and one that is
 * sent with its Ethernet header: loads count from the latter in so many words. What comes out is
 * the number of a socket.
 */
static int make_selector(struct sock_filter *insn)
{
	const uint32_t mac = SKF_LL_OFF, most = SKF_NET_OFF - SKF_LL_OFF;

	if (insn->code == (BPF_RET | BPF_A) ||
	    (BPF_CLASS(insn->code) <= BPF_LDX && BPF_MODE(insn->code) == BPF_LEN))
		return fail(
			-EINVAL,
			"the program asks for the packet's length, or returns a number that it computes: "
			"as a fanout's selector it is not told the one, and the other names no socket; "
			"use --as bpf");
	if (BPF_CLASS(insn->code) == BPF_RET)
		insn->k = !!insn->k;
	else if (is_load(insn->code) && insn->k < most)
		insn->k += mac;
	return 0;
}

static int set_selector(int fd, const struct cbpf *prog)
{
	_free_ struct sock_filter *insns = calloc(prog->n, sizeof(*insns));
	const struct sock_fprog selector = { prog->n, insns };
	int err = insns ? 0 : fail_oom();

	for (size_t i = 0; i < prog->n && !err; i++) {
		insns[i] = prog->insns[i];
		err = make_selector(&insns[i]);
	}
	if (err)
		return err;
	if (setsockopt(fd, SOL_PACKET, PACKET_FANOUT_DATA, &selector, sizeof(selector)))
		return fail(-errno, "the kernel refuses the classic program as a fanout's: %s",
			    strerror(errno));
	return 0;
}

/* A member of the group, which receives nothing yet. */
static int open_member(const struct attach *attach)
{
	struct sock_filter nothing = { BPF_RET | BPF_K, 0, 0, 0 };
	const struct cbpf prog = { .insns = &nothing, .n = 1 };
	int group = (getpid() & 0xffff) | PACKET_FANOUT_CBPF << 16;
	_close_ int fd = open_socket();
	int err;

	if (fd < 0)
		return fd;
	err = attach_classic(fd, &prog);
	if (!err)
		err = bind_to(fd, attach->interface);
	if (err)
		return err;
	if (setsockopt(fd, SOL_PACKET, PACKET_FANOUT, &group, sizeof(group)))
		return fail(-errno, "cannot make a fanout group: %s", strerror(errno));
	return take_fd(&fd);
}

/* The one that receives what matches; *others, the caller's too, stays closed to all packets. */
static int open_fanout(const struct attach *attach, const struct cbpf *prog, int *others)
{
	_close_ int fd = -1;
	int none = 0, err;

	*others = open_member(attach);
	fd = *others < 0 ? *others : open_member(attach);
	if (fd < 0)
		return fd;
	err = set_selector(fd, prog);
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
	_close_ int fd = attach->as == ATTACH_FANOUT ? open_fanout(attach, prog, &others)
						     : open_filtered(attach, prog);

	if (fd < 0)
		return fd;
	end_by_signals();
	note("listening on %s", attach->interface);
	for (unsigned long n = 0; !stopped && (!attach->count || n < attach->count);) {
		int got = print_packet(fd);

		if (got < 0)
			return got;
		n += got;
	}
	return 0;
}
