// SPDX-License-Identifier: GPL-2.0-only
/* The least that a stage can be. */
#include "stage.bpf.h"

STAGE(bare, "pass every packet on")
{
	return NEXT;
}
