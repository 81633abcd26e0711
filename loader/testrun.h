/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packets through a loaded program, attached to nothing: BPF_PROG_TEST_RUN
 * (bpf_prog_test_run_xdp(), bpf_prog_test_run_skb(), net/bpf/test_run.c).
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum {
	TESTRUN_MIN = 14,    /* bytes: a packet shorter than its Ethernet header is refused */
	TESTRUN_MAX = 65535, /* bytes */
	/*
	 * A packet longer than this may come in fragments (beyond 3,520 bytes it does where pages
	 * have 4 KB): only a program that was compiled and loaded for them sees all of it.
	 */
	TESTRUN_LINEAR = 3072,
};

struct testrun {
	const uint8_t *packet;
	uint32_t len;
	/*
	 * Bytes in the linear part, the rest in fragments, 14 at least; 0: as the kernel does.
	 * Linux 6.18 on; older ones refuse it (-EINVAL).
	 */
	uint32_t linear;
	uint8_t *after;	     /* where the packet goes as the program left it, or NULL */
	uint32_t after_size; /* bytes there; TESTRUN_MAX does for all that do not grow */

	/* Results. */
	uint32_t verdict;   /* enum xdp_action; on tc TC_ACT_* */
	uint32_t after_len; /* bytes */
};

/* Can XDP carry a packet of this length? */
bool testrun_carries(uint32_t len);

/*
 * Run a program once. Reported: -EMSGSIZE for a packet that the hook cannot carry, else what the
 * kernel says
 * (-ENOTSUPP, -EPERM …).
 */
int testrun_xdp(int prog_fd, struct testrun *run);

/*
 * The same on tc. The kernel's own test makes linear packets of 14 (IPv4 34, IPv6 54) to some 3,700
 * bytes, without a tag in the skb; a shim before the program makes those of 14 to WEIR_REPLAY_MAX
 * bytes, all linear.
 */
struct testrun_tc;

/*
 * To run this program, which is the caller's. With `untag` the outer VLAN tag of a packet is in the
 * skb, as ingress has it; else in the bytes. Errors are reported. The caller closes *out.
 */
int testrun_tc_open(int prog_fd, bool untag, struct testrun_tc **out);
void testrun_tc_close(struct testrun_tc *tc);

bool testrun_tc_carries(uint32_t len);

/* As testrun_xdp(); `linear` means nothing here. */
int testrun_tc(struct testrun_tc *tc, struct testrun *run);

/*
 * Packets through a filter of a socket, as an AF_UNIX pair of datagram sockets has it: a packet of
 * any content arrives at the second if the first one's filter takes it (unix_dgram_sendmsg()).
 */
enum {
	TESTRUN_SOCKET_MIN = 1,	    /* bytes: nothing can be told of an empty packet */
	TESTRUN_SOCKET_MAX = 64016, /* bytes: what every kernel sends as one datagram */
};

/* The caller closes both. Reported. */
int testrun_socket_open(int sockets[2]);

/* SO_ATTACH_BPF, SO_ATTACH_FILTER. Reported. */
int testrun_socket_attach(const int sockets[2], int prog_fd);
struct sock_fprog;
int testrun_socket_attach_classic(const int sockets[2], const struct sock_fprog *prog);

/* 1: the filter takes the packet, 0: it does not. Errors are reported. */
int testrun_socket(const int sockets[2], const uint8_t *packet, uint32_t len);
