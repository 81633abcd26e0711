// SPDX-License-Identifier: GPL-2.0-only
/*
 * weir filter: expressions, compiled, shown, matched against captures, and verified there.
 */
#include "cmd.h"

#include <inttypes.h>
#include <string.h>

#include "../fail.h"
#include "../filter/expr.h"
#include "../testrun.h"
#include "filter_match.h"
#include "filter_print.h"

enum { KEY_MATCH = 0x7101, KEY_ENGINE, KEY_VERIFY, KEY_BYTECODE, KEY_FORMAT };

enum mode { SHOW, MATCH, VERIFY };

struct expression {
	unsigned int number; /* of the line it stands on */
	char *text;
	struct cbpf cbpf; /* empty: refused */
};

struct work {
	struct cmd_common common;
	unsigned int d; /* how many -d */
	const char *file, *bytecode;
	const char **words, **captures;
	size_t n_words, n_captures;
	enum mode mode;
	bool format_named, engine_named;
	enum print_format format;
	enum match_engine engine;
	struct source source;
	struct expression *expressions;
	size_t n;
	bool refused; /* one at least, or the engines differ */
	json_t *json; /* what has been found, with -j */
};

static const struct argp_option options[] = {
	{ "d", 'd', NULL, 0,
	  "Print classic BPF as assembly (-dd: as a C array, -ddd: as decimal numbers), like tcpdump",
	  0 },
	{ "file", 'F', "FILE", 0, "Take the expressions from FILE (-: standard input), one a line",
	  0 },
	{ "bytecode", KEY_BYTECODE, "TEXT", 0,
	  "Take the classic program that tcpdump -ddd printed (newlines or commas between its lines) "
	  "instead of an expression",
	  0 },
	{ "format", KEY_FORMAT, "FORMAT", 0,
	  "Print as ebpf (the default), tc (bytecode of tc-bpf(8)), xt_bpf (bytecode of iptables -m bpf; "
	  "for packets from their IP header on), c (a C array), dot (the control-flow graph for Graphviz), "
	  "or assembly, array, decimal (-d, -dd, -ddd)",
	  0 },
	{ "match", KEY_MATCH, "PCAP...", 0,
	  "Print EXPRESSION-NUMBER PCAP PACKET-NUMBER for each packet of the captures that matches",
	  0 },
	{ "verify", KEY_VERIFY, "PCAP...", 0,
	  "Match the packets of the captures by libpcap and by the compiled program in the kernel, and "
	  "print the first difference; then the exit status is 1",
	  0 },
	{ "engine", KEY_ENGINE, "ENGINE", 0, "Match by libpcap (the default) or xdp", 0 },
	{ 0 },
};

/* The option's value and the words behind it, up to the next option. */
static void take_captures(struct work *work, enum mode mode, char *first, struct argp_state *state)
{
	if (work->mode != SHOW && work->mode != mode)
		argp_error(state, "--match and --verify exclude each other");
	work->mode = mode;
	cmd_add_word(&work->captures, &work->n_captures, first, state);
	while (state->next < state->argc) {
		char *word = state->argv[state->next];

		if (word[0] == '-' && word[1])
			return;
		cmd_add_word(&work->captures, &work->n_captures, word, state);
		state->next++;
	}
}

static void check_usage(const struct work *work, struct argp_state *state)
{
	int given = !!work->file + !!work->bytecode + !!work->n_words;

	if (given > 1)
		argp_error(state, "an expression, -F and --bytecode exclude each other");
	if (!given)
		argp_error(state, "no expression; give one, or -F FILE, or --bytecode TEXT");
	if (work->d > 3)
		argp_error(state, "-d is known up to three times");
	if (work->d && work->format_named)
		argp_error(state, "-d and --format exclude each other");
	if (work->mode != SHOW && (work->d || work->format_named))
		argp_error(state,
			   "-d and --format show, --match and --verify match; one at a time");
	if (work->mode == VERIFY && work->engine_named)
		argp_error(state, "--verify runs both engines; leave --engine away");
}

static void take_format(struct work *work, const char *name, struct argp_state *state)
{
	work->format_named = true;
	work->format = print_format_find(name);
	if (work->format == PRINT_FORMATS)
		argp_usage(state);
}

static void take_engine(struct work *work, const char *name, struct argp_state *state)
{
	work->engine_named = true;
	work->engine = match_engine_find(name);
	if (work->engine == MATCH_ENGINES)
		argp_usage(state);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct work *work = state->input;

	switch (key) {
	case 'd':
		work->d++;
		return 0;
	case 'F':
		work->file = arg;
		return 0;
	case KEY_BYTECODE:
		work->bytecode = arg;
		return 0;
	case KEY_FORMAT:
		take_format(work, arg, state);
		return 0;
	case KEY_MATCH:
		take_captures(work, MATCH, arg, state);
		return 0;
	case KEY_VERIFY:
		take_captures(work, VERIFY, arg, state);
		return 0;
	case KEY_ENGINE:
		take_engine(work, arg, state);
		return 0;
	case ARGP_KEY_ARG:
		cmd_add_word(&work->words, &work->n_words, arg, state);
		return 0;
	case ARGP_KEY_END:
		check_usage(work, state);
		if (work->d)
			work->format = PRINT_EBPF + work->d;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "EXPRESSION...\n-F FILE\n--bytecode TEXT",
	.doc = "Compile pcap-filter(7) expressions for Ethernet: print the eBPF program for XDP, or match "
	       "captures.\v"
	       "The words of EXPRESSION are joined, as tcpdump does; it stands before --match and --verify. With -F an "
	       "expression's number is that of its line; empty lines are skipped, there are no comments. An "
	       "expression that is refused is reported with its number, and the others go on; the exit status "
	       "is then 1.\n\n"
	       "The captured bytes of a packet are the packet: where a capture was cut short, `len` is what is "
	       "there.",
};

/* Reading */

static int copy(FILE *from, FILE *to)
{
	char block[1 << 14];
	size_t n;

	while ((n = fread(block, 1, sizeof(block), from)) > 0)
		fwrite(block, 1, n, to);
	return ferror(from) ? -errno : ferror(to) ? -ENOMEM : 0;
}

static int read_file(struct source *source, const char *path)
{
	_fclose_ FILE *opened = strcmp(path, "-") ? fopen(path, "re") : NULL;
	FILE *file = strcmp(path, "-") ? opened : stdin, *text;
	int err;

	if (!file)
		return fail(-errno, "cannot open the expressions '%s': %s", path, strerror(errno));
	text = open_memstream(&source->text, &source->len);
	if (!text)
		return fail_oom();
	err = copy(file, text);
	if (fclose(text))
		return fail_oom();
	if (err)
		return fail(err, "cannot read the expressions '%s': %s", path, strerror(-err));
	source->name = strdup(path);
	return source->name ? 0 : fail_oom();
}

static int take_bytecode(struct work *work)
{
	work->source.text = strdup(work->bytecode);
	work->source.len = strlen(work->bytecode);
	work->source.name = strdup("bytecode");
	return work->source.text && work->source.name ? 0 : fail_oom();
}

static int join_words(struct work *work)
{
	FILE *out = open_memstream(&work->source.text, &work->source.len);

	if (!out)
		return fail_oom();
	for (size_t i = 0; i < work->n_words; i++)
		fprintf(out, "%s%s", i ? " " : "", work->words[i]);
	if (fclose(out))
		return fail_oom();
	work->source.name = strdup("expression");
	return work->source.name ? 0 : fail_oom();
}

static int compile(const struct work *work, const char *text, const struct pos *pos,
		   struct cbpf *out)
{
	if (work->bytecode)
		return cbpf_parse(text, pos, out);
	if (work->format == PRINT_XT_BPF)
		return expr_compile_ip(text, pos, out);
	return expr_compile(text, pos, GRAMMAR_FILTER, out);
}

static int add_expression(struct work *work, const char *text, size_t len, unsigned int number)
{
	const struct pos pos = { &work->source, number, 1 };
	struct expression *expression;

	if (work->file && strspn(text, " \t\r") == len)
		return 0;
	expression = array_add(work->expressions, work->n);
	if (!expression)
		return fail_oom();
	expression->number = number;
	expression->text = strndup(text, len);
	if (!expression->text)
		return fail_oom();
	if (strlen(expression->text) != len)
		fail_at(-EINVAL, &pos, "expression %u has a NUL byte in it", number);
	else if (!compile(work, expression->text, &pos, &expression->cbpf))
		return 0;
	work->refused = true;
	return 0;
}

static int read_source(struct work *work)
{
	if (work->file)
		return read_file(&work->source, work->file);
	return work->bytecode ? take_bytecode(work) : join_words(work);
}

static int read_expressions(struct work *work)
{
	int err = read_source(work);
	const char *at = work->source.text, *end = at + work->source.len;

	if (err)
		return err;
	if (!work->file)
		return add_expression(work, at, end - at, 1);
	for (unsigned int number = 1; at < end; number++) {
		const char *stop = memchr(at, '\n', end - at);

		stop = stop ? stop : end;
		err = add_expression(work, at, stop - at, number);
		if (err)
			return err;
		at = stop + 1;
	}
	return 0;
}

/* Showing */

/* A list's programs are told apart by their numbers. */
static int print_expression(const struct work *work, const struct expression *expression, FILE *out)
{
	char name[32] = "filter";

	if (work->file)
		snprintf(name, sizeof(name), "filter_%u", expression->number);
	return print_program(work->format, &expression->cbpf, name, out);
}

static int show_json(struct work *work, const struct expression *expression)
{
	_free_ char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	int err;

	if (!out)
		return fail_oom();
	err = print_expression(work, expression, out);
	if (fclose(out))
		return fail_oom();
	if (!err)
		json_array_append_new(work->json,
				      json_pack("{s:i, s:s, s:s}", "number", expression->number,
						"expression", expression->text,
						print_format_key(work->format), text));
	return err;
}

static int show(struct work *work)
{
	for (size_t i = 0; i < work->n; i++) {
		const struct expression *expression = &work->expressions[i];
		int err;

		if (!expression->cbpf.n)
			continue;
		if (work->json) {
			err = show_json(work, expression);
		} else {
			if (work->file)
				print_title(work->format, expression->number, expression->text,
					    stdout);
			err = print_expression(work, expression, stdout);
		}
		if (err)
			work->refused = true;
	}
	return 0;
}

/* Matching */

static void print_match(struct work *work, const struct expression *expression,
			const struct match_packet *packet)
{
	const char *path = work->captures[packet->capture];

	if (work->json)
		json_array_append_new(work->json, json_pack("{s:i, s:s, s:I}", "expression",
							    expression->number, "capture", path,
							    "packet", (json_int_t)packet->number));
	else
		printf("%u %s %llu\n", expression->number, path,
		       (unsigned long long)packet->number);
}

static int match_all(struct work *work, const struct match *match)
{
	_free_ bool *hits = calloc(match->n_packets + 1, sizeof(*hits));

	if (!hits)
		return fail_oom();
	for (size_t i = 0; i < work->n; i++) {
		const struct expression *expression = &work->expressions[i];

		if (!expression->cbpf.n)
			continue;
		if (match_run(match, &expression->cbpf, hits)) {
			fail(-EINVAL, "expression %u is not matched: %s", expression->number,
			     expression->text);
			work->refused = true;
			continue;
		}
		for (size_t j = 0; j < match->n_packets; j++) {
			if (hits[j])
				print_match(work, expression, &match->packets[j]);
		}
	}
	return 0;
}

static int match(struct work *work)
{
	struct match match;
	int err = match_open(work->engine, work->captures, work->n_captures, &match);

	if (!err)
		err = match_all(work, &match);
	match_close(&match);
	return err;
}

/* Verifying */

static void print_difference(struct work *work, const struct expression *expression,
			     const struct match_packet *packet, bool xdp)
{
	const char *path = work->captures[packet->capture];

	work->refused = true;
	if (work->json)
		json_object_set_new(work->json, "difference",
				    json_pack("{s:i, s:s, s:I, s:b, s:b}", "expression",
					      expression->number, "capture", path, "packet",
					      (json_int_t)packet->number, "xdp", xdp, "libpcap",
					      !xdp));
	else
		printf("expression %u, capture %s, packet %" PRIu64 ": xdp says %s, libpcap %s\n",
		       expression->number, path, packet->number, xdp ? "match" : "no match",
		       xdp ? "no match" : "match");
}

/* 1: the engines differ, which is printed. Packets that XDP does not carry are not compared. */
static int compare(struct work *work, const struct match *match,
		   const struct expression *expression, bool *hits)
{
	bool *xdp = hits, *libpcap = hits + match->n_packets;
	struct match oracle = *match;
	int err = match_run(match, &expression->cbpf, xdp);

	oracle.engine = MATCH_LIBPCAP;
	if (!err)
		err = match_run(&oracle, &expression->cbpf, libpcap);
	if (err)
		return fail(err, "expression %u is not verified: %s", expression->number,
			    expression->text);
	for (size_t i = 0; i < match->n_packets; i++) {
		if (xdp[i] == libpcap[i] || !testrun_carries(match->packets[i].len))
			continue;
		print_difference(work, expression, &match->packets[i], xdp[i]);
		return 1;
	}
	return 0;
}

static void print_agreed(struct work *work, const struct match *match, size_t n_expressions)
{
	size_t n = 0;

	for (size_t i = 0; i < match->n_packets; i++)
		n += testrun_carries(match->packets[i].len);
	if (work->json)
		json_object_update_new(work->json,
				       json_pack("{s:I, s:I}", "packets", (json_int_t)n,
						 "expressions", (json_int_t)n_expressions));
	else
		printf("xdp and libpcap agree on %zu packets, %zu expressions\n", n, n_expressions);
}

static int verify_all(struct work *work, const struct match *match)
{
	_free_ bool *hits = calloc(2 * match->n_packets + 1, sizeof(*hits));
	size_t agreed = 0;

	if (!hits)
		return fail_oom();
	for (size_t i = 0; i < work->n; i++) {
		int err = work->expressions[i].cbpf.n
				  ? compare(work, match, &work->expressions[i], hits)
				  : -EINVAL;

		if (err > 0)
			return 0;
		if (err)
			work->refused = true;
		agreed += !err;
	}
	print_agreed(work, match, agreed);
	return 0;
}

static int verify(struct work *work)
{
	struct match match;
	int err = match_open(MATCH_XDP, work->captures, work->n_captures, &match);

	if (!err)
		err = verify_all(work, &match);
	match_close(&match);
	return err;
}

static int do_work(struct work *work)
{
	int err = read_expressions(work);

	if (err)
		return err;
	if (work->common.json)
		work->json = work->mode == VERIFY ? json_object() : json_array();
	switch (work->mode) {
	case MATCH:
		return match(work);
	case VERIFY:
		return verify(work);
	default:
		return show(work);
	}
}

static void free_work(struct work *work)
{
	for (size_t i = 0; i < work->n; i++) {
		free(work->expressions[i].text);
		cbpf_free(&work->expressions[i].cbpf);
	}
	free(work->expressions);
	free(work->words);
	free(work->captures);
	free(work->source.name);
	free(work->source.text);
}

static int run(int argc, char **argv)
{
	struct work work = { 0 };
	static const char *const keys[] = {
		[SHOW] = "expressions", [MATCH] = "matches", [VERIFY] = "verified"
	};
	int err = cmd_parse(&argp, argc, argv, &work.common, &work), status;

	if (!err)
		err = do_work(&work);
	status = err || work.refused ? CMD_FAILED : CMD_OK;
	if (work.common.json)
		status = cmd_print_json(json_pack("{s:o*}", keys[work.mode], work.json), status);
	free_work(&work);
	return status;
}

const struct cmd cmd_filter = { "filter", "compile an expression, show it, match captures with it",
				run };
