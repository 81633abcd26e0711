// SPDX-License-Identifier: GPL-2.0-only
/*
 * Classic programs to one graph: each rule's program becomes blocks whose "reject" edges lead to
 * the next rule.
 *
 * Of a rule that may read more than what is in place (ir_view.c), the program is there twice: the
 * fast body reads what is in place only, and the first load that leaves it begins the rule anew in
 * the slow body, where every load is a helper call. An expression has no effect before its verdict,
 * so it may be begun anew. The next rule is tried by its fast body again.
 *
 * Where a packet may be shorter than an Ethernet header, each program is there once more for such,
 * so that all others need not ask: what reads further rejects, and little is left of most.
 *
 * An outer VLAN tag stands in its place in the packet as this graph sees it, also where the kernel
 * holds it beside the bytes.
 */
#include "ir_lower.h"

#include <linux/if_ether.h>
#include <stdlib.h>
#include <string.h>

#include "../../maps/abi.h"

uint32_t body_block(struct body *b)
{
	uint32_t block = ir_add_block(b->ir, b->rule);

	b->oom |= block == IR_NO_BLOCK;
	return block;
}

static void add(struct body *b, struct ir_insn insn)
{
	if (b->now != IR_NO_BLOCK && !ir_add_insn(&b->ir->blocks[b->now], insn))
		b->oom = true;
}

/* End the block being filled and go on in `next`. */
static void end(struct body *b, struct ir_end how, uint32_t next)
{
	how.value = how.right = IR_NO_VALUE;
	if (b->now != IR_NO_BLOCK)
		b->ir->blocks[b->now].end = how;
	b->now = next;
}

static void end_goto(struct body *b, uint32_t to)
{
	end(b, ir_goto(to), IR_NO_BLOCK);
}

/* Go on in a new block if a variable is not a constant; if it is, to `yes`. */
static void leave_if(struct body *b, enum ir_var var, uint32_t k, uint32_t yes)
{
	struct ir_end branch = {
		.kind = IR_BRANCH, .cond = IR_EQ, .var = var, .src = IR_CONST, .k = k
	};

	branch.yes = yes;
	branch.no = body_block(b);
	end(b, branch, branch.no);
}

static void load_fast(struct body *b, enum ir_var dst, bool indexed, uint32_t k, unsigned int size)
{
	uint64_t last = (uint64_t)k + size;
	struct ir_end check = { .kind = IR_CHECK, .indexed = indexed, .k = last, .no = b->out };

	if (last > b->run->view.window) {
		end_goto(b, b->out);
		return;
	}
	check.yes = body_block(b);
	end(b, check, check.yes);
	add(b, (struct ir_insn){
		       .op = IR_LOAD, .dst = dst, .size = size, .indexed = indexed, .k = k });
}

static void load_slow(struct body *b, enum ir_var dst, bool indexed, uint32_t k, unsigned int size)
{
	struct ir_end fetch = { .kind = IR_FETCH, .var = dst, .indexed = indexed, .size = size };

	if (k > b->run->view.fetch_max) {
		end_goto(b, b->reject);
		return;
	}
	fetch.k = k;
	fetch.yes = body_block(b);
	fetch.no = b->reject;
	end(b, fetch, fetch.yes);
}

static void load(struct body *b, enum ir_var dst, bool indexed, uint32_t k, unsigned int size)
{
	if (b->is_short && (uint64_t)k + size >= b->run->view.head)
		end_goto(b, b->reject);
	else if (b->slow || (indexed && b->run->run->by_helper))
		load_slow(b, dst, indexed, k, size);
	else
		load_fast(b, dst, indexed, k, size);
}

static unsigned int load_size(uint16_t code)
{
	return BPF_SIZE(code) == BPF_B ? 1 : BPF_SIZE(code) == BPF_H ? 2 : 4;
}

/* LD and LDX. */
static void lower_load(struct body *b, const struct sock_filter *in)
{
	enum ir_var dst = BPF_CLASS(in->code) == BPF_LD ? IR_A : IR_X;

	switch (BPF_MODE(in->code)) {
	case BPF_IMM:
		add(b, (struct ir_insn){ .op = IR_SET, .dst = dst, .src = IR_CONST, .k = in->k });
		return;
	case BPF_MEM:
		add(b, (struct ir_insn){ .op = IR_SET, .dst = dst, .src = IR_M + in->k });
		return;
	case BPF_LEN:
		add(b, (struct ir_insn){ .op = IR_LEN, .dst = dst });
		return;
	case BPF_ABS:
		load(b, dst, false, in->k, load_size(in->code));
		return;
	case BPF_IND:
		load(b, dst, true, in->k, load_size(in->code));
		return;
	case BPF_MSH:
		load(b, dst, false, in->k, 1);
		add(b, (struct ir_insn){ .op = IR_AND, .dst = dst, .src = IR_CONST, .k = 0xf });
		add(b, (struct ir_insn){ .op = IR_LSH, .dst = dst, .src = IR_CONST, .k = 2 });
		return;
	}
}

static enum ir_op alu_op(uint16_t code)
{
	switch (BPF_OP(code)) {
	case BPF_ADD:
		return IR_ADD;
	case BPF_SUB:
		return IR_SUB;
	case BPF_MUL:
		return IR_MUL;
	case BPF_DIV:
		return IR_DIV;
	case BPF_MOD:
		return IR_MOD;
	case BPF_AND:
		return IR_AND;
	case BPF_OR:
		return IR_OR;
	case BPF_XOR:
		return IR_XOR;
	case BPF_LSH:
		return IR_LSH;
	case BPF_RSH:
		return IR_RSH;
	default:
		return IR_NEG;
	}
}

static void lower_alu(struct body *b, const struct sock_filter *in)
{
	struct ir_insn insn = { .op = alu_op(in->code), .dst = IR_A, .src = IR_CONST, .k = in->k };

	if (BPF_SRC(in->code) == BPF_X && insn.op != IR_NEG) {
		insn.src = IR_X;
		insn.k = 0;
	}
	if ((insn.op == IR_DIV || insn.op == IR_MOD) && insn.src == IR_X)
		leave_if(b, IR_X, 0, b->reject);
	add(b, insn);
}

/* A loop's jump costs one unit of fuel. */
static void lower_back(struct body *b, uint32_t target)
{
	add(b, (struct ir_insn){ .op = IR_SUB, .dst = IR_FUEL, .src = IR_CONST, .k = 1 });
	leave_if(b, IR_FUEL, 0, b->reject);
	add(b, (struct ir_insn){ .op = IR_FORGET, .dst = IR_A });
	add(b, (struct ir_insn){ .op = IR_FORGET, .dst = IR_X });
	end_goto(b, b->starts[target]);
}

static enum ir_cond condition(uint16_t code)
{
	switch (BPF_OP(code)) {
	case BPF_JGT:
		return IR_GT;
	case BPF_JGE:
		return IR_GE;
	case BPF_JSET:
		return IR_ANY;
	default:
		return IR_EQ;
	}
}

static void lower_jump(struct body *b, size_t i)
{
	const struct sock_filter *in = &b->prog->insns[i];
	struct ir_end branch = { .kind = IR_BRANCH, .var = IR_A, .src = IR_CONST, .k = in->k };

	if (BPF_OP(in->code) == BPF_JA) {
		size_t target = i + 1 + (int32_t)in->k;

		if (target <= i)
			lower_back(b, target);
		else
			end_goto(b, b->starts[target]);
		return;
	}
	if (body_lookup(b, i))
		return;
	if (in->jt == in->jf) {
		end_goto(b, b->starts[i + 1 + in->jt]);
		return;
	}
	if (BPF_SRC(in->code) == BPF_X) {
		branch.src = IR_X;
		branch.k = 0;
	}
	branch.cond = condition(in->code);
	branch.yes = b->starts[i + 1 + in->jt];
	branch.no = b->starts[i + 1 + in->jf];
	end(b, branch, IR_NO_BLOCK);
}

static void lower_return(struct body *b, const struct sock_filter *in)
{
	if (BPF_RVAL(in->code) == BPF_A) {
		leave_if(b, IR_A, 0, b->reject);
		end_goto(b, b->match);
	} else {
		end_goto(b, in->k ? b->match : b->reject);
	}
}

void body_insn(struct body *b, size_t i)
{
	const struct sock_filter *in = &b->prog->insns[i];

	switch (BPF_CLASS(in->code)) {
	case BPF_LD:
	case BPF_LDX:
		lower_load(b, in);
		return;
	case BPF_ST:
		add(b, (struct ir_insn){ .op = IR_SET, .dst = IR_M + in->k, .src = IR_A });
		return;
	case BPF_STX:
		add(b, (struct ir_insn){ .op = IR_SET, .dst = IR_M + in->k, .src = IR_X });
		return;
	case BPF_ALU:
		lower_alu(b, in);
		return;
	case BPF_JMP:
		lower_jump(b, i);
		return;
	case BPF_RET:
		lower_return(b, in);
		return;
	case BPF_MISC:
		if (BPF_MISCOP(in->code) == BPF_TAX)
			add(b, (struct ir_insn){ .op = IR_SET, .dst = IR_X, .src = IR_A });
		else
			add(b, (struct ir_insn){ .op = IR_SET, .dst = IR_A, .src = IR_X });
		return;
	}
}

static void start_at(struct body *b, size_t insn)
{
	if (b->starts[insn] == IR_NO_BLOCK)
		b->starts[insn] = body_block(b);
}

/* Blocks for all that is jumped to. */
static void find_starts(struct body *b)
{
	for (size_t i = 0; i < b->prog->n; i++)
		b->starts[i] = IR_NO_BLOCK;
	start_at(b, 0);
	for (size_t i = 0; i < b->prog->n; i++) {
		const struct sock_filter *in = &b->prog->insns[i];

		if (BPF_CLASS(in->code) != BPF_JMP)
			continue;
		if (BPF_OP(in->code) == BPF_JA) {
			start_at(b, i + 1 + (int32_t)in->k);
		} else {
			start_at(b, i + 1 + in->jt);
			start_at(b, i + 1 + in->jf);
		}
	}
}

/* All variables start at 0, but for the fuel; ir_pass_dead() removes what is written before it is
 * read. */
static void initialise(struct body *b)
{
	for (unsigned int var = 0; var < IR_FUEL; var++)
		add(b, (struct ir_insn){ .op = IR_SET, .dst = var, .src = IR_CONST });
	add(b,
	    (struct ir_insn){ .op = IR_SET, .dst = IR_FUEL, .src = IR_CONST, .k = IR_LOOPS + 1 });
}

/* Lower the program from the block b->now on. */
static int lower_body(struct body *b)
{
	_free_ uint32_t *starts = calloc(b->prog->n, sizeof(*starts));

	if (!starts)
		return fail_oom();
	b->starts = starts;
	find_starts(b);
	initialise(b);
	for (size_t i = 0; i < b->prog->n && !b->oom; i++) {
		if (b->starts[i] != IR_NO_BLOCK) {
			end_goto(b, b->starts[i]);
			b->now = b->starts[i];
		}
		if (b->now != IR_NO_BLOCK)
			body_insn(b, i);
	}
	return b->oom ? fail_oom() : 0;
}

static bool goes_on(enum filter_verb verb)
{
	return verb == FILTER_COUNT || verb == FILTER_MARK || verb == FILTER_PRIORITY;
}

/* There nothing is counted, and what no rule takes is not let through. */
static bool is_on_socket(const struct filter_run *run)
{
	return run->hook == FILTER_SOCKET || run->hook == FILTER_FANOUT;
}

/* What a match does, in a block of its own. `next` is the rule behind. */
static uint32_t lower_action(const struct lowering *l, uint32_t number, uint32_t next)
{
	const struct filter_rule *rule = &l->run->rules[number];
	uint32_t block = ir_add_block(l->ir, number);
	struct ir_insn count = { .op = IR_COUNT, .k = number };

	if (block == IR_NO_BLOCK)
		return IR_NO_BLOCK;
	if (goes_on(rule->verb)) {
		l->ir->blocks[block].end.yes = next;
		return ir_add_insn(&l->ir->blocks[block], count) ? block : IR_NO_BLOCK;
	}
	l->ir->blocks[block].end = (struct ir_end){
		.kind = IR_VERDICT,
		.yes = IR_NO_BLOCK,
		.no = IR_NO_BLOCK,
		.verb = rule->verb,
		.arg = rule->arg,
		.slot = rule->slot,
		.counter = is_on_socket(l->run) ? IR_NO_COUNTER : rule->counter,
	};
	return block;
}

/* Where a rule begins, and, number n_rules, the end of the run: its fast body. */
static uint32_t fast_of(uint32_t number)
{
	return number + 1;
}

/*
 * The body of those that have less in place than all fast bodies need: the slow one, or that for
 * short packets. The end of the run has but one.
 */
static uint32_t other_of(const struct lowering *l, uint32_t number)
{
	uint32_t n = l->run->n_rules;

	return number == n ? fast_of(n) : fast_of(n) + 1 + number;
}

static bool has_others(const struct lowering *l)
{
	return !l->view.sure || l->run->hook != FILTER_XDP;
}

/* From a slow body on to a rule: by its fast body, if that has in place what it needs. */
static uint32_t lower_return_to(const struct lowering *l, uint32_t number)
{
	uint32_t block;
	struct ir_end *end;

	if (l->view.sure)
		return fast_of(number);
	if (number == l->run->n_rules || !l->view.head)
		return other_of(l, number);
	block = ir_add_block(l->ir, number);
	if (block == IR_NO_BLOCK)
		return IR_NO_BLOCK;
	end = &l->ir->blocks[block].end;
	*end = ir_goto(fast_of(number));
	end->kind = IR_CHECK;
	end->k = l->view.head;
	end->no = other_of(l, number);
	return block;
}

/* A rule's expression, or none, from a block on. */
static int lower_expression(const struct lowering *l, struct body *body, uint32_t entry)
{
	body->ir = l->ir;
	body->run = l;
	body->prog = l->run->rules[body->rule].cbpf;
	if (body->match == IR_NO_BLOCK || body->reject == IR_NO_BLOCK)
		return fail_oom();
	if (!body->prog) {
		l->ir->blocks[entry].end.yes = body->match;
		return 0;
	}
	body->now = entry;
	return lower_body(body);
}

/* A body beside the fast one; it matches as that one does, if that is final. */
static int lower_other(const struct lowering *l, struct body *body, uint32_t entry)
{
	if (entry == IR_NO_BLOCK)
		return fail_oom();
	if (goes_on(l->run->rules[body->rule].verb) && body->reject != IR_NO_BLOCK)
		body->match = lower_action(l, body->rule, body->reject);
	return lower_expression(l, body, entry);
}

static int lower_slow(const struct lowering *l, const struct body *fast)
{
	struct body body = { .rule = fast->rule, .slow = true, .match = fast->match };

	body.reject = lower_return_to(l, body.rule + 1);
	return lower_other(l, &body, fast->out);
}

static int lower_short(const struct lowering *l, const struct body *fast)
{
	struct body body = { .rule = fast->rule, .is_short = true, .match = fast->match };

	body.out = body.reject = other_of(l, body.rule + 1);
	return lower_other(l, &body, other_of(l, body.rule));
}

static int lower_rule(const struct lowering *l, uint32_t number)
{
	struct body body = { .rule = number, .reject = fast_of(number + 1) };
	bool slow;
	int err = ir_is_beyond(&l->view, &l->run->rules[number], &slow);

	body.match = lower_action(l, number, body.reject);
	body.out = body.reject;
	if (slow)
		body.out = l->view.sure ? ir_add_block(l->ir, number) : other_of(l, number);
	if (!err && slow)
		err = lower_slow(l, &body);
	if (!err && l->view.sure && has_others(l))
		err = lower_short(l, &body);
	return err ? err : lower_expression(l, &body, fast_of(number));
}

static void lower_end(const struct filter_run *run, struct ir_end *end)
{
	*end = (struct ir_end){ .kind = IR_VERDICT, .yes = IR_NO_BLOCK, .no = IR_NO_BLOCK };
	if (run->jump_at_end) {
		end->verb = FILTER_JUMP;
		end->arg = run->end_slot;
		end->counter = IR_NO_COUNTER;
	} else if (is_on_socket(run)) {
		end->verb = FILTER_DROP;
		end->counter = IR_NO_COUNTER;
	} else {
		end->verb = FILTER_PASS;
		end->counter = WEIR_COUNTER_END;
	}
}

/* Does anything read or write the packet's bytes? */
static bool touches_packet(const struct filter_run *run)
{
	for (size_t i = 0; i < run->n_rules; i++) {
		if (run->rules[i].cbpf || run->rules[i].verb == FILTER_REFLECT)
			return true;
	}
	return false;
}

/* Blocks 1 to n_rules are where the rules begin, then the end; then where other bodies begin. */
static bool add_starts(const struct lowering *l)
{
	uint32_t n = l->run->n_rules;

	for (uint32_t i = 0; i <= n; i++) {
		if (ir_add_block(l->ir, i) == IR_NO_BLOCK)
			return false;
	}
	for (uint32_t i = 0; i < n && has_others(l); i++) {
		if (ir_add_block(l->ir, i) == IR_NO_BLOCK)
			return false;
	}
	return true;
}

/*
 * Block 0 checks for the head: whatever reads no further needs no check of its own. On XDP every
 * packet has it.
 */
static void lower_start(const struct lowering *l)
{
	struct ir_end *end = &l->ir->blocks[0].end;

	end->yes = l->view.head ? fast_of(0) : other_of(l, 0);
	if (!touches_packet(l->run) || !l->view.head)
		return;
	end->kind = IR_CHECK;
	end->k = l->view.head;
	end->no = l->run->hook == FILTER_XDP ? fast_of(l->run->n_rules) : other_of(l, 0);
}

int ir_lower(const struct filter_run *run, struct ir *ir)
{
	struct lowering lowering = { .ir = ir, .run = run };
	int err = ir_view(run, &lowering.view);

	*ir = (struct ir){ 0 };
	if (err)
		return err;
	if (ir_add_block(ir, 0) == IR_NO_BLOCK || !add_starts(&lowering))
		return ir_free(ir), fail_oom();
	lower_start(&lowering);
	lower_end(run, &ir->blocks[fast_of(run->n_rules)].end);
	for (uint32_t i = 0; i < run->n_rules; i++) {
		err = lower_rule(&lowering, i);
		if (err)
			return ir_free(ir), err;
	}
	return 0;
}
