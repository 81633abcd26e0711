// SPDX-License-Identifier: GPL-2.0-only
#include "filter_match.h"

#include <bpf/bpf.h>
#include <string.h>

#include "../../maps/abi.h"
#include "../../maps/maps.h"
#include "../capture.h"
#include "../compat.h"
#include "../fail.h"
#include "../filter/expr.h"
#include "../filter/filter.h"
#include "../testrun.h"

static const char *const names[] = { [MATCH_LIBPCAP] = "libpcap", [MATCH_XDP] = "xdp" };

const char *match_engine_name(enum match_engine engine)
{
	return names[engine];
}

enum match_engine match_engine_find(const char *name)
{
	const char *nearest = fail_nearest(name, names, MATCH_ENGINES);

	for (unsigned int i = 0; i < MATCH_ENGINES; i++) {
		if (!strcmp(name, names[i]))
			return i;
	}
	if (nearest)
		fail(-EINVAL, "no engine '%s'; did you mean '%s'?", name, nearest);
	else
		fail(-EINVAL, "no engine '%s'; there are libpcap and xdp", name);
	return MATCH_ENGINES;
}

static int keep(struct match *match, const struct capture_packet *from, size_t capture,
		uint64_t number)
{
	/* No NULL for an empty packet. */
	_free_ uint8_t *data = malloc(from->caplen + 1);
	struct match_packet *packet = data ? array_add(match->packets, match->n_packets) : NULL;

	if (!packet)
		return fail_oom();
	memcpy(data, from->data, from->caplen);
	packet->data = TAKE(data);
	packet->len = from->caplen;
	packet->capture = capture;
	packet->number = number;
	match->frags |= from->caplen > TESTRUN_LINEAR;
	return 0;
}

static int read_capture(struct match *match, const char *path, size_t index)
{
	_cleanup_(capture_closep) struct capture *capture = NULL;
	struct capture_packet packet;
	uint64_t number = 0;
	int err = capture_open(path, &capture);

	if (err)
		return err;
	while ((err = capture_next(capture, &packet)) == 1) {
		err = keep(match, &packet, index, ++number);
		if (err)
			return err;
	}
	return err;
}

static void note_left_out(const struct match *match)
{
	size_t n = 0;

	for (size_t i = 0; i < match->n_packets; i++)
		n += !testrun_carries(match->packets[i].len);
	if (n)
		note("%zu of %zu packets are not matched: XDP carries %d to %d bytes", n,
		     match->n_packets, TESTRUN_MIN, TESTRUN_MAX);
}

static const char *privilege(int err)
{
	return err == -EPERM ? "; run as root, or with CAP_BPF and CAP_NET_ADMIN" : "";
}

static int open_xdp(struct match *match)
{
	note_left_out(match);
	match->counters_fd =
		bpf_map_create(BPF_MAP_TYPE_ARRAY, "counters", sizeof(uint32_t),
			       sizeof(struct weir_counter), WEIR_COUNTER_RULES + 1, NULL);
	if (match->counters_fd < 0)
		return fail(match->counters_fd, "cannot create a map for engine xdp: %s%s",
			    strerror(-match->counters_fd), privilege(match->counters_fd));
	return 0;
}

int match_open(enum match_engine engine, const char *const *paths, size_t n, struct match *match)
{
	*match = (struct match){ .engine = engine, .counters_fd = -1 };
	for (size_t i = 0; i < n; i++) {
		int err = read_capture(match, paths[i], i);

		if (err)
			return err;
	}
	return engine == MATCH_XDP ? open_xdp(match) : 0;
}

void match_close(struct match *match)
{
	for (size_t i = 0; i < match->n_packets; i++)
		free(match->packets[i].data);
	free(match->packets);
	own_close(&match->counters_fd);
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

static int load_failed(struct filter_prog *prog, struct bpf_prog_load_opts *opts, int err)
{
	static char log[1 << 20];

	log[0] = 0;
	opts->log_level = 1;
	opts->log_buf = log;
	opts->log_size = sizeof(log);
	err = bpf_prog_load(BPF_PROG_TYPE_XDP, "weir_filter", "GPL", prog->insns, prog->n_insns,
			    opts);
	return fail(err, "the kernel refuses the program: %s%s%s%s", strerror(-err),
		    *log ? ": " : "", *log ? reason(log) : "", privilege(err));
}

/* A match drops, all else passes. The program's fd, or a reported error. */
static int load_xdp(const struct match *match, const struct cbpf *cbpf)
{
	const struct filter_rule rule = { .cbpf = cbpf,
					  .verb = FILTER_DROP,
					  .counter = WEIR_COUNTER_RULES };
	const struct filter_run run = { .hook = FILTER_XDP,
					.frags = match->frags,
					.by_helper = !compat_has_perfmon(),
					.rules = &rule,
					.n_rules = 1 };
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_flags = match->frags ? BPF_F_XDP_HAS_FRAGS : 0);
	struct filter_prog prog;
	_close_ int tables = -1;
	int fd = filter_compile(&run, &prog);

	if (fd == -E2BIG)
		return fail(fd, "the expression is too large for one program");
	if (fd)
		return fd;
	if (prog.tables)
		tables = maps_create_tables(prog.tables, prog.tables_size);
	if (prog.tables && tables < 0) {
		filter_prog_free(&prog);
		return tables;
	}
	filter_prog_set_maps(
		&prog,
		(int[FILTER_MAPS]){
			[FILTER_MAP_COUNTERS] = match->counters_fd, [FILTER_MAP_TABLES] = tables });
	fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "weir_filter", "GPL", prog.insns, prog.n_insns,
			   &opts);
	if (fd < 0)
		fd = load_failed(&prog, &opts, fd);
	filter_prog_free(&prog);
	return fd;
}

static int run_xdp(const struct match *match, const struct cbpf *prog, bool *hits)
{
	_close_ int fd = load_xdp(match, prog);

	if (fd < 0)
		return fd;
	for (size_t i = 0; i < match->n_packets; i++) {
		struct testrun run = { .packet = match->packets[i].data,
				       .len = match->packets[i].len };
		int err;

		hits[i] = false;
		if (!testrun_carries(run.len))
			continue;
		err = testrun_xdp(fd, &run);
		if (err)
			return err;
		hits[i] = run.verdict == XDP_DROP;
	}
	return 0;
}

int match_run(const struct match *match, const struct cbpf *prog, bool *hits)
{
	if (match->engine == MATCH_XDP)
		return run_xdp(match, prog, hits);
	for (size_t i = 0; i < match->n_packets; i++) {
		const struct match_packet *packet = &match->packets[i];

		hits[i] = expr_match(prog, packet->data, packet->len, packet->len);
	}
	return 0;
}
