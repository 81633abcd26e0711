// SPDX-License-Identifier: GPL-2.0-only
/*
 * The machine code that the kernel makes of a program.
 */
#include <bpf/bpf.h>
#include <string.h>

#include "../fail.h"
#include "filter_engine.h"
#include "filter_print.h"

enum { LINE = 32 }; /* bytes */

static int why_not(const struct bpf_prog_info *info)
{
	if (!info->jited_prog_len)
		return fail(-ENOENT,
			    "the kernel interprets the program, there is no machine code: see "
			    "`sysctl net.core.bpf_jit_enable`");
	return fail(-EPERM,
		    "the kernel shows machine code, in which its own addresses stand, to nobody "
		    "without CAP_SYSLOG, or to nobody at all: see `sysctl kernel.kptr_restrict`");
}

/* The code of all functions of a program, one behind the other. */
static int read_code(int prog_fd, uint8_t **code, uint32_t *size)
{
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info);
	_free_ uint8_t *bytes = NULL;
	int err = bpf_obj_get_info_by_fd(prog_fd, &info, &len);

	if (err)
		return fail(err, "cannot ask the kernel for its machine code: %s", strerror(-err));
	*size = info.jited_prog_len;
	bytes = calloc(1, *size + 1);
	if (!bytes)
		return fail_oom();
	info = (struct bpf_prog_info){ .jited_prog_len = *size,
				       .jited_prog_insns = (uintptr_t)bytes };
	err = bpf_obj_get_info_by_fd(prog_fd, &info, &len);
	if (err)
		return fail(err, "cannot read the machine code: %s", strerror(-err));
	if (!info.jited_prog_len || !info.jited_prog_insns)
		return why_not(&info);
	*code = TAKE(bytes);
	return 0;
}

static void print_code(const uint8_t *code, uint32_t size, FILE *out)
{
	for (uint32_t i = 0; i < size; i++)
		fprintf(out, "%02x%s", code[i], i % LINE == LINE - 1 || i + 1 == size ? "\n" : "");
}

int print_jited(const struct cbpf *cbpf, FILE *out)
{
	_free_ uint8_t *code = NULL;
	struct engine_run run;
	uint32_t size = 0;
	int err = engine_start(&engine_xdp, cbpf, false, &run);

	if (!err)
		err = read_code(run.prog_fd, &code, &size);
	engine_stop(&run);
	if (!err)
		print_code(code, size, out);
	return err;
}
