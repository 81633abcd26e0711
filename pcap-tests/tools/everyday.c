// SPDX-License-Identifier: GPL-2.0-only
/*
 * everyday OBJECT… -- PCAP…: what everyday expressions cost a packet, in nanoseconds, which are
 * instructions where the clock counts them (pcap-tests/vm/run-in-guest --icount):
 *
 *   on XDP, beside the same test by hand (pcap-tests/everyday/, the objects), by BPF_PROG_TEST_RUN;
 *   on a socket, beside the kernel's own translation of libpcap's classic program
 *   (SO_ATTACH_FILTER): the classic program that weir makes for it, and the one of its own
 *   (SO_ATTACH_BPF) for what classic ones cannot be exact in.
 *
 * First all of them agree with libpcap on every packet. Then each is measured with the same
 * packets, half of which match, drawn evenly from the captures. On XDP the costs are those over a
 * program that says "pass" and nothing else; they include counting, which all programs do in the
 * same way. What it costs by hand, that of "greater 0", is subtracted for the ratio of the tests
 * alone. On a socket the costs are those over a classic filter of one instruction, which takes the
 * packet, or not. At the end stand geometric means of the ratios.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <math.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "../../loader/capture.h"
#include "../../loader/fail.h"
#include "../../loader/filter/cbpf_socket.h"
#include "../../loader/filter/expr.h"
#include "../../loader/filter/filter.h"
#include "../../loader/testrun.h"
#include "../../maps/abi.h"
#include "../../maps/maps.h"

enum {
	EACH_SIDE = 8, /* packets that match, and that do not */
	ROUNDS = 3,
	REPEAT = 256, /* packets in a round of BPF_PROG_TEST_RUN */
	SENDS = 12,   /* to a socket */
};

/* What matches every packet, of which a compiler sees that it does. */
static const char every[] = "greater 0";

/* Who tests. */
enum way { XDP_HAND, XDP_WEIR, SOCKET_KERNEL, SOCKET_WEIR, SOCKET_BPF, WAYS };

static const char *const way_names[] = { "by hand", "weir on XDP", "the kernel's classic filter",
					 "weir on a socket", "weir's eBPF on a socket" };

struct packet {
	uint8_t *data;
	uint32_t len;
};

struct filter {
	const char *text;	   /* the expression; the object's */
	struct cbpf cbpf, classic; /* libpcap's; for a socket */
	int fds[WAYS];		   /* programs; but for classic ones */
	size_t samples[2 * EACH_SIDE];
	size_t n_samples, n_matching;
	double cost[WAYS]; /* a packet */
};

struct context {
	struct bpf_object **objects;
	size_t n_objects;
	struct filter *filters;
	size_t n_filters;
	struct packet *packets;
	size_t n_packets;
	int sockets[2];
	int empty_fd;	 /* the XDP program that says "pass" */
	double counting; /* what it costs by hand */
};

static void *need(void *p)
{
	if (!p)
		exit(fail(1, "everyday: out of memory"));
	return p;
}

static void must(int err)
{
	if (err)
		exit(1);
}

/* What is measured */

static void read_packets(struct context *c, const char *path)
{
	_cleanup_(capture_closep) struct capture *capture = NULL;
	struct capture_packet from;

	must(capture_open(path, &capture));
	while (capture_next(capture, &from) == 1) {
		struct packet *packet;

		if (from.caplen < TESTRUN_MIN || from.caplen > TESTRUN_LINEAR)
			continue;
		packet = need(array_add(c->packets, c->n_packets));
		packet->data = need(malloc(from.caplen));
		packet->len = from.caplen;
		memcpy(packet->data, from.data, from.caplen);
	}
}

static int load(struct filter *f, enum filter_hook hook, int counters)
{
	const bool xdp = hook == FILTER_XDP;
	const struct filter_rule rule = { .cbpf = &f->cbpf,
					  .verb = xdp ? FILTER_DROP : FILTER_PASS,
					  .counter = WEIR_COUNTER_RULES };
	const struct filter_run run = { .hook = hook, .rules = &rule, .n_rules = 1 };
	struct filter_prog prog;
	int tables, fd;

	must(filter_compile(&run, &prog));
	tables = prog.tables ? maps_create_tables(prog.tables, prog.tables_size) : -1;
	filter_prog_set_maps(
		&prog, (int[FILTER_MAPS]){
			       [FILTER_MAP_COUNTERS] = counters, [FILTER_MAP_TABLES] = tables });
	fd = bpf_prog_load(xdp ? BPF_PROG_TYPE_XDP : BPF_PROG_TYPE_SOCKET_FILTER, "everyday", "GPL",
			   prog.insns, prog.n_insns, NULL);
	if (fd < 0)
		exit(fail(1, "everyday: the kernel refuses '%s': %s", f->text, strerror(-fd)));
	own_close(&tables);
	filter_prog_free(&prog);
	return fd;
}

static void make_classic(struct filter *f)
{
	const char *why;

	if (cbpf_for_socket(&f->cbpf, CBPF_FILTER, &f->classic, &why))
		exit(fail(1, "everyday: '%s': the classic program %s", f->text, why));
}

static void add_filter(struct context *c, const char *text, int hand_fd, int counters)
{
	const struct pos nowhere = { 0 };
	struct filter *f = need(array_add(c->filters, c->n_filters));

	f->text = text;
	f->fds[XDP_HAND] = hand_fd;
	must(expr_compile(text, &nowhere, GRAMMAR_FILTER, EXPR_LAW, &f->cbpf));
	f->fds[XDP_WEIR] = load(f, FILTER_XDP, counters);
	f->fds[SOCKET_BPF] = load(f, FILTER_SOCKET, -1);
	make_classic(f);
}

/* The expression that a program stands for: the tag of its function. */
static const char *expression_of(const struct btf *btf, const char *program)
{
	int function = btf__find_by_name_kind(btf, program, BTF_KIND_FUNC);

	for (uint32_t id = 1; id < btf__type_cnt(btf); id++) {
		const struct btf_type *type = btf__type_by_id(btf, id);

		if (btf_is_decl_tag(type) && (int)type->type == function)
			return btf__name_by_offset(btf, type->name_off);
	}
	exit(fail(1, "everyday: program '%s' has no tag", program));
}

/* Its programs stay for as long as we run. */
static void read_object(struct context *c, const char *path)
{
	struct bpf_object *object = bpf_object__open(path);
	struct bpf_object **kept = need(array_add(c->objects, c->n_objects));
	struct bpf_program *program;

	*kept = object;
	if (!object || bpf_object__load(object))
		exit(fail(1, "everyday: cannot load %s: %s", path, strerror(errno)));
	bpf_object__for_each_program(program, object) add_filter(
		c, expression_of(bpf_object__btf(object), bpf_program__name(program)),
		bpf_program__fd(program), bpf_object__find_map_fd_by_name(object, "counters"));
}

/* Agreement */

static bool is_every(const struct filter *f)
{
	return !strcmp(f->text, every);
}

static void attach(struct context *c, const struct filter *f, enum way way)
{
	const struct cbpf *prog = way == SOCKET_KERNEL ? &f->cbpf : &f->classic;
	const struct sock_fprog classic = { prog->n, prog->insns };

	must(way == SOCKET_BPF ? testrun_socket_attach(c->sockets, f->fds[way])
			       : testrun_socket_attach_classic(c->sockets, &classic));
}

static bool matches(struct context *c, const struct filter *f, enum way way, const struct packet *p)
{
	struct testrun run = { .packet = p->data, .len = p->len };
	int taken;

	if (way == XDP_HAND || way == XDP_WEIR) {
		must(testrun_xdp(f->fds[way], &run));
		return run.verdict == XDP_DROP;
	}
	taken = testrun_socket(c->sockets, p->data, p->len);
	must(taken < 0);
	return taken;
}

static bool law(const struct filter *f, const struct packet *p)
{
	return expr_match(&f->cbpf, p->data, p->len, p->len);
}

static void check_way(struct context *c, const struct filter *f, enum way way)
{
	if (way >= SOCKET_KERNEL)
		attach(c, f, way);
	for (size_t i = 0; i < c->n_packets; i++)
		if (matches(c, f, way, &c->packets[i]) != law(f, &c->packets[i]))
			exit(fail(1,
				  "everyday: '%s', %s, does not agree with libpcap on packet %zu",
				  f->text, way_names[way], i + 1));
}

/* Measuring */

/* Evenly among those that match, or do not. */
static void draw(const struct context *c, struct filter *f, bool matching)
{
	size_t n = 0, seen = 0, taken = 0;

	for (size_t i = 0; i < c->n_packets; i++)
		n += law(f, &c->packets[i]) == matching;
	for (size_t i = 0; i < c->n_packets; i++) {
		if (law(f, &c->packets[i]) != matching)
			continue;
		if (seen++ * EACH_SIDE < taken * n)
			continue;
		taken++;
		f->samples[f->n_samples++] = i;
		f->n_matching += matching;
	}
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * UINT64_C(1000000000) + t.tv_nsec;
}

static uint64_t time_xdp(int fd, const struct packet *p)
{
	uint64_t least = UINT64_MAX;

	for (unsigned int i = 0; i < ROUNDS; i++) {
		LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = p->data, .data_size_in = p->len,
			    .repeat = REPEAT);

		if (bpf_prog_test_run_opts(fd, &opts))
			exit(fail(1, "everyday: BPF_PROG_TEST_RUN: %s", strerror(errno)));
		least = opts.duration < least ? opts.duration : least;
	}
	return least;
}

/* Of a send to a socket with the filter that is attached. */
static uint64_t time_send(const struct context *c, const struct packet *p)
{
	uint64_t least = UINT64_MAX;
	uint8_t byte;

	for (unsigned int i = 0; i < SENDS; i++) {
		uint64_t begun = now(), took;

		if (send(c->sockets[0], p->data, p->len, 0) < 0)
			exit(fail(1, "everyday: send: %s", strerror(errno)));
		took = now() - begun;
		least = took < least ? took : least;
		while (recv(c->sockets[1], &byte, 1, MSG_DONTWAIT) > 0)
			continue;
	}
	return least;
}

static void attach_nothing(struct context *c, bool takes)
{
	struct sock_filter ret = { BPF_RET | BPF_K, 0, 0, takes ? UINT32_MAX : 0 };

	must(testrun_socket_attach_classic(c->sockets, &(struct sock_fprog){ 1, &ret }));
}

static void measure_xdp(const struct context *c, struct filter *f)
{
	for (enum way way = XDP_HAND; way <= XDP_WEIR; way++) {
		for (size_t i = 0; i < f->n_samples; i++) {
			const struct packet *p = &c->packets[f->samples[i]];

			f->cost[way] += time_xdp(f->fds[way], p);
			f->cost[way] -= time_xdp(c->empty_fd, p);
		}
		f->cost[way] /= f->n_samples;
	}
}

static void measure_socket(struct context *c, struct filter *f)
{
	uint64_t nothing[2 * EACH_SIDE];

	for (size_t i = 0; i < f->n_samples; i++) {
		const struct packet *p = &c->packets[f->samples[i]];

		attach_nothing(c, law(f, p));
		nothing[i] = time_send(c, p);
	}
	for (enum way way = SOCKET_KERNEL; way <= SOCKET_BPF; way++) {
		attach(c, f, way);
		for (size_t i = 0; i < f->n_samples; i++)
			f->cost[way] += (double)time_send(c, &c->packets[f->samples[i]]) -
					(double)nothing[i];
		f->cost[way] /= f->n_samples;
	}
}

/* The report */

enum ratio { XDP, XDP_ALONE, SOCKET, SOCKET_BY_BPF, RATIOS };

static double ratio(const struct context *c, const struct filter *f, enum ratio which)
{
	const double less = which == XDP_ALONE ? c->counting : 0;

	if (which >= SOCKET)
		return f->cost[which == SOCKET ? SOCKET_WEIR : SOCKET_BPF] / f->cost[SOCKET_KERNEL];
	return (f->cost[XDP_WEIR] - less) / (f->cost[XDP_HAND] - less);
}

static void report_one(const struct context *c, const struct filter *f)
{
	printf("%2zu/%-2zu %6.1f %6.1f %5.2f %6.2f %8.1f %6.1f %5.2f %6.1f %5.2f  %s\n",
	       f->n_matching, f->n_samples, f->cost[XDP_HAND], f->cost[XDP_WEIR], ratio(c, f, XDP),
	       ratio(c, f, XDP_ALONE), f->cost[SOCKET_KERNEL], f->cost[SOCKET_WEIR],
	       ratio(c, f, SOCKET), f->cost[SOCKET_BPF], ratio(c, f, SOCKET_BY_BPF), f->text);
}

static void report(const struct context *c)
{
	double logs[RATIOS] = { 0 };
	size_t n = 0;

	printf("match   XDP C   weir ratio  alone   kernel   weir ratio    bpf ratio  expression\n");
	for (const struct filter *f = c->filters; f < c->filters + c->n_filters; f++) {
		if (is_every(f))
			continue;
		report_one(c, f);
		for (enum ratio which = 0; which < RATIOS; which++)
			logs[which] += log(ratio(c, f, which));
		n++;
	}
	printf("geometric means of %zu: XDP %.3f, without counting %.3f, socket %.3f, by eBPF %.3f\n",
	       n, exp(logs[XDP] / n), exp(logs[XDP_ALONE] / n), exp(logs[SOCKET] / n),
	       exp(logs[SOCKET_BY_BPF] / n));
}

static void load_empty(struct context *c)
{
	static const struct bpf_insn pass[] = {
		{ BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, XDP_PASS },
		{ BPF_JMP | BPF_EXIT, 0, 0, 0, 0 },
	};

	c->empty_fd =
		bpf_prog_load(BPF_PROG_TYPE_XDP, "empty", "GPL", pass, ARRAY_SIZE(pass), NULL);
	if (c->empty_fd < 0)
		exit(fail(1, "everyday: the kernel refuses the empty program: %s",
			  strerror(-c->empty_fd)));
}

static void run(struct context *c)
{
	load_empty(c);
	must(testrun_socket_open(c->sockets));
	for (struct filter *f = c->filters; f < c->filters + c->n_filters; f++) {
		for (enum way way = 0; way < WAYS; way++)
			check_way(c, f, way);
		draw(c, f, true);
		draw(c, f, false);
		if (!is_every(f) && (!f->n_matching || f->n_matching == f->n_samples))
			exit(fail(1, "everyday: all packets match '%s', or none", f->text));
	}
	printf("%zu expressions, %zu packets: all agree with libpcap\n", c->n_filters - 1,
	       c->n_packets);
	for (struct filter *f = c->filters; f < c->filters + c->n_filters; f++) {
		measure_xdp(c, f);
		measure_socket(c, f);
		if (is_every(f))
			c->counting = f->cost[XDP_HAND];
	}
	report(c);
}

int main(int argc, char **argv)
{
	static struct context c;
	int i = 1;

	fail_program("everyday");
	for (; i < argc && strcmp(argv[i], "--"); i++)
		read_object(&c, argv[i]);
	for (i++; i < argc; i++)
		read_packets(&c, argv[i]);
	if (!c.n_filters || !c.n_packets)
		return fail(2, "usage: everyday OBJECT… -- PCAP…");
	run(&c);
	return 0;
}
