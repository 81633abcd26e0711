// SPDX-License-Identifier: GPL-2.0-only
/*
 * Replay against libpcap. The policy has one interface "e0", one hook, one rule a line (`cut` is
 * for xdp only):
 *
 *   replay_oracle counts POLICY PCAP…       run the captures; after every packet each rule of
 *                                           `count` has counted it exactly if libpcap matches it
 *   replay_oracle cut SEED POLICY PCAP…     the same, the packets in two buffers, cut at random
 *   replay_oracle verdicts POLICY PCAP…     print what `weir replay` must print
 *   replay_oracle longest PCAP…             print the longest packet of each capture: BYTES FILE
 *
 * What libpcap is asked stands behind " if " in the rule's line, or as the label of a rule with
 * bytecode: no parser of weir has seen it.
 */
#include <string.h>

#include "../../loader/capture.h"
#include "../../loader/filter/expr.h"
#include "../../loader/replay.h"
#include "../../loader/testrun.h"

/* Of the same layout as struct sock_filter; <linux/bpf.h> has another struct of this name. */
#define bpf_insn pcap_insn
#include <pcap/pcap.h>
#undef bpf_insn

enum { SHOWN = 10 }; /* disagreements; the rest are counted */

struct oracle {
	struct policy *policy;
	struct replay *replay;
	const struct rule *rules;
	size_t n_rules;
	struct cbpf *wanted;	   /* of each rule; n 0: every packet */
	struct weir_counter *hits; /* of each rule, by libpcap */
	uint64_t random;	   /* 0: packets in one buffer */
	struct capture *capture;   /* read in step with the replay */
	const char *path;
	unsigned long in_file, packets, tests, matches, wrong;
};

/* The line's text behind `word`; NULL if it has none. */
static const char *behind(const char *line, const char *word)
{
	const char *found = strstr(line, word);

	return found ? found + strlen(word) : NULL;
}

/* The expression of a rule; "": it has none. */
static char *expression(const struct rule *rule)
{
	const char *line = rule->pos.source->text, *text, *label;
	_free_ char *copy = NULL;

	for (unsigned int i = 1; i < rule->pos.line; i++)
		line = strchr(line, '\n') + 1;
	copy = strndup(line, strchrnul(line, '\n') - line);
	if (!copy)
		return NULL;
	text = behind(copy, " if ");
	label = behind(copy, " if bytecode ") ? behind(copy, " # ") : NULL;
	return strdup(label ? label : text ? text : "");
}

static int ask_libpcap(const struct rule *rule, struct cbpf *out)
{
	pcap_t *pcap = pcap_open_dead(DLT_EN10MB, 262144);
	_free_ char *text = expression(rule);
	struct bpf_program prog = { 0 };
	int err = 0;

	if (!pcap || !text)
		return fail_oom();
	if (text[0] && pcap_compile(pcap, &prog, text, 1, PCAP_NETMASK_UNKNOWN))
		err = fail(-EINVAL, "line %u: libpcap refuses '%s'", rule->pos.line, text);
	out->n = prog.bf_len;
	out->insns = (struct sock_filter *)prog.bf_insns;
	pcap_close(pcap);
	return err;
}

static enum hook_kind hook_of(const struct oracle *oracle)
{
	return oracle->policy->interfaces[0].hooks[0].kind;
}

static bool carries(const struct oracle *oracle, uint32_t len)
{
	return hook_of(oracle) == HOOK_XDP ? testrun_carries(len) : testrun_tc_carries(len);
}

static bool wants(const struct oracle *oracle, size_t rule, const struct capture_packet *packet)
{
	const struct cbpf *wanted = &oracle->wanted[rule];

	return !wanted->n || expr_match(wanted, packet->data, packet->caplen, packet->caplen);
}

static int read_policy(struct oracle *oracle, const char *path)
{
	int err = policy_read(path, &oracle->policy);

	if (err)
		return err;
	oracle->rules = oracle->policy->interfaces[0].hooks[0].rules;
	oracle->n_rules = oracle->policy->interfaces[0].hooks[0].n_rules;
	oracle->wanted = calloc(oracle->n_rules + 1, sizeof(*oracle->wanted));
	oracle->hits = calloc(oracle->n_rules + 1, sizeof(*oracle->hits));
	if (!oracle->wanted || !oracle->hits)
		return fail_oom();
	for (size_t i = 0; i < oracle->n_rules && !err; i++)
		err = ask_libpcap(&oracle->rules[i], &oracle->wanted[i]);
	return err;
}

static void oracle_end(struct oracle *oracle)
{
	for (size_t i = 0; i < oracle->n_rules && oracle->wanted; i++)
		free(oracle->wanted[i].insns);
	free(oracle->wanted);
	free(oracle->hits);
	replay_close(oracle->replay);
	policy_free(oracle->policy);
}

/* counts, cut */

static void complain(struct oracle *oracle, size_t rule, struct weir_counter got)
{
	const struct weir_counter *want = &oracle->hits[rule];
	_free_ char *text = expression(&oracle->rules[rule]);

	if (oracle->wrong++ >= SHOWN)
		return;
	printf("%s packet %lu: '%s' counted %llu packets, %llu bytes; libpcap: %llu, %llu\n",
	       oracle->path, oracle->in_file, text, got.packets, got.bytes, want->packets,
	       want->bytes);
}

/* After a packet: all counters are as libpcap's. One that is not is told once. */
static void compare(struct oracle *oracle, const struct capture_packet *packet)
{
	const struct plan_hook *hook = replay_hook(oracle->replay);

	oracle->in_file++;
	if (!carries(oracle, packet->caplen))
		return;
	oracle->packets++;
	for (size_t i = 0; i < oracle->n_rules; i++) {
		struct weir_counter got = replay_counter(oracle->replay, hook->rules[i].counter);
		struct weir_counter *want = &oracle->hits[i];

		if (wants(oracle, i, packet)) {
			want->packets++;
			want->bytes += packet->caplen;
			oracle->matches++;
		}
		oracle->tests++;
		if (got.packets != want->packets || got.bytes != want->bytes) {
			complain(oracle, i, got);
			*want = got;
		}
	}
}

static int after_packet(const struct replay_result *result, void *arg)
{
	struct oracle *oracle = arg;
	struct capture_packet packet;
	int err = capture_next(oracle->capture, &packet);
	const char *want = "pass";

	if (err < 0)
		return err;
	if (!carries(oracle, packet.caplen))
		want = packet.caplen < TESTRUN_MIN ? "short" : "long";
	compare(oracle, &packet);
	if (result->rule || strcmp(result->verdict, want)) {
		oracle->wrong++;
		printf("%s packet %lu: verdict %s, not %s\n", oracle->path, oracle->in_file,
		       result->verdict, want);
	}
	return 0;
}

/* A number below n (xorshift64: Marsaglia, "Xorshift RNGs", 2003). */
static uint32_t random_below(struct oracle *oracle, uint32_t n)
{
	oracle->random ^= oracle->random << 13;
	oracle->random ^= oracle->random >> 7;
	oracle->random ^= oracle->random << 17;
	return oracle->random % n;
}

/* Each packet four times: loads meet the cut before, in and behind them. */
static int run_cut(struct oracle *oracle)
{
	struct capture_packet packet;
	int err;

	while ((err = capture_next(oracle->capture, &packet)) > 0) {
		for (int i = 0; i < 4; i++) {
			uint32_t headers = packet.caplen < 80 ? packet.caplen : 80;
			struct testrun run = { .packet = packet.data, .len = packet.caplen };

			if (!carries(oracle, packet.caplen))
				break;
			run.linear = TESTRUN_MIN + random_below(oracle, headers - TESTRUN_MIN + 1);
			err = testrun_xdp(replay_prog_fd(oracle->replay), &run);
			if (err)
				return err;
			compare(oracle, &packet);
			oracle->in_file--;
		}
		oracle->in_file++;
	}
	return err;
}

static int run_file(struct oracle *oracle, const char *path)
{
	int err = capture_open(path, &oracle->capture);

	oracle->path = path;
	oracle->in_file = 0;
	if (!err)
		err = oracle->random ? run_cut(oracle)
				     : replay_run(oracle->replay, path, after_packet, oracle);
	capture_closep(&oracle->capture);
	return err;
}

static int compare_counts(struct oracle *oracle, char **paths, size_t n)
{
	int err = replay_open(oracle->policy, "e0", hook_of(oracle), (const char *const *)paths, n,
			      &oracle->replay);

	for (size_t i = 0; i < n && !err; i++)
		err = run_file(oracle, paths[i]);
	if (err)
		return 1;
	printf("%zu rules in %zu programs%s, %lu packets: %lu tests, %lu matched, %lu wrong\n",
	       oracle->n_rules, replay_hook(oracle->replay)->n_filters,
	       replay_hook(oracle->replay)->frags ? " (frags)" : "", oracle->packets, oracle->tests,
	       oracle->matches, oracle->wrong);
	return oracle->wrong ? 1 : 0;
}

/* verdicts */

/* Of a `use`, which must be of pcap-tests/stages/verdict.bpf.c with its option `say` first. */
static const char *stage_verdict(const struct action *action)
{
	static const char *const said[] = { NULL, "pass", "drop", "drop", "drop", "reflect" };

	return said[atoi(action->use.options[0].value)];
}

/* What a rule decides, without a redirect's target; NULL: it goes on. */
static const char *verdict(const struct action *action)
{
	if (action->kind == ACTION_USE)
		return stage_verdict(action);
	return policy_action_is_final(action) ? policy_action_name(action->kind) : NULL;
}

static void print_verdict(const struct rule *rule)
{
	if (!rule) {
		puts("pass -");
		return;
	}
	if (rule->action.kind == ACTION_REDIRECT)
		policy_print_action(&rule->action, stdout);
	else
		fputs(verdict(&rule->action), stdout);
	printf(" %u\n", rule->pos.line);
}

/* The first rule that libpcap matches decides, if it is one that does. NULL: none decides. */
static const struct rule *first_match(struct oracle *oracle, const struct capture_packet *packet)
{
	for (size_t i = 0; i < oracle->n_rules; i++) {
		if (!wants(oracle, i, packet))
			continue;
		oracle->hits[i].packets++;
		if (verdict(&oracle->rules[i].action))
			return &oracle->rules[i];
	}
	return NULL;
}

static int print_file(struct oracle *oracle, const char *path, uint64_t *undecided)
{
	_cleanup_(capture_closep) struct capture *capture = NULL;
	struct capture_packet packet;
	int err = capture_open(path, &capture);

	while (!err && (err = capture_next(capture, &packet)) > 0) {
		err = 0;
		printf("%lu ", ++oracle->packets);
		if (!carries(oracle, packet.caplen)) {
			puts(packet.caplen < TESTRUN_MIN ? "short -" : "long -");
			continue;
		}
		const struct rule *rule = first_match(oracle, &packet);

		*undecided += !rule;
		print_verdict(rule);
	}
	return err;
}

static int print_verdicts(struct oracle *oracle, char **paths, size_t n)
{
	uint64_t undecided = 0;
	int err = 0;

	for (size_t i = 0; i < n && !err; i++)
		err = print_file(oracle, paths[i], &undecided);
	puts("");
	for (size_t i = 0; i < oracle->n_rules; i++)
		printf("%llu %u\n", oracle->hits[i].packets, oracle->rules[i].pos.line);
	printf("%lu -\n", undecided);
	return err ? 1 : 0;
}

static int print_longest(char **paths)
{
	int err = 0;

	for (; *paths && !err; paths++) {
		_cleanup_(capture_closep) struct capture *capture = NULL;
		struct capture_packet packet;
		uint32_t longest = 0;

		err = capture_open(*paths, &capture);
		while (!err && (err = capture_next(capture, &packet)) > 0) {
			longest = packet.caplen > longest ? packet.caplen : longest;
			err = 0;
		}
		printf("%u %s\n", longest, *paths);
	}
	return err ? 1 : 0;
}

int main(int argc, char **argv)
{
	struct oracle oracle = { 0 };
	bool verdicts = argc > 1 && !strcmp(argv[1], "verdicts");
	int at = 2, status;

	fail_program("replay_oracle");
	if (argc > 2 && !strcmp(argv[1], "longest"))
		return print_longest(argv + 2);
	if (argc > 2 && !strcmp(argv[1], "cut"))
		oracle.random = strtoull(argv[at++], NULL, 10) | 1ull << 40;
	if (argc < at + 2)
		return fail(2, "usage: see the head of replay_oracle.c");
	if (read_policy(&oracle, argv[at++]))
		status = 1;
	else
		status = verdicts ? print_verdicts(&oracle, argv + at, argc - at)
				  : compare_counts(&oracle, argv + at, argc - at);
	oracle_end(&oracle);
	return status;
}
