// SPDX-License-Identifier: GPL-2.0-only
/*
 * Switches of every size and shape as loaded programs.
 *
 *   switches check SEED ROUNDS   against a naive search, key by key
 *   switches cost                nanoseconds of a switch over loading its key and counting, with
 *                                one key over and over and with 16,384 keys in random order
 *
 * The key is the packet's first four bytes.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "../../loader/fail.h"
#include "../../loader/filter/ebpf.h"
#include "../../loader/testrun.h"
#include "../../maps/abi.h"
#include "../../maps/maps.h"
#include "random_cbpf.h"

enum {
	COUNTERS = 1 << 15,
	KEYS = 1 << 14, /* in turn, when time is measured */
	REPEAT = 4 * KEYS,
	TURNS = 15,
	PACKET = 64,
};

enum shape { HOSTS, SEQUENCE, PORTS, PORT_RANGES, NETS, NETS_24, RANGES, SHAPES };
static const char *const shape_names[] = { "hosts",	  "sequence", "ports", "port ranges",
					   "nets /8-/28", "nets /24", "ranges" };

enum target { ONE_BLOCK, ONE_VERB, THREE_VERBS, COUNT_AND_GO, BLOCKS, TARGETS };
static const char *const target_names[] = { "one block", "one verb", "three verbs", "counts",
					    "blocks" };

static int need(int value, const char *what)
{
	if (value < 0)
		exit(fail(1, "switches: no %s: %s", what, strerror(-value)));
	return value;
}

/* Cases */

static int by_first(const void *a, const void *b)
{
	const struct ir_case *s = a, *t = b;

	return s->first < t->first ? -1 : s->first > t->first;
}

static struct ir_case random_case(struct dice *dice, enum shape shape, size_t i)
{
	uint32_t key = dice_below(dice, 1 << 16) << 16 | dice_below(dice, 1 << 16), low = 0;

	switch (shape) {
	case SEQUENCE:
		key = 0x0a000000 + i;
		break;
	case PORTS:
		key &= 0xffff;
		break;
	case PORT_RANGES:
		key &= 0xffff;
		low = dice_below(dice, 300);
		return (struct ir_case){ key, key + low > 0xffff ? 0xffff : key + low, 0 };
	case NETS:
		low = (1u << (4 + dice_below(dice, 21))) - 1;
		break;
	case NETS_24:
		low = 0xff;
		break;
	case RANGES:
		low = dice_below(dice, 1 << 22);
		return (struct ir_case){ key, key + low < key ? UINT32_MAX : key + low, 0 };
	default:
		break;
	}
	return (struct ir_case){ key & ~low, key | low, 0 };
}

static struct ir_case *cases_new(size_t n)
{
	struct ir_case *cases = calloc(n, sizeof(*cases));

	if (!cases)
		exit(fail_oom());
	return cases;
}

/* Sorted and disjoint: what overlaps the one before is cut or left out. */
static size_t random_cases(struct dice *dice, enum shape shape, size_t n, struct ir_case *cases)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		cases[i] = random_case(dice, shape, i);
	if (n > 2 && dice_one_in(dice, 4)) {
		cases[0].first = 0;
		cases[1].last = shape == PORTS || shape == PORT_RANGES ? 0xffff : UINT32_MAX;
		if (shape != RANGES && shape != PORT_RANGES && shape != NETS) {
			cases[0].last = 0;
			cases[1].first = cases[1].last;
		}
	}
	qsort(cases, n, sizeof(*cases), by_first);
	for (size_t i = 0; i < n; i++) {
		struct ir_case c = cases[i];

		if (kept && c.first <= cases[kept - 1].last) {
			if (c.last <= cases[kept - 1].last)
				continue;
			c.first = cases[kept - 1].last + 1;
		}
		cases[kept++] = c;
	}
	return kept;
}

/* Graphs */

static uint32_t add_verdict(struct ir *ir, enum filter_verb verb, uint32_t counter)
{
	uint32_t block = ir_add_block(ir, 0);

	ir->blocks[block].end = (struct ir_end){
		.kind = IR_VERDICT, .verb = verb, .value = IR_NO_VALUE, .counter = counter
	};
	return block;
}

static void add_count(struct ir *ir, uint32_t block, uint32_t counter)
{
	ir_add_insn(&ir->blocks[block],
		    (struct ir_insn){ .op = IR_COUNT, .dst = IR_A, .src = IR_CONST, .k = counter });
}

/* What a case leads to. */
static uint32_t add_target(struct ir *ir, enum target target, struct dice *dice, size_t i)
{
	static const enum filter_verb verbs[] = { FILTER_DROP, FILTER_PASS, FILTER_REFLECT };
	uint32_t counter = WEIR_COUNTER_RULES + 1 + i % (COUNTERS - WEIR_COUNTER_RULES - 2), block;

	if (i && (target == ONE_BLOCK || dice_one_in(dice, 10)))
		return ir->n - 1;
	if (target == ONE_BLOCK || target == ONE_VERB)
		return add_verdict(ir, FILTER_DROP, counter);
	if (target == THREE_VERBS)
		return add_verdict(ir, verbs[dice_below(dice, 3)], counter);
	block = ir_add_block(ir, 0);
	add_count(ir, block, counter);
	if (target == BLOCKS)
		add_count(ir, block, COUNTERS - 1);
	ir->blocks[block].end = ir_goto(1);
	return block;
}

/* Block 0 checks, 1 is for all that is in no case, 2 loads the key and has the switch. */
static void make_graph(struct ir *ir, size_t n, const struct ir_case *cases)
{
	*ir = (struct ir){ 0 };
	ir_add_block(ir, 0);
	add_verdict(ir, FILTER_PASS, WEIR_COUNTER_RULES);
	ir_add_block(ir, 0);
	ir->blocks[0].end = (struct ir_end){
		.kind = IR_CHECK, .k = 14, .value = IR_NO_VALUE, .yes = 2, .no = 1
	};
	ir_add_insn(&ir->blocks[2],
		    (struct ir_insn){ .op = IR_LOAD, .dst = IR_A, .size = 4, .k = 0 });
	ir->blocks[2].end = (struct ir_end){
		.kind = IR_SWITCH,
		.var = IR_A,
		.value = IR_NO_VALUE,
		.yes = IR_NO_BLOCK,
		.no = 1,
		.cases = calloc(n + 1, sizeof(*cases)),
		.n_cases = n,
	};
	memcpy(ir->blocks[2].end.cases, cases, n * sizeof(*cases));
	if (!n)
		ir_set_end(&ir->blocks[2], ir_goto(1));
}

static void make_switch(struct ir *ir, struct dice *dice, enum target target, size_t n,
			const struct ir_case *cases)
{
	make_graph(ir, n, cases);
	for (size_t i = 0; i < n; i++) {
		uint32_t block = add_target(ir, target, dice, i);

		ir->blocks[2].end.cases[i].to = block;
	}
}

/* Programs */

struct lab {
	int counters_fd;
	struct weir_counter *counters;
	struct filter_rule rules[COUNTERS]; /* rule i counts in counter i */
};

static struct lab *make_lab(void)
{
	static struct lab lab;

	for (uint32_t i = 0; i < COUNTERS; i++)
		lab.rules[i] = (struct filter_rule){ .verb = FILTER_COUNT, .counter = i };
	lab.counters_fd = need(maps_create_shared_counters(COUNTERS, &lab.counters), "counters");
	return &lab;
}

static int load(const struct lab *lab, const struct ir *ir, struct filter_prog *prog)
{
	static char log[1 << 20];
	const struct filter_run run = { .hook = FILTER_XDP,
					.rules = lab->rules,
					.n_rules = COUNTERS };
	LIBBPF_OPTS(bpf_prog_load_opts, opts);
	_close_ int tables = -1;
	int fd, err = ebpf_emit(ir, &run, prog);

	if (err == -E2BIG)
		return err;
	need(err, "program");
	if (prog->tables)
		tables = need(maps_create_tables(prog->tables, prog->tables_size), "tables");
	filter_prog_set_maps(
		prog,
		(int[FILTER_MAPS]){
			[FILTER_MAP_COUNTERS] = lab->counters_fd, [FILTER_MAP_TABLES] = tables });
	fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "switches", "GPL", prog->insns, prog->n_insns, &opts);
	if (fd >= 0)
		return fd;
	opts.log_buf = log;
	opts.log_size = sizeof(log);
	opts.log_level = 1;
	fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "switches", "GPL", prog->insns, prog->n_insns, &opts);
	printf("# %s\n", strlen(log) > 3000 ? log + strlen(log) - 3000 : log);
	return need(fd, "program in the kernel");
}

/* Check */

/* The block that a key leads to. */
static uint32_t naive(const struct ir *ir, uint32_t key)
{
	const struct ir_end *end = &ir->blocks[2].end;

	for (size_t i = 0; i < end->n_cases; i++) {
		if (key >= end->cases[i].first && key <= end->cases[i].last)
			return end->cases[i].to;
	}
	return end->no;
}

/* Take one packet off a counter; false if there is none. */
static bool was_counted(struct lab *lab, uint32_t counter)
{
	return lab->counters[counter].packets-- == 1;
}

static bool try_key(struct lab *lab, const struct ir *ir, int fd, uint32_t key)
{
	static const uint32_t actions[] = {
		[FILTER_PASS] = XDP_PASS, [FILTER_DROP] = XDP_DROP, [FILTER_REFLECT] = XDP_TX
	};
	uint8_t packet[PACKET] = { key >> 24, key >> 16, key >> 8, key };
	struct testrun run = { .packet = packet, .len = sizeof(packet) };
	const struct ir_block *block = &ir->blocks[naive(ir, key)];
	bool good = true;

	if (testrun_xdp(fd, &run))
		exit(1);
	for (; block->end.kind == IR_GOTO; block = &ir->blocks[block->end.yes]) {
		for (size_t i = 0; i < block->n; i++)
			good &= was_counted(lab, block->insns[i].k);
	}
	good &= was_counted(lab, block->end.counter) && run.verdict == actions[block->end.verb];
	if (!good)
		printf("# key %08x: verdict %u, or a counter\n", key, run.verdict);
	return good;
}

static bool none_counted(struct lab *lab)
{
	for (uint32_t i = 0; i < COUNTERS; i++) {
		if (lab->counters[i].packets)
			return false;
	}
	return true;
}

static bool try_keys(struct lab *lab, struct dice *dice, const struct ir *ir, int fd)
{
	const struct ir_end *end = &ir->blocks[2].end;
	bool good = try_key(lab, ir, fd, 0) && try_key(lab, ir, fd, UINT32_MAX) &&
		    try_key(lab, ir, fd, 0xffff) && try_key(lab, ir, fd, 0x10000);

	for (size_t i = 0; i < 300 && good; i++) {
		const struct ir_case *c = &end->cases[dice_below(dice, end->n_cases)];
		uint32_t border = dice_one_in(dice, 2) ? c->first : c->last;

		good = try_key(lab, ir, fd, border + dice_below(dice, 3) - 1) &&
		       try_key(lab, ir, fd,
			       dice_below(dice, 1 << 16) << 16 | dice_below(dice, 1 << 16));
	}
	return good && none_counted(lab);
}

static size_t random_size(struct dice *dice)
{
	return 1 + dice_below(dice, 1u << dice_below(dice, 13));
}

static bool check_one(struct lab *lab, struct dice *dice, enum shape shape, enum target target)
{
	/* Blocks are code, of which a program takes only so much. */
	size_t n = target == BLOCKS ? 1 + dice_below(dice, 500) : random_size(dice);
	_free_ struct ir_case *cases = cases_new(n);
	struct filter_prog prog;
	struct ir ir;
	bool good;
	int fd;

	n = random_cases(dice, shape, n, cases);
	make_switch(&ir, dice, target, n, cases);
	fd = load(lab, &ir, &prog);
	good = fd == -E2BIG || try_keys(lab, dice, &ir, fd);
	if (!good)
		printf("# %zu %s, %s\n", n, shape_names[shape], target_names[target]);
	if (fd >= 0)
		close(fd);
	filter_prog_free(&prog);
	ir_free(&ir);
	return good;
}

static int check(struct lab *lab, uint64_t seed, unsigned int rounds)
{
	struct dice dice = { seed | 1 };

	for (int shape = 0; shape < SHAPES; shape++) {
		bool good = true;

		for (unsigned int i = 0; good && i < rounds; i++) {
			for (int target = 0; good && target < TARGETS; target++)
				good = check_one(lab, &dice, shape, target);
		}
		printf("%s - switches over %s find what a naive search finds\n",
		       good ? "ok" : "not ok", shape_names[shape]);
	}
	return 0;
}

/* Cost */

struct keys {
	uint32_t next, unused;
	uint32_t keys[KEYS];
};

/* A program that puts the next key into the packet and goes on in a slot. */
static int load_driver(int keys_fd, int slots_fd)
{
	enum { R0, R1, R2, R3, R4, R5, R6, R7 };
	const struct bpf_insn insns[] = {
		{ BPF_ALU64 | BPF_MOV | BPF_X, R6, R1, 0, 0 },
		{ BPF_LD | BPF_IMM | BPF_DW, R2, BPF_PSEUDO_MAP_VALUE, 0, keys_fd },
		{ 0 },
		{ BPF_LDX | BPF_MEM | BPF_W, R3, R2, 0, 0 },
		{ BPF_ALU64 | BPF_MOV | BPF_X, R4, R3, 0, 0 },
		{ BPF_ALU64 | BPF_ADD | BPF_K, R4, 0, 0, 1 },
		{ BPF_STX | BPF_MEM | BPF_W, R2, R4, 0, 0 },
		{ BPF_ALU64 | BPF_AND | BPF_K, R3, 0, 0, KEYS - 1 },
		{ BPF_ALU64 | BPF_LSH | BPF_K, R3, 0, 0, 2 },
		{ BPF_ALU64 | BPF_ADD | BPF_X, R2, R3, 0, 0 },
		{ BPF_LDX | BPF_MEM | BPF_W, R3, R2, offsetof(struct keys, keys), 0 },
		{ BPF_LDX | BPF_MEM | BPF_W, R4, R6, offsetof(struct xdp_md, data), 0 },
		{ BPF_LDX | BPF_MEM | BPF_W, R5, R6, offsetof(struct xdp_md, data_end), 0 },
		{ BPF_ALU64 | BPF_MOV | BPF_X, R7, R4, 0, 0 },
		{ BPF_ALU64 | BPF_ADD | BPF_K, R7, 0, 0, 4 },
		{ BPF_JMP | BPF_JGT | BPF_X, R7, R5, 6, 0 },
		{ BPF_STX | BPF_MEM | BPF_W, R4, R3, 0, 0 },
		{ BPF_ALU64 | BPF_MOV | BPF_X, R1, R6, 0, 0 },
		{ BPF_LD | BPF_IMM | BPF_DW, R2, BPF_PSEUDO_MAP_FD, 0, slots_fd },
		{ 0 },
		{ BPF_ALU64 | BPF_MOV | BPF_K, R3, 0, 0, 0 },
		{ BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_tail_call },
		{ BPF_ALU64 | BPF_MOV | BPF_K, R0, 0, 0, 0 },
		{ BPF_JMP | BPF_EXIT, 0, 0, 0, 0 },
	};

	return need(
		bpf_prog_load(BPF_PROG_TYPE_XDP, "driver", "GPL", insns, ARRAY_SIZE(insns), NULL),
		"driver");
}

/* A driver whose slot holds the program; both are closed by the end of the process. */
static int drive(int keys_fd, int prog_fd)
{
	uint32_t key = 0;
	int slots = need(bpf_map_create(BPF_MAP_TYPE_PROG_ARRAY, "slots", 4, 4, 1, NULL), "slots");

	need(bpf_map_update_elem(slots, &key, &prog_fd, 0), "slot");
	return load_driver(keys_fd, slots);
}

static uint32_t time_once(int fd)
{
	uint8_t packet[PACKET] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet, .data_size_in = sizeof(packet),
		    .repeat = REPEAT);

	need(bpf_prog_test_run_opts(fd, &opts), "run");
	return opts.duration;
}

static int by_size(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* The median of the differences, the two by turns. */
static int time_over(int fd, int base)
{
	int over[TURNS];

	for (int i = 0; i < TURNS; i++) {
		over[i] = -(int)time_once(base);
		over[i] += (int)time_once(fd);
	}
	qsort(over, TURNS, sizeof(*over), by_size);
	return over[TURNS / 2];
}

static uint32_t to_network(uint32_t key)
{
	return __builtin_bswap32(key);
}

static void set_keys(struct dice *dice, int keys_fd, const struct ir_case *cases, size_t n,
		     unsigned int misses, bool one)
{
	static struct keys keys;
	uint32_t zero = 0;

	keys.next = 0;
	for (size_t i = 0; i < KEYS; i++) {
		const struct ir_case *c = &cases[dice_below(dice, n)];
		uint32_t key = c->first + dice_below(dice, c->last - c->first + 1);

		if (dice_below(dice, 100) < misses)
			key = dice_below(dice, 1 << 16) << 16 | dice_below(dice, 1 << 16);
		keys.keys[i] = one && i ? keys.keys[0] : to_network(key);
	}
	need(bpf_map_update_elem(keys_fd, &zero, &keys, 0), "keys");
}

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000ull + now.tv_nsec / 1000;
}

static void cost_one(struct lab *lab, int keys_fd, enum shape shape, size_t n, enum target target)
{
	_free_ struct ir_case *cases = cases_new(n);
	struct dice dice = { 1 + n + shape };
	struct filter_prog prog, base_prog;
	struct ir ir, base_ir;
	uint64_t us = now_us();
	int fd, base, hot, hits, mixed;

	n = random_cases(&dice, shape, n, cases);
	make_switch(&ir, &dice, target, n, cases);
	us = now_us();
	fd = load(lab, &ir, &prog);
	us = now_us() - us;
	if (fd < 0) {
		printf("%-12s %7zu  %-12s too large\n", shape_names[shape], n,
		       target_names[target]);
		return;
	}
	make_graph(&base_ir, 0, cases);
	base = drive(keys_fd, load(lab, &base_ir, &base_prog));
	fd = drive(keys_fd, fd);
	set_keys(&dice, keys_fd, cases, n, 0, true);
	hot = time_over(fd, base);
	set_keys(&dice, keys_fd, cases, n, 0, false);
	hits = time_over(fd, base);
	set_keys(&dice, keys_fd, cases, n, 50, false);
	mixed = time_over(fd, base);
	printf("%-12s %7zu  %-12s %4d %4d %4d ns %6zu insns %8zu bytes %7llu us\n",
	       shape_names[shape], n, target_names[target], hot, hits, mixed, prog.n_insns,
	       prog.tables_size, (unsigned long long)us);
	fflush(stdout);
	filter_prog_free(&prog);
	filter_prog_free(&base_prog);
	ir_free(&ir);
	ir_free(&base_ir);
}

static int cost(struct lab *lab, int argc, char **argv)
{
	static const size_t sizes[] = { 4, 8, 16, 64, 256, 1000, 4000, 16000, 100000 };
	int keys_fd;
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = 0);

	keys_fd = need(bpf_map_create(BPF_MAP_TYPE_ARRAY, "keys", 4, sizeof(struct keys), 1, &opts),
		       "keys");
	printf("%-12s %7s  %-12s %4s %4s %4s\n", "shape", "cases", "targets", "hot", "hits",
	       "half");
	for (int shape = 0; shape < SHAPES; shape++) {
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
			if (argc > 0 && strcmp(argv[0], shape_names[shape]))
				continue;
			cost_one(lab, keys_fd, shape, sizes[i],
				 argc > 1 ? atoi(argv[1]) : ONE_VERB);
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct lab *lab = make_lab();

	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	if (argc == 4 && !strcmp(argv[1], "check"))
		return check(lab, strtoull(argv[2], NULL, 0), atoi(argv[3]));
	if (argc >= 2 && !strcmp(argv[1], "cost"))
		return cost(lab, argc - 2, argv + 2);
	return fail(2, "usage: switches check SEED ROUNDS | cost [SHAPE [TARGETS]]");
}
