// SPDX-License-Identifier: GPL-2.0-only
/* A user's stage that says what it is told to: every verdict there is, and one that is none. */
#include "stage.bpf.h"

REASONS(FIRST, SECOND);

enum say {
	SAY_NEXT,
	SAY_PASS,
	SAY_DROP,
	SAY_FIRST,
	SAY_SECOND,
	SAY_REFLECT,
	SAY_REDIRECT,
	SAY_NONE
};

const volatile struct {
	__u32 say __doc("which verdict, by number");
	__u32 ifindex __doc("where a redirect goes");
} conf = { .ifindex = 1 };

/* Follows its rule from generation to generation. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, 1);
} seen SEC(".maps");

STAGE(verdict, "say what it is told to")
{
	__u64 *n = bpf_map_lookup_elem(&seen, &(__u32){ 0 });

	if (n)
		__sync_fetch_and_add(n, 1);
	switch (conf.say) {
	case SAY_NEXT:
		return NEXT;
	case SAY_PASS:
		return PASS;
	case SAY_DROP:
		return DROP;
	case SAY_FIRST:
		return stage_drop(FIRST);
	case SAY_SECOND:
		return stage_drop(SECOND);
	case SAY_REFLECT:
		return REFLECT;
	case SAY_REDIRECT:
		return stage_redirect(conf.ifindex);
	}
	return (enum stage_verdict)XDP_PASS;
}
