// SPDX-License-Identifier: GPL-2.0-only
/*
 * The graph as text: for tests, and for people who look at passes.
 */
#include "ir.h"

#include <inttypes.h>
#include <string.h>

static void print_var(uint8_t var, uint32_t k, FILE *out)
{
	if (var == IR_CONST)
		fprintf(out, "0x%" PRIx32, k);
	else if (var == IR_A)
		fputs("A", out);
	else if (var == IR_X)
		fputs("X", out);
	else if (var == IR_FUEL)
		fputs("fuel", out);
	else
		fprintf(out, "M[%d]", var - IR_M);
}

static void print_bytes(bool indexed, uint32_t k, unsigned int size, FILE *out)
{
	fprintf(out, "[%s%" PRIu32 ":%u]", indexed ? "X + " : "", k, size);
}

static const char *const signs[] = {
	[IR_SET] = "=",	 [IR_ADD] = "+=",  [IR_SUB] = "-=",  [IR_MUL] = "*=",
	[IR_DIV] = "/=", [IR_MOD] = "%=",  [IR_AND] = "&=",  [IR_OR] = "|=",
	[IR_XOR] = "^=", [IR_LSH] = "<<=", [IR_RSH] = ">>=",
};

/* A value as an expression, every operation in parentheses. */
static void print_value(const struct ir *ir, uint32_t index, FILE *out)
{
	const struct ir_value *value = &ir->values[index];

	switch ((enum ir_op)value->op) {
	case IR_SET:
		fprintf(out, "0x%" PRIx32, value->k);
		return;
	case IR_LEN:
		fputs("length", out);
		return;
	case IR_LOAD:
		fputc('[', out);
		if (value->a != IR_NO_VALUE) {
			print_value(ir, value->a, out);
			fputs(" + ", out);
		}
		fprintf(out, "%" PRIu32 ":%u]", value->k, value->size);
		return;
	case IR_NEG:
		fputs("-", out);
		print_value(ir, value->a, out);
		return;
	default:
		fputc('(', out);
		print_value(ir, value->a, out);
		fprintf(out, " %.*s ", (int)strlen(signs[value->op]) - 1, signs[value->op]);
		if (value->b == IR_NO_VALUE)
			fprintf(out, "0x%" PRIx32, value->k);
		else
			print_value(ir, value->b, out);
		fputc(')', out);
	}
}

static void print_insn(const struct ir_insn *insn, FILE *out)
{
	if (insn->op == IR_COUNT) {
		fprintf(out, "match rule %" PRIu32, insn->k);
		return;
	}
	print_var(insn->dst, 0, out);
	if (insn->op == IR_LOAD) {
		fputs(" = ", out);
		print_bytes(insn->indexed, insn->k, insn->size, out);
	} else if (insn->op == IR_LEN) {
		fputs(" = length", out);
	} else if (insn->op == IR_FORGET) {
		fputs(" forget", out);
	} else if (insn->op == IR_NEG) {
		fputs(" = -", out);
		print_var(insn->dst, 0, out);
	} else {
		fprintf(out, " %s ", signs[insn->op]);
		print_var(insn->src, insn->k, out);
	}
}

static void print_verdict(const struct ir_end *end, FILE *out)
{
	static const char *const verbs[] = {
		[FILTER_PASS] = "pass",
		[FILTER_DROP] = "drop",
		[FILTER_REFLECT] = "reflect",
		[FILTER_REDIRECT] = "redirect",
		[FILTER_REDIRECT_INGRESS] = "redirect to ingress",
		[FILTER_XSK] = "socket",
		[FILTER_REDIRECT_ALL] = "redirect to group",
		[FILTER_CPU] = "cpu",
		[FILTER_JUMP] = "jump",
		[FILTER_VLAN_PUSH] = "vlan push",
		[FILTER_VLAN_POP] = "vlan pop",
	};

	fputs(verbs[end->verb], out);
	if (end->verb != FILTER_PASS && end->verb != FILTER_DROP && end->verb != FILTER_REFLECT &&
	    end->verb != FILTER_VLAN_POP)
		fprintf(out, " %" PRIu32, end->arg);
	if (end->counter != IR_NO_COUNTER)
		fprintf(out, ", count %" PRIu32, end->counter);
}

static void print_left(const struct ir *ir, const struct ir_end *end, FILE *out)
{
	if (end->value != IR_NO_VALUE)
		print_value(ir, end->value, out);
	else
		print_var(end->kind == IR_CHECK ? IR_X : end->var, 0, out);
}

static void print_condition(const struct ir *ir, const struct ir_end *end, FILE *out)
{
	static const char *const conditions[] = {
		[IR_EQ] = "==", [IR_GT] = ">", [IR_GE] = ">=", [IR_ANY] = "&"
	};

	print_left(ir, end, out);
	fprintf(out, " %s ", conditions[end->cond]);
	if (end->value == IR_NO_VALUE)
		print_var(end->src, end->k, out);
	else if (end->right != IR_NO_VALUE)
		print_value(ir, end->right, out);
	else
		fprintf(out, "0x%" PRIx32, end->k);
}

static void print_check(const struct ir *ir, const struct ir_end *end, FILE *out)
{
	fputs("if ", out);
	if (end->indexed) {
		print_left(ir, end, out);
		fputs(" + ", out);
	}
	fprintf(out, "%" PRIu32 " bytes%s", end->k, end->bounded ? " (bounded)" : "");
}

/* What an end does or asks, but for where it leads. */
static void print_end(const struct ir *ir, const struct ir_end *end, FILE *out)
{
	switch ((enum ir_end_kind)end->kind) {
	case IR_VERDICT:
		print_verdict(end, out);
		return;
	case IR_GOTO:
		fputs("goto", out);
		return;
	case IR_INDEX:
		fputs("index, goto", out);
		return;
	case IR_PROBE:
		if (end->size == 8)
			fprintf(out, "if index word %" PRIu32, end->arg / 2);
		else
			fprintf(out, "if index half-word %" PRIu32 " & 0x%" PRIx32, end->arg,
				end->k);
		return;
	case IR_BRANCH:
		fputs("if ", out);
		print_condition(ir, end, out);
		return;
	case IR_SWITCH:
		fputs("switch ", out);
		print_left(ir, end, out);
		return;
	case IR_CHECK:
		print_check(ir, end, out);
		return;
	case IR_FETCH:
		print_var(end->var, 0, out);
		fputs(" = fetch ", out);
		print_bytes(end->indexed, end->k, end->size, out);
		fputc(',', out);
		return;
	}
}

/* A case of a SWITCH: the values it is for. */
static void print_case(const struct ir_case *c, FILE *out)
{
	fprintf(out, "0x%" PRIx32, c->first);
	if (c->last != c->first)
		fprintf(out, "-0x%" PRIx32, c->last);
}

static void print_targets(const struct ir_end *end, FILE *out)
{
	size_t n = ir_n_next(end);

	for (size_t i = 0; i < n; i++) {
		if (end->kind == IR_SWITCH && i < end->n_cases) {
			fputs("\n\t\t", out);
			print_case(&end->cases[i], out);
			fputc(':', out);
		} else if (end->kind == IR_SWITCH) {
			fputs("\n\t\telse", out);
		} else if (i) {
			fputs(" else", out);
		}
		fprintf(out, " b%" PRIu32, ir_next_of(end, i));
	}
}

static void print_block(const struct ir *ir, const struct ir_block *block, FILE *out)
{
	for (size_t i = 0; i < block->n; i++) {
		fputc('\t', out);
		print_insn(&block->insns[i], out);
		fputc('\n', out);
	}
	fputc('\t', out);
	print_end(ir, &block->end, out);
	print_targets(&block->end, out);
	fputc('\n', out);
}

void ir_print(const struct ir *ir, FILE *out)
{
	_free_ uint32_t *order = NULL;
	ssize_t n = ir_order(ir, &order);

	for (ssize_t i = 0; i < n; i++) {
		const struct ir_block *block = &ir->blocks[order[i]];

		fprintf(out, "b%" PRIu32 ": # rule %" PRIu32 "\n", order[i], block->rule);
		print_block(ir, block, out);
	}
}

/* A node. No text of an instruction has a quote or a backslash in it. */
static void dot_block(const struct ir *ir, uint32_t index, FILE *out)
{
	const struct ir_block *block = &ir->blocks[index];

	fprintf(out, "\tb%" PRIu32 " [label=\"", index);
	for (size_t i = 0; i < block->n; i++) {
		print_insn(&block->insns[i], out);
		fputs("\\l", out);
	}
	if (block->end.kind != IR_GOTO) {
		print_end(ir, &block->end, out);
		fputs("\\l", out);
	}
	fputs("\"];\n", out);
}

static void dot_edges(const struct ir_end *end, uint32_t from, FILE *out)
{
	size_t n = ir_n_next(end);

	for (size_t i = 0; i < n; i++) {
		fprintf(out, "\tb%" PRIu32 " -> b%" PRIu32, from, ir_next_of(end, i));
		if (end->kind == IR_SWITCH && i < end->n_cases) {
			fputs(" [label=\"", out);
			print_case(&end->cases[i], out);
			fputs("\"]", out);
		} else if (n > 1) {
			fputs(i ? " [label=\"no\", style=dashed]" : " [label=\"yes\"]", out);
		}
		fputs(";\n", out);
	}
}

int ir_print_dot(const struct ir *ir, const char *name, FILE *out)
{
	_free_ uint32_t *order = NULL;
	ssize_t n = ir_order(ir, &order);

	if (n < 0)
		return n;
	fprintf(out, "digraph %s {\n\tnode [shape=box, fontname=monospace];\n", name);
	for (ssize_t i = 0; i < n; i++) {
		dot_block(ir, order[i], out);
		dot_edges(&ir->blocks[order[i]].end, order[i], out);
	}
	fputs("}\n", out);
	return 0;
}
