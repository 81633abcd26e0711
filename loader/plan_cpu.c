// SPDX-License-Identifier: GPL-2.0-only
/* The CPUs that a hook's rules send packets to. */
#include <string.h>

#include "plan_parts.h"

/* Packets that may wait for a CPU where no rule says how many: man weir.policy. */
enum { QUEUE_DEFAULT = 2048 };

/* A CPU of the hook's, and the rule that was the first to say how long its queue is; NULL: none. */
struct cpu {
	struct plan_cpu is;
	const struct rule *said_by;
};

struct cpus {
	struct cpu *list;
	size_t n;
};

static struct cpu *find(struct cpus *cpus, uint32_t number)
{
	struct cpu *added;

	for (size_t i = 0; i < cpus->n; i++)
		if (cpus->list[i].is.cpu == number)
			return &cpus->list[i];
	added = array_add(cpus->list, cpus->n);
	if (added)
		added->is = (struct plan_cpu){ number, QUEUE_DEFAULT };
	return added;
}

static int add_cpu(struct cpus *cpus, const struct rule *rule, uint32_t number)
{
	struct cpu *cpu = find(cpus, number);
	uint32_t queue = rule->action.cpu.queue;

	if (!cpu)
		return fail_oom();
	if (!queue)
		return 0;
	if (cpu->said_by && cpu->is.queue != queue)
		return fail_at(
			-EINVAL, &rule->action.pos,
			"CPU %u has one queue for all rules of a hook: %u packets here, and %u in line %u",
			number, queue, cpu->is.queue, cpu->said_by->pos.line);
	cpu->is.queue = queue;
	cpu->said_by = rule;
	return 0;
}

static int add_rule(struct cpus *cpus, struct plan_rule *rule, const struct plan_asks *asks)
{
	const struct action *action = &rule->rule->action;
	int err = 0;

	for (size_t i = 0; i < action->cpu.n_cpus && !err; i++) {
		const struct range *range = &action->cpu.cpus[i];

		for (uint32_t number = range->low; number <= range->high && !err; number++) {
			uint32_t *added = array_add(rule->cpus, rule->n_cpus);

			if (!added)
				return fail_oom();
			*added = number;
			err = asks->cpu ? asks->cpu(number, &action->pos, asks->arg) : 0;
			err = err ?: add_cpu(cpus, rule->rule, number);
		}
	}
	return err;
}

static int by_number(const void *a, const void *b)
{
	const struct cpu *x = a, *y = b;

	return (x->is.cpu > y->is.cpu) - (x->is.cpu < y->is.cpu);
}

static int keep(struct plan_hook *hook, struct cpus *cpus)
{
	if (!cpus->n)
		return 0;
	qsort(cpus->list, cpus->n, sizeof(*cpus->list), by_number);
	hook->cpus = calloc(cpus->n, sizeof(*hook->cpus));
	if (!hook->cpus)
		return fail_oom();
	for (; hook->n_cpus < cpus->n; hook->n_cpus++)
		hook->cpus[hook->n_cpus] = cpus->list[hook->n_cpus].is;
	return 0;
}

int plan_cpus(struct plan_hook *hook, const struct plan_asks *asks)
{
	struct cpus cpus = { 0 };
	int first_err = 0;

	for (size_t i = 0; i < hook->n_rules; i++) {
		int err = 0;

		if (hook->rules[i].rule->action.kind == ACTION_CPU)
			err = add_rule(&cpus, &hook->rules[i], asks);
		first_err = first_err ?: err;
	}
	if (!first_err)
		first_err = keep(hook, &cpus);
	free(cpus.list);
	return first_err;
}
