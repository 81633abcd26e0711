// SPDX-License-Identifier: GPL-2.0-only
#include "embedded.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../loader/bpflog.h"
#include "../loader/fail.h"

enum { LOG_LINES = 8 };

/* What the build put into the binary; ends with a NULL name. */
extern const struct {
	const char *name;
	const uint8_t *start, *end;
} bench_embedded[];

/* Where `name` stands; no such name: the end, which is an empty object. */
static size_t find(const char *name)
{
	size_t i = 0;

	while (bench_embedded[i].name && strcmp(bench_embedded[i].name, name))
		i++;
	return i;
}

bool embedded_has(const char *name)
{
	return bench_embedded[find(name)].name;
}

struct bpf_object *embedded_open(const char *name)
{
	size_t i = find(name);

	return bpf_object__open_mem(bench_embedded[i].start,
				    bench_embedded[i].end - bench_embedded[i].start, NULL);
}

int embedded_file(const char *name)
{
	size_t i = find(name);
	ssize_t size = bench_embedded[i].end - bench_embedded[i].start;
	_close_ int fd = memfd_create(name, MFD_CLOEXEC);

	if (fd < 0 || write(fd, bench_embedded[i].start, size) != size)
		return fail(errno ? -errno : -EIO, "cannot write the program '%s' to a file: %s",
			    name, strerror(errno));
	return dup(fd);
}

/* All programs of a prog array agree in their attach type; those of a chain have 0. */
static void clear_attach_types(struct bpf_object *object)
{
	struct bpf_program *prog;

	bpf_object__for_each_program(prog, object) if (bpf_program__type(prog) == BPF_PROG_TYPE_XDP)
		bpf_program__set_expected_attach_type(prog, 0);
}

int embedded_load(const char *name, struct bpf_object **out)
{
	int err;

	bpflog_start();
	*out = embedded_open(name);
	if (!*out)
		return fail(-errno, "cannot open the program '%s': %s", name, strerror(errno));
	clear_attach_types(*out);
	err = bpf_object__load(*out);
	if (!err)
		return 0;
	bpf_object__close(TAKE(*out));
	if (err == -EPERM)
		return fail(err,
			    "the kernel refuses to load a program: %s; it takes root, or CAP_BPF, "
			    "CAP_NET_ADMIN and CAP_PERFMON",
			    strerror(-err));
	return fail(err, "the kernel refuses the program '%s': %s%s", name, strerror(-err),
		    bpflog_tail(LOG_LINES));
}
