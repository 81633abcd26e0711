// SPDX-License-Identifier: GPL-2.0-only
// refused: its option 'b' is a bit field
#include "stage.bpf.h"

const volatile struct {
	__u32 b : 3;
} conf;

STAGE(stage, "an option of a kind that there is not")
{
	return conf.b ? PASS : NEXT;
}
