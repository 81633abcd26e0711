// SPDX-License-Identifier: GPL-2.0-only
// refused: it has no STAGE(name, "…") { … }
#include "stage.bpf.h"

SEC("xdp")
int plain_xdp(struct xdp_md *ctx __attribute__((unused)))
{
	return XDP_PASS;
}
