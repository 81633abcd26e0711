// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a step from program to program costs: a stage of the chain that does nothing, beside a tail
 * call as one writes it by hand, and a slot of libxdp's dispatcher. Of each there are many in a
 * row, and few: the difference is divided.
 */
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>

#include "../loader/fail.h"
#include "contestant.h"
#include "cost.h"
#include "dispatcher.h"
#include "embedded.h"

enum { STEPS = 8, STAGES = 4 };

static const double OF_DISPATCHER = 0.6, OF_TAIL_CALL = 1.1;

static const char by_hand[] = "by hand, 8 tail calls", by_hand_last[] = "by hand, none";
static const char dispatcher[] = "libxdp, 9 slots", dispatcher_least[] = "libxdp, 1 slot";

static const struct cost_subject *find(const struct cost *cost, const char *name)
{
	for (size_t i = 0; i < cost->n; i++)
		if (!strcmp(cost->subjects[i].subject.name, name))
			return &cost->subjects[i];
	return NULL;
}

/* Takes the fd. */
static int add_program(struct cost *cost, const char *name, int fd)
{
	struct cost_subject *subject = fd < 0 ? NULL : cost_add_subject(cost);

	if (!subject)
		return fd < 0 ? fail(-errno, "cannot keep a program: %s", strerror(errno))
			      : -ENOMEM;
	subject->subject = (struct subject){ .name = strdup(name), .prog_fd = fd };
	return subject->subject.name ? cost_set_hot(subject) : fail_oom();
}

static int add_named(struct cost *cost, struct bpf_object *object, const char *program,
		     const char *name)
{
	return add_program(cost, name,
			   dup(bpf_program__fd(bpf_object__find_program_by_name(object, program))));
}

static int add_hand_chain(struct cost *cost)
{
	int err = embedded_load("hand_chain", &cost->by_hand);

	err = err ? err : add_named(cost, cost->by_hand, "step0", by_hand);
	return err ? err : add_named(cost, cost->by_hand, "last", by_hand_last);
}

static int add_stages(struct cost *cost)
{
	char text[256] = "interface lo { xdp {\n";
	_close_ int fd = embedded_file("nop_stage");

	if (fd < 0)
		return fd;
	for (int i = 0; i < STAGES; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 "\tuse /proc/self/fd/%d\n", fd);
	strcat(text, "} }\n");
	return cost_add_policy(cost, "stages", text);
}

/* No dispatcher is no error: it is said in the report. */
static int add_dispatchers(struct cost *cost)
{
	static const struct {
		const char *name;
		size_t slots;
	} all[] = { { dispatcher, 1 + STEPS }, { dispatcher_least, 1 } };
	int err = contestant_arena();

	for (size_t i = 0; i < ARRAY_SIZE(all) && !err && !*cost->no_dispatcher; i++) {
		int fd = dispatcher_open(all[i].slots, cost->no_dispatcher,
					 sizeof(cost->no_dispatcher));

		if (fd >= 0)
			err = add_program(cost, all[i].name, fd);
	}
	return err;
}

int cost_prepare_steps(struct cost *cost)
{
	int err = add_stages(cost);

	err = err ? err : add_hand_chain(cost);
	return err ? err : add_dispatchers(cost);
}

/* Of one of STEPS; 0: there are none. */
static double step_of(const struct cost *cost, const char *many, const char *few)
{
	const struct cost_subject *a = find(cost, many), *b = find(cost, few);
	const struct timed *x, *y;

	if (!a || !b)
		return 0;
	x = &cost->timed[a - cost->subjects];
	y = &cost->timed[b - cost->subjects];
	return ((double)timing_least(x, TIMING_HOT) - timing_least(y, TIMING_HOT)) / STEPS;
}

/* Of one of STAGES: the stages alone, or with the programs that hold their rules. */
static double stage_of(const struct cost *cost, bool with_rules)
{
	double sum = 0;
	int stages = 0;

	for (size_t i = 1; i < cost->n && stages < STAGES; i++) {
		enum cost_part part = cost->subjects[i].part;

		if (part == COST_STAGE || (part == COST_FILTER && with_rules))
			sum += (double)timing_least(&cost->timed[i], TIMING_HOT) -
			       timing_least(&cost->timed[i - 1], TIMING_HOT);
		stages += part == COST_STAGE;
	}
	return sum / STAGES;
}

/* Each passes the packet at its end, or it has not come that far. */
static int check_verdicts(const struct cost *cost)
{
	for (size_t i = 0; i < cost->n; i++)
		if (cost->timed[i].verdict != XDP_PASS)
			return fail(-EPROTO, "'%s' returned %u, not %u",
				    cost->subjects[i].subject.name, cost->timed[i].verdict,
				    XDP_PASS);
	return 0;
}

struct step {
	const char *name, *key;
	double cost;
	bool missing; /* it cannot be loaded here */
};

static int judge(const struct cost *cost, const struct step *stage, const struct step *peer,
		 double limit)
{
	if (!cost->counted || !peer->cost || stage->cost <= limit * peer->cost)
		return 0;
	return fail(-ERANGE, "a stage costs %.1f %s, more than %g times the %.1f of %s",
		    stage->cost, cost_unit(cost), limit, peer->cost, peer->name);
}

static void print(const struct cost *cost, const struct step *steps, size_t n)
{
	printf("\n%s of a step from program to program, one hot packet\n", cost_unit(cost));
	for (size_t i = 0; i < n; i++)
		if (!steps[i].missing)
			printf("%-44s %6.1f  %5.2f\n", steps[i].name, steps[i].cost,
			       steps[i].cost ? steps[0].cost / steps[i].cost : 0);
		else
			printf("%-44s %s\n", steps[i].name, cost->no_dispatcher);
	printf("\nThe last column: a stage to it. Promised of instructions: %g of a tail call by hand,\n"
	       "%g of a slot of the dispatcher, at most.\n",
	       OF_TAIL_CALL, OF_DISPATCHER);
}

static json_t *to_json(const struct cost *cost, const struct step *steps, size_t n)
{
	json_t *object = json_object();

	for (size_t i = 0; i < n; i++)
		json_object_set_new(object, steps[i].key,
				    steps[i].missing ? json_null() : json_real(steps[i].cost));
	return json_pack("{s:s, s:o}", "unit", cost_unit(cost), "steps", object);
}

int cost_report_steps(const struct cost *cost, int status)
{
	const struct step steps[] = {
		{ "a stage of the chain", "stage", stage_of(cost, false), false },
		{ "a tail call by hand", "tail_call", step_of(cost, by_hand, by_hand_last), false },
		{ "a slot of libxdp's dispatcher", "dispatcher",
		  step_of(cost, dispatcher, dispatcher_least), *cost->no_dispatcher },
		{ "a stage and its rule, which counts and calls", "rule", stage_of(cost, true),
		  false },
	};

	if (check_verdicts(cost) || judge(cost, &steps[0], &steps[1], OF_TAIL_CALL) ||
	    judge(cost, &steps[0], &steps[2], OF_DISPATCHER))
		status = CMD_FAILED;
	if (cost->common.json)
		return cmd_print_json(to_json(cost, steps, ARRAY_SIZE(steps)), status);
	print(cost, steps, ARRAY_SIZE(steps));
	return status;
}
