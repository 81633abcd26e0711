// SPDX-License-Identifier: GPL-2.0-only
/*
 * Values: kept once each, simplified as they are made.
 */
#include "ir.h"

#include <stdlib.h>
#include <string.h>

static bool is_equal(const struct ir_value *a, const struct ir_value *b)
{
	return a->op == b->op && a->size == b->size && a->a == b->a && a->b == b->b && a->k == b->k;
}

static size_t hash(const struct ir_value *value)
{
	uint64_t h = value->op | (uint64_t)value->size << 8 | (uint64_t)value->k << 16;

	h = (h ^ value->a) * 0x9e3779b97f4a7c15;
	h = (h ^ h >> 29 ^ value->b) * 0xbf58476d1ce4e5b9;
	return h ^ h >> 32;
}

/* Where a value stands in the hash table, or would. */
static uint32_t *place(const struct ir *ir, const struct ir_value *value)
{
	size_t mask = ir->n_value_index - 1, at = hash(value) & mask;

	while (ir->value_index[at] != IR_NO_VALUE &&
	       !is_equal(&ir->values[ir->value_index[at]], value))
		at = (at + 1) & mask;
	return &ir->value_index[at];
}

/* Keep the table at least half empty. */
static bool grow(struct ir *ir)
{
	size_t n = ir->n_value_index ? 2 * ir->n_value_index : 64;

	if (2 * (ir->n_values + 1) <= ir->n_value_index)
		return true;
	free(ir->value_index);
	ir->n_value_index = 0;
	ir->value_index = malloc(n * sizeof(*ir->value_index));
	if (!ir->value_index)
		return false;
	ir->n_value_index = n;
	memset(ir->value_index, 0xff, n * sizeof(*ir->value_index));
	for (size_t i = 0; i < ir->n_values; i++)
		*place(ir, &ir->values[i]) = i;
	return true;
}

static uint32_t keep(struct ir *ir, struct ir_value value)
{
	struct ir_value *added;
	uint32_t *at;

	if (!grow(ir))
		return IR_NO_VALUE;
	at = place(ir, &value);
	if (*at != IR_NO_VALUE)
		return *at;
	added = array_add(ir->values, ir->n_values);
	if (!added)
		return IR_NO_VALUE;
	*added = value;
	return *at = ir->n_values - 1;
}

static bool is_constant(const struct ir *ir, uint32_t value)
{
	return ir->values[value].op == IR_SET;
}

static uint32_t compute(uint8_t op, uint32_t a, uint32_t b)
{
	switch ((enum ir_op)op) {
	case IR_ADD:
		return a + b;
	case IR_SUB:
		return a - b;
	case IR_MUL:
		return a * b;
	case IR_DIV:
		return b ? a / b : 0;
	case IR_MOD:
		return b ? a % b : a;
	case IR_AND:
		return a & b;
	case IR_OR:
		return a | b;
	case IR_XOR:
		return a ^ b;
	case IR_LSH:
		return b < 32 ? a << b : 0;
	case IR_RSH:
		return b < 32 ? a >> b : 0;
	default:
		return -a;
	}
}

/* Does x OP k leave x as it is? */
static bool is_idle(const struct ir *ir, const struct ir_value *value)
{
	switch ((enum ir_op)value->op) {
	case IR_ADD:
	case IR_SUB:
	case IR_OR:
	case IR_XOR:
	case IR_LSH:
	case IR_RSH:
		return value->k == 0;
	case IR_MUL:
	case IR_DIV:
		return value->k == 1;
	case IR_AND: {
		uint32_t max = ir_value_max(ir, value->a);

		/* All bits up to the highest that may be set are kept. */
		return !max || (value->k | ~0u >> __builtin_clz(max)) == value->k;
	}
	default:
		return false;
	}
}

static uint32_t constant_of(struct ir *ir, uint32_t k)
{
	return keep(ir,
		    (struct ir_value){ .op = IR_SET, .a = IR_NO_VALUE, .b = IR_NO_VALUE, .k = k });
}

/* x & k: of k only what x may have, and two masks are one. */
static uint32_t mask(struct ir *ir, struct ir_value value)
{
	const struct ir_value *inner = &ir->values[value.a];
	uint32_t max;

	if (inner->op == IR_AND && inner->b == IR_NO_VALUE) {
		value.k &= inner->k;
		value.a = inner->a;
	}
	max = ir_value_max(ir, value.a);
	value.k &= max ? ~0u >> __builtin_clz(max) : 0;
	if (!value.k)
		return constant_of(ir, 0);
	return is_idle(ir, &value) ? value.a : keep(ir, value);
}

static uint32_t operation(struct ir *ir, struct ir_value value)
{
	bool constant = value.b == IR_NO_VALUE;

	if (!constant && is_constant(ir, value.b)) {
		value.k = ir->values[value.b].k;
		value.b = IR_NO_VALUE;
		constant = true;
	}
	if (value.op == IR_NEG)
		value.k = 0;
	if (constant && is_constant(ir, value.a))
		return constant_of(ir, compute(value.op, ir->values[value.a].k, value.k));
	if (constant && value.op == IR_AND)
		return mask(ir, value);
	if (constant && is_idle(ir, &value))
		return value.a;
	return keep(ir, value);
}

uint32_t ir_value(struct ir *ir, struct ir_value value)
{
	switch ((enum ir_op)value.op) {
	case IR_SET:
	case IR_LEN:
		value.a = value.b = IR_NO_VALUE;
		value.size = 0;
		if (value.op == IR_LEN)
			value.k = 0;
		return keep(ir, value);
	case IR_LOAD:
		value.b = IR_NO_VALUE;
		return keep(ir, value);
	default:
		value.size = 0;
		if (value.b != IR_NO_VALUE)
			value.k = 0;
		return operation(ir, value);
	}
}

bool ir_holds(uint8_t cond, uint32_t a, uint32_t b)
{
	switch ((enum ir_cond)cond) {
	case IR_EQ:
		return a == b;
	case IR_GT:
		return a > b;
	case IR_GE:
		return a >= b;
	default:
		return a & b;
	}
}

static uint32_t clamp(uint64_t value)
{
	return value < UINT32_MAX ? value : UINT32_MAX;
}

uint32_t ir_value_max(const struct ir *ir, uint32_t index)
{
	const struct ir_value *value = &ir->values[index];
	bool constant = value->b == IR_NO_VALUE;

	switch ((enum ir_op)value->op) {
	case IR_SET:
		return value->k;
	case IR_LOAD:
		return value->size == 1 ? UINT8_MAX : value->size == 2 ? UINT16_MAX : UINT32_MAX;
	case IR_AND: {
		uint32_t max = ir_value_max(ir, value->a);
		uint32_t other = constant ? value->k : ir_value_max(ir, value->b);

		return max < other ? max : other;
	}
	case IR_LSH:
		if (!constant)
			return UINT32_MAX;
		return value->k < 32 ? clamp((uint64_t)ir_value_max(ir, value->a) << value->k) : 0;
	case IR_RSH:
		if (!constant)
			return ir_value_max(ir, value->a);
		return value->k < 32 ? ir_value_max(ir, value->a) >> value->k : 0;
	case IR_DIV:
		return ir_value_max(ir, value->a);
	default:
		return UINT32_MAX;
	}
}

static uint32_t eval_load(const struct ir *ir, const struct ir_value *value, const uint8_t *packet,
			  uint32_t len)
{
	uint32_t at = value->k, loaded = 0;

	if (value->a != IR_NO_VALUE)
		at += ir_value_eval(ir, value->a, packet, len);
	for (unsigned int i = 0; i < value->size; i++)
		loaded = loaded << 8 | packet[at + i];
	return loaded;
}

uint32_t ir_value_eval(const struct ir *ir, uint32_t index, const uint8_t *packet, uint32_t len)
{
	const struct ir_value *value = &ir->values[index];
	uint32_t a, b;

	switch ((enum ir_op)value->op) {
	case IR_SET:
		return value->k;
	case IR_LEN:
		return len;
	case IR_LOAD:
		return eval_load(ir, value, packet, len);
	default:
		a = ir_value_eval(ir, value->a, packet, len);
		b = value->b == IR_NO_VALUE ? value->k : ir_value_eval(ir, value->b, packet, len);
		return compute(value->op, a, b);
	}
}
