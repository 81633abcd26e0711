// SPDX-License-Identifier: GPL-2.0-only
// refused: its option 'w' is an integer of more than 8 bytes
#include "stage.bpf.h"

const volatile struct {
	__int128 w;
} conf;

STAGE(stage, "an option of a kind that there is not")
{
	return (__u64)conf.w ? PASS : NEXT;
}
