// SPDX-License-Identifier: GPL-2.0-only
// refused: its section 'socket' is neither "xdp" nor "tc"
#include "stage.bpf.h"

#undef STAGE_SECTION
#define STAGE_SECTION "socket"

STAGE(stage, "a stage for a socket")
{
	return NEXT;
}
