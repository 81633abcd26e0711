// SPDX-License-Identifier: GPL-2.0-only
#include "cbpf.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

/* How an operand is written; the texts are libpcap's, bpf_image(3). */
enum operand { NONE, VALUE, NUMBER, ADDRESS, INDEXED, HEADER, MEMORY, LENGTH, REG_X, TARGET };

static const struct opcode {
	uint16_t code;
	enum operand operand;
	const char *name;
} opcodes[] = {
	{ BPF_RET | BPF_K, NUMBER, "ret" },
	{ BPF_RET | BPF_A, NONE, "ret" },
	{ BPF_LD | BPF_W | BPF_ABS, ADDRESS, "ld" },
	{ BPF_LD | BPF_H | BPF_ABS, ADDRESS, "ldh" },
	{ BPF_LD | BPF_B | BPF_ABS, ADDRESS, "ldb" },
	{ BPF_LD | BPF_W | BPF_IND, INDEXED, "ld" },
	{ BPF_LD | BPF_H | BPF_IND, INDEXED, "ldh" },
	{ BPF_LD | BPF_B | BPF_IND, INDEXED, "ldb" },
	{ BPF_LD | BPF_W | BPF_LEN, LENGTH, "ld" },
	{ BPF_LD | BPF_IMM, VALUE, "ld" },
	{ BPF_LD | BPF_MEM, MEMORY, "ld" },
	{ BPF_LDX | BPF_W | BPF_LEN, LENGTH, "ldx" },
	{ BPF_LDX | BPF_IMM, VALUE, "ldx" },
	{ BPF_LDX | BPF_MEM, MEMORY, "ldx" },
	{ BPF_LDX | BPF_B | BPF_MSH, HEADER, "ldxb" },
	{ BPF_ST, MEMORY, "st" },
	{ BPF_STX, MEMORY, "stx" },
	{ BPF_JMP | BPF_JA, TARGET, "ja" },
	{ BPF_JMP | BPF_JEQ | BPF_K, VALUE, "jeq" },
	{ BPF_JMP | BPF_JEQ | BPF_X, REG_X, "jeq" },
	{ BPF_JMP | BPF_JGT | BPF_K, VALUE, "jgt" },
	{ BPF_JMP | BPF_JGT | BPF_X, REG_X, "jgt" },
	{ BPF_JMP | BPF_JGE | BPF_K, VALUE, "jge" },
	{ BPF_JMP | BPF_JGE | BPF_X, REG_X, "jge" },
	{ BPF_JMP | BPF_JSET | BPF_K, VALUE, "jset" },
	{ BPF_JMP | BPF_JSET | BPF_X, REG_X, "jset" },
	{ BPF_ALU | BPF_ADD | BPF_K, NUMBER, "add" },
	{ BPF_ALU | BPF_ADD | BPF_X, REG_X, "add" },
	{ BPF_ALU | BPF_SUB | BPF_K, NUMBER, "sub" },
	{ BPF_ALU | BPF_SUB | BPF_X, REG_X, "sub" },
	{ BPF_ALU | BPF_MUL | BPF_K, NUMBER, "mul" },
	{ BPF_ALU | BPF_MUL | BPF_X, REG_X, "mul" },
	{ BPF_ALU | BPF_DIV | BPF_K, NUMBER, "div" },
	{ BPF_ALU | BPF_DIV | BPF_X, REG_X, "div" },
	{ BPF_ALU | BPF_MOD | BPF_K, NUMBER, "mod" },
	{ BPF_ALU | BPF_MOD | BPF_X, REG_X, "mod" },
	{ BPF_ALU | BPF_AND | BPF_K, VALUE, "and" },
	{ BPF_ALU | BPF_AND | BPF_X, REG_X, "and" },
	{ BPF_ALU | BPF_OR | BPF_K, VALUE, "or" },
	{ BPF_ALU | BPF_OR | BPF_X, REG_X, "or" },
	{ BPF_ALU | BPF_XOR | BPF_K, VALUE, "xor" },
	{ BPF_ALU | BPF_XOR | BPF_X, REG_X, "xor" },
	{ BPF_ALU | BPF_LSH | BPF_K, NUMBER, "lsh" },
	{ BPF_ALU | BPF_LSH | BPF_X, REG_X, "lsh" },
	{ BPF_ALU | BPF_RSH | BPF_K, NUMBER, "rsh" },
	{ BPF_ALU | BPF_RSH | BPF_X, REG_X, "rsh" },
	{ BPF_ALU | BPF_NEG, NONE, "neg" },
	{ BPF_MISC | BPF_TAX, NONE, "tax" },
	{ BPF_MISC | BPF_TXA, NONE, "txa" },
};

/* Linux' ancillary loads, from SKF_AD_OFF on, 4 apart. */
static const char *const ancillary[] = {
	"proto",  "type", "ifidx", "nla",      "nlan",	"mark", "queue",  "hatype",
	"rxhash", "cpu",  "xor_x", "vlan_tci", "vlanp", "poff", "random", "vlan_tpid",
};

static const struct opcode *find(uint16_t code)
{
	for (size_t i = 0; i < ARRAY_SIZE(opcodes); i++) {
		if (opcodes[i].code == code)
			return &opcodes[i];
	}
	return NULL;
}

/* The name of the ancillary load at k; NULL: it is none. */
static const char *ancillary_name(uint32_t k)
{
	uint32_t n = k - (uint32_t)SKF_AD_OFF;

	return k >= (uint32_t)SKF_AD_OFF && n % 4 == 0 && n / 4 < ARRAY_SIZE(ancillary)
		       ? ancillary[n / 4]
		       : NULL;
}

void cbpf_free(struct cbpf *prog)
{
	for (size_t i = 0; i < prog->n_lists; i++)
		free(prog->lists[i].elements);
	free(prog->lists);
	free(prog->places);
	free(prog->insns);
	*prog = (struct cbpf){ 0 };
}

/* The check */

static bool jumps_in_range(const struct cbpf *prog, size_t i)
{
	const struct sock_filter *insn = &prog->insns[i];
	size_t rest = prog->n - i - 1;

	if (BPF_OP(insn->code) != BPF_JA)
		return insn->jt < rest && insn->jf < rest;
	if ((int32_t)insn->k >= 0)
		return insn->k < rest;
	/* -1 is the instruction itself. */
	return (int32_t)insn->k != -1 && -(int64_t)(int32_t)insn->k <= (int64_t)i + 1;
}

/* What is wrong with an instruction; NULL: nothing. */
static const char *mistake(const struct cbpf *prog, size_t i)
{
	const struct sock_filter *insn = &prog->insns[i];
	const struct opcode *opcode = find(insn->code);

	if (!opcode)
		return "there is no such operation";
	switch (insn->code) {
	case BPF_ALU | BPF_DIV | BPF_K:
	case BPF_ALU | BPF_MOD | BPF_K:
		return insn->k ? NULL : "it divides by 0";
	case BPF_ALU | BPF_LSH | BPF_K:
	case BPF_ALU | BPF_RSH | BPF_K:
		return insn->k < 32 ? NULL : "it shifts by more than 31 bits";
	}
	if (opcode->operand == MEMORY && insn->k >= BPF_MEMWORDS)
		return "scratch memory has no such word (M[0] to M[15])";
	if (BPF_CLASS(insn->code) == BPF_JMP && !jumps_in_range(prog, i))
		return "it jumps out of the program or to itself";
	return NULL;
}

static int _printf_(3, 4) refuse(char *why, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, size, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

int cbpf_check(const struct cbpf *prog, char *why, size_t why_size)
{
	if (!prog->n)
		return refuse(why, why_size, "the program has no instruction");
	if (prog->n > CBPF_MAX)
		return refuse(why, why_size, "the program has %zu instructions; %d are the most",
			      prog->n, CBPF_MAX);
	for (size_t i = 0; i < prog->n; i++) {
		const struct sock_filter *insn = &prog->insns[i];
		const char *what = mistake(prog, i);

		if (what)
			return refuse(why, why_size, "instruction %zu (%u %u %u %" PRIu32 "): %s",
				      i, insn->code, insn->jt, insn->jf, insn->k, what);
	}
	if (BPF_CLASS(prog->insns[prog->n - 1].code) != BPF_RET)
		return refuse(why, why_size, "instruction %zu, the last one, is no 'ret'",
			      prog->n - 1);
	return 0;
}

size_t cbpf_size(const struct cbpf *prog)
{
	size_t n = prog->n;

	for (size_t i = 0; i < prog->n_lists; i++)
		n += prog->lists[i].n;
	return n;
}

bool cbpf_loops(const struct cbpf *prog)
{
	for (size_t i = 0; i < prog->n; i++) {
		const struct sock_filter *insn = &prog->insns[i];

		if (insn->code == (BPF_JMP | BPF_JA) && (int32_t)insn->k < 0)
			return true;
	}
	return false;
}

/* Printers */

static void print_operand(const struct sock_filter *insn, size_t i, char *to, size_t size)
{
	const struct opcode *opcode = find(insn->code);
	int32_t k = insn->k;

	to[0] = 0;
	switch (opcode ? opcode->operand : NONE) {
	case NONE:
		if (!opcode)
			snprintf(to, size, "0x%x", insn->code);
		return;
	case VALUE:
		snprintf(to, size, "#0x%" PRIx32, insn->k);
		return;
	case NUMBER:
		snprintf(to, size, "#%" PRId32, k);
		return;
	case ADDRESS:
		if (ancillary_name(insn->k))
			snprintf(to, size, "[%s]", ancillary_name(insn->k));
		else
			snprintf(to, size, "[%" PRId32 "]", k);
		return;
	case INDEXED:
		snprintf(to, size, "[x + %" PRId32 "]", k);
		return;
	case HEADER:
		snprintf(to, size, "4*([%" PRId32 "]&0xf)", k);
		return;
	case MEMORY:
		snprintf(to, size, "M[%" PRId32 "]", k);
		return;
	case LENGTH:
		snprintf(to, size, "#pktlen");
		return;
	case REG_X:
		snprintf(to, size, "x");
		return;
	case TARGET:
		snprintf(to, size, "%" PRId32, (int32_t)(i + 1 + insn->k));
		return;
	}
}

void cbpf_print_d(const struct cbpf *prog, FILE *out)
{
	for (size_t i = 0; i < prog->n; i++) {
		const struct sock_filter *insn = &prog->insns[i];
		const struct opcode *opcode = find(insn->code);
		char operand[64];

		print_operand(insn, i, operand, sizeof(operand));
		fprintf(out, "(%03zu) %-8s ", i, opcode ? opcode->name : "unimp");
		if (BPF_CLASS(insn->code) == BPF_JMP && BPF_OP(insn->code) != BPF_JA)
			fprintf(out, "%-16s jt %zu\tjf %zu\n", operand, i + 1 + insn->jt,
				i + 1 + insn->jf);
		else
			fprintf(out, "%s\n", operand);
	}
}

void cbpf_print_dd(const struct cbpf *prog, FILE *out)
{
	for (size_t i = 0; i < prog->n; i++) {
		const struct sock_filter *insn = &prog->insns[i];

		fprintf(out, "{ 0x%x, %u, %u, 0x%08" PRIx32 " },\n", insn->code, insn->jt, insn->jf,
			insn->k);
	}
}

/* The number of instructions, then each, with separators behind. */
static void print_decimal(const struct cbpf *prog, char separator, FILE *out)
{
	fprintf(out, "%zu%c", prog->n, separator);
	for (size_t i = 0; i < prog->n; i++) {
		const struct sock_filter *insn = &prog->insns[i];

		fprintf(out, "%u %u %u %" PRIu32 "%c", insn->code, insn->jt, insn->jf, insn->k,
			i + 1 < prog->n ? separator : '\n');
	}
}

void cbpf_print_ddd(const struct cbpf *prog, FILE *out)
{
	print_decimal(prog, '\n', out);
}

void cbpf_print_line(const struct cbpf *prog, FILE *out)
{
	print_decimal(prog, ',', out);
}

void cbpf_print_c(const struct cbpf *prog, const char *name, FILE *out)
{
	fprintf(out, "static const struct sock_filter %s[] = {\n", name);
	for (size_t i = 0; i < prog->n; i++) {
		const struct sock_filter *insn = &prog->insns[i];

		fprintf(out, "\t{ 0x%x, %u, %u, 0x%08" PRIx32 " },\n", insn->code, insn->jt,
			insn->jf, insn->k);
	}
	fputs("};\n", out);
}
