// SPDX-License-Identifier: GPL-2.0-only
// refused: its option 'p' is a pointer
#include "stage.bpf.h"

const volatile struct {
	void *p;
} conf;

STAGE(stage, "an option of a kind that there is not")
{
	return conf.p ? PASS : NEXT;
}
