// SPDX-License-Identifier: GPL-2.0-only
/*
 * Classic programs as decimal text: the number of instructions, then "code jt jf k" for each,
 * with newlines (tcpdump -ddd) or commas (tc, xt_bpf) between.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "cbpf.h"

struct reader {
	const char *at;
	const struct pos *pos;
};

static void skip_blanks(struct reader *r)
{
	while (*r->at == ' ' || *r->at == '\t' || *r->at == '\r')
		r->at++;
}

/* At least one newline or comma, or the end. */
static bool skip_separators(struct reader *r)
{
	const char *before = r->at;

	while (*r->at == ',' || isspace((unsigned char)*r->at))
		r->at++;
	return !*r->at || memchr(before, ',', r->at - before) ||
	       memchr(before, '\n', r->at - before);
}

static bool number(struct reader *r, uint32_t max, uint32_t *out)
{
	uint64_t value = 0;

	skip_blanks(r);
	if (!isdigit((unsigned char)*r->at))
		return false;
	while (isdigit((unsigned char)*r->at) && value <= max)
		value = value * 10 + (*r->at++ - '0');
	*out = value;
	return value <= max;
}

static int read_insn(struct reader *r, size_t i, struct sock_filter *insn)
{
	uint32_t code, jt, jf, k;

	if (!*r->at)
		return fail_at(-EINVAL, r->pos, "the bytecode ends before its instruction %zu", i);
	if (!number(r, UINT16_MAX, &code) || !number(r, UINT8_MAX, &jt) ||
	    !number(r, UINT8_MAX, &jf) || !number(r, UINT32_MAX, &k) || !skip_separators(r))
		return fail_at(
			-EINVAL, r->pos,
			"instruction %zu of the bytecode is not four numbers 'code jt jf k' in range, as "
			"`tcpdump -ddd` prints them",
			i);
	*insn = (struct sock_filter){ code, jt, jf, k };
	return 0;
}

static int read_program(struct reader *r, struct cbpf *prog)
{
	uint32_t n;
	char why[128];
	int err;

	skip_separators(r);
	if (!number(r, CBPF_MAX, &n) || !n || !skip_separators(r))
		return fail_at(
			-EINVAL, r->pos,
			"the bytecode does not begin with its number of instructions (1 to %d), as "
			"`tcpdump -ddd` prints it",
			CBPF_MAX);
	prog->insns = calloc(n, sizeof(*prog->insns));
	if (!prog->insns)
		return fail_oom();
	for (prog->n = 0; prog->n < n; prog->n++) {
		err = read_insn(r, prog->n, &prog->insns[prog->n]);
		if (err)
			return err;
	}
	if (*r->at)
		return fail_at(-EINVAL, r->pos,
			       "the bytecode goes on behind the %" PRIu32
			       " instructions that it says it has",
			       n);
	if (cbpf_check(prog, why, sizeof(why)))
		return fail_at(-EINVAL, r->pos, "the bytecode is not valid: %s", why);
	return 0;
}

int cbpf_parse(const char *text, const struct pos *pos, struct cbpf *out)
{
	struct reader reader = { text, pos };
	int err;

	*out = (struct cbpf){ 0 };
	err = read_program(&reader, out);
	if (err)
		cbpf_free(out);
	return err;
}
