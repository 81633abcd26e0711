// SPDX-License-Identifier: GPL-2.0-only
// refused: holds two stages, 'first' and 'second'
#include "stage.bpf.h"

STAGE(first, "one")
{
	return NEXT;
}

STAGE(second, "one too many")
{
	return NEXT;
}
