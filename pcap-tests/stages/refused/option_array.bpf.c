// SPDX-License-Identifier: GPL-2.0-only
// refused: its option 'a' is an array
#include "stage.bpf.h"

const volatile struct {
	__u8 a[4];
} conf;

STAGE(stage, "an option of a kind that there is not")
{
	return conf.a[1] ? PASS : NEXT;
}
