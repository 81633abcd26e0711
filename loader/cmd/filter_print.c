// SPDX-License-Identifier: GPL-2.0-only
#include "filter_print.h"

#include <linux/bpf_common.h>
#include <linux/netfilter/xt_bpf.h>
#include <string.h>

#include "../../maps/abi.h"
#include "../fail.h"
#include "../filter/ebpf.h"
#include "../filter/ir.h"

static const char *const keys[] = {
	[PRINT_EBPF] = "ebpf",	 [PRINT_ASSEMBLY] = "assembly",
	[PRINT_ARRAY] = "array", [PRINT_DECIMAL] = "decimal",
	[PRINT_TC] = "tc",	 [PRINT_XT_BPF] = "xt_bpf",
	[PRINT_C] = "c",	 [PRINT_DOT] = "dot",
	[PRINT_JITED] = "jited", [PRINT_PASSES] = "passes",
};

const char *print_format_key(enum print_format format)
{
	return keys[format];
}

enum print_format print_format_find(const char *name)
{
	const char *nearest = fail_nearest(name, keys, PRINT_FORMATS);

	for (unsigned int i = 0; i < PRINT_FORMATS; i++) {
		if (!strcmp(name, keys[i]))
			return i;
	}
	if (nearest)
		fail(-EINVAL, "no format '%s'; did you mean '%s'?", name, nearest);
	else
		fail(-EINVAL,
		     "no format '%s'; there are ebpf, assembly, array, decimal, tc, xt_bpf, c, dot, "
		     "passes and jited",
		     name);
	return PRINT_FORMATS;
}

void print_title(enum print_format format, unsigned int number, const char *text, FILE *out)
{
	/* No expression has the end of a comment in it. */
	if (format == PRINT_C)
		fprintf(out, "/* %u: %s */\n", number, text);
	else
		fprintf(out, "# %u: %s\n", number, text);
}

/* A program of one rule: a match drops, all else passes. */
static struct filter_run run_of(const struct cbpf *cbpf, struct filter_rule *rule)
{
	*rule = (struct filter_rule){ .cbpf = cbpf,
				      .verb = FILTER_DROP,
				      .counter = WEIR_COUNTER_RULES };
	return (struct filter_run){ .hook = FILTER_XDP, .rules = rule, .n_rules = 1 };
}

static int print_ebpf(const struct cbpf *cbpf, FILE *out)
{
	struct filter_rule rule;
	const struct filter_run run = run_of(cbpf, &rule);
	struct filter_prog prog;
	int err = filter_compile(&run, &prog);

	if (err == -E2BIG)
		return fail(err, "the expression is too large for one program");
	if (err)
		return err;
	ebpf_print(&prog, out);
	filter_prog_free(&prog);
	return 0;
}

static int print_dot(const struct cbpf *cbpf, const char *name, FILE *out)
{
	struct filter_rule rule;
	const struct filter_run run = run_of(cbpf, &rule);
	struct ir ir;
	int err = filter_graph(&run, &ir);

	if (!err)
		err = ir_print_dot(&ir, name, out);
	ir_free(&ir);
	return err;
}

/* The graph as the program is lowered, and after each pass. */
static int print_passes(const struct cbpf *cbpf, FILE *out)
{
	struct filter_rule rule;
	const struct filter_run run = run_of(cbpf, &rule);
	struct ir ir;
	int err = ir_lower(&run, &ir);

	for (size_t i = 0; !err; i++) {
		fprintf(out, "%s# %s\n", i ? "\n" : "", i ? filter_passes[i - 1].name : "lower");
		ir_print(&ir, out);
		if (!filter_passes[i].name)
			break;
		err = filter_passes[i].run(&ir);
	}
	ir_free(&ir);
	return err;
}

/* The kernel runs the classic program itself there, and has its own bounds. */
static int print_line(const struct cbpf *cbpf, size_t max, const char *who, FILE *out)
{
	if (cbpf->n > max)
		return fail(-E2BIG, "the program has %zu instructions; %s takes %zu at most",
			    cbpf->n, who, max);
	if (cbpf_loops(cbpf))
		return fail(-EINVAL, "the program has a loop (protochain makes one); %s takes none",
			    who);
	cbpf_print_line(cbpf, out);
	return 0;
}

int print_program(enum print_format format, const struct cbpf *cbpf, const char *name, FILE *out)
{
	switch (format) {
	case PRINT_EBPF:
		return print_ebpf(cbpf, out);
	case PRINT_ASSEMBLY:
		cbpf_print_d(cbpf, out);
		return 0;
	case PRINT_ARRAY:
		cbpf_print_dd(cbpf, out);
		return 0;
	case PRINT_TC:
		return print_line(cbpf, BPF_MAXINSNS, "tc", out);
	case PRINT_XT_BPF:
		return print_line(cbpf, XT_BPF_MAX_NUM_INSTR, "xt_bpf", out);
	case PRINT_C:
		cbpf_print_c(cbpf, name, out);
		return 0;
	case PRINT_JITED:
		return print_jited(cbpf, out);
	case PRINT_DOT:
		return print_dot(cbpf, name, out);
	case PRINT_PASSES:
		return print_passes(cbpf, out);
	default:
		cbpf_print_ddd(cbpf, out);
		return 0;
	}
}
