// SPDX-License-Identifier: GPL-2.0-only
// refused: its option 'f' is a floating-point number
#include "stage.bpf.h"

const volatile struct {
	float f;
} conf;

STAGE(stage, "an option of a kind that there is not")
{
	return *(__u32 *)&conf.f ? PASS : NEXT;
}
