// SPDX-License-Identifier: GPL-2.0-only
// refused: 'conf' must be a global `const volatile struct { … } conf = { … };`
#include "stage.bpf.h"

const struct {
	__u8 limit;
} conf = { .limit = 2 };

STAGE(stage, "its option would be folded into the program")
{
	return pkt->data_end - pkt->data > conf.limit ? PASS : NEXT;
}
