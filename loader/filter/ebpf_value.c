// SPDX-License-Identifier: GPL-2.0-only
#include "ebpf_value.h"

#include <arpa/inet.h>

#include "ebpf_hook.h"
#include "ebpf_test.h"

/* Items */

static uint32_t item_of(struct emit *e, uint8_t kind, unsigned int size, uint32_t base,
			uint32_t off, uint32_t mask)
{
	return cache_item(&e->cache, (struct item){ kind, size, base, off, mask });
}

uint32_t raw_constant(uint32_t k, unsigned int size)
{
	return size == 1 ? k : size == 2 ? htons(k) : htonl(k);
}

uint32_t raw_item(struct emit *e, uint32_t load, unsigned int first, unsigned int size,
		  uint32_t mask)
{
	const struct ir_value *value = &e->ir->values[load];

	return item_of(e, ITEM_RAW, size, value->a, value->k + first, raw_constant(mask, size));
}

uint32_t host_item(struct emit *e, uint32_t index)
{
	const struct ir_value *value = &e->ir->values[index];

	if (value->op != IR_LOAD)
		return item_of(e, ITEM_VALUE, 0, index, 0, 0);
	if (value->size == 1)
		return raw_item(e, index, 0, 1, UINT8_MAX);
	return item_of(e, ITEM_HOST, value->size, value->a, value->k, 0);
}

uint32_t pointer_item(struct emit *e, uint32_t base)
{
	return item_of(e, ITEM_POINTER, 0, base, 0, 0);
}

/* Proofs */

/*
 * The verifier walks what follows a jump before what it leads to. So where a long way lies behind
 * a failed check, it goes that way first, with the least known about the packet, and all who come
 * there later know as much: it need not walk it again. The other way round it walks all rules for
 * each length.
 */
static void fail_beyond_end(struct emit *e, enum reg reg)
{
	if (e->window) /* point() has seen to it */
		return;
	if (e->shallow[e->fail]) {
		jump(e, BPF_JMP | BPF_JGT | BPF_X, reg, END, 0, e->fail);
	} else {
		op(e, BPF_JMP | BPF_JLE | BPF_X, reg, END, 1, 0);
		jump(e, BPF_JMP | BPF_JA, 0, 0, 0, e->fail);
	}
}

void prove_linear(struct emit *e, uint32_t k, enum reg scratch)
{
	if (e->cache.now.linear >= k)
		return;
	if (e->window) {
		jump(e, BPF_JMP | BPF_JNE | BPF_K, END, 0, 0, e->fail);
		e->cache.now.linear = e->window;
		return;
	}
	mov(e, scratch, DATA);
	add_imm(e, scratch, k);
	fail_beyond_end(e, scratch);
	e->cache.now.linear = k;
}

/* The largest that a value can be in the verifier's eyes, computed as evaluate() does. */
static uint32_t seen_max(const struct ir *ir, uint32_t index)
{
	const struct ir_value *value = &ir->values[index];
	bool constant = value->b == IR_NO_VALUE;
	uint64_t max;

	switch ((enum ir_op)value->op) {
	case IR_SET:
		return value->k;
	case IR_LOAD:
		return value->size == 1 ? UINT8_MAX : UINT32_MAX;
	case IR_AND:
		max = seen_max(ir, value->a);
		return constant && value->k < max ? value->k : max;
	case IR_LSH:
		if (!constant || value->k >= 32)
			return UINT32_MAX;
		max = (uint64_t)seen_max(ir, value->a) << value->k;
		return max < UINT32_MAX ? max : UINT32_MAX;
	case IR_RSH:
		return constant && value->k < 32 ? seen_max(ir, value->a) >> value->k : UINT32_MAX;
	default:
		return UINT32_MAX;
	}
}

static void evaluate(struct emit *e, uint32_t index, enum reg dst);

static unsigned int n_free(const struct emit *e)
{
	return __builtin_popcount(e->cache.usable & ~(e->cache.reserved | e->cache.pinned));
}

/* A register more, or -1: one stays free always, so that two values can meet in an operation. */
static int spare(struct emit *e)
{
	return n_free(e) > 1 ? cache_take(&e->cache, 0) : -1;
}

/*
 * data + value in a register of its own. The value is computed here, from the packet: of a register
 * that was compared or copied the verifier may believe nonsense (sync_linked_regs(), Linux 6.11).
 */
static void point(struct emit *e, uint32_t base, uint32_t k, enum reg reg)
{
	uint32_t pinned = e->cache.pinned, limit = seen_max(e->ir, base);

	e->cache.pinned |= 1u << reg;
	evaluate(e, base, reg);
	if ((uint64_t)limit + k > e->view.window) {
		limit = e->view.window - k;
		jump(e, BPF_JMP | BPF_JGT | BPF_K, reg, 0, limit, e->fail);
	}
	op(e, BPF_ALU64 | BPF_ADD | BPF_X, reg, DATA, 0, 0);
	cache_hold(&e->cache, reg, pointer_item(e, base));
	e->cache.now.regs[reg].limit = limit;
	e->cache.pinned = pinned;
}

bool is_proven_at(struct emit *e, uint32_t base, uint32_t k)
{
	int reg = cache_find(&e->cache, pointer_item(e, base));

	return reg >= 0 && e->cache.now.regs[reg].range >= k;
}

enum reg point_to_end(struct emit *e, uint32_t base, uint32_t k, int last)
{
	int reg = cache_find(&e->cache, pointer_item(e, base));
	struct held *held = e->cache.now.regs;

	if (reg < 0 && (reg = spare(e)) < 0)
		reg = last;
	if (held[reg].item == NO_ITEM || (uint64_t)held[reg].limit + k > e->view.window) {
		cache_forget(&e->cache, 1u << reg);
		point(e, base, k, reg);
	}
	add_imm(e, reg, (int32_t)k - held[reg].ahead);
	held[reg].ahead = k;
	return reg;
}

/* A register that points to the packet near a value, k bytes from the value on being proven. */
static enum reg proven_pointer(struct emit *e, uint32_t base, uint32_t k, int last)
{
	struct held held;
	enum reg reg;

	if (is_proven_at(e, base, k))
		return cache_find(&e->cache, pointer_item(e, base));
	reg = point_to_end(e, base, k, last);
	held = e->cache.now.regs[reg];
	cache_forget(&e->cache, 1u << reg); /* on the failing side: see emit_within() */
	fail_beyond_end(e, reg);
	held.range = k;
	e->cache.now.regs[reg] = held;
	return reg;
}

/* Evaluation: of `index` in the register `dst`, which is pinned */

/* A stack is read at aligned places only. */
void load_at(struct emit *e, unsigned int size, enum reg dst, uint32_t k)
{
	if (!e->window)
		load_far(e, size, dst, DATA, k);
	else if ((STACK_WINDOW + (int32_t)k) % (int32_t)size == 0)
		load(e, size, dst, FP, STACK_WINDOW + (int16_t)k);
	else
		load_unaligned(e, size, dst, FP, STACK_WINDOW + (int32_t)k, dst);
}

static void load_from(struct emit *e, unsigned int size, enum reg dst, enum reg from, int32_t off)
{
	enum reg scratch = dst;

	if (!e->window) {
		load_far(e, size, dst, from, off);
		return;
	}
	if (from == dst)
		scratch = cache_take(&e->cache, 1u << dst);
	load_unaligned(e, size, dst, from, off, scratch);
}

static void load_bytes(struct emit *e, unsigned int size, uint32_t base, uint32_t off, enum reg dst)
{
	enum reg from;

	if (base == IR_NO_VALUE) {
		prove_linear(e, off + size, dst);
		load_at(e, size, dst, off);
	} else {
		from = proven_pointer(e, base, off + size, dst);
		load_from(e, size, dst, from, (int64_t)off - e->cache.now.regs[from].ahead);
	}
	cache_forget(&e->cache, 1u << dst);
}

/* Registers that a value takes to compute. */
static unsigned int depth(const struct ir *ir, uint32_t index)
{
	const struct ir_value *value = &ir->values[index];
	unsigned int a, b;

	switch ((enum ir_op)value->op) {
	case IR_SET:
	case IR_LEN:
		return 1;
	case IR_LOAD:
		return value->a == IR_NO_VALUE ? 1 : depth(ir, value->a);
	default:
		a = depth(ir, value->a);
		b = value->b == IR_NO_VALUE ? 0 : depth(ir, value->b);
		return a == b ? a + 1 : a > b ? a : b;
	}
}

static void operate(struct emit *e, uint8_t ir_op, enum reg dst, enum reg src)
{
	op(e, BPF_ALU | BPF_X | alu_code(ir_op), dst, src, 0, 0);
	if (ir_op == IR_LSH || ir_op == IR_RSH) {
		/* The machine takes the count modulo 32. */
		op(e, BPF_JMP32 | BPF_JLT | BPF_K, src, 0, 1, 32);
		mov_imm(e, dst, 0);
	}
}

/* Both operands in turn in dst, the first one meanwhile on the stack. */
static void evaluate_by_stack(struct emit *e, const struct ir_value *value, bool b_first,
			      enum reg dst)
{
	int16_t slot = STACK_SPILLED - 8 * e->n_spilled++;
	int tmp;

	e->too_deep |= slot < e->stack_end;
	evaluate(e, b_first ? value->b : value->a, dst);
	store(e, 8, FP, slot, dst);
	evaluate(e, b_first ? value->a : value->b, dst);
	e->n_spilled--;
	tmp = cache_take(&e->cache, 0);
	if (b_first) {
		load(e, 8, tmp, FP, slot);
	} else {
		mov(e, tmp, dst);
		load(e, 8, dst, FP, slot);
	}
	operate(e, value->op, dst, tmp);
}

/* What takes more registers comes first, while there are more. */
static void evaluate_both(struct emit *e, const struct ir_value *value, enum reg dst)
{
	bool b_first = depth(e->ir, value->b) > depth(e->ir, value->a);
	int other = spare(e);

	if (other < 0) {
		evaluate_by_stack(e, value, b_first, dst);
		return;
	}
	e->cache.pinned |= 1u << other;
	if (b_first)
		evaluate(e, value->b, other);
	evaluate(e, value->a, dst);
	if (!b_first)
		evaluate(e, value->b, other);
	operate(e, value->op, dst, other);
	e->cache.pinned &= ~(1u << other);
}

static void evaluate_operation(struct emit *e, const struct ir_value *value, enum reg dst)
{
	bool shift = value->op == IR_LSH || value->op == IR_RSH;

	if (value->b != IR_NO_VALUE) {
		evaluate_both(e, value, dst);
		return;
	}
	evaluate(e, value->a, dst);
	if (value->op == IR_NEG)
		op(e, BPF_ALU | BPF_NEG, dst, 0, 0, 0);
	else if (shift && value->k >= 32)
		mov_imm(e, dst, 0);
	else
		op(e, BPF_ALU | BPF_K | alu_code(value->op), dst, 0, 0, value->k);
}

static void evaluate(struct emit *e, uint32_t index, enum reg dst)
{
	const struct ir_value *value = &e->ir->values[index];

	switch ((enum ir_op)value->op) {
	case IR_SET:
		mov_imm(e, dst, value->k);
		return;
	case IR_LEN:
		e->hook->length(e, dst, cache_take(&e->cache, 0));
		return;
	case IR_LOAD:
		load_bytes(e, value->size, value->a, value->k, dst);
		big_endian(e, dst, value->size);
		return;
	default:
		evaluate_operation(e, value, dst);
	}
}

static void compute_item(struct emit *e, struct item item, enum reg dst)
{
	if (item.kind == ITEM_VALUE) {
		evaluate(e, item.base, dst);
		return;
	}
	load_bytes(e, item.size, item.base, item.off, dst);
	if (item.kind == ITEM_HOST)
		big_endian(e, dst, item.size);
	else if (item.mask != ir_all_bits(item.size))
		op(e, BPF_ALU | BPF_AND | BPF_K, dst, 0, 0, item.mask);
}

enum reg item_in_register(struct emit *e, uint32_t item, uint32_t avoid)
{
	int held = cache_find(&e->cache, item), reg;
	uint32_t pinned = e->cache.pinned;

	if (item == NO_ITEM) /* out of memory */
		return T;
	if (held >= 0 && !(avoid & 1u << held))
		return held;
	if (held >= 0)
		e->cache.pinned |= 1u << held;
	reg = cache_take(&e->cache, avoid);
	e->cache.pinned |= 1u << reg;
	if (held >= 0)
		mov(e, reg, held);
	else
		compute_item(e, e->cache.items[item], reg);
	cache_hold(&e->cache, reg, item);
	e->cache.pinned = pinned;
	return reg;
}

enum reg value_in_register(struct emit *e, uint32_t value, uint32_t avoid)
{
	return item_in_register(e, host_item(e, value), avoid);
}
