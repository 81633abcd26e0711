// SPDX-License-Identifier: GPL-2.0-only
#include "ebpf_end.h"

#include "ebpf_hook.h"
#include "ebpf_switch.h"
#include "ebpf_test.h"
#include "ebpf_value.h"

struct comparison {
	uint8_t code; /* with BPF_K or BPF_X */
	enum reg left, right;
	uint32_t k;
};

static void compare(struct emit *e, uint8_t cond, const struct comparison *c, uint32_t yes,
		    uint32_t no)
{
	static const struct {
		uint8_t if_so, if_not;
	} codes[] = {
		[IR_EQ] = { BPF_JEQ, BPF_JNE },
		[IR_GT] = { BPF_JGT, BPF_JLE },
		[IR_GE] = { BPF_JGE, BPF_JLT },
		[IR_ANY] = { BPF_JSET, 0 },
	};

	/* That two things are not equal tells nothing; nor, walked last, that they are. */
	bool tells = cond != IR_EQ || BPF_SRC(c->code) == BPF_X;

	if (tells)
		cache_narrow(&e->cache, c->left);
	if (BPF_SRC(c->code) == BPF_X)
		cache_narrow(&e->cache, c->right);
	if (yes == e->next && codes[cond].if_not) {
		jump(e, c->code | codes[cond].if_not, c->left, c->right, c->k, no);
		cache_narrow(&e->cache, c->left);
		go(e, yes);
	} else {
		jump(e, c->code | codes[cond].if_so, c->left, c->right, c->k, yes);
		go(e, no);
	}
}

void compare_k(struct emit *e, uint8_t cond, enum reg left, uint32_t k, uint32_t yes, uint32_t no)
{
	compare(e, cond, &(struct comparison){ BPF_JMP32 | BPF_K, left, 0, k }, yes, no);
}

void compare_x(struct emit *e, uint8_t cond, enum reg left, enum reg right, uint32_t yes,
	       uint32_t no)
{
	compare(e, cond, &(struct comparison){ BPF_JMP32 | BPF_X, left, right, 0 }, yes, no);
}

/* Branches */

/* A question of a load's bits: how to ask it. */
struct question {
	uint32_t item;
	uint32_t k; /* of a mask or to compare with, as the register has it */
};

/*
 * All bits of a load: in whichever order a register has them, or will be asked for them again. The
 * constant is swapped rather than the load.
 */
static struct question ask_all(struct emit *e, uint32_t load, uint32_t k)
{
	unsigned int size = e->ir->values[load].size;
	uint32_t raw = raw_item(e, load, 0, size, ir_all_bits(size)), host = host_item(e, load);

	if (raw != host && cache_find(&e->cache, raw) < 0 &&
	    (cache_find(&e->cache, host) >= 0 || cache_wanted(&e->cache, host)))
		return (struct question){ host, k };
	return (struct question){ raw, raw_constant(k, size) };
}

/* Bits under a mask: no more bytes than they lie in, for then the mask may be all of them. */
static struct question ask_masked(struct emit *e, const struct test *test)
{
	unsigned int size = e->ir->values[test->value].size;
	struct window window = window_of(test->mask, size);
	uint32_t k = test->k >> 8 * (size - window.first - window.size);

	return (struct question){
		.item = raw_item(e, test->value, window.first, window.size, window.mask),
		.k = raw_constant(k, window.size),
	};
}

static struct question ask(struct emit *e, const struct test *test)
{
	const struct ir_value *value = &e->ir->values[test->value];

	if (value->op != IR_LOAD)
		return (struct question){ host_item(e, test->value),
					  test->kind == TEST_ANY ? test->mask : test->k };
	if (test->kind == TEST_ANY)
		return ask_all(e, test->value, test->mask);
	if (test->mask == ir_all_bits(value->size))
		return ask_all(e, test->value, test->k);
	return ask_masked(e, test);
}

/* value >= k: of a k whose lower bytes are 0, the first byte alone tells. */
static struct question ask_order(struct emit *e, const struct test *test)
{
	const struct ir_value *value = &e->ir->values[test->value];
	uint32_t host = host_item(e, test->value);
	unsigned int rest = 8 * (value->size - 1);

	if (value->op != IR_LOAD || test->k & ir_all_bits(value->size - 1) ||
	    cache_find(&e->cache, host) >= 0 || value->size == 1 || cache_wanted(&e->cache, host))
		return (struct question){ host, test->k };
	return (struct question){ raw_item(e, test->value, 0, 1, UINT8_MAX), test->k >> rest };
}

static void emit_test(struct emit *e, const struct test *test, uint32_t yes, uint32_t no)
{
	static const enum ir_cond conds[] = {
		[TEST_EQ] = IR_EQ, [TEST_ANY] = IR_ANY, [TEST_GE] = IR_GE
	};
	struct question question = test->kind == TEST_GE ? ask_order(e, test) : ask(e, test);
	enum reg reg = item_in_register(e, question.item, 0);

	compare_k(e, conds[test->kind], reg, question.k, yes, no);
}

static void emit_two_values(struct emit *e, const struct ir_end *end)
{
	enum reg left = value_in_register(e, end->value, 0), right;

	e->cache.pinned |= 1u << left;
	right = value_in_register(e, end->right, 0);
	e->cache.pinned = 0;
	compare_x(e, end->cond, left, right, end->yes, end->no);
}

void emit_value_branch(struct emit *e, const struct ir_end *end)
{
	struct test test = test_of(e->ir, end);
	uint32_t yes = test.negate ? end->no : end->yes, no = test.negate ? end->yes : end->no;

	e->fail = end->no;
	if (test.kind == TEST_OTHER)
		emit_two_values(e, end);
	else if (test.kind == TEST_TRUE)
		go(e, yes);
	else
		emit_test(e, &test, yes, no);
}

/* Checks and switches */

/*
 * Go to `yes` if a pointer lies within the linear part: then `known` is proven. Where it does not,
 * the pointer is forgotten: the verifier has marked it as beyond the end, and would believe that of
 * all that is computed from it, even of what lies before the end.
 */
static void emit_within(struct emit *e, enum reg pointer, const struct ir_end *end, uint32_t *known)
{
	struct held *held = &e->cache.now.regs[pointer], kept;
	uint32_t before = *known;

	if (e->window) { /* where it points was seen to */
		*known = end->k;
		go(e, end->yes);
		return;
	}

	if (end->yes == e->next && e->shallow[end->no]) {
		kept = *held;
		cache_forget(&e->cache, 1u << pointer);
		jump(e, BPF_JMP | BPF_JGT | BPF_X, pointer, END, 0, end->no);
		*held = kept;
		*known = end->k;
		go(e, end->yes);
	} else { /* the failing side first: see fail_beyond_end() */
		*known = end->k;
		jump(e, BPF_JMP | BPF_JLE | BPF_X, pointer, END, 0, end->yes);
		*known = before;
		cache_forget(&e->cache, 1u << pointer);
		go(e, end->no);
	}
}

/* The packet has the whole window, or is a matter of the slow bodies. */
static void emit_window_check(struct emit *e, const struct ir_end *end)
{
	jump(e, BPF_JMP | BPF_JNE | BPF_K, END, 0, 0, end->no);
	e->cache.now.linear = e->window;
	go(e, end->yes);
}

void emit_linear_check(struct emit *e, const struct ir_end *end)
{
	enum reg scratch;

	if (e->cache.now.linear >= end->k) {
		go(e, end->yes);
		return;
	}
	if (end->k > e->view.window) { /* a packet may have more, but not in place */
		go(e, end->no);
		return;
	}
	if (e->view.on_stack) {
		emit_window_check(e, end);
		return;
	}
	scratch = cache_take(&e->cache, 0);
	mov(e, scratch, DATA);
	add_imm(e, scratch, end->k);
	emit_within(e, scratch, end, &e->cache.now.linear);
}

void emit_value_check(struct emit *e, const struct ir_end *end)
{
	enum reg pointer;

	e->fail = end->no;
	if (is_proven_at(e, end->value, end->k)) {
		go(e, end->yes);
		return;
	}
	pointer = point_to_end(e, end->value, end->k, -1);
	emit_within(e, pointer, end, &e->cache.now.regs[pointer].range);
}

/* Few keys are asked for one by one, as the packet has them. */
enum { FEW_KEYS = 5 };

static bool is_few(const struct ir_end *end)
{
	for (size_t i = 0; i < end->n_cases; i++) {
		if (end->cases[i].first != end->cases[i].last)
			return false;
	}
	return end->n_cases && end->n_cases <= FEW_KEYS;
}

static struct ir_end key_branch(const struct ir_end *end, size_t i, uint32_t no)
{
	return (struct ir_end){ .kind = IR_BRANCH,
				.cond = IR_EQ,
				.value = end->value,
				.right = IR_NO_VALUE,
				.k = end->cases[i].first,
				.yes = end->cases[i].to,
				.no = no };
}

/* One key of several: to its block, or else on with what comes next. */
static void emit_key(struct emit *e, const struct ir_end *key)
{
	struct test test = test_of(e->ir, key);
	struct question question;
	enum reg reg;
	size_t other;

	if (test.kind == TEST_TRUE) /* what is always so has no other keys beside it */
		return;
	question = ask(e, &test);
	reg = item_in_register(e, question.item, 0);
	if (test.kind == TEST_ANY)
		cache_narrow(&e->cache, reg);
	if (test.kind == TEST_EQ || !test.negate) {
		jump(e, BPF_JMP32 | BPF_K | (test.kind == TEST_EQ ? BPF_JEQ : BPF_JSET), reg, 0,
		     question.k, key->yes);
		return;
	}
	other = branch(e, BPF_JMP32 | BPF_JSET | BPF_K, reg, 0, question.k);
	jump(e, BPF_JMP | BPF_JA, 0, 0, 0, key->yes);
	land(e, other);
}

static void emit_few_keys(struct emit *e, const struct ir_end *end)
{
	struct ir_end key;

	e->fail = end->no;
	for (size_t i = 0; i + 1 < end->n_cases; i++) {
		key = key_branch(end, i, end->no);
		emit_key(e, &key);
	}
	key = key_branch(end, end->n_cases - 1, end->no);
	emit_value_branch(e, &key);
}

static void emit_many_keys(struct emit *e, const struct ir_end *end)
{
	enum { SCRATCH = 1 << T | 1 << U };
	enum reg key;

	e->fail = end->no;
	key = value_in_register(e, end->value, SCRATCH);
	cache_forget(&e->cache, SCRATCH);
	emit_switch(e, end, key, ir_value_max(e->ir, end->value));
}

void emit_value_switch(struct emit *e, const struct ir_end *end)
{
	struct ir_end branch;

	if (branch_of(e->ir, end, &branch))
		emit_value_branch(e, &branch);
	else if (is_few(end))
		emit_few_keys(e, end);
	else
		emit_many_keys(e, end);
}

/* What an end wants */

static size_t base_item(struct emit *e, uint32_t index, uint32_t *item)
{
	const struct ir_value *value = &e->ir->values[index];

	if (value->op != IR_LOAD || value->a == IR_NO_VALUE)
		return 0;
	*item = pointer_item(e, value->a);
	return 1;
}

static size_t branch_items(struct emit *e, const struct ir_end *end, uint32_t items[END_ITEMS])
{
	struct test test = test_of(e->ir, end);
	size_t n = 0;

	if (test.kind == TEST_TRUE)
		return 0;
	if (test.kind == TEST_OTHER) {
		items[n++] = host_item(e, test.value);
		items[n++] = host_item(e, end->right);
		n += base_item(e, end->right, &items[n]);
	} else {
		items[n++] = (test.kind == TEST_GE ? ask_order(e, &test) : ask(e, &test)).item;
	}
	return n + base_item(e, test.value, &items[n]);
}

static size_t switch_items(struct emit *e, const struct ir_end *end, uint32_t items[END_ITEMS])
{
	struct ir_end branch;

	if (branch_of(e->ir, end, &branch))
		return branch_items(e, &branch, items);
	if (is_few(end)) {
		branch = key_branch(end, 0, end->no);
		return branch_items(e, &branch, items);
	}
	items[0] = host_item(e, end->value);
	return 1 + base_item(e, end->value, &items[1]);
}

size_t end_items(struct emit *e, const struct ir_end *end, uint32_t items[END_ITEMS])
{
	if (end->value == IR_NO_VALUE)
		return 0;
	switch ((enum ir_end_kind)end->kind) {
	case IR_BRANCH:
		return branch_items(e, end, items);
	case IR_CHECK:
		items[0] = pointer_item(e, end->value);
		return end->indexed;
	case IR_SWITCH:
		return switch_items(e, end, items);
	default:
		return 0;
	}
}
