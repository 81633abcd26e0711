// SPDX-License-Identifier: GPL-2.0-only
/* What `weir-bench cost` measures: policies from files, of many rules, or the least ones. */
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>

#include "../loader/fail.h"
#include "cost.h"
#include "parts.h"

enum {
	UDP_DESTINATION = 14 + 20 + 2, /* in frames_builtin()'s */
	DISCARD_PORT = 9,
	TRAFFIC_RULES = 1000, /* that mixed packets are made for, where nothing else says */
};

/* What is promised of the least policies. */
static const struct promise {
	const char *name, *policy;
	uint16_t port; /* the hot packet's UDP destination */
	uint32_t verdict;
	double most;
} promises[] = {
	{ "empty policy", "interface lo { xdp { } }", 9, XDP_PASS, 5 },
	{ "one rule, no match", "interface lo { xdp { drop if udp port 53 } }", 9, XDP_PASS, 8 },
	{ "one rule, match", "interface lo { xdp { drop if udp port 53 } }", 53, XDP_DROP, 8 },
};

struct cost_subject *cost_add_subject(struct cost *cost)
{
	struct cost_subject *subject = array_add(cost->subjects, cost->n);

	if (!subject)
		fail_oom();
	else
		subject->subject.prog_fd = -1;
	return subject;
}

static int make_udp(struct cost_subject *subject, uint16_t port)
{
	struct frames frames = { 0 };
	int err = frames_builtin(1, &frames);

	if (!err) {
		subject->hot = frames.frames[0];
		subject->hot.data[UDP_DESTINATION] = port >> 8;
		subject->hot.data[UDP_DESTINATION + 1] = port & 0xff;
		frames.n = 0;
	}
	frames_free(&frames);
	return err;
}

/* Packets of a ruleset; the hot one, in all likelihood, is nobody's. */
static int set_made_packets(struct cost *cost, struct cost_subject *subject, enum ruleset_kind kind,
			    size_t n_rules, uint16_t port)
{
	struct ruleset set = { 0 };
	struct frames mixed = { 0 };
	int err = ruleset_make(kind, n_rules, cost->seed, &set);

	err = err ? err : ruleset_frames(&set, SHUFFLE_SLOTS, cost->seed, &mixed);
	err = err ? err : shuffle_open(&mixed, cost->seed, cost->hook, &subject->mixed);
	err = err ? err : make_udp(subject, port);
	frames_free(&mixed);
	ruleset_free(&set);
	return err;
}

static int set_captured_packets(struct cost *cost, struct cost_subject *subject)
{
	struct frames mixed = { 0 };
	int err = frames_read(cost->capture, &mixed);

	err = err ? err : shuffle_open(&mixed, cost->seed, cost->hook, &subject->mixed);
	if (!err) {
		subject->hot = mixed.frames[0];
		mixed.frames[0].data = NULL;
	}
	frames_free(&mixed);
	return err;
}

static int set_packets(struct cost *cost, struct cost_subject *subject, uint16_t port)
{
	return cost->capture ? set_captured_packets(cost, subject)
			     : set_made_packets(cost, subject, RULESET_MIXED, TRAFFIC_RULES, port);
}

int cost_add_empty(struct cost *cost)
{
	struct cost_subject *subject = cost_add_subject(cost);
	int err = subject ? subject_load_empty(cost->hook, &subject->subject) : -ENOMEM;

	return err ? err : set_packets(cost, subject, DISCARD_PORT);
}

static int add_promise(struct cost *cost, const struct promise *promise)
{
	struct cost_subject *subject = cost_add_subject(cost);
	int err;

	if (!subject)
		return -ENOMEM;
	subject->promised = true;
	subject->verdict = promise->verdict;
	subject->most = promise->most;
	err = subject_load_text(promise->name, promise->policy, strlen(promise->policy), NULL,
				cost->hook, &subject->subject);
	return err ? err : set_packets(cost, subject, promise->port);
}

/* The file `name`, or that text. */
static int add_policy(struct cost *cost, const char *name, const char *text)
{
	struct cost_subject *subject = cost_add_subject(cost);
	int err;

	if (!subject)
		return -ENOMEM;
	if (text)
		err = subject_load_text(name, text, strlen(text), NULL, cost->hook,
					&subject->subject);
	else
		err = subject_load_file(name, cost->interface, cost->hook, &subject->subject);
	return err ? err : set_packets(cost, subject, DISCARD_PORT);
}

/* One more, cut behind `keep` parts; 0: the root alone. */
static int add_part(struct cost *cost, const char *name, const char *text,
		    const struct parts *parts, size_t keep)
{
	struct cost_subject *subject;
	int err = add_policy(cost, name, text);

	if (err)
		return err;
	subject = &cost->subjects[cost->n - 1];
	subject->part = COST_ROOT;
	if (keep)
		subject->part = parts->parts[keep - 1].is_stage ? COST_STAGE : COST_FILTER;
	subject->part_name = strdup(keep ? parts->parts[keep - 1].name : "the root");
	return subject->part_name ? parts_cut(&subject->subject, parts, keep) : fail_oom();
}

static int add_parts(struct cost *cost, const char *name, const char *text)
{
	struct parts parts;
	int err = parts_find(&cost->subjects[cost->n - 1].subject, &parts);

	for (size_t keep = 0; keep <= parts.n && !err; keep++)
		err = add_part(cost, name, text, &parts, keep);
	parts_free(&parts);
	return err;
}

int cost_add_policy(struct cost *cost, const char *name, const char *text)
{
	int err = add_policy(cost, name, text);

	return err || !cost->parts ? err : add_parts(cost, name, text);
}

static int load_ruleset(const struct cost *cost, enum ruleset_kind kind, size_t size,
			struct subject *out)
{
	_free_ char *text = NULL;
	struct ruleset set = { 0 };
	char name[32];
	size_t len;
	FILE *memory;
	int err = ruleset_make(kind, size, cost->seed, &set);

	memory = err ? NULL : open_memstream(&text, &len);
	if (memory) {
		fprintf(memory, "interface lo { %s {\n", policy_hook_name(cost->hook));
		ruleset_print_rules(&set, true, memory);
		fputs("} }\n", memory);
		fclose(memory);
	}
	snprintf(name, sizeof(name), "%zu %s", size, ruleset_kinds[kind]);
	if (!err)
		err = text ? subject_load_text(name, text, len, NULL, cost->hook, out) : fail_oom();
	ruleset_free(&set);
	return err;
}

int cost_set_hot(struct cost_subject *subject)
{
	return make_udp(subject, DISCARD_PORT);
}

void cost_subject_close(struct cost_subject *subject)
{
	subject_close(&subject->subject);
	free(subject->part_name);
	shuffle_close(subject->mixed);
	free(subject->hot.data);
}

static int add_ruleset(struct cost *cost, enum ruleset_kind kind, size_t size)
{
	struct cost_subject *subject = cost_add_subject(cost);
	int err = subject ? load_ruleset(cost, kind, size, &subject->subject) : -ENOMEM;

	if (!err)
		subject->kind = kind;
	return err ? err : set_made_packets(cost, subject, kind, size, DISCARD_PORT);
}

/* One that is too large for the compiler, as it has said, does not keep us from the others. */
static int add_rulesets(struct cost *cost, enum ruleset_kind kind)
{
	size_t before = cost->n;
	int err = 0;

	for (size_t i = 0; i < cost->n_sizes && !err; i++)
		err = add_ruleset(cost, kind, cost->sizes[i]);
	if (!err || cost->n <= before + 1)
		return err;
	cost_subject_close(&cost->subjects[--cost->n]);
	cost->cut_short = true;
	return 0;
}

int cost_prepare(struct cost *cost)
{
	int err = cost_add_empty(cost);

	for (enum ruleset_kind kind = 0; kind < RULESET_KINDS && !err; kind++)
		err = cost->kinds[kind] ? add_rulesets(cost, kind) : 0;
	if (cost->growth)
		return err;
	if (cost->steps)
		return err ? err : cost_prepare_steps(cost);
	for (size_t i = 0; i < cost->n_policies && !err; i++)
		err = cost_add_policy(cost, cost->policies[i], NULL);
	if (cost->n_policies)
		return err;
	for (size_t i = 0; i < ARRAY_SIZE(promises) && !err; i++)
		err = add_promise(cost, &promises[i]);
	return err;
}
