// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs of rules through the real programs, against libpcap's interpreter asked rule by rule.
 *
 *   differ programs SEED RUNS                     rules of random classic programs, random packets
 *   differ expressions SEED RUNS FILE PCAP...     rules of expressions, packets of captures, cut
 *
 * Every rule of a run has a random verb. Compared are the verdict, the packet's bytes afterwards
 * and every counter. Half of the runs are compiled for fragments, their packets split anywhere.
 * What differs is printed so that it can be tried by hand, and the exit status is 1.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <net/if.h>
#include <string.h>
#include <sys/mman.h>

#include "../../loader/capture.h"
#include "../../loader/filter/expr.h"
#include "../../loader/filter/filter.h"
#include "../../loader/testrun.h"
#include "../../maps/abi.h"
#include "random_cbpf.h"

enum {
	RULES = 40,   /* in a run, at most */
	PACKETS = 24, /* through each run */
	COUNTERS = 256,
	SLOTS = 4,	    /* the last one is empty */
	TARGETS = 2,	    /* the last one is empty */
	SLOT_VERDICT = 100, /* what the program in slot 0 returns; 1 more in each */
};

struct packet {
	uint8_t *data;
	uint32_t len;
};

/* The maps of one mode: programs for fragments and others may not share any. */
struct maps {
	int fds[FILTER_MAPS];
	struct weir_counter *counters;
};

struct context {
	struct dice dice;
	struct maps maps[2]; /* by frags */
	struct cbpf *programs;
	size_t n_programs;
	struct packet *packets;
	size_t n_packets;
	unsigned long compared;
};

static void *need(void *p)
{
	if (!p)
		exit(fail(1, "differ: out of memory, or no map"));
	return p;
}

static int need_fd(int fd, const char *what)
{
	if (fd < 0)
		exit(fail(1, "differ: no %s: %s", what, strerror(-fd)));
	return fd;
}

/* Maps */

static int tail(uint32_t verdict, bool frags)
{
	const struct bpf_insn insns[] = {
		{ BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, verdict },
		{ BPF_JMP | BPF_EXIT, 0, 0, 0, 0 },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_flags = frags ? BPF_F_XDP_HAS_FRAGS : 0);

	return need_fd(bpf_prog_load(BPF_PROG_TYPE_XDP, "tail", "GPL", insns, 2, &opts), "program");
}

static int make_map(enum bpf_map_type type, uint32_t value, uint32_t entries, uint32_t flags)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = flags);

	return need_fd(bpf_map_create(type, "differ", 4, value, entries, &opts), "map");
}

static struct maps make_maps(bool frags)
{
	uint32_t lo = if_nametoindex("lo");
	struct maps maps;

	maps.fds[FILTER_MAP_SLOTS] = make_map(BPF_MAP_TYPE_PROG_ARRAY, 4, SLOTS, 0);
	maps.fds[FILTER_MAP_COUNTERS] =
		make_map(BPF_MAP_TYPE_ARRAY, sizeof(struct weir_counter), COUNTERS, BPF_F_MMAPABLE);
	maps.fds[FILTER_MAP_DEVMAP] = make_map(BPF_MAP_TYPE_DEVMAP, 4, TARGETS, 0);
	maps.counters = mmap(NULL, COUNTERS * sizeof(struct weir_counter), PROT_READ | PROT_WRITE,
			     MAP_SHARED, maps.fds[FILTER_MAP_COUNTERS], 0);
	need(maps.counters == MAP_FAILED ? NULL : maps.counters);
	for (uint32_t i = 0; i < SLOTS - 1; i++) {
		int fd = tail(SLOT_VERDICT + i, frags);

		need_fd(bpf_map_update_elem(maps.fds[FILTER_MAP_SLOTS], &i, &fd, 0), "slot");
		close(fd);
	}
	for (uint32_t i = 0; i < TARGETS - 1; i++)
		need_fd(bpf_map_update_elem(maps.fds[FILTER_MAP_DEVMAP], &i, &lo, 0), "target");
	return maps;
}

/* What should come out */

struct outcome {
	uint32_t verdict;
	bool swapped;
	struct weir_counter counters[COUNTERS];
};

static void count(struct outcome *outcome, uint32_t counter, uint32_t len)
{
	outcome->counters[counter].packets++;
	outcome->counters[counter].bytes += len;
}

static void jump(struct outcome *outcome, const struct filter_run *run, uint32_t slot, uint32_t len)
{
	if (slot < SLOTS - 1) {
		outcome->verdict = SLOT_VERDICT + slot;
		return;
	}
	count(outcome, WEIR_COUNTER_MISS, len);
	outcome->verdict = run->miss_drop ? XDP_DROP : XDP_PASS;
}

/* What a rule that matched does; false: go on. */
static bool act(struct outcome *outcome, const struct filter_run *run,
		const struct filter_rule *rule, uint32_t len)
{
	count(outcome, rule->counter, len);
	switch (rule->verb) {
	case FILTER_COUNT:
		return false;
	case FILTER_PASS:
		outcome->verdict = XDP_PASS;
		return true;
	case FILTER_DROP:
		outcome->verdict = XDP_DROP;
		return true;
	case FILTER_REFLECT:
		outcome->verdict = XDP_TX;
		outcome->swapped = true;
		return true;
	case FILTER_REDIRECT:
		outcome->verdict = rule->arg < TARGETS - 1 ? XDP_REDIRECT : XDP_DROP;
		if (outcome->verdict == XDP_DROP)
			count(outcome, rule->counter + WEIR_REDIRECT_LOST, len);
		return true;
	case FILTER_JUMP:
		jump(outcome, run, rule->arg, len);
		return true;
	default: /* of tc */
		abort();
	}
}

static void expect(struct outcome *outcome, const struct filter_run *run, const uint8_t *packet,
		   uint32_t len)
{
	*outcome = (struct outcome){ 0 };
	for (size_t i = 0; i < run->n_rules; i++) {
		const struct filter_rule *rule = &run->rules[i];

		if ((!rule->cbpf || expr_match(rule->cbpf, packet, len, len)) &&
		    act(outcome, run, rule, len))
			return;
	}
	if (run->jump_at_end) {
		jump(outcome, run, run->end_slot, len);
	} else {
		count(outcome, WEIR_COUNTER_END, len);
		outcome->verdict = XDP_PASS;
	}
}

/* Saying what differs */

static void show_run(const struct filter_run *run)
{
	static const char *const verbs[] = {
		[FILTER_PASS] = "pass",	      [FILTER_DROP] = "drop",
		[FILTER_REFLECT] = "reflect", [FILTER_REDIRECT] = "redirect",
		[FILTER_COUNT] = "count",     [FILTER_JUMP] = "jump",
	};

	for (size_t i = 0; i < run->n_rules; i++) {
		const struct filter_rule *rule = &run->rules[i];

		printf("rule %zu: %s %u, counter %u\n", i, verbs[rule->verb], rule->arg,
		       rule->counter);
		if (rule->cbpf)
			cbpf_print_d(rule->cbpf, stdout);
	}
	printf("at the end: %s %u; miss: %s; fragments: %s; CAP_PERFMON: %s\n",
	       run->jump_at_end ? "jump" : "pass", run->end_slot, run->miss_drop ? "drop" : "pass",
	       run->frags ? "yes" : "no", run->by_helper ? "no" : "yes");
}

static void show_packet(const struct testrun *test)
{
	printf("packet of %u bytes, %u of them linear:", test->len,
	       test->linear ? test->linear : test->len);
	for (uint32_t i = 0; i < test->len; i++)
		printf("%s%02x", i % 16 ? " " : "\n  ", test->packet[i]);
	putchar('\n');
}

static bool same_bytes(const struct testrun *test, const struct outcome *want)
{
	static uint8_t bytes[TESTRUN_MAX];

	memcpy(bytes, test->packet, test->len);
	if (want->swapped) {
		memcpy(bytes, test->packet + 6, 6);
		memcpy(bytes + 6, test->packet, 6);
	}
	return test->after_len == test->len && !memcmp(bytes, test->after, test->len);
}

static bool same(const struct filter_run *run, const struct testrun *test,
		 const struct outcome *want, const struct weir_counter *counters)
{
	bool good = test->verdict == want->verdict && same_bytes(test, want);

	if (!good)
		printf("verdict %u, not %u (or other bytes)\n", test->verdict, want->verdict);
	for (uint32_t i = 0; i < COUNTERS; i++) {
		if (!memcmp(&counters[i], &want->counters[i], sizeof(*counters)))
			continue;
		printf("counter %u: %llu packets, %llu bytes; not %llu, %llu\n", i,
		       counters[i].packets, counters[i].bytes, want->counters[i].packets,
		       want->counters[i].bytes);
		good = false;
	}
	if (!good) {
		show_run(run);
		show_packet(test);
	}
	return good;
}

/* Running */

static int load(const struct filter_run *run, const struct maps *maps)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_flags = run->frags ? BPF_F_XDP_HAS_FRAGS : 0);
	static char log[1 << 24];
	struct filter_prog prog;
	int fd = need_fd(filter_compile(run, &prog), "compiled program");

	filter_prog_set_maps(&prog, maps->fds);
	fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "differ", "GPL", prog.insns, prog.n_insns, &opts);
	if (fd < 0) {
		printf("the verifier refuses the program: %s\n", strerror(-fd));
		show_run(run);
		opts.log_level = 1;
		opts.log_buf = log;
		opts.log_size = sizeof(log);
		bpf_prog_load(BPF_PROG_TYPE_XDP, "differ", "GPL", prog.insns, prog.n_insns, &opts);
		printf("%s\n", strlen(log) > 3000 ? log + strlen(log) - 3000 : log);
	}
	filter_prog_free(&prog);
	return fd;
}

static bool compare(struct context *c, const struct filter_run *run, int fd,
		    const struct packet *packet)
{
	static uint8_t after[TESTRUN_MAX];
	struct weir_counter *counters = c->maps[run->frags].counters;
	struct testrun test = { .packet = packet->data,
				.len = packet->len,
				.after = after,
				.after_size = sizeof(after) };
	struct outcome want;

	if (packet->len == TESTRUN_MAX)
		test.len -= dice_one_in(&c->dice, 2) ? 0 : dice_below(&c->dice, 12);
	else if (dice_one_in(&c->dice, 2))
		test.len = TESTRUN_MIN + dice_below(&c->dice, packet->len - TESTRUN_MIN + 1);
	if (!run->frags && test.len > TESTRUN_LINEAR)
		test.len = TESTRUN_LINEAR;
	if (run->frags && !dice_one_in(&c->dice, 3))
		test.linear = TESTRUN_MIN + dice_below(&c->dice, (test.len < 150 ? test.len : 150) -
									 TESTRUN_MIN + 1);
	memset(counters, 0, COUNTERS * sizeof(*counters));
	expect(&want, run, test.packet, test.len);
	c->compared += run->n_rules;
	return !testrun_xdp(fd, &test) && same(run, &test, &want, counters);
}

static struct filter_rule random_rule(struct context *c, uint32_t counter)
{
	static const enum filter_verb verbs[] = { FILTER_PASS,	   FILTER_DROP,	 FILTER_REFLECT,
						  FILTER_REDIRECT, FILTER_COUNT, FILTER_JUMP };
	/* Mostly count: a final rule hides those behind it. */
	struct filter_rule rule = {
		.cbpf = dice_one_in(&c->dice, 30)
				? NULL
				: &c->programs[dice_below(&c->dice, c->n_programs)],
		.verb = dice_one_in(&c->dice, 2) ? FILTER_COUNT
						 : verbs[dice_below(&c->dice, ARRAY_SIZE(verbs))],
		.counter = counter,
	};

	if (rule.verb == FILTER_REDIRECT)
		rule.arg = dice_below(&c->dice, TARGETS);
	else if (rule.verb == FILTER_JUMP)
		rule.arg = dice_below(&c->dice, SLOTS);
	return rule;
}

/* Rules, as many of n as the planner would put into one program. */
static size_t random_rules(struct context *c, const struct filter_run *run,
			   struct filter_rule *rules, size_t n)
{
	struct filter_size sum = { 0 };

	for (size_t i = 0; i < n; i++) {
		struct filter_size size;

		rules[i] = random_rule(c, WEIR_COUNTER_RULES + 3 * i);
		size = filter_rule_size(run, &rules[i]);
		sum.insns += size.insns;
		sum.branches += size.branches;
		if (i && (sum.insns > FILTER_INSNS_GOOD || sum.branches > FILTER_BRANCHES_GOOD))
			return i;
	}
	return n;
}

static bool one_run(struct context *c)
{
	struct filter_rule rules[RULES];
	struct filter_run run = {
		.rules = rules,
		.frags = dice_one_in(&c->dice, 2),
		.by_helper = dice_one_in(&c->dice, 4),
		.jump_at_end = dice_one_in(&c->dice, 4),
		.end_slot = dice_below(&c->dice, SLOTS),
		.miss_drop = dice_one_in(&c->dice, 2),
	};
	size_t n = dice_one_in(&c->dice, 4) ? dice_below(&c->dice, RULES + 1)
					    : 1 + dice_below(&c->dice, 4);
	bool good = true;
	int fd;

	run.n_rules = random_rules(c, &run, rules, n);
	fd = load(&run, &c->maps[run.frags]);
	for (unsigned int i = 0; i < PACKETS && fd >= 0 && good; i++)
		good = compare(c, &run, fd, &c->packets[dice_below(&c->dice, c->n_packets)]);
	if (fd >= 0)
		close(fd);
	return good && fd >= 0;
}

/* What the runs are made of */

static void random_programs(struct context *c)
{
	static struct sock_filter insns[RULES][RANDOM_CBPF_MAX];

	for (c->n_programs = 0; c->n_programs < RULES; c->n_programs++)
		c->programs[c->n_programs] = random_cbpf(&c->dice, insns[c->n_programs]);
}

/* Mostly small numbers, so that tests of them come out both ways. */
static struct packet random_packet(struct context *c, uint8_t *data, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		data[i] = dice_below(&c->dice, dice_one_in(&c->dice, 3) ? 256 : 5);
	return (struct packet){ data, len };
}

/* The last one is as long as can be: offsets to the end of 16 bits lead somewhere. */
static void random_packets(struct context *c)
{
	static uint8_t bytes[64][256], longest[TESTRUN_MAX];

	c->packets = need(calloc(ARRAY_SIZE(bytes) + 1, sizeof(*c->packets)));
	for (c->n_packets = 0; c->n_packets < ARRAY_SIZE(bytes); c->n_packets++)
		c->packets[c->n_packets] =
			random_packet(c, bytes[c->n_packets],
				      TESTRUN_MIN + dice_below(&c->dice, 256 - TESTRUN_MIN + 1));
	c->packets[c->n_packets++] = random_packet(c, longest, sizeof(longest));
}

static void read_expressions(struct context *c, const char *path)
{
	_fclose_ FILE *file = need(fopen(path, "re"));
	_free_ char *line = NULL;
	const struct pos pos = { 0 };
	size_t size = 0;
	ssize_t n;

	while ((n = getline(&line, &size, file)) > 0) {
		struct cbpf *program;

		line[strcspn(line, "\n")] = 0;
		if (!*line)
			continue;
		program = need(array_add(c->programs, c->n_programs));
		if (expr_compile(line, &pos, GRAMMAR_FILTER, program))
			exit(1);
	}
}

static void read_packets(struct context *c, const char *path)
{
	_cleanup_(capture_closep) struct capture *capture = NULL;
	struct capture_packet from;

	if (capture_open(path, &capture))
		exit(1);
	while (capture_next(capture, &from) == 1) {
		struct packet *packet;

		if (!testrun_carries(from.caplen))
			continue;
		packet = need(array_add(c->packets, c->n_packets));
		packet->data = need(malloc(from.caplen));
		packet->len = from.caplen;
		memcpy(packet->data, from.data, from.caplen);
	}
}

int main(int argc, char **argv)
{
	bool programs = argc == 4 && !strcmp(argv[1], "programs");
	static struct context c;
	unsigned long runs;

	if (!programs && (argc < 6 || strcmp(argv[1], "expressions")))
		return fail(
			2, "usage: differ programs SEED RUNS | expressions SEED RUNS FILE PCAP...");
	fail_program("differ");
	c.dice.state = strtoull(argv[2], NULL, 0) * 2 + 1;
	runs = strtoul(argv[3], NULL, 0);
	c.maps[false] = make_maps(false);
	c.maps[true] = make_maps(true);
	if (programs)
		c.programs = need(calloc(RULES, sizeof(*c.programs)));
	else
		read_expressions(&c, argv[4]);
	for (int i = 5; i < argc; i++)
		read_packets(&c, argv[i]);
	for (unsigned long i = 0; i < runs; i++) {
		if (programs && i % 16 == 0) {
			free(c.packets);
			random_programs(&c);
			random_packets(&c);
		}
		if (!one_run(&c))
			return fail(1, "in run %lu of seed %s", i, argv[2]);
	}
	printf("%lu runs, %lu pairs of rule and packet\n", runs, c.compared);
	return 0;
}
