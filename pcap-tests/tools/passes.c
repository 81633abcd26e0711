// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs of rules through the compiler's graph, interpreted after each pass, against libpcap's
 * interpreter asked rule by rule. Needs no kernel: what differs in tools/differ.c can be narrowed
 * down to a pass here.
 *
 *   passes programs SEED RUNS                     rules of random classic programs, random packets
 *   passes expressions SEED RUNS FILE PCAP...     rules of expressions, packets of captures, cut
 */
#include <string.h>

#include "../../loader/capture.h"
#include "../../loader/filter/expr.h"
#include "../../loader/filter/filter.h"
#include "../../maps/abi.h"
#include "ir_run.h"
#include "random_cbpf.h"

enum { RULES = 60, PACKETS = 40 };

struct packet {
	uint8_t *data;
	uint32_t len;
};

struct context {
	struct dice dice;
	struct cbpf *programs,
		*laws; /* of each; what bpf_filter() runs for it, if that is another */
	size_t n_programs;
	struct packet *packets;
	size_t n_packets;
	unsigned long compared, before, after; /* blocks lowered, blocks in the end */
};

static void *need(void *p)
{
	if (!p)
		exit(fail(1, "passes: out of memory"));
	return p;
}

/* What should come out */

static void end_of_run(struct ir_outcome *want, const struct filter_run *run)
{
	want->verb = run->jump_at_end ? FILTER_JUMP : FILTER_PASS;
	want->arg = run->jump_at_end ? run->end_slot : 0;
	if (!run->jump_at_end)
		want->counters[WEIR_COUNTER_END]++;
}

static bool law_matches(const struct context *c, const struct cbpf *prog,
			const struct ir_packet *packet)
{
	const struct cbpf *law = c->laws ? &c->laws[prog - c->programs] : prog;

	return expr_match(law, packet->data, packet->len, packet->len);
}

static struct ir_outcome expect(const struct context *c, const struct filter_run *run,
				const struct ir_packet *packet)
{
	struct ir_outcome want = { 0 };

	for (size_t i = 0; i < run->n_rules; i++) {
		const struct filter_rule *rule = &run->rules[i];

		if (rule->cbpf && !law_matches(c, rule->cbpf, packet))
			continue;
		want.counters[rule->counter]++;
		if (rule->verb == FILTER_COUNT)
			continue;
		want.verb = rule->verb;
		want.arg = rule->arg;
		return want;
	}
	end_of_run(&want, run);
	return want;
}

/* Saying what differs */

static void show(const struct filter_run *run, const struct ir *ir, const struct ir_packet *packet)
{
	for (size_t i = 0; i < run->n_rules; i++) {
		printf("rule %zu: verb %d, counter %u\n", i, run->rules[i].verb,
		       run->rules[i].counter);
		if (run->rules[i].cbpf)
			cbpf_print_ddd(run->rules[i].cbpf, stdout);
	}
	ir_print(ir, stdout);
	printf("packet of %u bytes, %u of them linear:", packet->len, packet->linear);
	for (uint32_t i = 0; i < packet->len && i < 200; i++)
		printf("%s%02x", i % 16 ? " " : "\n  ", packet->data[i]);
	putchar('\n');
}

static bool same(const struct ir_outcome *got, const struct ir_outcome *want)
{
	return !got->wrong && got->verb == want->verb && got->arg == want->arg &&
	       !memcmp(got->counters, want->counters, sizeof(got->counters));
}

/* XDP sees whole Ethernet headers only. */
static struct ir_packet cut(struct context *c, const struct filter_run *run)
{
	const struct packet *from = &c->packets[dice_below(&c->dice, c->n_packets)];
	struct ir_packet packet = { from->data, from->len, from->len };
	uint32_t least = run->hook == FILTER_TC && dice_one_in(&c->dice, 4) ? 0 : 14;

	if (dice_one_in(&c->dice, 2))
		packet.len = packet.linear = least + dice_below(&c->dice, packet.len - least + 1);
	if ((run->frags || run->hook == FILTER_TC) && !dice_one_in(&c->dice, 3)) {
		uint32_t most = packet.len < 150 ? packet.len : 150;

		packet.linear =
			most < least ? most : least + dice_below(&c->dice, most - least + 1);
	}
	return packet;
}

/* The packets drawn are the same for each pass: those that the seed of the run gives. */
static bool compare(struct context *c, const struct filter_run *run, const struct ir *ir,
		    const char *pass)
{
	struct dice before = c->dice;

	for (unsigned int i = 0; i < PACKETS; i++) {
		struct ir_packet packet = cut(c, run);
		struct ir_outcome want = expect(c, run, &packet), got = ir_run(ir, run, &packet);

		c->compared += run->n_rules;
		if (same(&got, &want))
			continue;
		printf("after %s: %s\n", pass,
		       got.wrong ? got.wrong : "another verdict, or another counter");
		show(run, ir, &packet);
		return false;
	}
	c->dice = before;
	return true;
}

static bool compare_all(struct context *c, const struct filter_run *run)
{
	bool good = true;
	struct ir ir;

	if (ir_lower(run, &ir))
		exit(1);
	c->before += ir.n;
	good = compare(c, run, &ir, "lower");
	for (size_t i = 0; good && filter_passes[i].name; i++) {
		if (filter_passes[i].run(&ir))
			exit(1);
		good = compare(c, run, &ir, filter_passes[i].name);
	}
	if (good) {
		_free_ uint32_t *order = NULL;

		c->after += ir_order(&ir, &order);
	}
	ir_free(&ir);
	return good;
}

static struct filter_rule random_rule(struct context *c, uint32_t counter)
{
	static const enum filter_verb verbs[] = { FILTER_PASS, FILTER_DROP, FILTER_JUMP };
	struct filter_rule rule = {
		.cbpf = dice_one_in(&c->dice, 60)
				? NULL
				: &c->programs[dice_below(&c->dice, c->n_programs)],
		.verb = dice_one_in(&c->dice, 2) ? FILTER_COUNT
						 : verbs[dice_below(&c->dice, ARRAY_SIZE(verbs))],
		.counter = counter,
	};

	if (rule.verb == FILTER_JUMP)
		rule.arg = dice_below(&c->dice, 4);
	return rule;
}

static bool one_run(struct context *c)
{
	struct filter_rule rules[RULES];
	struct filter_run run = {
		.rules = rules,
		.hook = dice_one_in(&c->dice, 3) ? FILTER_TC : FILTER_XDP,
		.frags = dice_one_in(&c->dice, 3),
		.by_helper = dice_one_in(&c->dice, 6),
		.jump_at_end = dice_one_in(&c->dice, 4),
		.end_slot = dice_below(&c->dice, 4),
	};

	run.n_rules = dice_one_in(&c->dice, 4) ? dice_below(&c->dice, RULES + 1)
					       : 1 + dice_below(&c->dice, 6);
	for (size_t i = 0; i < run.n_rules; i++)
		rules[i] = random_rule(c, WEIR_COUNTER_RULES + 3 * i);
	return compare_all(c, &run);
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
	static uint8_t bytes[64][256], longest[IR_PACKET_MAX];

	free(c->packets);
	c->packets = need(calloc(ARRAY_SIZE(bytes) + 1, sizeof(*c->packets)));
	for (c->n_packets = 0; c->n_packets < ARRAY_SIZE(bytes); c->n_packets++)
		c->packets[c->n_packets] =
			random_packet(c, bytes[c->n_packets], 14 + dice_below(&c->dice, 256 - 13));
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
		size_t n_laws = c->n_programs;

		line[strcspn(line, "\n")] = 0;
		if (*line && (expr_compile(line, &pos, GRAMMAR_FILTER, EXPR_LAW,
					   need(array_add(c->laws, n_laws))) ||
			      expr_compile(line, &pos, GRAMMAR_FILTER, EXPR_LIFTED,
					   need(array_add(c->programs, c->n_programs)))))
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

		if (from.caplen < 14 || from.caplen > IR_PACKET_MAX)
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
			2, "usage: passes programs SEED RUNS | expressions SEED RUNS FILE PCAP...");
	fail_program("passes");
	c.dice.state = strtoull(argv[2], NULL, 0) * 2 + 1;
	runs = strtoul(argv[3], NULL, 0);
	if (programs)
		c.programs = need(calloc(RULES, sizeof(*c.programs)));
	else
		read_expressions(&c, argv[4]);
	for (int i = 5; i < argc; i++)
		read_packets(&c, argv[i]);
	for (unsigned long i = 0; i < runs; i++) {
		if (programs && i % 16 == 0) {
			random_programs(&c);
			random_packets(&c);
		}
		if (!one_run(&c))
			return fail(1, "in run %lu of seed %s", i, argv[2]);
	}
	printf("%lu runs, %lu pairs of rule and packet; %lu blocks became %lu\n", runs, c.compared,
	       c.before, c.after);
	return 0;
}
