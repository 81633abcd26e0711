// SPDX-License-Identifier: GPL-2.0-only
// refused: its option 'n' is a struct or union
#include "stage.bpf.h"

const volatile struct {
	struct {
		__u8 inner;
	} n;
} conf;

STAGE(stage, "an option of a kind that there is not")
{
	return conf.n.inner ? PASS : NEXT;
}
