// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs of rules through the real programs, against libpcap's interpreter asked rule by rule.
 *
 *   differ programs SEED RUNS                     rules of random classic programs, random packets
 *   differ expressions SEED RUNS FILE PCAP...     rules of expressions, packets of captures, cut
 *   differ policies SEED RUNS PCAP...             many random rules about mutants of the packets
 *   differ case OPTIONS PACKET RULE...            one run, one packet (differ_case.h)
 *
 * RUNS is a number, or seconds ("60s"). Every rule of a run has a random verb. Compared are the
 * verdict, the packet's bytes afterwards and every counter. Half of the runs are on XDP, half of
 * these compiled for fragments, their packets split anywhere; the others are on tc, where an outer
 * VLAN tag may be beside the bytes, and on sockets. A trial that fails shrinks, and is printed as
 * the command that repeats it; the exit status is 1.
 */
#include <time.h>

#include "../../loader/capture.h"
#include "differ_case.h"
#include "differ_shrink.h"
#include "differ_trial.h"
#include "random_cbpf.h"
#include "random_expr.h"
#include "random_packet.h"

enum {
	FEW_RULES = 40,
	MUTANTS = 80,  /* that a policy is about */
	PACKETS = 240, /* through each run, cut or split anew: most of its time goes into loading it
			*/
	RUNS_A_POOL = 16,
};

struct context {
	struct dice dice;
	struct expression *exprs; /* what rules are made of */
	size_t n_exprs;
	struct packet *sources; /* what packets are made of: captures */
	size_t n_sources;
	struct packet *packets;
	size_t n_packets;
	bool policies;
	unsigned long runs, ran; /* ran: packets, each through a run */
};

/* Runs */

/* A packet of the pool, perhaps cut, perhaps in fragments. */
static void choose_packet(struct context *c, struct trial *t)
{
	const struct packet *from = &c->packets[dice_below(&c->dice, c->n_packets)];
	static const uint32_t longest[] = { [FILTER_XDP] = TESTRUN_LINEAR,
					    [FILTER_TC] = WEIR_REPLAY_MAX,
					    [FILTER_SOCKET] = TESTRUN_SOCKET_MAX };
	uint32_t most;

	t->packet = *from;
	if (from->len == TESTRUN_MAX)
		t->packet.len -= dice_one_in(&c->dice, 2) ? 0 : dice_below(&c->dice, 12);
	else if (dice_one_in(&c->dice, c->policies ? 4 : 2))
		t->packet.len = TESTRUN_MIN + dice_below(&c->dice, from->len - TESTRUN_MIN + 1);
	/* The headers end at many places. */
	if (c->policies && t->packet.len > 90 && dice_one_in(&c->dice, 4))
		t->packet.len = TESTRUN_MIN + dice_below(&c->dice, 90 - TESTRUN_MIN);
	if (!t->run.frags && t->packet.len > longest[t->run.hook])
		t->packet.len = longest[t->run.hook];
	most = t->packet.len < 150 ? t->packet.len : 150;
	if (t->run.frags && !dice_one_in(&c->dice, 3))
		t->packet.linear = TESTRUN_MIN + dice_below(&c->dice, most - TESTRUN_MIN + 1);
}

static const struct {
	enum filter_verb verbs[11];
	size_t n;
} verbs_of[] = {
	[FILTER_XDP] = { { FILTER_PASS, FILTER_DROP, FILTER_REFLECT, FILTER_REDIRECT, FILTER_COUNT,
			   FILTER_JUMP },
			 6 },
	[FILTER_TC] = { { FILTER_PASS, FILTER_DROP, FILTER_REFLECT, FILTER_REDIRECT, FILTER_COUNT,
			  FILTER_JUMP, FILTER_MARK, FILTER_PRIORITY, FILTER_REDIRECT_INGRESS,
			  FILTER_VLAN_PUSH, FILTER_VLAN_POP },
			11 },
	[FILTER_SOCKET] = { { FILTER_PASS, FILTER_DROP, FILTER_COUNT }, 3 },
};

static void random_rule(struct context *c, struct trial *t, size_t i, const struct expression *e)
{
	enum filter_hook hook = t->run.hook;
	struct filter_rule *rule = &t->rules[i];

	t->exprs[i] = e;
	/* Mostly count: a final rule hides those behind it. */
	*rule = (struct filter_rule){
		.cbpf = e ? &e->prog : NULL,
		.verb = dice_one_in(&c->dice, 2)
				? FILTER_COUNT
				: verbs_of[hook].verbs[dice_below(&c->dice, verbs_of[hook].n)],
		.slot = dice_below(&c->dice, SLOTS),
		.counter = WEIR_COUNTER_RULES + COUNTERS_A_RULE * i,
	};
	if (hook == FILTER_SOCKET && t->run.n_rules == 1)
		rule->verb = FILTER_PASS;
	if (rule->verb == FILTER_REDIRECT)
		rule->arg = dice_below(&c->dice, TARGETS);
	else if (rule->verb == FILTER_JUMP)
		rule->arg = dice_below(&c->dice, SLOTS);
	else
		rule->arg = dice_below(&c->dice, 4096);
}

static void random_hook(struct context *c, struct trial *t)
{
	if (dice_one_in(&c->dice, 2))
		return;
	t->run.frags = false;
	t->run.hook = dice_one_in(&c->dice, 3) ? FILTER_SOCKET : FILTER_TC;
	t->tag_aside = t->run.hook == FILTER_TC && dice_one_in(&c->dice, 2);
	if (t->run.hook == FILTER_SOCKET)
		t->run.jump_at_end = false;
}

/* Rules drawn from the pool; of a policy each of it, in its order. */
static void random_trial(struct context *c, struct trial *t)
{
	size_t n = c->policies		      ? c->n_exprs
		   : dice_one_in(&c->dice, 4) ? dice_below(&c->dice, FEW_RULES + 1)
					      : 1 + dice_below(&c->dice, 4);

	*t = (struct trial){
		.run = {
			.frags = dice_one_in(&c->dice, 2),
			.by_helper = dice_one_in(&c->dice, 4),
			.jump_at_end = dice_one_in(&c->dice, 4),
			.end_slot = dice_below(&c->dice, SLOTS),
			.miss_drop = dice_one_in(&c->dice, 2),
			.n_rules = n,
		},
	};
	random_hook(c, t);
	for (size_t i = 0; i < n; i++) {
		bool all = dice_one_in(&c->dice, c->policies ? 300 : 30);
		size_t which = c->policies ? i : dice_below(&c->dice, c->n_exprs);

		random_rule(c, t, i, all ? NULL : &c->exprs[which]);
	}
}

static int failed(struct trial *t)
{
	shrink(t);
	trial_good(t, true);
	printf("to repeat it (as root; pcap-tests/sandbox build/tools/…):\n");
	show_case(t);
	return -EINVAL;
}

static int one_run(struct context *c)
{
	static struct trial t;
	bool good = true;
	int fd;

	random_trial(c, &t);
	while ((fd = load_trial(&t, false)) == -E2BIG && t.run.n_rules > 1)
		t.run.n_rules /= 2;
	if (fd == -E2BIG)
		return 0;
	for (unsigned int i = PACKETS; i-- && fd >= 0 && good;) {
		choose_packet(c, &t);
		good = packet_good(&t, fd, false);
		c->ran++;
	}
	if (fd >= 0)
		close_trial(fd);
	return good && fd >= 0 ? 0 : failed(&t);
}

/* What the runs are made of */

static void clear_exprs(struct context *c)
{
	for (size_t i = 0; i < c->n_exprs; i++)
		expression_clear(&c->exprs[i]);
	c->n_exprs = 0;
}

static struct expression *add_expr(struct context *c)
{
	if (!c->exprs)
		c->exprs = need(calloc(RULES, sizeof(*c->exprs)));
	return &c->exprs[c->n_exprs++];
}

static void random_programs(struct context *c)
{
	clear_exprs(c);
	while (c->n_exprs < FEW_RULES) {
		struct sock_filter insns[RANDOM_CBPF_MAX];
		const struct cbpf prog = random_cbpf(&c->dice, insns);

		*add_expr(c) = expression_of_program(&prog);
	}
}

/* Mostly small numbers, so that tests of them come out both ways. */
static struct packet random_packet(struct context *c, uint8_t *data, uint32_t len)
{
	static const uint8_t tags[][2] = { { 0x88, 0xa8 }, { 0x81, 0x00 } };

	for (uint32_t i = 0; i < len; i++)
		data[i] = dice_below(&c->dice, dice_one_in(&c->dice, 3) ? 256 : 5);
	if (dice_one_in(&c->dice, 3))
		memcpy(data + 12, tags[dice_one_in(&c->dice, 2)], 2);
	return (struct packet){ data, len, 0 };
}

/* The last one is as long as can be: offsets to the end of 16 bits lead somewhere. */
static void random_packets(struct context *c)
{
	static uint8_t bytes[64][256], longest[TESTRUN_MAX];
	static struct packet packets[ARRAY_SIZE(bytes) + 1];

	c->packets = packets;
	for (c->n_packets = 0; c->n_packets < ARRAY_SIZE(bytes); c->n_packets++)
		packets[c->n_packets] =
			random_packet(c, bytes[c->n_packets],
				      TESTRUN_MIN + dice_below(&c->dice, 256 - TESTRUN_MIN + 1));
	packets[c->n_packets++] = random_packet(c, longest, sizeof(longest));
}

/* Packets of a policy's run: few, so that its rules are about them. */
static void mutant_packets(struct context *c)
{
	static uint8_t bytes[MUTANTS][TESTRUN_LINEAR + MUTANT_GROWS];
	static struct packet packets[MUTANTS];

	c->packets = packets;
	for (c->n_packets = 0; c->n_packets < MUTANTS; c->n_packets++) {
		const struct packet *from = &c->sources[dice_below(&c->dice, c->n_sources)];
		const struct packet *other = &c->sources[dice_below(&c->dice, c->n_sources)];
		struct mutant m = { &c->dice, bytes[c->n_packets], from->len };

		if (m.len > TESTRUN_LINEAR - MUTANT_GROWS)
			m.len = TESTRUN_LINEAR - MUTANT_GROWS;
		memcpy(m.data, from->data, m.len);
		mutate(&m, other->data, other->len);
		packets[c->n_packets] = (struct packet){ m.data, m.len, 0 };
	}
}

/* Few rules, or many, of any shapes, or many of few shapes. */
static void random_policy(struct context *c)
{
	struct sample samples[MUTANTS];
	struct dice values = { c->dice.state ^ 0x5bd1e995 }, shape = values;
	struct random_expr e = { &shape, &values, samples, c->n_packets, "", 0 };
	static const uint32_t sizes[] = { 5, FEW_RULES, FEW_RULES, RULES };
	size_t n = 1 + dice_below(&c->dice, sizes[dice_below(&c->dice, ARRAY_SIZE(sizes))]);
	uint32_t shapes = dice_one_in(&c->dice, 2) ? RULES : 1 + dice_below(&c->dice, 4);
	uint64_t first = 2 * (uint64_t)dice_below(&c->dice, UINT32_MAX) + 1;

	for (size_t i = 0; i < c->n_packets; i++)
		samples[i] = (struct sample){ c->packets[i].data, c->packets[i].len };
	clear_exprs(c);
	for (size_t tries = 0; c->n_exprs < n && tries < 4 * n; tries++) {
		shape.state = first + 2 * dice_below(&c->dice, shapes);
		dice_below(&shape, 2);
		if (!expression_of_text(random_expr(&e), add_expr(c)))
			c->n_exprs--;
	}
}

static void read_expressions(struct context *c, const char *path)
{
	_fclose_ FILE *file = need(fopen(path, "re"));
	_free_ char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, file) > 0) {
		line[strcspn(line, "\n")] = 0;
		if (*line && !expression_of_text(line, need(array_add(c->exprs, c->n_exprs))))
			exit(fail(1, "libpcap refuses this: %s", line));
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
		packet = need(array_add(c->sources, c->n_sources));
		packet->data = need(malloc(from.caplen));
		packet->len = from.caplen;
		memcpy(packet->data, from.data, from.caplen);
	}
	c->packets = c->sources;
	c->n_packets = c->n_sources;
}

/* Modes */

static void next_programs(struct context *c)
{
	if (c->runs % RUNS_A_POOL)
		return;
	random_programs(c);
	random_packets(c);
}

static void next_expressions(struct context *c)
{
	(void)c; /* its pools are the files */
}

static void next_policy(struct context *c)
{
	mutant_packets(c);
	random_policy(c);
}

static const struct mode {
	const char *name;
	int files; /* arguments behind RUNS, at least */
	bool expressions;
	void (*next)(struct context *c);
} modes[] = {
	{ "programs", 0, false, next_programs },
	{ "expressions", 2, true, next_expressions },
	{ "policies", 1, false, next_policy },
};

static int run_mode(struct context *c, const struct mode *mode, const char *seed, const char *many)
{
	char *unit;
	unsigned long runs = strtoul(many, &unit, 0);
	time_t end = *unit == 's' ? time(NULL) + (time_t)runs : 0;

	c->dice.state = strtoull(seed, NULL, 0) * 2 + 1;
	for (; end ? time(NULL) < end : c->runs < runs; c->runs++) {
		mode->next(c);
		if (one_run(c))
			return fail(1, "in run %lu of seed %s", c->runs, seed);
	}
	printf("%lu runs, %lu packets, %lu pairs of rule and packet\n", c->runs, c->ran, pairs);
	return 0;
}

static int repeat_case(int n, char **words)
{
	static struct trial t;

	if (!read_case(&t, n, words))
		return fail(2, "not a case: see pcap-tests/tools/differ_case.h");
	if (!trial_good(&t, true))
		return 1;
	printf("no difference\n");
	return 0;
}

int main(int argc, char **argv)
{
	static struct context c;

	fail_program("differ");
	if (argc > 3 && !strcmp(argv[1], "case"))
		return repeat_case(argc - 2, argv + 2);
	for (size_t i = 0; i < ARRAY_SIZE(modes) && argc > 3; i++) {
		const struct mode *mode = &modes[i];

		if (strcmp(argv[1], mode->name) || argc - 4 < mode->files)
			continue;
		c.policies = mode->next == next_policy;
		if (mode->expressions)
			read_expressions(&c, argv[4]);
		for (int f = 4 + mode->expressions; f < argc; f++)
			read_packets(&c, argv[f]);
		return run_mode(&c, mode, argv[2], argv[3]);
	}
	return fail(
		2,
		"usage: differ programs SEED RUNS | expressions SEED RUNS FILE PCAP... | policies SEED RUNS PCAP... | case OPTIONS PACKET RULE...");
}
