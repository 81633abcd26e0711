// SPDX-License-Identifier: GPL-2.0-only
/*
 * CPUs that a chain's rules send packets to. The CPUMAP belongs to a generation, and goes with the
 * last that has it. A new generation that sends to the same CPUs takes the map over: packets of a
 * flow wait in one queue, whichever generation has sent them. Counters are taken over always.
 */
#include <bpf/libbpf.h>
#include <string.h>

#include "abi.h"
#include "bpflog.h"
#include "chain_parts.h"
#include "maps.h"
#include "stage.h"

enum { LOG_LINES = 6 };

static bool sends_to_the_same(const struct meta *meta, const struct plan_hook *hook)
{
	if (meta->n_cpus != hook->n_cpus)
		return false;
	for (size_t i = 0; i < meta->n_cpus; i++)
		if (meta->cpus[i].cpu != hook->cpus[i].cpu ||
		    meta->cpus[i].queue != hook->cpus[i].queue)
			return false;
	return true;
}

static int get(const struct chain *chain, uint32_t number, const char *name)
{
	char dir[PIN_PATH_MAX], path[PIN_PATH_MAX];

	generation_dir(chain, "gen", number, dir);
	pin_path(path, dir, name);
	return pin_get(path);
}

/* From the live generation, or else from the one before it. */
static int take_over(const struct chain *chain, const struct plan_hook *hook,
		     struct load_maps *maps)
{
	const struct meta *metas[] = { chain->live_meta, chain->rollback_meta };
	const uint32_t numbers[] = { chain->live, chain->rollback };

	for (size_t i = 0; i < ARRAY_SIZE(metas); i++) {
		if (!metas[i] || !metas[i]->n_cpus)
			continue;
		if (maps->cpu_counters_fd < 0)
			maps->cpu_counters_fd = get(chain, numbers[i], "cpu-counters");
		if (maps->cpu_counters_fd < 0)
			return maps->cpu_counters_fd;
		if (!sends_to_the_same(metas[i], hook))
			continue;
		maps->cpus_fd = get(chain, numbers[i], "cpumap");
		return maps->cpus_fd < 0 ? maps->cpus_fd : 0;
	}
	return 0;
}

static int bind_arrive(struct bpf_object *object, int cpu_counters_fd, bool frags)
{
	struct bpf_program *prog = bpf_object__find_program_by_name(object, "weir_arrive");

	if (frags)
		bpf_program__set_flags(prog, bpf_program__flags(prog) | BPF_F_XDP_HAS_FRAGS);
	return bpf_map__reuse_fd(bpf_object__find_map_by_name(object, "cpu_counters"),
				 cpu_counters_fd);
}

/* What counts frames that come out of the queues (xdp-progs/arrive.bpf.c). Its fd. */
static int load_arrive(int cpu_counters_fd, bool frags)
{
	size_t size;
	const void *image = stage_embedded("xdp/arrive", &size);
	struct bpf_object *object;
	int err, fd = -1;

	bpflog_start();
	object = bpf_object__open_mem(image, size, NULL);
	err = object ? bind_arrive(object, cpu_counters_fd, frags) : -errno;
	if (!err)
		err = bpf_object__load(object);
	if (!err)
		fd = dup(bpf_program__fd(bpf_object__next_program(object, NULL)));
	if (!err && fd < 0)
		err = -errno;
	if (err)
		fail(err, "the kernel refuses the program that counts on other CPUs: %s%s",
		     strerror(-err), bpflog_tail(LOG_LINES));
	bpf_object__close(object);
	return err ? err : fd;
}

static int create(const struct plan_hook *hook, struct load_maps *maps)
{
	int cpus = libbpf_num_possible_cpus(), err = 0;
	_close_ int prog = -1;

	if (cpus < 0)
		return fail(cpus, "cannot tell the number of CPUs: %s", strerror(-cpus));
	if (maps->cpu_counters_fd < 0)
		maps->cpu_counters_fd = maps_create_cpu_counters(cpus);
	if (maps->cpu_counters_fd < 0)
		return maps->cpu_counters_fd;
	prog = load_arrive(maps->cpu_counters_fd, hook->frags);
	if (prog < 0)
		return prog;
	maps->cpus_fd = maps_create_cpus(cpus);
	if (maps->cpus_fd < 0)
		return maps->cpus_fd;
	for (size_t i = 0; i < hook->n_cpus && !err; i++)
		err = maps_put_cpu(maps->cpus_fd, hook->cpus[i].cpu, hook->cpus[i].queue, prog);
	return err;
}

int chain_open_cpus(const struct chain *chain, const struct plan_hook *hook, struct load_maps *maps)
{
	int err;

	maps->cpus_fd = maps->cpu_counters_fd = -1;
	if (!hook->n_cpus)
		return 0;
	err = take_over(chain, hook, maps);
	return err || maps->cpus_fd >= 0 ? err : create(hook, maps);
}

void chain_close_cpus(struct load_maps *maps)
{
	own_close(&maps->cpus_fd);
	own_close(&maps->cpu_counters_fd);
}

int chain_pin_cpus(const char *dir, const struct load_maps *maps)
{
	char path[PIN_PATH_MAX];
	int err;

	if (maps->cpus_fd < 0)
		return 0;
	pin_path(path, dir, "cpu-counters");
	err = pin_put(maps->cpu_counters_fd, path);
	if (err)
		return err;
	pin_path(path, dir, "cpumap");
	return pin_put(maps->cpus_fd, path);
}

int chain_read_cpu(const struct chain *chain, uint32_t cpu, struct weir_cpu_counter *out)
{
	_close_ int fd = get(chain, chain->live, "cpu-counters");

	return fd < 0 ? fd : maps_read_cpu_counter(fd, cpu, out);
}
