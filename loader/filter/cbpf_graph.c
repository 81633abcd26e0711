// SPDX-License-Identifier: GPL-2.0-only
#include "cbpf_graph.h"

#include <stdlib.h>

static uint32_t used_by_alu(uint16_t code)
{
	return BPF_OP(code) != BPF_NEG && BPF_SRC(code) == BPF_X ? CBPF_A | CBPF_X : CBPF_A;
}

static uint32_t used_by_load(uint16_t code, uint32_t k)
{
	if (BPF_MODE(code) == BPF_MEM)
		return CBPF_M << k;
	return BPF_MODE(code) == BPF_IND ? CBPF_X : 0;
}

struct cbpf_effects cbpf_effects(uint16_t code, uint32_t k)
{
	switch (BPF_CLASS(code)) {
	case BPF_LD:
		return (struct cbpf_effects){ used_by_load(code, k), CBPF_A };
	case BPF_LDX:
		return (struct cbpf_effects){ used_by_load(code, k), CBPF_X };
	case BPF_ST:
		return (struct cbpf_effects){ CBPF_A, CBPF_M << k };
	case BPF_STX:
		return (struct cbpf_effects){ CBPF_X, CBPF_M << k };
	case BPF_ALU:
		return (struct cbpf_effects){ used_by_alu(code), CBPF_A };
	case BPF_JMP:
		return (struct cbpf_effects){ BPF_OP(code) == BPF_JA ? 0 : used_by_alu(code), 0 };
	case BPF_RET:
		return (struct cbpf_effects){ BPF_RVAL(code) == BPF_A ? CBPF_A : 0, 0 };
	default:
		return BPF_MISCOP(code) == BPF_TAX ? (struct cbpf_effects){ CBPF_A, CBPF_X }
						   : (struct cbpf_effects){ CBPF_X, CBPF_A };
	}
}

void cbpf_graph_init(struct cbpf_graph *graph)
{
	*graph = (struct cbpf_graph){ .nodes.size = sizeof(struct cbpf_node) };
}

void cbpf_graph_free(struct cbpf_graph *graph)
{
	intern_free(&graph->nodes);
}

const struct cbpf_node *cbpf_node(const struct cbpf_graph *graph, uint32_t number)
{
	return intern_at(&graph->nodes, number);
}

/* Building */

static uint32_t live_at(const struct cbpf_graph *graph, uint32_t number)
{
	return graph->oom ? 0 : cbpf_node(graph, number)->live;
}

static uint32_t add(struct cbpf_graph *graph, const struct cbpf_node *node)
{
	uint32_t number = graph->oom ? 0 : intern_add(&graph->nodes, node);

	if (number != INTERN_OOM)
		return number;
	graph->oom = true;
	return 0;
}

uint32_t cbpf_ret(struct cbpf_graph *graph, uint32_t k)
{
	return add(graph, &(struct cbpf_node){ .code = BPF_RET | BPF_K, .k = k });
}

uint32_t cbpf_ret_a(struct cbpf_graph *graph)
{
	return add(graph, &(struct cbpf_node){ .code = BPF_RET | BPF_A, .live = CBPF_A });
}

bool cbpf_returns(const struct cbpf_graph *graph, uint32_t number, uint32_t k)
{
	const struct cbpf_node *node;

	if (graph->oom)
		return false;
	node = cbpf_node(graph, number);
	return node->code == (BPF_RET | BPF_K) && node->k == k;
}

uint32_t cbpf_step(struct cbpf_graph *graph, uint16_t code, uint32_t k, bool ends, uint32_t next)
{
	const struct cbpf_effects effects = cbpf_effects(code, k);
	uint32_t live = live_at(graph, next);

	/* Who rejects packets ahead of a rejection needs not. */
	ends = ends && !cbpf_returns(graph, next, 0);
	if (!ends && !(effects.sets & live))
		return next;
	live = effects.uses | (live & ~effects.sets);
	return add(graph, &(struct cbpf_node){ code, k, { next, next }, live });
}

uint32_t cbpf_branch(struct cbpf_graph *graph, uint16_t code, uint32_t k, uint32_t yes, uint32_t no)
{
	uint32_t live = live_at(graph, yes) | live_at(graph, no);

	if (yes == no)
		return yes;
	live |= cbpf_effects(code, k).uses;
	return add(graph, &(struct cbpf_node){ code, k, { yes, no }, live });
}

/* Layout */

enum { FAR = UINT8_MAX }; /* instructions: what a conditional jump can skip */

struct layout {
	const struct cbpf_graph *graph;
	uint32_t *order; /* nodes, from the last to the first */
	size_t n;
	uint32_t *at;	/* by node: where it stands */
	bool *seen;	/* by node */
	bool (*far)[2]; /* by node: a target that a jump of its own leads to */
};

static bool is_jump(const struct cbpf_node *node)
{
	return BPF_CLASS(node->code) == BPF_JMP;
}

static bool is_end(const struct cbpf_node *node)
{
	return BPF_CLASS(node->code) == BPF_RET;
}

/*
 * Which side of a jump stands behind it, if it can. One of JSET that holds takes the kernel two
 * instructions there; of the others, what goes on is to stand there rather than what ends.
 */
static unsigned int near_side(const struct layout *l, const struct cbpf_node *node)
{
	if (BPF_OP(node->code) == BPF_JSET)
		return 1;
	return is_end(cbpf_node(l->graph, node->next[1])) ? 0 : 1;
}

/* What is met last stands ahead of all that was met before. */
static void visit(struct layout *l, uint32_t number)
{
	const struct cbpf_node *node = cbpf_node(l->graph, number);

	if (l->seen[number])
		return;
	l->seen[number] = true;
	if (is_jump(node)) {
		unsigned int near = near_side(l, node);

		visit(l, node->next[!near]);
		visit(l, node->next[near]);
	} else if (!is_end(node)) {
		visit(l, node->next[0]);
	}
	l->order[l->n++] = number;
}

/* Instructions that stand at a node: itself, and unconditional jumps behind it. */
static uint32_t size_of(const struct layout *l, size_t i)
{
	uint32_t number = l->order[i];
	const struct cbpf_node *node = cbpf_node(l->graph, number);

	if (is_jump(node))
		return 1 + l->far[number][0] + l->far[number][1];
	return 1 + (!is_end(node) && l->order[i - 1] != node->next[0]);
}

/* Where all nodes stand; the number of instructions. */
static uint32_t place(struct layout *l)
{
	uint32_t at = 0;

	for (size_t i = l->n; i-- > 0; at += size_of(l, i))
		l->at[l->order[i]] = at;
	return at;
}

/* Targets that are too far from their jumps; the more there are, the farther are others. */
static bool mark_far(struct layout *l)
{
	bool more = false;

	for (size_t i = 0; i < l->n; i++) {
		uint32_t number = l->order[i];
		const struct cbpf_node *node = cbpf_node(l->graph, number);

		for (unsigned int side = 0; is_jump(node) && side < 2; side++) {
			uint32_t skipped = l->at[node->next[side]] - l->at[number] - 1;

			if (skipped <= FAR || l->far[number][side])
				continue;
			l->far[number][side] = more = true;
		}
	}
	return more;
}

/* What leads from instruction `from` to a node: a jump, or an end like the one that is there. */
static struct sock_filter lead(const struct layout *l, uint32_t from, uint32_t to)
{
	const struct cbpf_node *node = cbpf_node(l->graph, to);

	if (is_end(node))
		return (struct sock_filter){ node->code, 0, 0, node->k };
	return (struct sock_filter){ BPF_JMP | BPF_JA, 0, 0, l->at[to] - from - 1 };
}

static void put_jump(const struct layout *l, uint32_t number, struct sock_filter *insns)
{
	const struct cbpf_node *node = cbpf_node(l->graph, number);
	uint32_t at = l->at[number], behind = at + 1;
	uint8_t skip[2];

	for (unsigned int side = 0; side < 2; side++) {
		if (!l->far[number][side]) {
			skip[side] = l->at[node->next[side]] - at - 1;
			continue;
		}
		skip[side] = behind - at - 1;
		insns[behind] = lead(l, behind, node->next[side]);
		behind++;
	}
	insns[at] = (struct sock_filter){ node->code, skip[0], skip[1], node->k };
}

static void put(const struct layout *l, size_t i, struct sock_filter *insns)
{
	uint32_t number = l->order[i], at = l->at[number];
	const struct cbpf_node *node = cbpf_node(l->graph, number);

	if (is_jump(node)) {
		put_jump(l, number, insns);
		return;
	}
	insns[at] = (struct sock_filter){ node->code, 0, 0, node->k };
	if (size_of(l, i) == 2)
		insns[at + 1] = lead(l, at + 1, node->next[0]);
}

static int lay_out(struct layout *l, uint32_t first, struct cbpf *out)
{
	visit(l, first);
	do
		out->n = place(l);
	while (mark_far(l));
	out->insns = calloc(out->n, sizeof(*out->insns));
	if (!out->insns)
		return fail_oom();
	for (size_t i = 0; i < l->n; i++)
		put(l, i, out->insns);
	return 0;
}

int cbpf_layout(const struct cbpf_graph *graph, uint32_t first, struct cbpf *out)
{
	size_t n = graph->nodes.n;
	_free_ uint32_t *order = calloc(n, sizeof(*order));
	_free_ uint32_t *at = calloc(n, sizeof(*at));
	_free_ bool *seen = calloc(n, sizeof(*seen));
	_free_ void *far = calloc(n, sizeof(bool[2]));
	struct layout l = { .graph = graph, .order = order, .at = at, .seen = seen, .far = far };

	*out = (struct cbpf){ 0 };
	if (graph->oom || !order || !at || !seen || !far)
		return fail_oom();
	return lay_out(&l, first, out);
}
