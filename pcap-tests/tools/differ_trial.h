/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A trial of `differ`: a run of rules, a packet, and what comes of it: by libpcap's interpreter,
 * asked rule by rule, and by the program that weir makes of the run.
 */
#pragma once
/* Two headers, two structs of one name. */
#define bpf_insn libpcap_insn
#include <pcap/pcap.h>
#undef bpf_insn

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <net/if.h>
#include <string.h>
#include <sys/mman.h>

#include "../../loader/filter/expr.h"
#include "../../loader/filter/filter.h"
#include "../../loader/testrun.h"
#include "../../maps/abi.h"

enum {
	RULES = 400, /* in a run, at most */
	COUNTERS_A_RULE = 3,
	COUNTERS = WEIR_COUNTER_RULES + COUNTERS_A_RULE * RULES,
	SLOTS = 4,	    /* the last one is empty */
	TARGETS = 2,	    /* the last one is empty */
	SLOT_VERDICT = 100, /* what the program in slot 0 returns; 1 more in each */
};

struct expression {
	char *text;	  /* NULL: it began as a classic program */
	struct cbpf law;  /* what libpcap makes of it, for its interpreter */
	struct cbpf prog; /* what weir compiles */
};

struct packet {
	uint8_t *data;
	uint32_t len;
	uint32_t linear; /* bytes in the linear part; 0: all that the kernel puts there */
};

struct trial {
	struct filter_run run; /* its rules are those below */
	struct filter_rule rules[RULES];
	const struct expression *exprs[RULES]; /* of each; NULL: every packet matches */
	struct packet packet; /* len 0: none, the program cannot be loaded at all */
};

/* The maps of one mode: programs for fragments and others may not share any. */
struct maps {
	int fds[FILTER_MAPS];
	struct weir_counter *counters;
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

/* Expressions */

static struct cbpf own_program(const struct sock_filter *insns, size_t n)
{
	struct cbpf prog = { need(malloc(n * sizeof(*insns))), n };

	memcpy(prog.insns, insns, n * sizeof(*insns));
	return prog;
}

/* What libpcap itself makes of an expression; false: it refuses it. */
static bool ask_libpcap(const char *text, struct cbpf *out)
{
	static pcap_t *pcap;
	struct bpf_program prog;

	if (!pcap)
		pcap = need(pcap_open_dead(DLT_EN10MB, 262144));
	if (pcap_compile(pcap, &prog, text, 1, PCAP_NETMASK_UNKNOWN))
		return false;
	*out = own_program((const struct sock_filter *)prog.bf_insns, prog.bf_len);
	pcap_freecode(&prog);
	return true;
}

/* false: libpcap refuses it. What it takes, weir takes. */
static bool expression_of_text(const char *text, struct expression *out)
{
	const struct pos nowhere = { 0 };

	if (!ask_libpcap(text, &out->law))
		return false;
	if (expr_compile(text, &nowhere, GRAMMAR_FILTER, &out->prog))
		exit(fail(1, "differ: libpcap takes this, weir does not: %s", text));
	out->text = need(strdup(text));
	return true;
}

static struct expression expression_of_program(const struct cbpf *prog)
{
	return (struct expression){ .law = own_program(prog->insns, prog->n),
				    .prog = own_program(prog->insns, prog->n) };
}

static void expression_clear(struct expression *e)
{
	free(e->text);
	cbpf_free(&e->law);
	cbpf_free(&e->prog);
	*e = (struct expression){ 0 };
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
	struct maps maps = { 0 };

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

static const struct maps *maps_of(bool frags)
{
	static struct maps maps[2];

	if (!maps[frags].counters)
		maps[frags] = make_maps(frags);
	return &maps[frags];
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

static void expect(const struct trial *t, struct outcome *outcome)
{
	uint32_t len = t->packet.len;

	*outcome = (struct outcome){ 0 };
	for (size_t i = 0; i < t->run.n_rules; i++) {
		const struct expression *e = t->exprs[i];

		if ((!e || expr_match(&e->law, t->packet.data, len, len)) &&
		    act(outcome, &t->run, &t->rules[i], len))
			return;
	}
	if (t->run.jump_at_end) {
		jump(outcome, &t->run, t->run.end_slot, len);
	} else {
		count(outcome, WEIR_COUNTER_END, len);
		outcome->verdict = XDP_PASS;
	}
}

/* Running. With `say` what is wrong is told. */

static int make_tables(const struct filter_prog *prog)
{
	uint32_t zero = 0;
	int fd;

	if (!prog->tables)
		return -1;
	fd = make_map(BPF_MAP_TYPE_ARRAY, prog->tables_size, 1, BPF_F_RDONLY_PROG);
	need_fd(bpf_map_update_elem(fd, &zero, prog->tables, 0), "tables");
	need_fd(bpf_map_freeze(fd), "frozen tables");
	return fd;
}

static void show_log(const struct filter_prog *prog, struct bpf_prog_load_opts *opts, int err)
{
	static char log[1 << 24];

	printf("the verifier refuses the program: %s\n", strerror(-err));
	opts->log_level = 1;
	opts->log_buf = log;
	opts->log_size = sizeof(log);
	bpf_prog_load(BPF_PROG_TYPE_XDP, "differ", "GPL", prog->insns, prog->n_insns, opts);
	printf("%s\n", strlen(log) > 1500 ? log + strlen(log) - 1500 : log);
}

/* The loaded program; -E2BIG: weir says that it is too large for one; another: it is refused. */
static int load_trial(struct trial *t, bool say)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_flags = t->run.frags ? BPF_F_XDP_HAS_FRAGS : 0);
	struct filter_prog prog;
	int fds[FILTER_MAPS];
	int fd, err;

	t->run.rules = t->rules;
	err = filter_compile(&t->run, &prog);
	if (err) {
		filter_prog_free(&prog);
		return err == -E2BIG ? err : need_fd(err, "compiled program");
	}
	memcpy(fds, maps_of(t->run.frags)->fds, sizeof(fds));
	fds[FILTER_MAP_TABLES] = make_tables(&prog);
	filter_prog_set_maps(&prog, fds);
	fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "differ", "GPL", prog.insns, prog.n_insns, &opts);
	if (fd < 0 && say)
		show_log(&prog, &opts, fd);
	own_close(&fds[FILTER_MAP_TABLES]);
	filter_prog_free(&prog);
	return fd < 0 ? -EACCES : fd;
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

static bool same_counters(const struct outcome *want, const struct weir_counter *counters, bool say)
{
	bool good = !memcmp(counters, want->counters, sizeof(want->counters));

	for (uint32_t i = 0; say && !good && i < COUNTERS; i++)
		if (memcmp(&counters[i], &want->counters[i], sizeof(*counters)))
			printf("counter %u: %llu packets, %llu bytes; not %llu, %llu\n", i,
			       counters[i].packets, counters[i].bytes, want->counters[i].packets,
			       want->counters[i].bytes);
	return good;
}

/* Its packet through the loaded program: does all come out as it should? */
static bool packet_good(const struct trial *t, int fd, bool say)
{
	static uint8_t after[TESTRUN_MAX];
	static struct outcome want;
	struct weir_counter *counters = maps_of(t->run.frags)->counters;
	struct testrun test = { .packet = t->packet.data,
				.len = t->packet.len,
				.linear = t->packet.linear,
				.after = after,
				.after_size = sizeof(after) };
	bool good;

	memset(counters, 0, COUNTERS * sizeof(*counters));
	expect(t, &want);
	if (testrun_xdp(fd, &test))
		exit(1);
	good = test.verdict == want.verdict && same_bytes(&test, &want);
	if (!good && say)
		printf("verdict %u, not %u%s\n", test.verdict, want.verdict,
		       test.verdict == want.verdict ? ", but other bytes" : "");
	return same_counters(&want, counters, say) && good;
}

/* The whole trial. What is too large for one program is no failure. */
static bool trial_good(struct trial *t, bool say)
{
	int fd = load_trial(t, say);
	bool good;

	if (fd < 0)
		return fd == -E2BIG;
	good = !t->packet.len || packet_good(t, fd, say);
	close(fd);
	return good;
}
