/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packets through a loaded XDP program, attached to nothing: BPF_PROG_TEST_RUN
 * (bpf_prog_test_run_xdp(), net/bpf/test_run.c).
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
	uint32_t verdict;   /* enum xdp_action */
	uint32_t after_len; /* bytes */
};

/* Can the hook carry a packet of this length? */
bool testrun_carries(uint32_t len);

/*
 * Run a program once. Reported: -EMSGSIZE for a packet that the hook cannot carry, else what the
 * kernel says
 * (-ENOTSUPP, -EPERM …).
 */
int testrun_xdp(int prog_fd, struct testrun *run);
