// SPDX-License-Identifier: GPL-2.0-only
#include "subject.h"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <string.h>
#include <time.h>

#include "../loader/fail.h"
#include "../loader/plan.h"
#include "../loader/replay.h"

static double clock_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

static int begin(struct subject *subject, const char *name)
{
	*subject = (struct subject){ .name = strdup(name), .prog_fd = -1 };
	if (!subject->name)
		return fail_oom();
	fail_make_plain(subject->name);
	return 0;
}

int subject_load_empty(enum hook_kind kind, struct subject *out)
{
	enum bpf_prog_type type = kind == HOOK_XDP ? BPF_PROG_TYPE_XDP : BPF_PROG_TYPE_SCHED_CLS;
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K,
		  .dst_reg = BPF_REG_0,
		  .imm = kind == HOOK_XDP ? (int)XDP_PASS : TC_ACT_UNSPEC },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int err = begin(out, "empty program");

	if (err)
		return err;
	out->prog_fd = bpf_prog_load(type, "weir_bench_nil", "GPL", insns, ARRAY_SIZE(insns), NULL);
	return out->prog_fd < 0 ? fail(-errno, "cannot load an empty program: %s%s",
				       strerror(errno), errno == EPERM ? "; it takes root" : "")
				: 0;
}

static const char *first_interface(const struct policy *policy, enum hook_kind kind)
{
	for (size_t i = 0; i < policy->n_interfaces; i++)
		for (size_t k = 0; k < policy->interfaces[i].n_hooks; k++)
			if (policy->interfaces[i].hooks[k].kind == kind)
				return policy->interfaces[i].names[0].text;
	return NULL;
}

static int load(struct subject *subject, const char *interface, enum hook_kind kind)
{
	const struct plan_hook *hook;
	int err;

	interface = interface ?: first_interface(subject->policy, kind);
	if (!interface)
		return fail(-ENOENT, "%s: no interface has the hook '%s'", subject->name,
			    policy_hook_name(kind));
	err = replay_open(subject->policy, interface, kind, NULL, 0, &subject->replay);
	if (err)
		return err;
	hook = replay_hook(subject->replay);
	subject->prog_fd = replay_prog_fd(subject->replay);
	subject->rules = hook->n_rules;
	subject->programs = hook->n_filters;
	subject->verified = replay_verified(subject->replay);
	for (size_t i = 0; i < hook->n_filters; i++)
		subject->instructions += hook->filters[i].prog.n_insns;
	return 0;
}

int subject_load_text(const char *name, const char *text, size_t len, const char *interface,
		      enum hook_kind kind, struct subject *out)
{
	double begun = clock_seconds();
	int err = begin(out, name);

	err = err ? err : policy_parse(name, text, len, &out->policy);
	err = err ? err : load(out, interface, kind);
	out->load_seconds = clock_seconds() - begun;
	return err;
}

int subject_load_file(const char *path, const char *interface, enum hook_kind kind,
		      struct subject *out)
{
	double begun = clock_seconds();
	int err = begin(out, path);

	err = err ? err : policy_read(path, &out->policy);
	err = err ? err : load(out, interface, kind);
	out->load_seconds = clock_seconds() - begun;
	return err;
}

void subject_close(struct subject *subject)
{
	if (subject->replay)
		replay_close(subject->replay);
	else
		own_close(&subject->prog_fd);
	policy_free(subject->policy);
	free(subject->name);
	*subject = (struct subject){ .prog_fd = -1 };
}
