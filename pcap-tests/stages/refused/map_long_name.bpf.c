// SPDX-License-Identifier: GPL-2.0-only
// refused: the name of its map 'a_map_with_a_name_of_more_than_31' is longer than 31 bytes
#include "stage.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 1);
} a_map_with_a_name_of_more_than_31 SEC(".maps");

STAGE(stage, "a map whose name cannot be kept")
{
	return bpf_map_lookup_elem(&a_map_with_a_name_of_more_than_31, &(__u32){ 0 }) ? PASS : NEXT;
}
