// SPDX-License-Identifier: GPL-2.0-only
/*
 * jumps SLOTS PROG…: the tail calls of these pinned programs through that pinned prog array, a line
 * each in the order of the instructions, and what the JIT has made of it:
 *
 *   weir_root 0 weir_rules_0 direct
 *
 * Program, slot, the program in it ("-": none), and: `direct`, a jump into that program's image;
 * `call`, none; `hidden`, the kernel shows no images (kernel.kptr_restrict); or instead of all this
 * `run-time`, because the slot is no constant.
 */
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>

#include "../../loader/fail.h"
#include "../../loader/own.h"

enum { INSNS_MOST = 1 << 16, IMAGE_MOST = 1 << 20, FUNCS_MOST = 64, PROGS_MOST = 64 };
enum { JMP_REL32 = 0xe9, JMP_LEN = 5 };

struct prog {
	struct bpf_prog_info info;
	struct bpf_insn insns[INSNS_MOST];
	__u8 image[IMAGE_MOST];
	__u64 ksyms[FUNCS_MOST];
	__u32 lens[FUNCS_MOST]; /* of the image's functions, which stand behind each other */
};

static struct prog *progs[PROGS_MOST];
static size_t n_progs;

static int read_prog(const char *path)
{
	struct prog *prog = calloc(1, sizeof(*prog));
	struct bpf_prog_info *info = &prog->info;
	__u32 size = sizeof(*info);
	_close_ int fd = bpf_obj_get(path);

	progs[n_progs++] = prog;
	info->xlated_prog_insns = (uintptr_t)prog->insns;
	info->xlated_prog_len = sizeof(prog->insns);
	info->jited_prog_insns = (uintptr_t)prog->image;
	info->jited_prog_len = sizeof(prog->image);
	info->jited_ksyms = (uintptr_t)prog->ksyms;
	info->nr_jited_ksyms = FUNCS_MOST;
	info->jited_func_lens = (uintptr_t)prog->lens;
	info->nr_jited_func_lens = FUNCS_MOST;
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, info, &size))
		return fail(-errno, "%s: %s", path, strerror(errno));
	return 0;
}

static bool writes(const struct bpf_insn *insn, int reg)
{
	int class = BPF_CLASS(insn->code);

	return insn->dst_reg == reg &&
	       (class == BPF_ALU || class == BPF_ALU64 || class == BPF_LDX || class == BPF_LD);
}

/* The last instruction before `at` that writes a register; -1: none. */
static ssize_t find_write(const struct prog *prog, ssize_t at, int reg)
{
	while (--at >= 0 && !writes(&prog->insns[at], reg))
		;
	return at;
}

/* What "reg = *(u32 *)(base + off)" reads from a map's value. */
static bool read_constant(const struct prog *prog, ssize_t at, __u32 *value)
{
	const struct bpf_insn *load = &prog->insns[at], *base;
	ssize_t base_at = find_write(prog, at, load->src_reg);
	struct bpf_map_info info = { 0 };
	__u32 size = sizeof(info), key = 0;
	_free_ __u8 *data = NULL;
	_close_ int fd = -1;

	if (base_at < 0)
		return false;
	base = &prog->insns[base_at];
	if (base->code != (BPF_LD | BPF_DW | BPF_IMM) || base->src_reg != BPF_PSEUDO_MAP_VALUE)
		return false;
	fd = bpf_map_get_fd_by_id(base->imm);
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size))
		return false;
	data = calloc(1, info.value_size);
	if (!data || bpf_map_lookup_elem(fd, &key, data))
		return false;
	memcpy(value, data + base[1].imm + load->off, sizeof(*value));
	return info.map_flags & BPF_F_RDONLY_PROG;
}

/* The slot of the tail call at `at`: its r3, if that is an immediate, or constant data. */
static bool find_slot(const struct prog *prog, ssize_t at, __u32 *slot)
{
	ssize_t write = find_write(prog, at, BPF_REG_3);
	const struct bpf_insn *insn = &prog->insns[write];

	if (write < 0)
		return false;
	*slot = insn->imm;
	if (insn->code == (BPF_ALU64 | BPF_MOV | BPF_K) ||
	    insn->code == (BPF_ALU | BPF_MOV | BPF_K))
		return true;
	return insn->code == (BPF_LDX | BPF_W | BPF_MEM) && read_constant(prog, write, slot);
}

static const struct prog *in_slot(int slots, __u32 slot)
{
	__u32 id;

	if (bpf_map_lookup_elem(slots, &slot, &id))
		return NULL;
	for (size_t i = 0; i < n_progs; i++)
		if (progs[i]->info.id == id)
			return progs[i];
	return NULL;
}

/* Where the jump at this byte of the image goes; 0: there is none. */
static __u64 destination(const struct prog *prog, __u32 at)
{
	__u32 func = 0, start = 0;
	__s32 rel;

	if (prog->image[at] != JMP_REL32 || at + JMP_LEN > prog->info.jited_prog_len)
		return 0;
	while (func + 1 < prog->info.nr_jited_func_lens && at >= start + prog->lens[func])
		start += prog->lens[func++];
	memcpy(&rel, &prog->image[at + 1], sizeof(rel));
	return prog->ksyms[func] + (at - start) + JMP_LEN + rel;
}

/*
 * Jumps from one program into another. In front of such a jump the JIT has one over it, which must
 * be gone (emit_bpf_tail_call_direct(), arch/x86/net/bpf_jit_comp.c).
 */
static unsigned int count_jumps(const struct prog *from, const struct prog *to)
{
	__u64 start = to->ksyms[0], end = start + to->lens[0], at_end = 0;
	unsigned int n = 0;

	for (__u32 at = 0; at < from->info.jited_prog_len; at++) {
		__u64 dest = destination(from, at);

		if (dest >= start && dest < end)
			n += !at_end || destination(from, at_end) != from->ksyms[0] + at + JMP_LEN;
		if (dest > from->ksyms[0] + at && dest < from->ksyms[0] + at + 64)
			at_end = at;
	}
	return n;
}

static const char *made_of(const struct prog *from, const struct prog *to, unsigned int nth)
{
	if (!to)
		return "call";
	if (!from->info.jited_prog_len || !from->ksyms[0] || !to->ksyms[0])
		return "hidden";
	return count_jumps(from, to) >= nth ? "direct" : "call";
}

static void print_calls(const struct prog *prog, int slots)
{
	unsigned int nth[PROGS_MOST] = { 0 };
	ssize_t n = prog->info.xlated_prog_len / sizeof(prog->insns[0]);

	for (ssize_t at = 0; at < n; at++) {
		const struct bpf_insn *insn = &prog->insns[at];
		const struct prog *to;
		__u32 slot;

		if (insn->code != (BPF_JMP | BPF_CALL) || insn->src_reg ||
		    insn->imm != BPF_FUNC_tail_call)
			continue;
		printf("%s ", prog->info.name);
		if (!find_slot(prog, at, &slot)) {
			printf("run-time\n");
			continue;
		}
		to = in_slot(slots, slot);
		printf("%u %s %s\n", slot, to ? to->info.name : "-",
		       made_of(prog, to, ++nth[slot % PROGS_MOST]));
	}
}

int main(int argc, char **argv)
{
	_close_ int slots = argc > 1 ? bpf_obj_get(argv[1]) : -1;
	int err = 0;

	fail_program("jumps");
	if (slots < 0 || argc - 2 > PROGS_MOST)
		return fail(2, "usage: jumps SLOTS PROG…");
	for (int i = 2; i < argc && !err; i++)
		err = read_prog(argv[i]);
	for (size_t i = 0; i < n_progs && !err; i++)
		print_calls(progs[i], slots);
	for (size_t i = 0; i < n_progs; i++)
		free(progs[i]);
	return err ? 1 : 0;
}
