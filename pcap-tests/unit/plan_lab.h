/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Interfaces and chains that exist for the planner only: e0 to e3, and what was "applied" to them.
 * Included by the tests of plan_make() only.
 */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "../../loader/chain_meta.h"
#include "../../loader/plan.h"
#include "abi.h"

#include <cmocka.h> /* last: it has a macro fail() */

enum { LAB_SIZE = 4 };

static struct lab {
	struct nic nic;
	struct plan_base base; /* of its hook, there is one */
	enum hook_kind kind;   /* which */
	struct meta *live, *rollback;
} lab[LAB_SIZE];

static bool lab_has_tcx, lab_is_preempted;

/* A policy of "e0" and its plan; plan is NULL where it was refused. */
struct planned {
	struct policy *policy;
	struct plan *plan;
	int err;
	size_t messages; /* that there were before */
};

static inline void planned_end(struct planned *planned)
{
	plan_free(planned->plan);
	policy_free(planned->policy);
}

#define _planned_ _cleanup_(planned_end) struct planned

static inline void lab_forget(struct lab *one)
{
	meta_free(one->live);
	meta_free(one->rollback);
	free((void *)one->base.known);
	free((void *)one->base.slots);
	one->live = one->rollback = NULL;
	one->base = (struct plan_base){ 0 };
}

/* Before every test: four interfaces that can do everything, with no chain. */
static inline int lab_setup(void **state)
{
	(void)state;
	lab_has_tcx = true;
	lab_is_preempted = false;
	for (uint32_t i = 0; i < LAB_SIZE; i++) {
		lab[i] = (struct lab){
			.nic = { .ifindex = 10 + i, .mtu = 1500, .one_buffer_mtu = 3000 }
		};
		lab[i].nic.ethernet = lab[i].nic.up = lab[i].nic.carrier = true;
		lab[i].nic.native = lab[i].nic.target = lab[i].nic.frags = NIC_YES;
		lab[i].nic.source = NIC_FROM_KERNEL;
		snprintf(lab[i].nic.name, sizeof(lab[i].nic.name), "e%u", i);
		strcpy(lab[i].nic.driver, "fake");
	}
	return 0;
}

static inline int lab_teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i < LAB_SIZE; i++)
		lab_forget(&lab[i]);
	return 0;
}

static inline struct lab *lab_find(const char *name)
{
	for (size_t i = 0; i < LAB_SIZE; i++)
		if (!strcmp(lab[i].nic.name, name))
			return &lab[i];
	return NULL;
}

static inline int lab_nic(const struct word *name, struct nic *out, void *arg)
{
	(void)arg;
	if (!lab_find(name->text))
		return fail_at(-ENODEV, &name->pos, "no interface '%s'", name->text);
	*out = lab_find(name->text)->nic;
	return 0;
}

static inline int lab_base(const struct nic *nic, enum hook_kind kind, struct plan_base *out,
			   void *arg)
{
	const struct lab *one = lab_find(nic->name);

	(void)arg;
	*out = kind == one->kind ? one->base : (struct plan_base){ 0 };
	return 0;
}

/* CPUs 0 to 7, of which 5 is offline. */
static inline int lab_cpu(uint32_t cpu, const struct pos *where, void *arg)
{
	(void)arg;
	return cpu == 5 || cpu > 7 ? fail_at(-ENXIO, where, "CPU %u cannot be had", cpu) : 0;
}

static inline struct planned plan_text(const char *text)
{
	const struct plan_asks asks = {
		.nic = lab_nic,
		.base = lab_base,
		.cpu = lab_cpu,
		.tcx = lab_has_tcx,
		.preempted = lab_is_preempted,
	};
	const struct fail_message *messages;
	struct planned planned = { .messages = fail_messages(&messages) };

	assert_int_equal(policy_parse("p", text, strlen(text), &planned.policy), 0);
	planned.err = plan_make(planned.policy, &asks, &planned.plan);
	assert_true(!planned.err == !!planned.plan);
	return planned;
}

/* The rules of e0's xdp hook; the first stands in line 2. */
static inline struct planned plan_rules(const char *head, const char *rules)
{
	_free_ char *text = NULL;

	assert_true(asprintf(&text, "interface e0 { %s {\n%s\n} }\n", head, rules) > 0);
	return plan_text(text);
}

static inline const struct plan_hook *hook_of(const struct planned *planned)
{
	assert_int_equal(planned->err, 0);
	assert_true(planned->plan->n_hooks > 0);
	return &planned->plan->hooks[0];
}

/* One of the planner's words on this policy stands in this line and has this part. */
static inline void assert_word(const struct planned *planned, bool is_note, unsigned int line,
			       unsigned int col, const char *part)
{
	const struct fail_message *messages;
	size_t n = fail_messages(&messages);

	for (size_t i = planned->messages; i < n; i++)
		if (messages[i].is_note == is_note && messages[i].line == line &&
		    messages[i].col == col && strstr(messages[i].text, part))
			return;
	for (size_t i = planned->messages; i < n; i++)
		print_message("said at %u:%u: %s\n", messages[i].line, messages[i].col,
			      messages[i].text);
	fail_msg("not said at %u:%u: %s", line, col, part);
}

static inline void assert_refused(const struct planned *planned, unsigned int line,
				  unsigned int col, const char *part)
{
	assert_true(planned->err < 0);
	assert_word(planned, false, line, col, part);
}

static inline size_t words_of(const struct planned *planned)
{
	const struct fail_message *messages;

	return fail_messages(&messages) - planned->messages;
}

static inline void lab_know(struct plan_base *base, const struct meta *meta)
{
	struct plan_known *known = (struct plan_known *)base->known;
	uint32_t *slots = (uint32_t *)base->slots;

	if (!meta)
		return;
	known = realloc(known, (base->n_known + meta->n_rules + 1) * sizeof(*known));
	slots = realloc(slots, (base->n_slots + meta->n_slots + 1) * sizeof(*slots));
	assert_true(known && slots);
	memcpy(known + base->n_known, meta->known, meta->n_rules * sizeof(*known));
	memcpy(slots + base->n_slots, meta->slots, meta->n_slots * sizeof(*slots));
	base->n_known += meta->n_rules;
	base->n_slots += meta->n_slots;
	base->known = known;
	base->slots = slots;
}

/* What the planner will be told from now on: this plan is live, the one before can be gone back to.
 */
static inline void lab_apply(const struct planned *planned)
{
	const struct plan_hook *hook = hook_of(planned);
	struct lab *one = lab_find(hook->nic.name);
	_free_ char *json = meta_encode(hook, 0, 0, "p", 0);
	struct meta *meta = NULL;

	assert_false(hook->unchanged);
	assert_int_equal(meta_decode(json, "here", &meta), 0);
	meta_free(one->rollback);
	one->kind = hook->hook->kind;
	one->rollback = one->live;
	one->live = meta;
	free((void *)one->base.known);
	free((void *)one->base.slots);
	one->base = (struct plan_base){
		.loaded = true,
		.attached = true,
		.frags = meta->frags,
		.mode = hook->modes[0],
		.shared = meta->shared,
		.priority = meta->priority,
		.why = "as it was",
		.key = meta->key,
	};
	lab_know(&one->base, one->live);
	lab_know(&one->base, one->rollback);
}
