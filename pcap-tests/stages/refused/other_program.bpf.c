// SPDX-License-Identifier: GPL-2.0-only
// refused: it has other programs beside its stage
#include "stage.bpf.h"

STAGE(stage, "a stage")
{
	return NEXT;
}

SEC("xdp")
int another(struct xdp_md *ctx __attribute__((unused)))
{
	return XDP_PASS;
}
