/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the programs in the kernel and the loader agree on. Included by both; nothing here may
 * differ between the two.
 */
#pragma once

#include <linux/types.h>

/* Slots of a chain's prog array. The root tail-calls slot 0: what stands there is the policy. */
#define WEIR_SLOTS 4096

/*
 * One element of a chain's per-CPU counters. `bytes` counts whole packets, all fragments, from the
 * destination MAC address on, without the FCS.
 */
struct weir_counter {
	__u64 packets;
	__u64 bytes;
};

_Static_assert(sizeof(struct weir_counter) == 16, "layout is part of the ABI");

/*
 * Elements that a chain's counters map has at least. The loader makes it three generations large
 * and tells each object; the objects' own definitions name this.
 */
#define WEIR_COUNTERS_MIN 4096

/* Indices that are not a rule's. */
enum weir_counter_index {
	WEIR_COUNTER_MISS = 0,	/* a tail call failed: the packet met `miss` */
	WEIR_COUNTER_END = 1,	/* no final rule: the packet passed at the end of the policy */
	WEIR_COUNTER_RULES = 2, /* the first index that a rule may have */
};

/*
 * Counters of a rule, from its index on. Every rule has MATCHED. A redirect has LOST too: packets
 * whose target was gone. A `use` has the rest: what its stage decided, and each of its reasons
 * (reason 1 at WEIR_STAGE_REASONS).
 */
enum weir_rule_counter {
	WEIR_RULE_MATCHED = 0,
	WEIR_REDIRECT_LOST = 1,
	WEIR_STAGE_PASS = 1,
	WEIR_STAGE_DROP = 2,
	WEIR_STAGE_REFLECT = 3,
	WEIR_STAGE_REDIRECT = 4,
	WEIR_STAGE_REASONS = 5,
};

/* Of the header that a stage was compiled against; another one is refused. Changes with
 * weir_wiring. */
#define WEIR_STAGE_ABI 1

/*
 * How an instance of a C stage is wired into its chain: the object's constant `weir_wiring`, which
 * the loader writes before the load.
 */
struct weir_wiring {
	__u32 abi;	    /* WEIR_STAGE_ABI */
	__u32 next_slot;    /* tail-called on NEXT */
	__u32 counter;	    /* the instance's first counter (enum weir_rule_counter) */
	__u32 n_reasons;    /* of the stage */
	__u32 miss_counter; /* counted when the tail call fails */
	__u32 miss_verdict; /* then returned: XDP_* or TC_ACT_* */
};

/* Redirect targets a chain may have. */
#define WEIR_TARGETS 256
