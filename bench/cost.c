// SPDX-License-Identifier: GPL-2.0-only
#include "bench.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>

#include "../loader/fail.h"
#include "../loader/policy.h"
#include "../loader/replay.h"
#include "conditions.h"
#include "frames.h"
#include "timing.h"

enum { UDP_DESTINATION = 14 + 20 + 2 }; /* in frames_builtin()'s */

struct subject {
	const char *name;
	const char *policy; /* NULL: a program that returns XDP_PASS and nothing else */
	uint16_t port;	    /* the packet's UDP destination */
	uint32_t verdict;   /* what is measured is what is meant */
	double most;	    /* ns over the empty program that are promised; 0: nothing is */
};

static const struct subject subjects[] = {
	{ "empty program", NULL, 9, XDP_PASS, 0 },
	{ "empty policy", "interface lo { xdp { } }", 9, XDP_PASS, 5 },
	{ "one rule, no match", "interface lo { xdp { drop if udp port 53 } }", 9, XDP_PASS, 8 },
	{ "one rule, match", "interface lo { xdp { drop if udp port 53 } }", 53, XDP_DROP, 8 },
};

static int load_empty_program(int *prog_fd)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	*prog_fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "weir_bench_nil", "GPL", insns,
				 ARRAY_SIZE(insns), NULL);
	return *prog_fd < 0 ? fail(-errno, "cannot load an empty XDP program: %s", strerror(errno))
			    : 0;
}

/* A program to be measured, and what it stands on. */
struct loaded_subject {
	struct policy *policy;
	struct replay *replay;
	int prog_fd; /* owned only without a replay */
};

struct cost {
	struct cmd_common common;
	struct frames frames; /* one for each subject */
	struct loaded_subject loaded[ARRAY_SIZE(subjects)];
	struct timed timed[ARRAY_SIZE(subjects)];
	size_t n;
};

/* A policy's programs, attached to nothing: as replay loads them. */
static int load_policy(const char *text, struct loaded_subject *loaded)
{
	int err = policy_parse("weir-bench", text, strlen(text), &loaded->policy);

	if (!err)
		err = replay_open(loaded->policy, "lo", HOOK_XDP, NULL, 0, &loaded->replay);
	if (!err)
		loaded->prog_fd = replay_prog_fd(loaded->replay);
	return err;
}

static void unload(struct loaded_subject *loaded)
{
	if (!loaded->replay)
		own_close(&loaded->prog_fd);
	replay_close(loaded->replay);
	policy_free(loaded->policy);
}

static int make_packet(struct cost *cost, const struct subject *subject, struct timed *timed)
{
	int err = frames_builtin(1, &cost->frames);
	struct frame *frame;

	if (err)
		return err;
	frame = &cost->frames.frames[cost->frames.n - 1];
	frame->data[UDP_DESTINATION] = subject->port >> 8;
	frame->data[UDP_DESTINATION + 1] = subject->port & 0xff;
	timed->packet = frame->data;
	timed->len = frame->len;
	return 0;
}

static int prepare(struct cost *cost)
{
	for (size_t i = 0; i < ARRAY_SIZE(subjects); i++) {
		const struct subject *subject = &subjects[i];
		struct loaded_subject *loaded = &cost->loaded[i];
		int err = make_packet(cost, subject, &cost->timed[i]);

		loaded->prog_fd = -1;
		cost->n++;
		if (!err)
			err = subject->policy ? load_policy(subject->policy, loaded)
					      : load_empty_program(&loaded->prog_fd);
		if (err)
			return err;
		cost->timed[i].name = subject->name;
		cost->timed[i].prog_fd = loaded->prog_fd;
	}
	return 0;
}

/* The least of each compared: the kernel's figures are whole, and cut. */
static double over_base(const struct cost *cost, size_t i)
{
	return (double)timing_least(&cost->timed[i]) - timing_least(&cost->timed[0]);
}

static int judge(const struct cost *cost)
{
	int err = 0;

	for (size_t i = 0; i < cost->n; i++) {
		const struct subject *subject = &subjects[i];

		if (cost->timed[i].verdict != subject->verdict)
			err = fail(-EPROTO, "'%s' returned %u, not %u", subject->name,
				   cost->timed[i].verdict, subject->verdict);
		else if (subject->most && over_base(cost, i) > subject->most)
			err = fail(-ERANGE,
				   "'%s' costs %.0f ns over the empty program; %.0f are promised",
				   subject->name, over_base(cost, i), subject->most);
	}
	return err;
}

static void print_text(const struct cost *cost, const json_t *conditions)
{
	conditions_print(conditions, stdout);
	printf("\n%-22s %10s %12s %12s %10s\n", "one hot packet, ns", "least", "over empty",
	       "median", "promised");
	for (size_t i = 0; i < cost->n; i++) {
		const struct timed *timed = &cost->timed[i];

		printf("%-22s %10u", timed->name, timing_least(timed));
		if (i)
			printf(" %12.0f %12.1f %10.0f", over_base(cost, i),
			       timing_median_over(timed, &cost->timed[0]), subjects[i].most);
		putchar('\n');
	}
}

static json_t *results_json(const struct cost *cost)
{
	json_t *results = json_array();

	for (size_t i = 0; i < cost->n; i++) {
		const struct timed *timed = &cost->timed[i];

		json_array_append_new(results,
				      json_pack("{s:s, s:i, s:f, s:f, s:f}", "name", timed->name,
						"ns", (int)timing_least(timed), "over_empty",
						over_base(cost, i), "median_over_empty",
						timing_median_over(timed, &cost->timed[0]),
						"promised", subjects[i].most));
	}
	return results;
}

static int report(const struct cost *cost)
{
	json_t *conditions = conditions_read();
	int status = judge(cost) ? CMD_FAILED : CMD_OK;

	if (!conditions)
		return fail_oom(), CMD_FAILED;
	if (cost->common.json)
		return cmd_print_json(json_pack("{s:o, s:o}", "conditions", conditions, "results",
						results_json(cost)),
				      status);
	print_text(cost, conditions);
	json_decref(conditions);
	return status;
}

static void release(struct cost *cost)
{
	for (size_t i = 0; i < cost->n; i++)
		unload(&cost->loaded[i]);
	frames_free(&cost->frames);
}

static const struct argp argp = {
	.doc = "What an empty policy and a policy of one rule cost a packet, over an XDP program that "
	       "does nothing.",
};

static int run(int argc, char **argv)
{
	struct cost cost = { 0 };
	int status = CMD_FAILED;
	int err = cmd_parse(&argp, argc, argv, &cost.common, &cost);

	err = err ? err : prepare(&cost);
	err = err ? err : timing_run(cost.timed, cost.n);
	if (!err)
		status = report(&cost);
	else if (cost.common.json)
		status = cmd_print_json(json_object(), CMD_FAILED);
	release(&cost);
	return status;
}

const struct cmd cmd_cost = { "cost", "nanoseconds a packet, over a program that does nothing",
			      run };
