// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files that a policy names: a set's elements, of each type, and an included policy.
 *
 * An input's first byte says what the rest is: '0' prefixes, '1' ports, '2' MAC addresses, else a
 * policy.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "policy.h"

static int file_of(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const types[] = { "prefix", "port", "mac" };
	char text[96];
	int fd;

	if (!size || names_files(data, size))
		return 0;
	fd = file_of(data + 1, size - 1);
	if (*data >= '0' && *data < '0' + (int)(sizeof(types) / sizeof(*types)))
		snprintf(text, sizeof(text), "set a %s file \"/proc/self/fd/%d\"",
			 types[*data - '0'], fd);
	else
		snprintf(text, sizeof(text), "include \"/proc/self/fd/%d\"", fd);
	read_policy(text, strlen(text));
	close(fd);
	fail_forget();
	return 0;
}
