// SPDX-License-Identifier: GPL-2.0-only
#include "filter_engine.h"

#include <bpf/bpf.h>
#include <linux/pkt_cls.h>
#include <string.h>

#include "../../maps/abi.h"
#include "../../maps/maps.h"
#include "../compat.h"
#include "../fail.h"
#include "../filter/expr.h"
#include "../filter/filter.h"
#include "../testrun.h"

/* Loading */

static const char *privilege(int err)
{
	return err == -EPERM ? "; run as root, or with CAP_BPF and CAP_NET_ADMIN" : "";
}

static int make_counters(struct engine_run *run)
{
	run->counters_fd =
		bpf_map_create(BPF_MAP_TYPE_ARRAY, "counters", sizeof(uint32_t),
			       sizeof(struct weir_counter), WEIR_COUNTER_RULES + 1, NULL);
	if (run->counters_fd < 0)
		return fail(run->counters_fd,
			    "cannot create a map for the program's counters: %s%s",
			    strerror(-run->counters_fd), privilege(run->counters_fd));
	return 0;
}

/* The last line of a verifier's log that says something: why. */
static char *reason(char *log)
{
	char *line = NULL, *rest = log;

	for (char *next; (next = strsep(&rest, "\n"));) {
		if (*next && strncmp(next, "processed ", strlen("processed ")))
			line = next;
	}
	return line ? line : log;
}

static int load_failed(enum bpf_prog_type type, struct filter_prog *prog,
		       struct bpf_prog_load_opts *opts)
{
	static char log[1 << 20];
	int err;

	log[0] = 0;
	opts->log_level = 1;
	opts->log_buf = log;
	opts->log_size = sizeof(log);
	err = bpf_prog_load(type, "weir_filter", "GPL", prog->insns, prog->n_insns, opts);
	return fail(err, "the kernel refuses the program: %s%s%s%s", strerror(-err),
		    *log ? ": " : "", *log ? reason(log) : "", privilege(err));
}

static int compile(const struct engine_run *run, enum filter_hook hook, enum filter_verb verb,
		   struct filter_prog *prog)
{
	const struct filter_rule rule = { .cbpf = run->cbpf,
					  .verb = verb,
					  .counter = WEIR_COUNTER_RULES };
	const struct filter_run filter = { .hook = hook,
					   .frags = run->frags && hook == FILTER_XDP,
					   .by_helper = !compat_has_perfmon(),
					   .rules = &rule,
					   .n_rules = 1 };
	int err = filter_compile(&filter, prog);

	return err == -E2BIG ? fail(err, "the expression is too large for one program") : err;
}

static int load_prog(struct engine_run *run, enum filter_hook hook, struct filter_prog *prog)
{
	static const enum bpf_prog_type types[] = {
		[FILTER_XDP] = BPF_PROG_TYPE_XDP,
		[FILTER_TC] = BPF_PROG_TYPE_SCHED_CLS,
		[FILTER_SOCKET] = BPF_PROG_TYPE_SOCKET_FILTER,
		[FILTER_FANOUT] = BPF_PROG_TYPE_SOCKET_FILTER,
	};
	bool frags = run->frags && hook == FILTER_XDP;
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_flags = frags ? BPF_F_XDP_HAS_FRAGS : 0);
	_close_ int tables = -1, copy = -1;
	int fd;

	if (prog->tables) {
		tables = maps_create_tables(prog->tables, prog->tables_size);
		if (tables < 0)
			return tables;
	}
	if (prog->copies) {
		copy = maps_create_copy(FILTER_COPY_SIZE);
		if (copy < 0)
			return copy;
	}
	filter_prog_set_maps(prog, (int[FILTER_MAPS]){ [FILTER_MAP_COUNTERS] = run->counters_fd,
						       [FILTER_MAP_TABLES] = tables,
						       [FILTER_MAP_COPY] = copy });
	fd = bpf_prog_load(types[hook], "weir_filter", "GPL", prog->insns, prog->n_insns, &opts);
	return fd < 0 ? load_failed(types[hook], prog, &opts) : fd;
}

/* A program of one rule. */
static int load(struct engine_run *run, enum filter_hook hook, enum filter_verb verb)
{
	struct filter_prog prog;
	int err = compile(run, hook, verb, &prog);

	if (err)
		return err;
	run->prog_fd = load_prog(run, hook, &prog);
	filter_prog_free(&prog);
	return run->prog_fd < 0 ? run->prog_fd : 0;
}

int engine_load_socket(const struct cbpf *cbpf, enum cbpf_seat seat)
{
	struct engine_run run = { .cbpf = cbpf, .prog_fd = -1, .counters_fd = -1 };
	int err = load(&run, seat == CBPF_FANOUT ? FILTER_FANOUT : FILTER_SOCKET, FILTER_PASS);

	return err ? err : run.prog_fd;
}

/* Engines */

static int start_libpcap(struct engine_run *run)
{
	(void)run;
	return 0;
}

static int match_libpcap(struct engine_run *run, const uint8_t *packet, uint32_t len)
{
	return expr_match(run->cbpf, packet, len, len);
}

static int start_xdp(struct engine_run *run)
{
	int err = make_counters(run);

	return err ? err : load(run, FILTER_XDP, FILTER_DROP);
}

static int match_xdp(struct engine_run *run, const uint8_t *packet, uint32_t len)
{
	struct testrun test = { .packet = packet, .len = len };
	int err = testrun_xdp(run->prog_fd, &test);

	return err ? err : test.verdict == XDP_DROP;
}

static int start_tc(struct engine_run *run, bool ingress)
{
	int err = make_counters(run);

	if (!err)
		err = load(run, FILTER_TC, FILTER_DROP);
	return err ? err : testrun_tc_open(run->prog_fd, ingress, &run->tc);
}

static int start_ingress(struct engine_run *run)
{
	return start_tc(run, true);
}

static int start_egress(struct engine_run *run)
{
	return start_tc(run, false);
}

static int match_tc(struct engine_run *run, const uint8_t *packet, uint32_t len)
{
	struct testrun test = { .packet = packet, .len = len };
	int err = testrun_tc(run->tc, &test);

	return err ? err : test.verdict == TC_ACT_SHOT;
}

static int start_socket_as(struct engine_run *run, enum socket_form form)
{
	int err = socket_filter_make(run->cbpf, CBPF_FILTER, form, &run->filter);

	if (!err)
		err = testrun_socket_open(run->sockets);
	return err ? err : socket_filter_attach(run->sockets, &run->filter);
}

static int start_socket(struct engine_run *run)
{
	return start_socket_as(run, SOCKET_BEST);
}

static int start_socket_bpf(struct engine_run *run)
{
	return start_socket_as(run, SOCKET_BPF);
}

static int start_kernel_cbpf(struct engine_run *run)
{
	const struct sock_fprog prog = { run->cbpf->n, run->cbpf->insns };
	int err = testrun_socket_open(run->sockets);

	return err ? err : testrun_socket_attach_classic(run->sockets, &prog);
}

static int match_socket(struct engine_run *run, const uint8_t *packet, uint32_t len)
{
	return testrun_socket(run->sockets, packet, len);
}

const struct engine engine_libpcap = {
	.name = "libpcap",
	.classic = true,
	.most = UINT32_MAX,
	.start = start_libpcap,
	.match = match_libpcap,
};

const struct engine engine_xdp = {
	.name = "xdp",
	.carrier = "XDP",
	.least = TESTRUN_MIN,
	.most = TESTRUN_MAX,
	.start = start_xdp,
	.match = match_xdp,
};

/* As an interface receives packets: their outer tag is taken out of them. */
static const struct engine engine_ingress = {
	.name = "ingress",
	.carrier = "tc",
	.least = TESTRUN_MIN,
	.most = WEIR_REPLAY_MAX,
	.start = start_ingress,
	.match = match_tc,
};

/* As they are sent by who writes the tag himself. */
static const struct engine engine_egress = {
	.name = "egress",
	.carrier = "tc",
	.least = TESTRUN_MIN,
	.most = WEIR_REPLAY_MAX,
	.start = start_egress,
	.match = match_tc,
};

static const struct engine engine_socket = {
	.name = "socket",
	.carrier = "a socket",
	.least = TESTRUN_SOCKET_MIN,
	.most = TESTRUN_SOCKET_MAX,
	.start = start_socket,
	.match = match_socket,
};

static const struct engine engine_socket_bpf = {
	.name = "socket-bpf",
	.carrier = "a socket",
	.least = TESTRUN_SOCKET_MIN,
	.most = TESTRUN_SOCKET_MAX,
	.start = start_socket_bpf,
	.match = match_socket,
};

static const struct engine engine_kernel_cbpf = {
	.name = "kernel-cbpf",
	.classic = true,
	.carrier = "a socket",
	.least = TESTRUN_SOCKET_MIN,
	.most = TESTRUN_SOCKET_MAX,
	.start = start_kernel_cbpf,
	.match = match_socket,
};

static const struct engine *const engines[] = {
	&engine_libpcap, &engine_xdp,	     &engine_ingress,	  &engine_egress,
	&engine_socket,	 &engine_socket_bpf, &engine_kernel_cbpf,
};

const struct engine *engine_find(const char *name)
{
	const char *names[ARRAY_SIZE(engines)], *nearest;

	for (size_t i = 0; i < ARRAY_SIZE(engines); i++) {
		names[i] = engines[i]->name;
		if (!strcmp(name, names[i]))
			return engines[i];
	}
	nearest = fail_nearest(name, names, ARRAY_SIZE(names));
	if (nearest)
		fail(-EINVAL, "no engine '%s'; did you mean '%s'?", name, nearest);
	else
		fail(-EINVAL,
		     "no engine '%s'; there are libpcap, xdp, ingress, egress, socket, socket-bpf and kernel-cbpf",
		     name);
	return NULL;
}

bool engine_carries(const struct engine *engine, uint32_t len)
{
	return len >= engine->least && len <= engine->most;
}

int engine_start(const struct engine *engine, const struct cbpf *cbpf, bool frags,
		 struct engine_run *run)
{
	*run = (struct engine_run){ .cbpf = cbpf,
				    .frags = frags,
				    .prog_fd = -1,
				    .counters_fd = -1,
				    .filter.prog_fd = -1,
				    .sockets = { -1, -1 } };
	return engine->start(run);
}

void engine_stop(struct engine_run *run)
{
	testrun_tc_close(run->tc);
	own_close(&run->sockets[0]);
	own_close(&run->sockets[1]);
	socket_filter_free(&run->filter);
	own_close(&run->prog_fd);
	own_close(&run->counters_fd);
}
