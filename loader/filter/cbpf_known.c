// SPDX-License-Identifier: GPL-2.0-only
#include "cbpf_known.h"

#include <linux/filter.h>
#include <linux/if_ether.h>
#include <string.h>

enum { IMMEDIATE = BPF_LD | BPF_IMM, LENGTH = BPF_LD | BPF_W | BPF_LEN };

/* What a tag beside the bytes begins with (skb->vlan_proto). */
static const uint32_t tpids[] = { ETH_P_8021Q, ETH_P_8021AD };

void cbpf_values_init(struct cbpf_values *values)
{
	*values = (struct cbpf_values){ .all.size = sizeof(struct cbpf_value) };
}

void cbpf_values_free(struct cbpf_values *values)
{
	intern_free(&values->all);
}

const struct cbpf_value *cbpf_value(const struct cbpf_values *values, uint32_t number)
{
	return intern_at(&values->all, number);
}

static bool uses_x(uint16_t code)
{
	if (BPF_CLASS(code) == BPF_ALU)
		return BPF_OP(code) != BPF_NEG && BPF_SRC(code) == BPF_X;
	return BPF_MODE(code) == BPF_IND;
}

/* Loads */

uint64_t cbpf_offset(uint32_t k)
{
	return UINT64_C(1) << k % 64;
}

uint64_t cbpf_loads(const struct cbpf_values *values, uint32_t value)
{
	return value == CBPF_NO_VALUE || values->oom ? 0 : cbpf_value(values, value)->loads;
}

static uint64_t loads_of(const struct cbpf_values *values, const struct cbpf_value *v)
{
	if (BPF_CLASS(v->code) == BPF_ALU)
		return cbpf_loads(values, v->a) | (uses_x(v->code) ? cbpf_loads(values, v->x) : 0);
	if (v->code == IMMEDIATE)
		return 0;
	return BPF_MODE(v->code) == BPF_ABS ? cbpf_offset(v->k) : UINT64_MAX;
}

static uint32_t add(struct cbpf_values *values, struct cbpf_value value)
{
	uint32_t number;

	value.loads = loads_of(values, &value);
	number = values->oom ? CBPF_NO_VALUE : intern_add(&values->all, &value);
	if (number == INTERN_OOM)
		values->oom = true;
	return number;
}

uint32_t cbpf_constant(struct cbpf_values *values, uint32_t k)
{
	return add(values, (struct cbpf_value){ .code = IMMEDIATE, .k = k });
}

bool cbpf_is_constant(const struct cbpf_values *values, uint32_t value, uint32_t *k)
{
	const struct cbpf_value *v;

	if (value == CBPF_NO_VALUE || values->oom)
		return false;
	v = cbpf_value(values, value);
	*k = v->k;
	return v->code == IMMEDIATE;
}

static bool is_tpid(const struct cbpf_value *v)
{
	return v->code == (BPF_LD | BPF_W | BPF_ABS) &&
	       v->k == (uint32_t)(SKF_AD_OFF + SKF_AD_VLAN_TPID);
}

static uint32_t operate(uint16_t code, uint32_t a, uint32_t k)
{
	switch (BPF_OP(code)) {
	case BPF_ADD:
		return a + k;
	case BPF_SUB:
		return a - k;
	case BPF_MUL:
		return a * k;
	case BPF_DIV:
		return a / k;
	case BPF_MOD:
		return a % k;
	case BPF_AND:
		return a & k;
	case BPF_OR:
		return a | k;
	case BPF_XOR:
		return a ^ k;
	case BPF_LSH:
		return k < 32 ? a << k : 0;
	case BPF_RSH:
		return k < 32 ? a >> k : 0;
	default:
		return -a;
	}
}

uint32_t cbpf_compute(struct cbpf_values *values, struct cbpf_value v)
{
	bool alu = BPF_CLASS(v.code) == BPF_ALU;
	uint32_t a, k;

	if ((alu && v.a == CBPF_NO_VALUE) || (uses_x(v.code) && v.x == CBPF_NO_VALUE))
		return CBPF_NO_VALUE;
	if (!alu)
		return add(values, v);
	if (uses_x(v.code) && cbpf_is_constant(values, v.x, &k))
		v = (struct cbpf_value){ BPF_ALU | BPF_OP(v.code) | BPF_K, k, v.a, 0, 0 };
	if (!uses_x(v.code) && cbpf_is_constant(values, v.a, &a))
		return cbpf_constant(values, operate(v.code, a, v.k));
	return add(values, v);
}

/* Ranges */

struct range {
	uint32_t least, most;
};

static struct range range_of_load(const struct cbpf_known *known, const struct cbpf_value *v)
{
	if (v->code == IMMEDIATE)
		return (struct range){ v->k, v->k };
	if (v->code == LENGTH)
		return (struct range){ known->length, INT32_MAX };
	if (BPF_MODE(v->code) == BPF_ABS && v->k >= (uint32_t)SKF_AD_OFF)
		return (struct range){ 0, UINT16_MAX };
	if (BPF_SIZE(v->code) == BPF_W)
		return (struct range){ 0, UINT32_MAX };
	return (struct range){ 0, BPF_SIZE(v->code) == BPF_B ? UINT8_MAX : UINT16_MAX };
}

static struct range range_of_operation(const struct cbpf_value *v, struct range a)
{
	switch (v->code) {
	case BPF_ALU | BPF_AND | BPF_K:
		return (struct range){ 0, v->k < a.most ? v->k : a.most };
	case BPF_ALU | BPF_RSH | BPF_K:
		if (v->k >= 32)
			break;
		return (struct range){ a.least >> v->k, a.most >> v->k };
	case BPF_ALU | BPF_LSH | BPF_K:
		if (v->k < 32 && a.most <= UINT32_MAX >> v->k)
			return (struct range){ a.least << v->k, a.most << v->k };
		break;
	case BPF_ALU | BPF_ADD | BPF_K:
		if (a.most <= UINT32_MAX - v->k)
			return (struct range){ a.least + v->k, a.most + v->k };
		break;
	}
	return (struct range){ 0, UINT32_MAX };
}

static void narrow(struct range *range, const struct cbpf_fact *fact)
{
	bool above = fact->op != BPF_JEQ && fact->holds;
	bool below = fact->op != BPF_JEQ && !fact->holds;
	uint32_t least = fact->k, most = least;

	if (fact->op == BPF_JSET || (fact->op == BPF_JEQ && !fact->holds))
		return;
	if (fact->op == BPF_JGT)
		least++; /* some value is larger than k */
	if (fact->op == BPF_JGE)
		most--; /* some is less */
	if (!below && least > range->least)
		range->least = least;
	if (!above && most < range->most)
		range->most = most;
}

static struct range range_of(const struct cbpf_values *values, const struct cbpf_known *known,
			     uint32_t value)
{
	const struct cbpf_value *v = cbpf_value(values, value);
	struct range range;

	if (BPF_CLASS(v->code) == BPF_ALU)
		range = range_of_operation(v, range_of(values, known, v->a));
	else
		range = range_of_load(known, v);
	for (uint32_t i = 0; i < known->n; i++) {
		if (known->facts[i].value == value)
			narrow(&range, &known->facts[i]);
	}
	return range;
}

/* Tests */

static bool test(uint32_t op, uint32_t a, uint32_t k)
{
	switch (op) {
	case BPF_JEQ:
		return a == k;
	case BPF_JGT:
		return a > k;
	case BPF_JGE:
		return a >= k;
	default:
		return a & k;
	}
}

/* What a value is if a tag begins so; false: that depends on something else too. */
static bool with_tpid(const struct cbpf_values *values, uint32_t value, uint32_t tpid,
		      uint32_t *out)
{
	const struct cbpf_value *v = cbpf_value(values, value);
	uint32_t a;

	if (is_tpid(v) || v->code == IMMEDIATE) {
		*out = v->code == IMMEDIATE ? v->k : tpid;
		return true;
	}
	if (BPF_CLASS(v->code) != BPF_ALU || BPF_SRC(v->code) == BPF_X ||
	    !with_tpid(values, v->a, tpid, &a))
		return false;
	*out = operate(v->code, a, v->k);
	return true;
}

static bool can_be_tpid(const struct cbpf_values *values, const struct cbpf_known *known,
			uint32_t tpid)
{
	for (uint32_t i = 0; i < known->n; i++) {
		const struct cbpf_fact *fact = &known->facts[i];
		uint32_t is;

		if (with_tpid(values, fact->value, tpid, &is) &&
		    test(fact->op, is, fact->k) != fact->holds)
			return false;
	}
	return true;
}

/* The one number that it can be by what a tag begins with. */
static bool settle_tpid(const struct cbpf_values *values, const struct cbpf_known *known,
			uint32_t value, uint32_t *out)
{
	bool settled = false;

	for (unsigned int i = 0; i < sizeof(tpids) / sizeof(*tpids); i++) {
		uint32_t is;

		if (!with_tpid(values, value, tpids[i], &is))
			return false;
		if (!can_be_tpid(values, known, tpids[i]))
			continue;
		if (settled && is != *out)
			return false;
		*out = is;
		settled = true;
	}
	return settled;
}

uint32_t cbpf_settle(struct cbpf_values *values, const struct cbpf_known *known, uint32_t value)
{
	struct range range;
	uint32_t k;

	if (value == CBPF_NO_VALUE || values->oom)
		return value;
	range = range_of(values, known, value);
	if (range.least == range.most)
		return cbpf_constant(values, range.least);
	return settle_tpid(values, known, value, &k) ? cbpf_constant(values, k) : value;
}

static enum cbpf_outcome decide_by_range(struct range range, uint32_t op, uint32_t k)
{
	uint32_t bits = range.most ? UINT32_MAX >> __builtin_clz(range.most) : 0;

	switch (op) {
	case BPF_JEQ:
		if (k < range.least || k > range.most)
			return CBPF_FAILS;
		return range.least == range.most ? CBPF_HOLDS : CBPF_OPEN;
	case BPF_JGT:
		return range.least > k ? CBPF_HOLDS : range.most <= k ? CBPF_FAILS : CBPF_OPEN;
	case BPF_JGE:
		return range.least >= k ? CBPF_HOLDS : range.most < k ? CBPF_FAILS : CBPF_OPEN;
	default:
		if (range.least == range.most)
			return range.least & k ? CBPF_HOLDS : CBPF_FAILS;
		return bits & k ? CBPF_OPEN : CBPF_FAILS;
	}
}

static enum cbpf_outcome decide_by_fact(const struct cbpf_fact *fact, uint32_t op, uint32_t k)
{
	if (fact->op == BPF_JEQ && !fact->holds && op == BPF_JEQ && fact->k == k)
		return CBPF_FAILS;
	if (fact->op != BPF_JSET || op != BPF_JSET)
		return CBPF_OPEN;
	if (fact->holds && !(fact->k & ~k))
		return CBPF_HOLDS;
	return !fact->holds && !(k & ~fact->k) ? CBPF_FAILS : CBPF_OPEN;
}

static enum cbpf_outcome decide_by_tpid(const struct cbpf_values *values,
					const struct cbpf_known *known, uint32_t value, uint32_t op,
					uint32_t k)
{
	bool holds = false, fails = false;

	for (unsigned int i = 0; i < sizeof(tpids) / sizeof(*tpids); i++) {
		uint32_t is;

		if (!with_tpid(values, value, tpids[i], &is))
			return CBPF_OPEN;
		if (!can_be_tpid(values, known, tpids[i]))
			continue;
		holds |= test(op, is, k);
		fails |= !test(op, is, k);
	}
	return holds == fails ? CBPF_OPEN : holds ? CBPF_HOLDS : CBPF_FAILS;
}

enum cbpf_outcome cbpf_decide(const struct cbpf_values *values, const struct cbpf_known *known,
			      uint32_t value, uint32_t op, uint32_t k)
{
	enum cbpf_outcome outcome;

	if (value == CBPF_NO_VALUE || values->oom)
		return CBPF_OPEN;
	outcome = decide_by_range(range_of(values, known, value), op, k);
	for (uint32_t i = 0; i < known->n && outcome == CBPF_OPEN; i++) {
		if (known->facts[i].value == value)
			outcome = decide_by_fact(&known->facts[i], op, k);
	}
	return outcome == CBPF_OPEN ? decide_by_tpid(values, known, value, op, k) : outcome;
}

void cbpf_learn(struct cbpf_known *known, uint32_t value, uint32_t op, uint32_t k, bool holds)
{
	if (value != CBPF_NO_VALUE && known->n < CBPF_FACTS)
		known->facts[known->n++] = (struct cbpf_fact){ value, op, k, holds };
}
