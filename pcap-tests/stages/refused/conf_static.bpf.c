// SPDX-License-Identifier: GPL-2.0-only
// refused: 'conf' must be a global `const volatile struct { … } conf = { … };`
#include "stage.bpf.h"

static const volatile struct {
	__u8 limit;
} conf = { .limit = 2 };

STAGE(stage, "its option has no address for others")
{
	return conf.limit ? PASS : NEXT;
}
