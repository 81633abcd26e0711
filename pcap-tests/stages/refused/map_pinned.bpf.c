// SPDX-License-Identifier: GPL-2.0-only
// refused: its map 'mine' asks to be pinned
#include "stage.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 1);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} mine SEC(".maps");

STAGE(stage, "a map that would outlive its rule")
{
	return bpf_map_lookup_elem(&mine, &(__u32){ 0 }) ? PASS : NEXT;
}
