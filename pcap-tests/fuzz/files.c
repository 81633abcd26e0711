// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files that a policy names: a set's elements, of each type, and an included policy. What is read
 * prints in a normal form that reads, and prints the same again.
 *
 * An input's first byte says what the rest is: '0' prefixes, '1' ports, '2' MAC addresses, else a
 * policy.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../loader/policy.h"
#include "quiet.h"

static char *print(const struct policy *policy)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	must(!!out);
	policy_print(policy, out);
	fclose(out);
	return text;
}

static int file_of(const uint8_t *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	return fd;
}

static void read_policy(const char *text)
{
	struct policy *policy = NULL, *again = NULL;
	char *first, *second;

	if (!policy_parse("fuzz", text, strlen(text), &policy)) {
		first = print(policy);
		must(!policy_parse("again", first, strlen(first), &again));
		second = print(again);
		must(!strcmp(first, second));
		free(first);
		free(second);
	}
	policy_free(policy);
	policy_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const types[] = { "prefix", "port", "mac" };
	char text[96];
	int fd;

	/* Files of this machine are no inputs. */
	if (!size || memmem(data, size, "include", 7) || memmem(data, size, "file", 4))
		return 0;
	fd = file_of(data + 1, size - 1);
	if (*data >= '0' && *data < '0' + (int)(sizeof(types) / sizeof(*types)))
		snprintf(text, sizeof(text), "set a %s file \"/proc/self/fd/%d\"",
			 types[*data - '0'], fd);
	else
		snprintf(text, sizeof(text), "include \"/proc/self/fd/%d\"", fd);
	read_policy(text);
	close(fd);
	fail_forget();
	return 0;
}
