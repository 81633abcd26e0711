/* SPDX-License-Identifier: GPL-2.0-only */
/* A graph for a test: of one rule, lowered, and as it prints. To be included ahead of cmocka. */
#pragma once
#include "../../loader/filter/ir.h"
#include "program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

static inline struct ir lower(const struct filter_run *run)
{
	struct ir ir;

	assert_int_equal(ir_lower(run, &ir), 0);
	return ir;
}

/* One rule that drops. */
static inline struct ir lower_one(const struct cbpf *prog, bool frags)
{
	const struct filter_rule rule = { .cbpf = prog, .verb = FILTER_DROP, .counter = 2 };
	const struct filter_run run = { .frags = frags, .rules = &rule, .n_rules = 1 };

	return lower(&run);
}

static inline void assert_prints(const struct ir *ir, const char *want)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	ir_print(ir, out);
	fclose(out);
	assert_string_equal(text, want);
	free(text);
}
