/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A chain of a test's own, without an interface: maps, a program that tells that it was reached,
 * and stages loaded and run by BPF_PROG_TEST_RUN. Included by the tests of stages only.
 */
#pragma once
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "../../loader/stage.h"
#include "abi.h"

#include <cmocka.h> /* last: it has a macro fail() */

/* Slots and counters as a chain may have them; the counters map is larger than the object's own. */
enum { SLOT_NEXT = 77, SLOT_EMPTY = 78, COUNTER = 5000, N_COUNTERS = 6000, N_CPUS_MAX = 256 };
enum { MISS = XDP_ABORTED, ARRIVED = 3 };

static const struct pos nowhere;

struct chain {
	int slots, counters;
};

static inline int prog_array(enum bpf_prog_type type, __u32 prog_flags)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_flags = prog_flags);
	const struct bpf_insn arrive[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = ARRIVED },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int map = bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "slots", 4, 4, WEIR_SLOTS, NULL);
	_close_ int prog = bpf_prog_load(type, "arrive", "GPL", arrive, ARRAY_SIZE(arrive), &opts);

	assert_true(map >= 0 && prog >= 0);
	assert_int_equal(bpf_map_update_elem(map, &(__u32){ SLOT_NEXT }, &prog, BPF_ANY), 0);
	return map;
}

static inline struct chain chain_new(enum bpf_prog_type type, __u32 prog_flags)
{
	struct chain chain = { prog_array(type, prog_flags), -1 };

	chain.counters = bpf_map_create(BPF_MAP_TYPE_PERCPU_ARRAY, "counters", 4,
					sizeof(struct weir_counter), N_COUNTERS, NULL);
	assert_true(chain.counters >= 0);
	return chain;
}

static inline void chain_end(struct chain *chain)
{
	own_close(&chain->slots);
	own_close(&chain->counters);
}

static inline struct weir_counter counter_of(const struct chain *chain, __u32 index)
{
	struct weir_counter cpus[N_CPUS_MAX] = { 0 }, sum = { 0 };

	assert_true(libbpf_num_possible_cpus() <= N_CPUS_MAX);
	assert_int_equal(bpf_map_lookup_elem(chain->counters, &index, cpus), 0);
	for (int i = 0; i < libbpf_num_possible_cpus(); i++) {
		sum.packets += cpus[i].packets;
		sum.bytes += cpus[i].bytes;
	}
	return sum;
}

static inline void assert_counted(const struct chain *chain, __u32 index, uint64_t packets,
				  uint64_t bytes)
{
	struct weir_counter counter = counter_of(chain, index);

	assert_int_equal(counter.packets, packets);
	assert_int_equal(counter.bytes, bytes);
}

/* Every packet that any counter counted. */
static inline uint64_t counted_in_all(const struct chain *chain)
{
	uint64_t sum = 0;

	for (__u32 i = 0; i < N_COUNTERS; i++)
		sum += counter_of(chain, i).packets;
	return sum;
}

static inline struct stage_wiring wiring_to(const struct chain *chain, __u32 slot)
{
	return (struct stage_wiring){
		.slots_fd = chain->slots,
		.counters_fd = chain->counters,
		.next_slot = slot,
		.counter = COUNTER,
		.miss_counter = WEIR_COUNTER_MISS,
		.miss_verdict = MISS,
	};
}

static inline struct stage *stage_of(const char *name, enum hook_kind hook)
{
	struct word word = { .text = (char *)name };
	struct stage *stage;

	assert_int_equal(stage_find(&word, hook, &stage), 0);
	return stage;
}

/* A fixture of pcap-tests/stages. */
static inline struct stage *fixture(const char *name, enum hook_kind hook)
{
	const char *build = getenv("B");
	char path[512];

	snprintf(path, sizeof(path), "%s/pcap-tests/stages/%s.bpf.o", build ? build : "build",
		 name);
	return stage_of(path, hook);
}

static inline int load(const struct stage *stage, const char *option, const char *value,
		       const struct stage_wiring *wiring, struct stage_instance *out)
{
	struct use_option one = { .name = (char *)option, .value = (char *)value };
	_free_ uint8_t *conf = NULL;

	assert_int_equal(stage_configure(stage, &one, option ? 1 : 0, &conf), 0);
	return stage_load(stage, conf, wiring, NULL, 0, &nowhere, out);
}

static inline int run(int prog, const void *packet, size_t len)
{
	static uint8_t out[65536];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = len,
		    .data_out = out, .data_size_out = sizeof(out));

	assert_int_equal(bpf_prog_test_run_opts(prog, &opts), 0);
	return opts.retval;
}

/* Without the privilege to load programs there is nothing to test: say so and end. */
static inline void need_bpf(const char *test)
{
	_close_ int map = bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "weir_test", 4, 4, 1, NULL);

	if (map >= 0)
		return;
	printf("ok - %s # SKIP no privilege for bpf() (%s)\n", test, strerror(errno));
	exit(0);
}
