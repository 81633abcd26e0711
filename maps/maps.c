// SPDX-License-Identifier: GPL-2.0-only
#include "maps.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/mman.h>

#include "../loader/fail.h"

static int create(enum bpf_map_type type, const char *name, uint32_t value_size, uint32_t n,
		  uint32_t flags)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = flags);
	int fd = bpf_map_create(type, name, sizeof(uint32_t), value_size, n, &opts);

	if (fd < 0)
		return fail(fd, "cannot create the map '%s' (%u elements of %u bytes): %s%s", name,
			    n, value_size, strerror(-fd),
			    fd == -EPERM ? "; it takes CAP_BPF and CAP_NET_ADMIN: try sudo" : "");
	return fd;
}

int maps_create_slots(void)
{
	return create(BPF_MAP_TYPE_PROG_ARRAY, "weir_slots", sizeof(uint32_t), WEIR_SLOTS, 0);
}

int maps_create_counters(uint32_t n)
{
	return create(BPF_MAP_TYPE_PERCPU_ARRAY, "weir_counters", sizeof(struct weir_counter), n,
		      0);
}

/* Both of the programs and of ours: *out is where. */
static int create_shared(const char *name, uint32_t value_size, uint32_t n, void **out)
{
	int fd = create(BPF_MAP_TYPE_ARRAY, name, value_size, n, BPF_F_MMAPABLE);

	if (fd < 0)
		return fd;
	*out = mmap(NULL, (size_t)n * value_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (*out == MAP_FAILED) {
		int err = -errno;

		close(fd);
		return fail(err, "cannot map the counters into memory: %s", strerror(-err));
	}
	return fd;
}

int maps_create_shared_counters(uint32_t n, struct weir_counter **out)
{
	return create_shared("weir_counters", sizeof(**out), n, (void **)out);
}

void maps_unmap_counters(struct weir_counter *counters, uint32_t n)
{
	if (counters)
		munmap(counters, n * sizeof(*counters));
}

int maps_create_cpu_counters(uint32_t n)
{
	return create(BPF_MAP_TYPE_PERCPU_ARRAY, "weir_cpu_counts", sizeof(struct weir_cpu_counter),
		      n, 0);
}

int maps_create_shared_cpu_counters(uint32_t n, struct weir_cpu_counter **out)
{
	return create_shared("weir_cpu_counts", sizeof(**out), n, (void **)out);
}

void maps_unmap_cpu_counters(struct weir_cpu_counter *counters, uint32_t n)
{
	if (counters)
		munmap(counters, n * sizeof(*counters));
}

int maps_create_devmap(const uint32_t *ifindexes, size_t n)
{
	int fd = create(BPF_MAP_TYPE_DEVMAP, "weir_targets", sizeof(uint32_t), n ? n : 1, 0);

	if (fd < 0)
		return fd;
	for (uint32_t i = 0; i < n; i++) {
		int err = bpf_map_update_elem(fd, &i, &ifindexes[i], BPF_ANY);

		if (err) {
			close(fd);
			return fail(err, "cannot make interface %u a redirect target: %s",
				    ifindexes[i], strerror(-err));
		}
	}
	return fd;
}

int maps_create_sockets(void)
{
	return create(BPF_MAP_TYPE_XSKMAP, "weir_sockets", sizeof(uint32_t), WEIR_SOCKET_QUEUES, 0);
}

int maps_create_cpus(uint32_t n)
{
	return create(BPF_MAP_TYPE_CPUMAP, "weir_cpus", sizeof(struct bpf_cpumap_val), n, 0);
}

int maps_put_cpu(int fd, uint32_t cpu, uint32_t queue, int prog_fd)
{
	const struct bpf_cpumap_val value = { .qsize = queue, .bpf_prog.fd = prog_fd };
	int err = bpf_map_update_elem(fd, &cpu, &value, BPF_ANY);

	return err ? fail(err, "cannot give CPU %u a queue of %u packets: %s", cpu, queue,
			  strerror(-err))
		   : 0;
}

int maps_read_cpu_counter(int fd, uint32_t cpu, struct weir_cpu_counter *out)
{
	int cpus = libbpf_num_possible_cpus(), err;
	_free_ struct weir_cpu_counter *values = calloc(cpus > 0 ? cpus : 1, sizeof(*values));

	if (!values)
		return fail_oom();
	err = bpf_map_lookup_elem(fd, &cpu, values);
	if (err)
		return fail(err, "cannot read the counter of CPU %u: %s", cpu, strerror(-err));
	*out = (struct weir_cpu_counter){ 0 };
	for (int i = 0; i < cpus; i++) {
		out->sent += values[i].sent;
		out->arrived += values[i].arrived;
		out->refused += values[i].refused;
	}
	return 0;
}

int maps_read_counters(int fd, uint32_t index, size_t n, struct weir_counter *out)
{
	int cpus = libbpf_num_possible_cpus(), err;
	_free_ struct weir_counter *values = NULL;

	if (cpus < 0)
		return fail(cpus, "cannot tell the number of CPUs: %s", strerror(-cpus));
	values = calloc(cpus, sizeof(*values));
	if (!values)
		return fail_oom();
	for (size_t i = 0; i < n; i++) {
		uint32_t key = index + i;

		err = bpf_map_lookup_elem(fd, &key, values);
		if (err)
			return fail(err, "cannot read counter %u: %s", key, strerror(-err));
		out[i] = (struct weir_counter){ 0 };
		for (int cpu = 0; cpu < cpus; cpu++) {
			out[i].packets += values[cpu].packets;
			out[i].bytes += values[cpu].bytes;
		}
	}
	return 0;
}

int maps_zero_counters(int fd, uint32_t index, size_t n)
{
	int cpus = libbpf_num_possible_cpus(), err;
	_free_ struct weir_counter *zeros = calloc(cpus > 0 ? cpus : 1, sizeof(*zeros));

	if (!zeros)
		return fail_oom();
	for (size_t i = 0; i < n; i++) {
		uint32_t key = index + i;

		err = bpf_map_update_elem(fd, &key, zeros, BPF_ANY);
		if (err)
			return fail(err, "cannot set counter %u to 0: %s", key, strerror(-err));
	}
	return 0;
}

/* A map of one element that user space can change no more. */
static int create_frozen(const char *name, const void *bytes, size_t size, uint32_t flags)
{
	int fd = create(BPF_MAP_TYPE_ARRAY, name, size, 1, flags), err;
	uint32_t key = 0;

	if (fd < 0)
		return fd;
	err = bpf_map_update_elem(fd, &key, bytes, BPF_ANY);
	if (!err)
		err = bpf_map_freeze(fd);
	if (!err)
		return fd;
	close(fd);
	return fail(err, "cannot store %zu bytes in the map '%s': %s", size, name, strerror(-err));
}

int maps_create_text(const char *name, const char *text, size_t len)
{
	return create_frozen(name, text, len + 1, 0);
}

int maps_create_tables(const void *bytes, size_t size)
{
	return create_frozen("weir_tables", bytes, size, BPF_F_RDONLY_PROG);
}

int maps_create_copy(size_t size)
{
	return create(BPF_MAP_TYPE_PERCPU_ARRAY, "weir_copy", size, 1, 0);
}

static int map_info(int fd, struct bpf_map_info *info)
{
	uint32_t len = sizeof(*info);
	int err;

	memset(info, 0, sizeof(*info));
	err = bpf_obj_get_info_by_fd(fd, info, &len);
	return err ? fail(err, "cannot ask what a map is: %s", strerror(-err)) : 0;
}

int maps_read_text(int fd, char **text)
{
	struct bpf_map_info info;
	uint32_t key = 0;
	int err = map_info(fd, &info);
	_free_ char *read = NULL;

	if (err)
		return err;
	read = calloc(1, (size_t)info.value_size + 1);
	if (!read)
		return fail_oom();
	err = bpf_map_lookup_elem(fd, &key, read);
	if (err)
		return fail(err, "cannot read the map '%s': %s", info.name, strerror(-err));
	*text = TAKE(read);
	return 0;
}

int maps_size(int fd, uint32_t *n)
{
	struct bpf_map_info info;
	int err = map_info(fd, &info);

	*n = err ? 0 : info.max_entries;
	return err;
}
