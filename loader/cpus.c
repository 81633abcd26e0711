// SPDX-License-Identifier: GPL-2.0-only
#include "cpus.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "own.h"

/* A list of the kernel's, "0-3,6", without its line end. */
static int read_list(const char *name, const struct pos *where, char **out)
{
	char path[64];
	_fclose_ FILE *file = NULL;
	size_t size = 0;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/%s", name);
	file = fopen(path, "re");
	if (!file || getline(out, &size, file) < 0)
		return fail_at(-EIO, where, "cannot read %s, which tells the CPUs: %s", path,
			       strerror(errno ?: EIO));
	(*out)[strcspn(*out, "\n")] = '\0';
	return 0;
}

static bool is_in(const char *list, uint32_t cpu)
{
	while (*list) {
		char *end;
		unsigned long low = strtoul(list, &end, 10), high = low;

		if (*end == '-')
			high = strtoul(end + 1, &end, 10);
		if (end == list)
			return false;
		if (cpu >= low && cpu <= high)
			return true;
		list = *end == ',' ? end + 1 : end;
	}
	return false;
}

int cpus_check(uint32_t cpu, const struct pos *where)
{
	_free_ char *online = NULL, *present = NULL;
	int err = read_list("online", where, &online);

	if (!err)
		err = read_list("present", where, &present);
	if (err || is_in(online, cpu))
		return err;
	if (is_in(present, cpu))
		return fail_at(
			-ENXIO, where,
			"CPU %u is offline: `echo 1 >/sys/devices/system/cpu/cpu%u/online`, or name others; online are %s",
			cpu, cpu, online);
	return fail_at(-ENXIO, where, "this machine has no CPU %u: it has %s", cpu, present);
}
