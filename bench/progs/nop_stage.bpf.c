// SPDX-License-Identifier: GPL-2.0-only
/* The least stage: what a step of the chain costs is all that it costs. */
#include "stage.bpf.h"

STAGE(nop, "go on with the next rule")
{
	return NEXT;
}
