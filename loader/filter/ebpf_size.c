// SPDX-License-Identifier: GPL-2.0-only
/*
 * How deep programs are, in what the verifier counts.
 */
#include "ebpf.h"

#include <stdlib.h>

static bool is_conditional(const struct bpf_insn *insn)
{
	uint8_t class = BPF_CLASS(insn->code), code = BPF_OP(insn->code);

	return class == BPF_JMP32 ||
	       (class == BPF_JMP && code != BPF_JA && code != BPF_CALL && code != BPF_EXIT);
}

static bool is_jump(const struct bpf_insn *insn)
{
	return is_conditional(insn) || insn->code == (BPF_JMP | BPF_JA) ||
	       insn->code == (BPF_JMP32 | BPF_JA);
}

static int64_t jump_offset(const struct bpf_insn *insn)
{
	return insn->code == (BPF_JMP32 | BPF_JA) ? insn->imm : insn->off;
}

static bool is_last(const struct bpf_insn *insn)
{
	return insn->code == (BPF_JMP | BPF_EXIT) || insn->code == (BPF_JMP | BPF_JA) ||
	       insn->code == (BPF_JMP32 | BPF_JA);
}

static size_t insn_slots(const struct bpf_insn *insn)
{
	return insn->code == (BPF_LD | BPF_IMM | BPF_DW) ? 2 : 1;
}

/*
 * What the rounds of loops add at most: all that a jump back spans may be walked once more each
 * round, and IR_LOOPS rounds are all that an expression has.
 */
static uint32_t in_rounds(const struct filter_prog *prog, bool *loops)
{
	uint32_t branches = 0;

	for (size_t i = 0; i < prog->n_insns; i += insn_slots(&prog->insns[i])) {
		const struct bpf_insn *insn = &prog->insns[i];

		if (!is_jump(insn) || jump_offset(insn) >= 0)
			continue;
		for (size_t j = i + 1 + jump_offset(insn); j <= i; j++)
			loops[j] = true;
	}
	for (size_t i = 0; i < prog->n_insns; i += insn_slots(&prog->insns[i]))
		branches += loops[i] && is_conditional(&prog->insns[i]);
	return branches * IR_LOOPS;
}

/* The longest way from an instruction to the program's end, those behind it being known. */
static uint32_t deep_from(const struct filter_prog *prog, size_t i, const uint32_t *deep)
{
	const struct bpf_insn *insn = &prog->insns[i];
	uint32_t most = 0;

	if (!is_last(insn))
		most = deep[i + insn_slots(insn)];
	if (is_jump(insn) && jump_offset(insn) >= 0 && deep[i + 1 + jump_offset(insn)] > most)
		most = deep[i + 1 + jump_offset(insn)];
	if (insn->code == (BPF_JMP | BPF_CALL) && insn->src_reg == BPF_PSEUDO_CALL)
		most += deep[i + 1 + insn->imm];
	return most + is_conditional(insn);
}

int ebpf_branches_deep(const struct filter_prog *prog, uint32_t *out)
{
	_free_ uint32_t *deep = calloc(prog->n_insns + 1, sizeof(*deep));
	_free_ bool *loops = calloc(prog->n_insns + 1, sizeof(*loops));

	if (!deep || !loops)
		return fail_oom();
	*out = in_rounds(prog, loops);
	/* The second slot of a long constant is nobody's start; what it gets is not looked at. */
	for (size_t i = prog->n_insns; i--;) {
		bool second = i && insn_slots(&prog->insns[i - 1]) == 2;

		deep[i] = second ? deep[i + 1] : deep_from(prog, i, deep);
	}
	*out += deep[0];
	return 0;
}
