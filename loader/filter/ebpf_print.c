// SPDX-License-Identifier: GPL-2.0-only
/*
 * eBPF instructions as text: those that ebpf.c writes.
 */
#include <inttypes.h>

#include "ebpf.h"

static const char *helper_name(int32_t helper)
{
#define HELPER(name) [BPF_FUNC_##name] = "bpf_" #name
	static const char *const names[] = {
		HELPER(map_lookup_elem),  HELPER(tail_call),	  HELPER(redirect),
		HELPER(redirect_map),	  HELPER(skb_load_bytes), HELPER(skb_store_bytes),
		HELPER(skb_vlan_pop),	  HELPER(skb_vlan_push),  HELPER(xdp_load_bytes),
		HELPER(xdp_get_buff_len),
	};
#undef HELPER

	return names[helper];
}

static const char *map_name(const struct filter_prog *prog, uint32_t insn)
{
	static const char *const names[] = {
		[FILTER_MAP_SLOTS] = "slots",
		[FILTER_MAP_COUNTERS] = "counters",
		[FILTER_MAP_DEVMAP] = "devmap",
		[FILTER_MAP_TABLES] = "tables",
		[FILTER_MAP_COPY] = "copy",
		[FILTER_MAP_XSK... FILTER_MAP_GROUP - 1] = "sockets",
		[FILTER_MAP_GROUP... FILTER_MAPS - 1] = "group",
	};

	for (size_t i = 0; i < prog->n_relocs; i++) {
		if (prog->relocs[i].insn == insn)
			return names[prog->relocs[i].map];
	}
	return "?";
}

static unsigned int bits(uint8_t code)
{
	switch (BPF_SIZE(code)) {
	case BPF_B:
		return 8;
	case BPF_H:
		return 16;
	case BPF_W:
		return 32;
	default:
		return 64;
	}
}

static void print_memory(uint8_t code, unsigned int base, int16_t off, FILE *out)
{
	fprintf(out, "*(u%u *)(r%u %c %d)", bits(code), base, off < 0 ? '-' : '+',
		off < 0 ? -off : off);
}

/* "r3" or "w3" for the whole register or its lower half; a constant. */
static void print_source(const struct bpf_insn *insn, char half, FILE *out)
{
	if (BPF_SRC(insn->code) == BPF_X)
		fprintf(out, "%c%u", half, insn->src_reg);
	else if (insn->imm >= -9 && insn->imm <= 9)
		fprintf(out, "%" PRId32, insn->imm);
	else
		fprintf(out, "0x%" PRIx32, insn->imm);
}

static void print_alu(const struct bpf_insn *insn, FILE *out)
{
	static const char *const signs[] = {
		[BPF_ADD >> 4] = "+=",	[BPF_SUB >> 4] = "-=",	[BPF_MUL >> 4] = "*=",
		[BPF_DIV >> 4] = "/=",	[BPF_OR >> 4] = "|=",	[BPF_AND >> 4] = "&=",
		[BPF_LSH >> 4] = "<<=", [BPF_RSH >> 4] = ">>=", [BPF_MOD >> 4] = "%=",
		[BPF_XOR >> 4] = "^=",	[BPF_MOV >> 4] = "=",
	};
	char half = BPF_CLASS(insn->code) == BPF_ALU64 ? 'r' : 'w';
	uint8_t op = BPF_OP(insn->code);

	if (op == BPF_END) {
		fprintf(out, "r%u = be%" PRId32 " r%u", insn->dst_reg, insn->imm, insn->dst_reg);
	} else if (op == BPF_NEG) {
		fprintf(out, "%c%u = -%c%u", half, insn->dst_reg, half, insn->dst_reg);
	} else {
		fprintf(out, "%c%u %s ", half, insn->dst_reg, signs[op >> 4]);
		print_source(insn, half, out);
	}
}

static void print_jump(const struct bpf_insn *insn, uint32_t at, FILE *out)
{
	static const char *const signs[] = {
		[BPF_JEQ >> 4] = "==", [BPF_JNE >> 4] = "!=", [BPF_JGT >> 4] = ">",
		[BPF_JGE >> 4] = ">=", [BPF_JLT >> 4] = "<",  [BPF_JLE >> 4] = "<=",
		[BPF_JSET >> 4] = "&",
	};
	char half = BPF_CLASS(insn->code) == BPF_JMP ? 'r' : 'w';
	uint8_t op = BPF_OP(insn->code);

	if (op == BPF_CALL && insn->src_reg == BPF_PSEUDO_CALL) {
		fprintf(out, "call %" PRIu32, at + 1 + insn->imm);
	} else if (op == BPF_CALL) {
		fprintf(out, "call %s", helper_name(insn->imm));
	} else if (op == BPF_EXIT) {
		fputs("exit", out);
	} else {
		if (op != BPF_JA) {
			fprintf(out, "if %c%u %s ", half, insn->dst_reg, signs[op >> 4]);
			print_source(insn, half, out);
			fputc(' ', out);
		}
		fprintf(out, "goto %" PRIu32, at + 1 + insn->off);
	}
}

static void print_insn(const struct filter_prog *prog, uint32_t at, FILE *out)
{
	const struct bpf_insn *insn = &prog->insns[at];

	switch (BPF_CLASS(insn->code)) {
	case BPF_LD:
		if (!insn->src_reg) {
			fprintf(out, "r%u = 0x%08" PRIx32 "%08" PRIx32, insn->dst_reg, insn[1].imm,
				insn->imm);
			return;
		}
		fprintf(out, "r%u = map %s", insn->dst_reg, map_name(prog, at));
		if (insn->src_reg == BPF_PSEUDO_MAP_VALUE)
			fprintf(out, " value + %" PRId32, insn[1].imm);
		return;
	case BPF_LDX:
		fprintf(out, "r%u = ", insn->dst_reg);
		print_memory(insn->code, insn->src_reg, insn->off, out);
		return;
	case BPF_ST:
		print_memory(insn->code, insn->dst_reg, insn->off, out);
		fprintf(out, " = %" PRId32, insn->imm);
		return;
	case BPF_STX:
		print_memory(insn->code, insn->dst_reg, insn->off, out);
		fprintf(out, " = r%u", insn->src_reg);
		return;
	case BPF_ALU:
	case BPF_ALU64:
		print_alu(insn, out);
		return;
	default:
		print_jump(insn, at, out);
	}
}

void ebpf_print(const struct filter_prog *prog, FILE *out)
{
	for (uint32_t i = 0; i < prog->n_insns; i++) {
		fprintf(out, "%4" PRIu32 ": ", i);
		print_insn(prog, i, out);
		fputc('\n', out);
		if (BPF_CLASS(prog->insns[i].code) == BPF_LD)
			i++;
	}
}
