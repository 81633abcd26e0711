// SPDX-License-Identifier: GPL-2.0-only
#include "testrun.h"

#include <bpf/bpf.h>
#include <string.h>

#include "fail.h"

bool testrun_carries(uint32_t len)
{
	return len >= TESTRUN_MIN && len <= TESTRUN_MAX;
}

static int refuse(uint32_t len)
{
	if (len < TESTRUN_MIN)
		return fail(
			-EMSGSIZE,
			"a packet of %u bytes is too short for the hook: XDP sees nothing below the %d of "
			"an Ethernet header",
			len, TESTRUN_MIN);
	return fail(-EMSGSIZE,
		    "a packet of %u bytes is too long for the hook: it carries %d at most", len,
		    TESTRUN_MAX);
}

int testrun_xdp(int prog_fd, struct testrun *run)
{
	struct xdp_md ctx = { .data_end = run->linear };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = run->packet, .data_size_in = run->len,
		    .data_out = run->after, .data_size_out = run->after ? run->after_size : 0,
		    .repeat = 1);
	int err;

	if (!testrun_carries(run->len))
		return refuse(run->len);
	if (run->linear && run->linear < run->len) {
		opts.ctx_in = &ctx;
		opts.ctx_size_in = sizeof(ctx);
	}
	/* A signal ends a run before it began. */
	do
		err = bpf_prog_test_run_opts(prog_fd, &opts);
	while (err == -EINTR);
	if (err)
		return fail(err,
			    "the kernel does not run the program over a packet of %u bytes: %s",
			    run->len, strerror(-err));
	run->verdict = opts.retval;
	run->after_len = opts.data_size_out;
	return 0;
}
