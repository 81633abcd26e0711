// SPDX-License-Identifier: GPL-2.0-only
// refused: 'conf' must be a global `const volatile struct { … } conf = { … };`
#include "stage.bpf.h"

const volatile __u8 conf = 2;

STAGE(stage, "its option has no name")
{
	return conf ? PASS : NEXT;
}
