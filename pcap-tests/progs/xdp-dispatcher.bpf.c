// SPDX-License-Identifier: GPL-2.0-only
/*
 * A dispatcher for libxdp, as those since mid-2025 are: what stands in a component's place says
 * that it may change the packet. The form is that of xdp-tools, lib/libxdp/protocol.org. libxdp
 * takes it from the folder $LIBXDP_OBJECT_PATH, by the name xdp-dispatcher.o.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <xdp/prog_dispatcher.h>

static const volatile struct xdp_dispatcher_config conf = {};

/* volatile: the compiler must not know what the replacement returns. */
#define PLACE(n)                                          \
	__noinline int prog##n(struct xdp_md *ctx)        \
	{                                                 \
		volatile int ret = XDP_DISPATCHER_RETVAL; \
                                                          \
		if (!ctx)                                 \
			return XDP_ABORTED;               \
		bpf_xdp_adjust_tail(ctx, 0);              \
		return ret;                               \
	}

PLACE(0)
PLACE(1)
PLACE(2)
PLACE(3)
PLACE(4)
PLACE(5)
PLACE(6)
PLACE(7)
PLACE(8)
PLACE(9)

#define CALL(n)                                                \
	do {                                                   \
		if (conf.num_progs_enabled <= n)               \
			return XDP_PASS;                       \
		ret = prog##n(ctx);                            \
		if (!(1U << ret & conf.chain_call_actions[n])) \
			return ret;                            \
	} while (0)

SEC("xdp")
int xdp_dispatcher(struct xdp_md *ctx)
{
	int ret;

	CALL(0);
	CALL(1);
	CALL(2);
	CALL(3);
	CALL(4);
	CALL(5);
	CALL(6);
	CALL(7);
	CALL(8);
	CALL(9);
	return XDP_PASS;
}

SEC("xdp")
int xdp_pass(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
__uint(dispatcher_version, XDP_DISPATCHER_VERSION) SEC(XDP_METADATA_SECTION);
