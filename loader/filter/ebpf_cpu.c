// SPDX-License-Identifier: GPL-2.0-only
#include "ebpf_cpu.h"

#include <stdlib.h>
#include <string.h>

#include "ebpf_hook.h"

/* Instructions of C bodies, embedded by the Makefile; ends with a NULL name. */
extern const struct body {
	const char *name;
	const struct bpf_insn *start, *end;
} filter_bodies[];

void ebpf_flow_body(struct emit *e)
{
	const struct body *body = filter_bodies;

	while (strcmp(body->name, "flow"))
		body++;
	put_label(e, flow_label(e));
	for (const struct bpf_insn *insn = body->start; insn < body->end; insn++)
		put(e, *insn);
}

/* CPUs that stand behind each other: how many from `first` on. */
static size_t stretch(const struct filter_rule *rule, size_t first)
{
	size_t n = 1;

	while (first + n < rule->n_cpus && rule->cpus[first + n] == rule->cpus[first] + n)
		n++;
	return n;
}

/* The place in the rule's list becomes the CPU there: A. */
static void place_to_cpu(struct emit *e, const struct filter_rule *rule)
{
	_free_ size_t *done = NULL;
	size_t n_done = 0, last = 0;

	for (; last + stretch(rule, last) < rule->n_cpus; last += stretch(rule, last)) {
		size_t on = branch(e, BPF_JMP | BPF_JGE | BPF_K, A, 0, last + stretch(rule, last));
		size_t *jump_at = array_add(done, n_done);

		add_imm(e, A, (int32_t)(rule->cpus[last] - last));
		if (jump_at)
			*jump_at = branch(e, BPF_JMP | BPF_JA, 0, 0, 0);
		else
			e->oom = true;
		land(e, on);
	}
	add_imm(e, A, (int32_t)(rule->cpus[last] - last));
	for (size_t i = 0; i < n_done && !e->oom; i++)
		land(e, done[i]);
}

/* To STACK_TARGET. The hash times n, of which the upper half is below n (D. Lemire, 2016). */
static void choose_cpu(struct emit *e, const struct filter_rule *rule)
{
	if (rule->n_cpus == 1) {
		set_target(e, rule->cpus[0]);
		return;
	}
	mov(e, X, DATA);
	mov(e, FROM_X, END);
	call_label(e, flow_label(e));
	op(e, BPF_ALU64 | BPF_MUL | BPF_K, A, 0, 0, rule->n_cpus);
	op(e, BPF_ALU64 | BPF_RSH | BPF_K, A, 0, 0, 32);
	place_to_cpu(e, rule);
	store(e, 4, FP, STACK_TARGET, A);
}

/* By the verdict, which is in DATA: nobody reads the packet any more. */
static void count_on_cpu(struct emit *e)
{
	size_t none, sent;

	map(e, X, FILTER_MAP_CPU_COUNTERS);
	mov(e, FROM_X, FP);
	add_imm(e, FROM_X, STACK_TARGET);
	call(e, BPF_FUNC_map_lookup_elem);
	none = branch(e, BPF_JMP | BPF_JEQ | BPF_K, A, 0, 0);
	sent = branch(e, BPF_JMP | BPF_JEQ | BPF_K, DATA, 0, XDP_REDIRECT);
	add_imm(e, A, offsetof(struct weir_cpu_counter, refused));
	land(e, sent);
	load(e, 8, X, A, offsetof(struct weir_cpu_counter, sent));
	add_imm(e, X, 1);
	store(e, 8, A, offsetof(struct weir_cpu_counter, sent), X);
	land(e, none);
}

/* A CPU that is not in the map makes bpf_redirect_map() return its flags. */
void ebpf_to_cpu(struct emit *e, const struct filter_rule *rule)
{
	hook_count_at(e, rule->counter);
	choose_cpu(e, rule);
	map(e, X, FILTER_MAP_CPUS);
	load(e, 4, FROM_X, FP, STACK_TARGET);
	mov_imm(e, T, XDP_PASS);
	call(e, BPF_FUNC_redirect_map);
	mov(e, DATA, A);
	count_on_cpu(e);
	mov(e, A, DATA);
	op(e, BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}
