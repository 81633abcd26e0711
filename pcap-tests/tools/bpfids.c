// SPDX-License-Identifier: GPL-2.0-only
/*
 * bpfids: the ids of all programs, maps and links, "map 7" a line; a program with those of its maps
 * behind it. No map is opened. (bpftool opens all of them. If that comes between while a prog array
 * is being freed, Linux 6.18 keeps it for ever: prog_array_map_clear() takes a reference for work
 * that may be pending already.)
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../../loader/own.h"

enum { MAPS_MOST = 64 }; /* MAX_USED_MAPS, kernel/bpf */

static void print_maps(__u32 id)
{
	__u32 maps[MAPS_MOST];
	struct bpf_prog_info info = { .map_ids = (uintptr_t)maps, .nr_map_ids = MAPS_MOST };
	__u32 size = sizeof(info);
	_close_ int fd = bpf_prog_get_fd_by_id(id);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size))
		return; /* it is gone */
	for (__u32 i = 0; i < info.nr_map_ids && i < MAPS_MOST; i++)
		printf(" %u", maps[i]);
}

static int list(const char *kind, int (*next)(__u32 start, __u32 *next), void (*more)(__u32 id))
{
	__u32 id = 0;

	while (!next(id, &id)) {
		printf("%s %u", kind, id);
		if (more)
			more(id);
		putchar('\n');
	}
	if (errno == ENOENT)
		return 0;
	fprintf(stderr, "bpfids: cannot list every %s: %s\n", kind, strerror(errno));
	return 1;
}

int main(void)
{
	return list("prog", bpf_prog_get_next_id, print_maps) |
	       list("map", bpf_map_get_next_id, NULL) | list("link", bpf_link_get_next_id, NULL);
}
