// SPDX-License-Identifier: GPL-2.0-only
/*
 * The grace period: when it is over, no packet runs a program that it entered before. XDP runs
 * under RCU, so what is wanted is the kernel's synchronize_rcu(), which two system calls offer.
 */
#include <bpf/bpf.h>
#include <linux/membarrier.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "chain.h"

/*
 * The update of a map of maps waits for programs that may see the old one
 * (maybe_wait_bpf_programs(), kernel/bpf/syscall.c).
 */
static int wait_by_map(void)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts);
	_close_ int inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "weir_grace", 4, 4, 1, NULL),
		    outer = -1;
	uint32_t key = 0;
	int err;

	if (inner < 0)
		return fail(inner, "cannot wait for packets under way: %s", strerror(-inner));
	opts.inner_map_fd = inner;
	outer = bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "weir_grace", 4, 4, 1, &opts);
	err = outer < 0 ? outer : bpf_map_update_elem(outer, &key, &inner, BPF_ANY);
	own_close(&outer);
	return err ? fail(err, "cannot wait for packets under way: %s", strerror(-err)) : 0;
}

int chain_grace(void)
{
	/* Refused where nohz_full is on. */
	if (!syscall(__NR_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
		return 0;
	return wait_by_map();
}
