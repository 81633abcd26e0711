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
#include <linux/pkt_cls.h>
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
	TAG_LEN = 4,
	LONG = 400, /* bytes of an expression: libpcap's optimiser takes its time */
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
	bool tag_aside;	      /* tc: an outer VLAN tag is beside the bytes, as on ingress */
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
	struct cbpf prog = { .insns = need(malloc(n * sizeof(*insns))), .n = n };

	memcpy(prog.insns, insns, n * sizeof(*insns));
	return prog;
}

/* What libpcap itself makes of an expression; false: it refuses it. */
static bool ask_libpcap(const char *text, bool optimize, struct cbpf *out)
{
	static pcap_t *pcap;
	struct bpf_program prog;

	if (!pcap)
		pcap = need(pcap_open_dead(DLT_EN10MB, 262144));
	if (pcap_compile(pcap, &prog, text, optimize, PCAP_NETMASK_UNKNOWN))
		return false;
	*out = own_program((const struct sock_filter *)prog.bf_insns, prog.bf_len);
	pcap_freecode(&prog);
	return true;
}

static const char any_vlan[] = "any-vlan ";

/* What libpcap is asked for it. "any-vlan E" is known for all of an expression only. */
static char *law_of(const char *text)
{
	const char *e = text + strlen(any_vlan);
	char *law = NULL;

	if (strncmp(text, any_vlan, strlen(any_vlan)))
		return need(strdup(text));
	if (asprintf(&law, "%s or (vlan and (%s or (vlan and %s)))", e, e, e) < 0)
		law = NULL;
	return need(law);
}

static bool same_program(const struct cbpf *a, const struct cbpf *b)
{
	return a->n == b->n && !memcmp(a->insns, b->insns, a->n * sizeof(*a->insns));
}

/* false: libpcap refuses it. What it takes, weir takes, and makes the same program of it. */
static bool expression_of_text(const char *text, struct expression *out)
{
	static struct shape_cache *shapes;
	const struct pos nowhere = { 0 };
	_free_ char *law = law_of(text);

	if (!shapes)
		shapes = need(shape_cache_new());

	if (!ask_libpcap(law, false, &out->law))
		return false;
	/* Its optimiser finds that some match no packet, and refuses them. */
	cbpf_free(&out->law);
	if (strlen(text) < LONG && !ask_libpcap(law, true, &out->law))
		return false;
	if (expr_compile_rule(text, &nowhere, GRAMMAR_FILTER, shapes, &out->prog))
		exit(fail(1, "differ: libpcap takes this, weir does not: %s", text));
	if (!out->prog.unoptimised && out->law.n && !same_program(&out->law, &out->prog)) {
		cbpf_print_d(&out->law, stderr);
		cbpf_print_d(&out->prog, stderr);
		exit(fail(1, "differ: libpcap makes another program than weir of this: %s", text));
	}
	if (out->prog.unoptimised || !out->law.n) {
		cbpf_free(&out->law);
		ask_libpcap(law, !out->prog.unoptimised, &out->law);
	}
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

static const enum bpf_prog_type prog_types[] = {
	[FILTER_XDP] = BPF_PROG_TYPE_XDP,
	[FILTER_TC] = BPF_PROG_TYPE_SCHED_CLS,
	[FILTER_SOCKET] = BPF_PROG_TYPE_SOCKET_FILTER,
};

static int load_prog(const struct filter_run *run, const struct bpf_insn *insns, size_t n,
		     char *log, size_t log_size)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_flags = run->frags ? BPF_F_XDP_HAS_FRAGS : 0,
		    .log_level = !!log, .log_buf = log, .log_size = log_size);

	return bpf_prog_load(prog_types[run->hook], "differ", "GPL", insns, n, &opts);
}

static int tail(uint32_t verdict, const struct filter_run *run)
{
	const struct bpf_insn insns[] = {
		{ BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, verdict },
		{ BPF_JMP | BPF_EXIT, 0, 0, 0, 0 },
	};

	return need_fd(load_prog(run, insns, 2, NULL, 0), "program");
}

static int make_map(enum bpf_map_type type, uint32_t value, uint32_t entries, uint32_t flags)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = flags);

	return need_fd(bpf_map_create(type, "differ", 4, value, entries, &opts), "map");
}

static struct maps make_maps(const struct filter_run *run)
{
	uint32_t lo = if_nametoindex("lo");
	struct maps maps = { 0 };

	maps.fds[FILTER_MAP_SLOTS] = make_map(BPF_MAP_TYPE_PROG_ARRAY, 4, SLOTS, 0);
	maps.fds[FILTER_MAP_COUNTERS] =
		make_map(BPF_MAP_TYPE_ARRAY, sizeof(struct weir_counter), COUNTERS, BPF_F_MMAPABLE);
	maps.fds[FILTER_MAP_DEVMAP] = make_map(BPF_MAP_TYPE_DEVMAP, 4, TARGETS, 0);
	maps.fds[FILTER_MAP_COPY] = make_map(BPF_MAP_TYPE_PERCPU_ARRAY, FILTER_COPY_SIZE, 1, 0);
	maps.counters = mmap(NULL, COUNTERS * sizeof(struct weir_counter), PROT_READ | PROT_WRITE,
			     MAP_SHARED, maps.fds[FILTER_MAP_COUNTERS], 0);
	need(maps.counters == MAP_FAILED ? NULL : maps.counters);
	for (uint32_t i = 0; i < SLOTS - 1; i++) {
		int fd = tail(SLOT_VERDICT + i, run);

		need_fd(bpf_map_update_elem(maps.fds[FILTER_MAP_SLOTS], &i, &fd, 0), "slot");
		close(fd);
	}
	for (uint32_t i = 0; i < TARGETS - 1; i++)
		need_fd(bpf_map_update_elem(maps.fds[FILTER_MAP_DEVMAP], &i, &lo, 0), "target");
	return maps;
}

static const struct maps *maps_of(const struct filter_run *run)
{
	static struct maps maps[FILTER_SOCKET + 1][2];
	struct maps *own = &maps[run->hook][run->frags];

	if (!own->counters)
		*own = make_maps(run);
	return own;
}

/* What should come out */

struct outcome {
	uint32_t verdict;
	bool swapped, changed; /* changed: the bytes are the kernel's matter */
	struct weir_counter counters[COUNTERS];
};

static bool is_tag(const uint8_t *type)
{
	return (type[0] == 0x81 && type[1] == 0) || (type[0] == 0x88 && type[1] == 0xa8);
}

/* The kernel takes a tag out of the bytes that is whole, and has a type behind it. */
static bool has_tag(const uint8_t *packet, uint32_t len)
{
	return len >= 20 && is_tag(packet + 12);
}

/* It takes off a tag, and moves the next one out of the bytes; each must be whole. */
static bool can_pop(const uint8_t *packet, uint32_t len)
{
	if (!is_tag(packet + 12))
		return true;
	return len >= 18 && (!is_tag(packet + 16) || len >= 22);
}

/* What hooks call what comes of a packet. A socket takes it or not. */
static const struct verdicts {
	uint32_t pass, drop, reflect, redirect;
} verdicts[] = {
	[FILTER_XDP] = { XDP_PASS, XDP_DROP, XDP_TX, XDP_REDIRECT },
	[FILTER_TC] = { TC_ACT_UNSPEC, TC_ACT_SHOT, TC_ACT_REDIRECT, TC_ACT_REDIRECT },
	[FILTER_SOCKET] = { 1, 0 },
};

static void count(struct outcome *outcome, const struct trial *t, uint32_t counter)
{
	if (t->run.hook == FILTER_SOCKET)
		return;
	outcome->counters[counter].packets++;
	outcome->counters[counter].bytes += t->packet.len;
}

static void jump(struct outcome *outcome, const struct trial *t, uint32_t slot)
{
	const struct verdicts *v = &verdicts[t->run.hook];

	if (slot < SLOTS - 1) {
		outcome->verdict = SLOT_VERDICT + slot;
		return;
	}
	count(outcome, t, WEIR_COUNTER_MISS);
	outcome->verdict = t->run.miss_drop ? v->drop : v->pass;
}

static void redirect(struct outcome *outcome, const struct trial *t, const struct filter_rule *rule)
{
	bool there = t->run.hook == FILTER_TC || rule->arg < TARGETS - 1;

	outcome->verdict = there ? verdicts[t->run.hook].redirect : verdicts[t->run.hook].drop;
	if (!there)
		count(outcome, t, rule->counter + WEIR_REDIRECT_LOST);
}

static bool can_change(const struct trial *t, const struct filter_rule *rule)
{
	return rule->verb == FILTER_VLAN_PUSH || can_pop(t->packet.data, t->packet.len);
}

/* What a rule that matched does; false: go on. */
static bool act(struct outcome *outcome, const struct trial *t, const struct filter_rule *rule)
{
	count(outcome, t, rule->counter);
	switch (rule->verb) {
	case FILTER_COUNT:
	case FILTER_MARK:
	case FILTER_PRIORITY:
		return false;
	case FILTER_PASS:
		outcome->verdict = verdicts[t->run.hook].pass;
		return true;
	case FILTER_DROP:
		outcome->verdict = verdicts[t->run.hook].drop;
		return true;
	case FILTER_REFLECT:
		outcome->verdict = verdicts[t->run.hook].reflect;
		outcome->swapped = true;
		return true;
	case FILTER_REDIRECT:
	case FILTER_REDIRECT_INGRESS:
		redirect(outcome, t, rule);
		return true;
	case FILTER_JUMP:
		jump(outcome, t, rule->arg);
		return true;
	case FILTER_VLAN_PUSH:
	case FILTER_VLAN_POP:
		outcome->changed = true;
		jump(outcome, t, can_change(t, rule) ? rule->slot : SLOTS - 1);
		return true;
	case FILTER_XSK: /* none of these here */
	case FILTER_CPU:
	case FILTER_REDIRECT_ALL:
		break;
	}
	abort();
}

/* Pairs of rule and packet so far; a rule behind one that ended is in none. */
static unsigned long pairs;

static void expect(const struct trial *t, struct outcome *outcome)
{
	uint32_t len = t->packet.len;

	*outcome = (struct outcome){ 0 };
	for (size_t i = 0; i < t->run.n_rules; i++) {
		const struct expression *e = t->exprs[i];

		pairs++;
		if ((!e || expr_match(&e->law, t->packet.data, len, len)) &&
		    act(outcome, t, &t->rules[i]))
			return;
	}
	if (t->run.jump_at_end) {
		jump(outcome, t, t->run.end_slot);
	} else {
		count(outcome, t, WEIR_COUNTER_END);
		if (t->run.hook != FILTER_SOCKET)
			outcome->verdict = verdicts[t->run.hook].pass;
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

static void show_log(const struct filter_run *run, const struct filter_prog *prog, int err)
{
	static char log[1 << 24];

	printf("the verifier refuses the program: %s\n", strerror(-err));
	load_prog(run, prog->insns, prog->n_insns, log, sizeof(log));
	printf("%s\n", strlen(log) > 1500 ? log + strlen(log) - 1500 : log);
}

/* What carries packets to the program that is loaded, one at a time. */
static struct testrun_tc *carrier_tc;
static int carrier_sockets[2] = { -1, -1 };

static void open_carrier(const struct trial *t, int fd)
{
	if (t->run.hook == FILTER_TC && testrun_tc_open(fd, t->tag_aside, &carrier_tc))
		exit(1);
	if (t->run.hook == FILTER_SOCKET &&
	    (testrun_socket_open(carrier_sockets) || testrun_socket_attach(carrier_sockets, fd)))
		exit(1);
}

static void close_trial(int fd)
{
	testrun_tc_close(carrier_tc);
	carrier_tc = NULL;
	own_close(&carrier_sockets[0]);
	own_close(&carrier_sockets[1]);
	close(fd);
}

/*
 * The loaded program, for close_trial(); -E2BIG: weir says that it is too large for one; another:
 * it is refused.
 */
static int load_trial(struct trial *t, bool say)
{
	struct filter_prog prog;
	int fds[FILTER_MAPS];
	int fd, err;

	t->run.rules = t->rules;
	err = filter_compile(&t->run, &prog);
	if (err) {
		filter_prog_free(&prog);
		return err == -E2BIG ? err : need_fd(err, "compiled program");
	}
	/* The planner would make several programs of it. */
	if (t->run.n_rules > 1 &&
	    (prog.n_insns > FILTER_INSNS_MANY || prog.branches_deep > FILTER_BRANCHES_MANY)) {
		filter_prog_free(&prog);
		return -E2BIG;
	}
	memcpy(fds, maps_of(&t->run)->fds, sizeof(fds));
	fds[FILTER_MAP_TABLES] = make_tables(&prog);
	filter_prog_set_maps(&prog, fds);
	fd = load_prog(&t->run, prog.insns, prog.n_insns, NULL, 0);
	if (fd < 0 && say)
		show_log(&t->run, &prog, fd);
	own_close(&fds[FILTER_MAP_TABLES]);
	filter_prog_free(&prog);
	if (fd < 0)
		return -EACCES;
	open_carrier(t, fd);
	return fd;
}

static int run_packet(const struct trial *t, int fd, struct testrun *test)
{
	int taken;

	switch (t->run.hook) {
	case FILTER_XDP:
		return testrun_xdp(fd, test);
	case FILTER_TC:
		return testrun_tc(carrier_tc, test);
	case FILTER_SOCKET:
		taken = testrun_socket(carrier_sockets, test->packet, test->len);
		test->verdict = taken;
		return taken < 0 ? taken : 0;
	case FILTER_FANOUT: /* live/skb */
		break;
	}
	abort();
}

static bool same_bytes(const struct trial *t, const struct testrun *test,
		       const struct outcome *want)
{
	static uint8_t bytes[TESTRUN_MAX];
	uint32_t len = test->len;

	if (want->changed || t->run.hook == FILTER_SOCKET)
		return true;
	memcpy(bytes, test->packet, test->len);
	if (want->swapped) {
		memcpy(bytes, test->packet + 6, 6);
		memcpy(bytes + 6, test->packet, 6);
	}
	if (t->tag_aside && has_tag(bytes, len)) {
		len -= TAG_LEN;
		memmove(bytes + 12, test->packet + 12 + TAG_LEN, len - 12);
	}
	return test->after_len == len && !memcmp(bytes, test->after, len);
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
	struct weir_counter *counters = maps_of(&t->run)->counters;
	struct testrun test = { .packet = t->packet.data,
				.len = t->packet.len,
				.linear = t->packet.linear,
				.after = after,
				.after_size = sizeof(after) };
	bool good;

	memset(counters, 0, COUNTERS * sizeof(*counters));
	expect(t, &want);
	if (run_packet(t, fd, &test))
		exit(1);
	good = test.verdict == want.verdict && same_bytes(t, &test, &want);
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
	close_trial(fd);
	return good;
}
