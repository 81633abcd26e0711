// SPDX-License-Identifier: GPL-2.0-only
#include "filter.h"

#include <errno.h>
#include <stdlib.h>

#include "ebpf.h"
#include "ir_index.h"
#include "ir_shadow.h"

void filter_prog_free(struct filter_prog *prog)
{
	free(prog->insns);
	free(prog->relocs);
	free(prog->tables);
	free(prog->shadowed_by);
	*prog = (struct filter_prog){ 0 };
}

void filter_prog_set_maps(struct filter_prog *prog, const int fds[FILTER_MAPS])
{
	for (size_t i = 0; i < prog->n_relocs; i++)
		prog->insns[prog->relocs[i].insn].imm = fds[prog->relocs[i].map];
}

const struct ir_pass filter_passes[] = {
	{ "values", ir_pass_values },
	{ "tests", ir_pass_tests },
	{ "thread", ir_pass_thread },
	{ "share", ir_pass_share },
	{ "branches", ir_pass_branches },
	{ "guards", ir_pass_guards },
	{ "bounds", ir_pass_bounds },
	{ "dead", ir_pass_dead }, /* the back end counts on it */
	{ NULL, NULL },
};

/* Which rules the threaded graph reaches is noted, unless `reached` is NULL. */
static int run_passes(struct ir *ir, const struct filter_run *run, bool *reached)
{
	int err = 0;

	for (size_t i = 0; !err && filter_passes[i].name; i++) {
		err = filter_passes[i].run(ir);
		if (!err && reached && filter_passes[i].run == ir_pass_thread)
			err = ir_reached(ir, run->n_rules, reached);
	}
	return err;
}

/* As many tests one after the other cost what an index does. */
enum { DEEP = 48 };

static int filter_indexed(const struct filter_run *run, struct ir *out)
{
	int err;

	ir_free(out);
	err = ir_lower(run, out);
	if (!err)
		err = ir_index(out, run);
	return err ? err : run_passes(out, run, NULL);
}

static int make_graph(const struct filter_run *run, bool *reached, struct ir *out)
{
	int err = ir_lower(run, out);
	ssize_t depth;

	if (!err)
		err = run_passes(out, run, reached);
	if (err || run->n_rules < INDEX_RULES)
		return err;
	depth = ir_depth(out);
	if (depth < 0)
		return depth;
	return depth > DEEP ? filter_indexed(run, out) : 0;
}

int filter_graph(const struct filter_run *run, struct ir *out)
{
	return make_graph(run, NULL, out);
}

/* Has a graph no slow bodies? Then what it reaches tells which rules are shadowed. */
static bool is_all_fast(const struct filter_run *run)
{
	return run->hook == FILTER_XDP && !run->frags && !run->by_helper;
}

int filter_compile(const struct filter_run *run, struct filter_prog *out)
{
	_free_ bool *reached = NULL;
	struct ir ir = { 0 };
	int err = 0;

	*out = (struct filter_prog){ 0 };
	if (is_all_fast(run)) {
		reached = calloc(run->n_rules + 1, sizeof(*reached));
		err = reached ? 0 : fail_oom();
	}
	if (!err)
		err = make_graph(run, reached, &ir);
	if (!err)
		err = ebpf_emit(&ir, run, out);
	ir_free(&ir);
	if (err)
		return err;
	out->shadowed_by = calloc(run->n_rules + 1, sizeof(*out->shadowed_by));
	err = out->shadowed_by ? ir_shadows(run, reached, out->shadowed_by) : fail_oom();
	if (err)
		filter_prog_free(out);
	return err;
}
