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

/* Bytes of a VLAN tag. It counts where it stands in the skb, too. */
#define WEIR_TAG_LEN 4

_Static_assert(sizeof(struct weir_counter) == 16, "layout is part of the ABI");

/*
 * Elements that a map of counters has at least. The loader makes it three generations large
 * and tells each object; the objects' own definitions name this.
 */
#define WEIR_COUNTERS_MIN 4096

/* Indices that are not a rule's. */
enum weir_counter_index {
	WEIR_COUNTER_MISS = 0,	/* a tail call failed: the packet met `miss` */
	WEIR_COUNTER_END = 1,	/* no final rule: the packet passed at the end of the policy */
	WEIR_COUNTER_TURN = 2,	/* no counter: whose turn a packet is (enum weir_root_place) */
	WEIR_COUNTER_RULES = 3, /* the first index that a rule may have */
};

/*
 * Counters of a rule, from its index on. Every rule has MATCHED. A redirect and a socket have LOST
 * too: packets whose target was gone, or whose queue nobody had bound. A `use` has the rest: what
 * its stage decided, and each of its reasons (reason 1 at WEIR_STAGE_REASONS).
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
#define WEIR_STAGE_ABI 2

/*
 * What a stage tail-calls on NEXT, before the load: the loader writes the slot over this immediate
 * (`r3 = …` ahead of the call). A constant in weir_wiring would do, for two instructions more.
 */
#define WEIR_STAGE_NEXT 0x6e657874

/*
 * How an instance of a C stage is wired into its chain: the object's constant `weir_wiring`, which
 * the loader writes before the load.
 */
struct weir_wiring {
	__u32 abi;	    /* WEIR_STAGE_ABI */
	__u32 counter;	    /* the instance's first counter (enum weir_rule_counter) */
	__u32 n_reasons;    /* of the stage */
	__u32 miss_counter; /* counted when the tail call fails */
	__u32 miss_verdict; /* then returned: XDP_* or TC_ACT_* */
};

/*
 * A chain on tc may have two roots for a moment, one behind the other, while it moves from a filter
 * of clsact to a tcx link. Packets meet tcx first: that root takes them, and says so on this CPU at
 * WEIR_COUNTER_TURN; the other one then lets the packet be. A hook's packets are one behind the
 * other on a CPU.
 */
enum weir_root_place {
	WEIR_ROOT_ALONE,
	WEIR_ROOT_YIELDS, /* unless nobody has taken the packet */
	WEIR_ROOT_TAKES,
};

/* The longest frame that replay makes on tc: what a linear skb holds (SKB_MAX_ALLOC). */
#define WEIR_REPLAY_MAX 15360

/* What replay's shim on tc makes of a packet (tc-progs/replay.bpf.c). */
struct weir_replay {
	__u32 len;	  /* of the packet */
	__u32 rewrite;	  /* its bytes are these, not those that the kernel was given */
	__u16 vlan_proto; /* of the tag that goes into the skb, as in a packet; 0: none */
	__u16 vlan_tci;	  /* in host order */
	__u8 data[WEIR_REPLAY_MAX];
};

/* What the shim returns when the program was not reached. */
#define WEIR_REPLAY_NOT_RUN 0x7fff

/* Redirect targets a chain may have. */
#define WEIR_TARGETS 256

/* Names of AF_XDP sockets a chain may have, and queues an interface may have for them. */
#define WEIR_SOCKETS	   16
#define WEIR_SOCKET_QUEUES 256

/* Rules of a chain that redirect copies to several targets: different lists of these. */
#define WEIR_GROUPS 16

/*
 * Frames for another CPU, by that CPU: put into its queue; taken out of it there; and those that it
 * has no queue for, which passed where they were. In a per-CPU map: `sent` is counted where a frame
 * came in, `arrived` where it went.
 */
struct weir_cpu_counter {
	__u64 sent; /* first: `refused` is counted by the same instructions */
	__u64 arrived;
	__u64 refused;
};

_Static_assert(sizeof(struct weir_cpu_counter) == 24, "layout is part of the ABI");
