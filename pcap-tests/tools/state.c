// SPDX-License-Identifier: GPL-2.0-only
/*
 * state: all that is below /sys/fs/bpf/weir, one pin a line: what it is, its id, and what it holds
 * (what an element is not 0; other values by their hash). Two equal outputs are one state: nothing
 * of weir's is in the kernel that no pin leads to, but the attachments, which `ip -d link` shows.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "../../loader/fail.h"
#include "../../loader/pin.h"

/* FNV-1a, 64 bits (RFC 9923). */
static uint64_t hash(const uint8_t *data, size_t size)
{
	uint64_t h = 0xcbf29ce484222325;

	while (size--)
		h = (h ^ *data++) * 0x100000001b3;
	return h;
}

static bool is_zero(const uint8_t *data, size_t size)
{
	while (size && !data[size - 1])
		size--;
	return !size;
}

/* The program that takes the places of removed ones (chain_build.c): as good as none. */
static bool is_empty_prog(const struct bpf_map_info *map, uint32_t id)
{
	_close_ int fd = map->type == BPF_MAP_TYPE_PROG_ARRAY ? bpf_prog_get_fd_by_id(id) : -1;
	struct bpf_prog_info info = { 0 };
	uint32_t size = sizeof(info);

	return fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &size) &&
	       !strcmp(info.name, "weir_empty");
}

static size_t value_room(const struct bpf_map_info *info)
{
	if (info->type != BPF_MAP_TYPE_PERCPU_ARRAY)
		return info->value_size;
	return (info->value_size + 7) / 8 * 8 * libbpf_num_possible_cpus();
}

static void print_elements(int fd, const struct bpf_map_info *info)
{
	size_t size = value_room(info);
	_free_ uint8_t *value = calloc(1, size);
	uint32_t id;

	for (uint32_t key = 0; value && key < info->max_entries; key++) {
		if (bpf_map_lookup_elem(fd, &key, value) || is_zero(value, size))
			continue;
		memcpy(&id, value, sizeof(id));
		if (size != sizeof(id))
			printf(" %u:%016" PRIx64, key, hash(value, size));
		else if (!is_empty_prog(info, id))
			printf(" %u:%u", key, id);
	}
}

static int print_map(int fd)
{
	struct bpf_map_info info = { 0 };
	uint32_t size = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return -errno;
	printf(" map %u %s", info.id, info.name);
	if (info.key_size == sizeof(uint32_t))
		print_elements(fd, &info);
	return 0;
}

/* A link's info has no name to tell it by: it must be asked for before the others. */
static int print_link(int fd)
{
	struct bpf_link_info info = { 0 };
	uint32_t size = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return -errno;
	printf(" link %u prog %u ifindex %u", info.id, info.prog_id, info.xdp.ifindex);
	return 0;
}

static int print_prog(int fd)
{
	struct bpf_prog_info info = { 0 };
	uint32_t size = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		return -errno;
	printf(" prog %u %s", info.id, info.name);
	return 0;
}

/* What an fd of bpf() is says its name. */
static int print_object(int fd)
{
	char path[64], target[64] = "";

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (readlink(path, target, sizeof(target) - 1) < 0)
		return -errno;
	if (strstr(target, "bpf-map"))
		return print_map(fd);
	return strstr(target, "bpf-prog") ? print_prog(fd) : print_link(fd);
}

static int print_name(const char *name, void *arg)
{
	const char *dir = arg;
	char path[PIN_PATH_MAX];
	_close_ int fd = -1;
	struct stat st;
	int err = 0;

	pin_path(path, dir, name);
	printf("%s", path + strlen(PIN_BPFFS) + 1);
	if (stat(path, &st))
		return -errno;
	if (S_ISDIR(st.st_mode)) {
		putchar('\n');
		return pin_each(path, print_name, path);
	}
	fd = bpf_obj_get(path);
	if (fd >= 0)
		err = print_object(fd);
	putchar('\n');
	return err;
}

int main(void)
{
	fail_program("state");
	return pin_each(PIN_ROOT, print_name, (void *)PIN_ROOT) ? 1 : 0;
}
