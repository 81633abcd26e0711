// SPDX-License-Identifier: GPL-2.0-only
/*
 * The compiler: an expression (up to the first NUL) and a packet (behind it). What libpcap
 * compiles, the graph for XDP says of the packet what bpf_filter() says, reads no byte that it has
 * not checked, and has instructions on every hook, or is too large for one program; and so does the
 * classic program for a socket.
 */
#include "../../loader/filter/cbpf_socket.h"
#include "../../loader/filter/expr.h"
#include "../../loader/filter/filter.h"
#include "../tools/cbpf_run.h"
#include "../tools/ir_run.h"
#include "quiet.h"

/* libpcap's optimiser takes its time over longer ones. */
enum { TEXT_MAX = 400 };

static void compare(const struct cbpf *prog, const struct filter_run *run,
		    const struct ir_packet *packet)
{
	bool matches = expr_match(prog, packet->data, packet->len, packet->len);
	struct ir_outcome got;
	struct ir ir = { 0 };

	must(!filter_graph(run, &ir));
	got = ir_run(&ir, run, packet);
	ir_free(&ir);
	must(!got.wrong && got.verb == (matches ? FILTER_DROP : FILTER_PASS));
}

static void compare_classic(const struct cbpf *prog, const struct ir_packet *packet)
{
	const struct cbpf_skb skb = { .mac = packet->data, .len = packet->len };
	struct cbpf made;
	const char *why;
	int err = cbpf_for_socket(prog, CBPF_FILTER, &made, &why);

	must(!err || (err == -EOPNOTSUPP && why));
	if (err)
		return;
	must(!!cbpf_run(made.insns, &skb) ==
	     expr_match(prog, packet->data, packet->len, packet->len));
	cbpf_free(&made);
}

static void compile(const struct cbpf *prog, const struct ir_packet *packet)
{
	const struct filter_rule rule = { .cbpf = prog, .verb = FILTER_DROP, .counter = 8 };

	for (enum filter_hook hook = FILTER_XDP; hook <= FILTER_FANOUT; hook++) {
		struct filter_run run = { .hook = hook, .rules = &rule, .n_rules = 1 };
		struct filter_prog out = { 0 };
		int err = filter_compile(&run, &out);

		must(!err || err == -E2BIG);
		filter_prog_free(&out);
		if (!err && hook == FILTER_XDP)
			compare(prog, &run, packet);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len = strnlen((const char *)data, size);
	char *text = text_of(data, len);
	const struct source source = { .name = "fuzz", .text = text, .len = len };
	const struct pos pos = { &source, 1, 1 };
	struct ir_packet packet = { .data = data + len, .len = size - len };
	struct cbpf prog = { 0 };

	if (packet.len) {
		packet.data++;
		packet.len--;
	}
	packet.linear = packet.len;
	if (len <= TEXT_MAX && !expr_compile(text, &pos, GRAMMAR_POLICY, EXPR_LAW, &prog)) {
		compare_classic(&prog, &packet);
		if (packet.len >= 14)
			compile(&prog, &packet);
		cbpf_free(&prog);
	}
	free(text);
	fail_forget();
	return 0;
}
