/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The expression compiler: a run of rules, each an expression and what to do when it matches,
 * becomes one program.
 *
 *   text ──expr──► cBPF ──cbpf (check)──► ──ir──► one graph for the whole run ──ebpf──►
 * instructions
 *
 * The law is libpcap: a rule matches a packet exactly when bpf_filter() says so for the program
 * that pcap_compile(…, optimize=1, PCAP_NETMASK_UNKNOWN) makes of its text for Ethernet. The stages
 * are of use each by itself (expr.h, cbpf.h, ir.h, ebpf.h); this is the door for the planner.
 *
 * Nothing here knows a policy, a map's fd or a NIC, and nothing here calls the kernel.
 */
#pragma once
#include <linux/bpf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../maps/abi.h"
#include "cbpf.h"

/* Where the program will run: what the packet's bytes and verdicts look like there. */
enum filter_hook {
	FILTER_XDP,
	FILTER_TC,     /* a direct-action classifier, ingress or egress, tcx or cls_bpf */
	FILTER_SOCKET, /* a socket filter: a match returns the whole packet, else nothing */
	FILTER_FANOUT, /* PACKET_FANOUT_EBPF: a match returns 1, else 0 */
};

/* What a matching rule does. COUNT, MARK and PRIORITY go on to the next rule; all else ends. */
enum filter_verb {
	FILTER_PASS,
	FILTER_DROP,
	FILTER_REFLECT,		 /* swap MAC addresses, send back out of where it came in by */
	FILTER_REDIRECT,	 /* arg: key in the devmap; on tc: the target's ifindex */
	FILTER_REDIRECT_INGRESS, /* tc: arg: ifindex of the interface that is to receive it */
	/* XDP: arg: which of the XSKMAPs; a queue that is not in it meets `otherwise`, and is lost.
	 */
	FILTER_XSK,
	/* A copy to each of several: arg: which of the GROUP maps; on tc: `targets`. */
	FILTER_REDIRECT_ALL,
	FILTER_CPU,  /* XDP: to one of `cpus`, by flow; what cannot go there passes, and is lost */
	FILTER_JUMP, /* arg: slot to tail-call; if that fails: count a miss, miss verdict */
	/*
	 * tc: change the packet, then tail-call `slot`, the program that begins at the next rule:
	 * it sees the packet as it is then. A tag that cannot be pushed, or is not whole, counts a
	 * miss.
	 */
	FILTER_VLAN_PUSH, /* arg: VLAN id; an 802.1Q tag outside of all others */
	FILTER_VLAN_POP,  /* the outermost tag; a packet without one stays as it is */
	FILTER_COUNT,	  /* count only */
	FILTER_MARK,	  /* tc: count; skb->mark = (skb->mark & ~mask) | arg */
	FILTER_PRIORITY,  /* tc: count; skb->priority = arg */
};

struct filter_rule {
	const struct cbpf *cbpf; /* NULL: every packet matches. Not owned */
	enum filter_verb verb;
	uint32_t arg;
	uint32_t mask;				  /* MARK */
	uint64_t queues[WEIR_SOCKET_QUEUES / 64]; /* XSK: bit by queue: those meant; none: all */
	bool otherwise_drop;			  /* XSK: else pass */
	uint32_t slot;				  /* VLAN_PUSH, VLAN_POP */
	const uint32_t *targets;		  /* REDIRECT_ALL on tc: ifindexes. Not owned */
	size_t n_targets;
	bool ingress;	      /* REDIRECT_ALL on tc: they are to receive it */
	const uint32_t *cpus; /* CPU: keys of the CPUMAP. Not owned */
	size_t n_cpus;
	uint32_t counter; /* index of its first counter (maps/abi.h) */
};

/* A run: rules in order, and what happens to a packet that no final rule took. */
struct filter_run {
	enum filter_hook hook;
	bool frags; /* XDP: packets may have fragments beyond data_end; on tc they always may */
	/*
	 * Read what lies at a computed offset (behind an IPv4 header) by helper calls, some 20 ns a
	 * load: for a process without CAP_PERFMON, whose programs may not add a number from the
	 * packet to a pointer.
	 */
	bool by_helper;
	const struct filter_rule *rules;
	size_t n_rules;
	bool jump_at_end; /* tail-call end_slot (a run that is split), instead of END and pass */
	uint32_t end_slot;
	bool miss_drop; /* the verdict of a failed tail call: drop, else pass */
};

/*
 * The maps that a program refers to; the loader puts in the fds. TABLES is the program's own: one
 * element, filter_prog.tables, which nobody writes (BPF_F_RDONLY_PROG, frozen). COPY is for
 * programs that run on one CPU one after the other: one element of FILTER_COPY_SIZE bytes a CPU,
 * if filter_prog.copies.
 */
enum filter_map {
	FILTER_MAP_SLOTS,
	FILTER_MAP_COUNTERS,
	FILTER_MAP_DEVMAP,
	FILTER_MAP_TABLES,
	FILTER_MAP_CPUS,
	FILTER_MAP_CPU_COUNTERS, /* struct weir_cpu_counter by CPU */
	FILTER_MAP_COPY,
	FILTER_MAP_XSK,					  /* and WEIR_SOCKETS - 1 behind it */
	FILTER_MAP_GROUP = FILTER_MAP_XSK + WEIR_SOCKETS, /* and WEIR_GROUPS - 1 behind it */
	FILTER_MAPS = FILTER_MAP_GROUP + WEIR_GROUPS
};

enum { FILTER_COPY_SIZE = 4096 };

/*
 * A two-slot BPF_LD_IMM64 whose imm is to be set: with src_reg BPF_PSEUDO_MAP_FD, or
 * BPF_PSEUDO_MAP_VALUE of TABLES, the second slot's imm being the offset.
 */
struct filter_reloc {
	uint32_t insn;
	enum filter_map map;
};

struct filter_prog {
	struct bpf_insn *insns;
	size_t n_insns;
	struct filter_reloc *relocs;
	size_t n_relocs;
	uint8_t *tables; /* look-up tables of large switches; NULL: none */
	size_t tables_size;
	bool copies; /* it refers to FILTER_MAP_COPY */
	/*
	 * Conditional branches on the longest path through the program: what the verifier may have
	 * pending at a time, of which it takes 8,192.
	 */
	uint32_t branches_deep;
	/*
	 * For each rule of the run: FILTER_REACHED, or the number of the last rule without which it
	 * could match; it never does. Rules that the compiler did not understand as tests count as
	 * reached.
	 */
	uint32_t *shadowed_by;
};

enum { FILTER_REACHED = UINT32_MAX };

/*
 * Compile a run. -E2BIG if it is too large for one program (a branch offset does not fit, more than
 * FILTER_INSNS_MAX instructions): then out->n_insns is about how many it would have, as far as that
 * is known, and out holds nothing else. Other errors are reported. The caller owns *out:
 * filter_prog_free().
 */
int filter_compile(const struct filter_run *run, struct filter_prog *out);
void filter_prog_free(struct filter_prog *prog);

/*
 * The graph that filter_compile() makes its instructions from, after all passes. 0 or -ENOMEM. The
 * caller owns *out in any case: ir_free() (ir.h).
 */
struct ir;
int filter_graph(const struct filter_run *run, struct ir *out);

/* Split a run that would grow beyond these: half of what the kernel takes (docs/DESIGN.md). */
enum {
	FILTER_INSNS_MAX = 60000,
	/* Beyond _MANY of either a run is split, in parts of _GOOD. */
	FILTER_INSNS_MANY = 12000,
	FILTER_INSNS_GOOD = 10000,
	FILTER_BRANCHES_MANY = 3500,
	FILTER_BRANCHES_GOOD = 3000,
	/* So many of one rule, in loops mostly, the verifier refuses after half a minute. */
	FILTER_BRANCHES_MOST = 120000,
};

/* Set the map fds in a copy-free way: insns[reloc.insn].imm = fds[reloc.map]. */
void filter_prog_set_maps(struct filter_prog *prog, const int fds[FILTER_MAPS]);
