// SPDX-License-Identifier: GPL-2.0-only
#include "chain_load.h"

#include <bpf/bpf.h>
#include <linux/pkt_cls.h>
#include <string.h>

#include "abi.h"
#include "bpflog.h"
#include "maps.h"

static uint32_t miss_verdict(enum hook_kind kind, enum miss miss)
{
	if (kind == HOOK_XDP)
		return miss == MISS_DROP ? XDP_DROP : XDP_PASS;
	return miss == MISS_DROP ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

static enum bpf_prog_type prog_type(enum hook_kind kind)
{
	return kind == HOOK_XDP ? BPF_PROG_TYPE_XDP : BPF_PROG_TYPE_SCHED_CLS;
}

static int place(const struct load_maps *maps, uint32_t slot, int fd)
{
	int err = bpf_map_update_elem(maps->slots_fd, &slot, &fd, BPF_ANY);

	return err ? fail(err, "cannot put a program into slot %u: %s", slot, strerror(-err)) : 0;
}

static struct load_prog *add(struct loaded *loaded)
{
	struct load_prog *prog = array_add(loaded->progs, loaded->n_progs);

	if (prog)
		prog->fd = prog->instance.prog_fd = -1;
	return prog;
}

enum { LOG_SIZE = 1 << 20, LOG_LINES = 6 };

/*
 * The verifier's words are asked for only when it has refused: a log costs time. -E2BIG is not
 * reported if the program is `divisible`: the verifier finds it too complex.
 */
static int load_insns(const char *name, const struct filter_prog *prog,
		      const struct plan_hook *hook, const struct pos *pos, bool divisible)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_flags = hook->frags ? BPF_F_XDP_HAS_FRAGS : 0);
	enum bpf_prog_type type = prog_type(hook->hook->kind);
	_free_ char *log = NULL;
	int fd = bpf_prog_load(type, name, "GPL", prog->insns, prog->n_insns, &opts), first = fd;

	if (fd >= 0 || (fd == -E2BIG && divisible))
		return fd;
	bpflog_start();
	log = calloc(1, LOG_SIZE);
	if (first == -EPERM || !log)
		return fail_at(
			first, pos,
			"the kernel does not let this process load a program: it takes CAP_BPF and CAP_NET_ADMIN; try sudo");
	opts.log_buf = log;
	opts.log_size = LOG_SIZE;
	opts.log_level = 1;
	fd = bpf_prog_load(type, name, "GPL", prog->insns, prog->n_insns, &opts);
	if (fd >= 0)
		return fd;
	bpflog_add(log);
	/* Of the second try -ENOSPC says that the log was too long; the first one has the reason.
	 */
	return fail_at(
		first, pos,
		"the kernel refuses the program of the rules from here on (%zu instructions): %s%s",
		prog->n_insns, strerror(-first), bpflog_tail(LOG_LINES));
}

/* The maps that a program may refer to; -1 for what this chain has not. */
static void set_maps(struct filter_prog *prog, const struct plan_hook *hook,
		     const struct load_maps *maps, const struct loaded *loaded, int tables_fd,
		     int copy_fd)
{
	int fds[FILTER_MAPS] = {
		[FILTER_MAP_SLOTS] = maps->slots_fd,
		[FILTER_MAP_COUNTERS] = maps->counters_fd,
		[FILTER_MAP_DEVMAP] = loaded->devmap_fd,
		[FILTER_MAP_TABLES] = tables_fd,
		[FILTER_MAP_CPUS] = maps->cpus_fd,
		[FILTER_MAP_CPU_COUNTERS] = maps->cpu_counters_fd,
		[FILTER_MAP_COPY] = copy_fd,
	};

	for (size_t i = 0; i < WEIR_SOCKETS; i++)
		fds[FILTER_MAP_XSK + i] = i < hook->n_sockets ? maps->socket_fds[i] : -1;
	for (size_t i = 0; i < loaded->n_groups; i++)
		fds[FILTER_MAP_GROUP + i] = loaded->group_fds[i];
	filter_prog_set_maps(prog, fds);
}

static int load_filter(const struct plan_hook *hook, struct plan_filter *filter,
		       const struct load_maps *maps, struct loaded *loaded)
{
	/* What a program refers to lives as long as the program. */
	_close_ int tables = -1, copy = -1;
	const struct rule *rule =
		filter->first < hook->n_rules ? hook->rules[filter->first].rule : NULL;
	struct load_prog *prog = add(loaded);
	char name[16];

	if (!prog)
		return fail_oom();
	snprintf(name, sizeof(name), "weir_rules_%zu", filter->first);
	if (filter->prog.tables)
		tables = maps_create_tables(filter->prog.tables, filter->prog.tables_size);
	if (filter->prog.tables && tables < 0)
		return tables;
	if (filter->prog.copies)
		copy = maps_create_copy(FILTER_COPY_SIZE);
	if (filter->prog.copies && copy < 0)
		return copy;
	set_maps(&filter->prog, hook, maps, loaded, tables, copy);
	prog->slot = filter->slot;
	prog->fd = load_insns(name, &filter->prog, hook, rule ? &rule->pos : &hook->hook->pos,
			      filter->end - filter->first > 1);
	filter->refused = prog->fd == -E2BIG;
	if (prog->fd < 0)
		return prog->fd;
	return prog->slot ? place(maps, prog->slot, prog->fd) : 0;
}

static int load_stage(const struct plan_hook *hook, const struct plan_rule *rule, uint32_t next,
		      const struct load_maps *maps, const struct load_keep *keep,
		      struct loaded *loaded)
{
	const struct stage_wiring wiring = {
		.slots_fd = maps->slots_fd,
		.counters_fd = maps->counters_fd,
		.next_slot = next,
		.counter = rule->counter,
		.miss_counter = WEIR_COUNTER_MISS,
		.miss_verdict = miss_verdict(hook->hook->kind, hook->hook->miss),
		.frags = hook->frags,
	};
	struct stage_instance kept = { .prog_fd = -1 };
	struct load_prog *prog = add(loaded);
	int err = prog ? 0 : fail_oom();

	if (!err && keep)
		err = keep->maps(rule, &kept.maps, &kept.n_maps, keep->arg);
	if (!err)
		err = stage_load(rule->stage, rule->conf, &wiring, kept.maps, kept.n_maps,
				 &rule->rule->pos, &prog->instance);
	stage_instance_close(&kept);
	if (err)
		return err;
	prog->rule = rule;
	prog->slot = rule->slot;
	prog->fd = prog->instance.prog_fd;
	return place(maps, prog->slot, prog->fd);
}

static int create_devmap(const struct plan_hook *hook, struct loaded *loaded)
{
	_free_ uint32_t *ifindexes = calloc(hook->n_targets + 1, sizeof(*ifindexes));

	if (!ifindexes)
		return fail_oom();
	if (!hook->n_targets || hook->hook->kind != HOOK_XDP)
		return 0;
	for (size_t i = 0; i < hook->n_targets; i++)
		ifindexes[i] = hook->targets[i].ifindex;
	loaded->devmap_fd = maps_create_devmap(ifindexes, hook->n_targets);
	return loaded->devmap_fd < 0 ? loaded->devmap_fd : 0;
}

/* What is redirected to several goes to all of a devmap. */
static int create_groups(const struct plan_hook *hook, struct loaded *loaded)
{
	if (hook->hook->kind != HOOK_XDP)
		return 0;
	for (; loaded->n_groups < hook->n_groups; loaded->n_groups++) {
		const struct plan_group *group = &hook->groups[loaded->n_groups];
		int fd = maps_create_devmap(group->ifindexes, group->n);

		if (fd < 0)
			return fd;
		loaded->group_fds[loaded->n_groups] = fd;
	}
	return 0;
}

/*
 * From the end to the start: what a program jumps to is in its slot before the program is loaded,
 * and the JIT makes a direct jump of it at once.
 */
static int load_programs(const struct plan_hook *hook, const struct load_maps *maps,
			 const struct load_keep *keep, struct loaded *loaded)
{
	int err = create_devmap(hook, loaded) ?: create_groups(hook, loaded);

	for (size_t i = hook->n_filters; i-- > 0 && !err;) {
		struct plan_filter *filter = &hook->filters[i];
		const struct plan_rule *before =
			filter->first ? &hook->rules[filter->first - 1] : NULL;

		err = load_filter(hook, filter, maps, loaded);
		if (!err && before && before->stage)
			err = load_stage(hook, before, filter->slot, maps, keep, loaded);
	}
	return err;
}

int load_generation(const struct plan_hook *hook, const struct load_maps *maps,
		    const struct load_keep *keep, struct loaded *out)
{
	int err;

	*out = (struct loaded){ .devmap_fd = -1 };
	err = load_programs(hook, maps, keep, out);
	if (err)
		loaded_close(out);
	return err;
}

void loaded_close(struct loaded *loaded)
{
	for (size_t i = 0; i < loaded->n_progs; i++) {
		struct load_prog *prog = &loaded->progs[i];

		if (prog->instance.prog_fd < 0)
			own_close(&prog->fd);
		stage_instance_close(&prog->instance);
	}
	free(loaded->progs);
	own_close(&loaded->devmap_fd);
	for (size_t i = 0; i < loaded->n_groups; i++)
		own_close(&loaded->group_fds[i]);
	*loaded = (struct loaded){ .devmap_fd = -1 };
}

int loaded_first(const struct loaded *loaded)
{
	return loaded->progs[loaded->n_progs - 1].fd;
}

int load_empty(enum hook_kind kind, bool frags)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .prog_flags = frags ? BPF_F_XDP_HAS_FRAGS : 0);
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K,
		  .dst_reg = BPF_REG_0,
		  .imm = kind == HOOK_XDP ? XDP_ABORTED : TC_ACT_SHOT },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return bpf_prog_load(prog_type(kind), "weir_empty", "GPL", insns, ARRAY_SIZE(insns), &opts);
}

int load_set_miss(int config_fd, enum hook_kind kind, enum miss miss)
{
	uint32_t key = 0, verdict = miss_verdict(kind, miss);
	int err = bpf_map_update_elem(config_fd, &key, &verdict, BPF_ANY);

	return err ? fail(err, "cannot set what happens on a miss: %s", strerror(-err)) : 0;
}
