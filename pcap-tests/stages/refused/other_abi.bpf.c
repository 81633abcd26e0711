// SPDX-License-Identifier: GPL-2.0-only
// refused: was compiled against another version of stage.bpf.h (99, this weir wants 2)
#include "abi.h"
#undef WEIR_STAGE_ABI
#define WEIR_STAGE_ABI 99
#include "stage.bpf.h"

STAGE(stage, "of another time")
{
	return NEXT;
}
