// SPDX-License-Identifier: GPL-2.0-only
#include "ebpf_asm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

uint8_t alu_code(uint8_t ir_op)
{
	switch ((enum ir_op)ir_op) {
	case IR_ADD:
		return BPF_ADD;
	case IR_SUB:
		return BPF_SUB;
	case IR_MUL:
		return BPF_MUL;
	case IR_DIV:
		return BPF_DIV;
	case IR_MOD:
		return BPF_MOD;
	case IR_AND:
		return BPF_AND;
	case IR_OR:
		return BPF_OR;
	case IR_XOR:
		return BPF_XOR;
	case IR_LSH:
		return BPF_LSH;
	case IR_RSH:
		return BPF_RSH;
	default:
		return BPF_NEG;
	}
}

enum {
	NOT_PLACED = UINT32_MAX,
	FIXED = UINT32_MAX, /* as the label of a fixup: nothing is left to do */
	/* Half of what an offset can be: the other half is for the blocks between two islands. */
	ISLAND_EVERY = 8000,
	ISLAND_AGE = 8000,
};

static int fix_jump(struct emit *e, const struct fixup *fixup, uint32_t to)
{
	struct bpf_insn *insn = &e->prog->insns[fixup->insn];
	int64_t off = (int64_t)to - fixup->insn - 1;

	if (insn->code == (BPF_JMP | BPF_CALL)) {
		insn->imm = off;
		return 0;
	}
	if (off < INT16_MIN || off > INT16_MAX)
		return -E2BIG;
	insn->off = off;
	return 0;
}

/* Lead a jump to the island for its label, made if there is none yet. */
static int lead_to_island(struct emit *e, size_t number, uint32_t *islands)
{
	struct fixup fixup = e->fixups[number];

	if (islands[fixup.label] == NOT_PLACED) {
		islands[fixup.label] = e->prog->n_insns;
		jump(e, BPF_JMP | BPF_JA, 0, 0, 0, fixup.label);
	}
	e->fixups[number].label = FIXED;
	return e->oom ? 0 : fix_jump(e, &fixup, islands[fixup.label]);
}

static bool is_far(const struct emit *e, const struct fixup *fixup)
{
	return fixup->label != FIXED && e->label_at[fixup->label] == NOT_PLACED &&
	       e->prog->insns[fixup->insn].code != (BPF_JMP | BPF_CALL) &&
	       e->prog->n_insns - fixup->insn > ISLAND_AGE;
}

int place_islands(struct emit *e)
{
	_free_ uint32_t *islands = NULL;
	size_t n_fixups = e->n_fixups, around = 0;
	int err = 0;

	if (e->prog->n_insns - e->islands_at < ISLAND_EVERY)
		return 0;
	e->islands_at = e->prog->n_insns;
	islands = malloc(n_labels(e->ir) * sizeof(*islands));
	if (!islands)
		return fail_oom();
	memset(islands, 0xff, n_labels(e->ir) * sizeof(*islands));
	if (e->falls)
		around = branch(e, BPF_JMP | BPF_JA, 0, 0, 0);
	for (size_t i = 0; i < n_fixups && !err && !e->oom; i++) {
		if (is_far(e, &e->fixups[i]))
			err = lead_to_island(e, i, islands);
	}
	if (e->falls)
		land(e, around);
	return err;
}

int fix_jumps(struct emit *e)
{
	for (size_t i = 0; i < e->n_fixups; i++) {
		const struct fixup *fixup = &e->fixups[i];
		int err = fixup->label == FIXED ? 0 : fix_jump(e, fixup, e->label_at[fixup->label]);

		if (err)
			return err;
	}
	return 0;
}

void load_unaligned(struct emit *e, unsigned int size, enum reg dst, enum reg from, int32_t off,
		    enum reg scratch)
{
	if (size == 1) {
		load(e, 1, dst, from, off);
		return;
	}
	for (unsigned int i = 0; i < size; i++) {
		load(e, 1, scratch, from, off + (int32_t)i);
		store(e, 1, FP, STACK_BYTES + (int16_t)i, scratch);
	}
	load(e, size, dst, FP, STACK_BYTES);
}
