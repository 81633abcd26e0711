// SPDX-License-Identifier: GPL-2.0-only
/*
 * weir filter: expressions, compiled, shown, matched against captures, and verified there.
 */
#include <string.h>

#include "../fail.h"
#include "../filter/expr.h"
#include "../textfile.h"
#include "filter_print.h"
#include "filter_work.h"

enum {
	KEY_MATCH = 0x7101,
	KEY_ENGINE,
	KEY_VERIFY,
	KEY_BYTECODE,
	KEY_FORMAT,
	KEY_PASSES,
	KEY_ATTACH,
	KEY_AS
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
	  "passes (the graph after each pass of the compiler), "
	  "jited (machine code in hexadecimal; needs root), or assembly, array, decimal (-d, -dd, -ddd)",
	  0 },
	{ "passes", KEY_PASSES, NULL, 0,
	  "Print the compiler's graph as it begins and after each pass (as --format passes)", 0 },
	{ "match", KEY_MATCH, "PCAP...", 0,
	  "Print EXPRESSION-NUMBER PCAP PACKET-NUMBER for each packet of the captures that matches",
	  0 },
	{ "verify", KEY_VERIFY, "PCAP...", 0,
	  "Match the packets of the captures by libpcap and by another engine (xdp), and print the first "
	  "difference; then the exit status is 1",
	  0 },
	{ "engine", KEY_ENGINE, "ENGINE", 0,
	  "Match by libpcap (the default), or in the kernel: xdp, ingress or egress (tc), socket (what "
	  "--attach attaches), socket-bpf (what it attaches as bpf); or kernel-cbpf, what the kernel itself "
	  "makes of libpcap's classic program",
	  0 },
	{ "attach", KEY_ATTACH, "IFACE", 0,
	  "Attach the expression to a packet socket, and print what it lets through of the packets of "
	  "IFACE, one a line in hexadecimal",
	  0 },
	{ "as", KEY_AS, "KIND", 0,
	  "How to attach it: classic (a classic program made anew, SO_ATTACH_FILTER), bpf (weir's own, "
	  "SO_ATTACH_BPF) or fanout: as what tells two sockets of a group apart (PACKET_FANOUT_CBPF, or, as "
	  "fanout-bpf, PACKET_FANOUT_EBPF). The default is classic where that is exact, else bpf, with the "
	  "reason; so is fanout's",
	  0 },
	{ "count", 'c', "N", 0, "End after N packets", 0 },
	{ 0 },
};

static void set_mode(struct work *work, enum mode mode, struct argp_state *state)
{
	if (work->mode != SHOW && work->mode != mode)
		argp_error(state, "--match, --verify and --attach exclude each other");
	work->mode = mode;
}

/* The option's value and the words behind it, up to the next option. */
static void take_captures(struct work *work, enum mode mode, char *first, struct argp_state *state)
{
	set_mode(work, mode, state);
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
		argp_error(state, "-d and --format show, the others match; one at a time");
	if (work->mode == VERIFY && work->engine == &engine_libpcap)
		argp_error(state, "--verify compares with libpcap; name another engine");
	if ((work->mode == SHOW || work->mode == ATTACH) && work->engine)
		argp_error(state, "--engine is for --match and --verify");
	if (work->mode != ATTACH && (work->attach.as != ATTACH_BEST || work->attach.count))
		argp_error(state, "--as and -c are for --attach");
	if (work->mode == ATTACH && work->common.json)
		argp_error(state, "--attach prints no JSON");
	if (work->mode == ATTACH && work->file)
		argp_error(state, "--attach takes one expression, not a file of them");
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
	work->engine = engine_find(name);
	if (!work->engine)
		argp_usage(state);
}

static void take_count(struct work *work, const char *number, struct argp_state *state)
{
	char *end;

	errno = 0;
	work->attach.count = strtoul(number, &end, 10);
	if (errno || *end || !work->attach.count || *number == '-')
		argp_error(state, "'%s' is no number of packets", number);
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
	case KEY_PASSES:
		take_format(work, "passes", state);
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
	case KEY_ATTACH:
		set_mode(work, ATTACH, state);
		work->attach.interface = arg;
		return 0;
	case KEY_AS:
		if (!attach_as_find(arg, &work->attach.as))
			argp_usage(state);
		return 0;
	case 'c':
		take_count(work, arg, state);
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
	.doc = "Compile pcap-filter(7) expressions for Ethernet: print the eBPF program for XDP, match "
	       "captures, or filter a socket.\v"
	       "The words of EXPRESSION are joined, as tcpdump does; it stands before --match and --verify. With -F an "
	       "expression's number is that of its line; empty lines are skipped, there are no comments. An "
	       "expression that is refused is reported with its number, and the others go on; the exit status "
	       "is then 1.\n\n"
	       "The captured bytes of a packet are the packet: where a capture was cut short, `len` is what is "
	       "there.",
};

/* Reading */

static int read_file(struct source *source, const char *path)
{
	int err = textfile_load(path, &source->text, &source->len);

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

/* What the expression is wanted for: our own compiler, another, or to be seen. */
static enum expr_form form(const struct work *work)
{
	if (work->mode == ATTACH)
		return work->attach.as == ATTACH_CLASSIC ? EXPR_LAW : EXPR_LIFTED;
	if (work->mode != SHOW)
		return filter_engine_of(work)->classic ? EXPR_LAW : EXPR_LIFTED;
	if (work->format == PRINT_EBPF || work->format == PRINT_DOT ||
	    work->format == PRINT_JITED || work->format == PRINT_PASSES)
		return EXPR_LIFTED;
	return EXPR_TCPDUMP;
}

static int compile(const struct work *work, const char *text, const struct pos *pos,
		   struct expression *out)
{
	int err;

	if (work->bytecode)
		err = cbpf_parse(text, pos, &out->cbpf);
	else if (work->format == PRINT_XT_BPF)
		err = expr_compile_ip(text, pos, &out->cbpf);
	else
		err = expr_compile(text, pos, GRAMMAR_FILTER, form(work), &out->cbpf);
	if (err || work->mode != VERIFY)
		return err;
	if (work->bytecode)
		return cbpf_parse(text, pos, &out->law);
	return expr_compile(text, pos, GRAMMAR_FILTER, EXPR_LAW, &out->law);
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
	else if (!compile(work, expression->text, &pos, expression))
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

static int do_work(struct work *work)
{
	int err = read_expressions(work);

	if (err)
		return err;
	if (work->common.json)
		work->json = work->mode == VERIFY ? json_object() : json_array();
	switch (work->mode) {
	case MATCH:
		return filter_match(work);
	case VERIFY:
		return filter_verify(work);
	case ATTACH:
		return work->n && work->expressions->cbpf.n
			       ? attach_run(&work->attach, &work->expressions->cbpf)
			       : 0;
	default:
		return show(work);
	}
}

static void free_work(struct work *work)
{
	for (size_t i = 0; i < work->n; i++) {
		free(work->expressions[i].text);
		cbpf_free(&work->expressions[i].cbpf);
		cbpf_free(&work->expressions[i].law);
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
	static const char *const keys[] = { [SHOW] = "expressions",
					    [MATCH] = "matches",
					    [VERIFY] = "verified",
					    [ATTACH] = "attached" };
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
