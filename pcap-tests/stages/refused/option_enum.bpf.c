// SPDX-License-Identifier: GPL-2.0-only
// refused: its option 'e' is an enum
#include "stage.bpf.h"

const volatile struct {
	enum xdp_action e;
} conf;

STAGE(stage, "an option of a kind that there is not")
{
	return conf.e ? PASS : NEXT;
}
