// SPDX-License-Identifier: GPL-2.0-only
#include "cmd.h"

#include <net/if.h>
#include <string.h>

#include "../fail.h"
#include "../fix.h"
#include "../nic_check.h"
#include "../out_nic.h"
#include "live.h"

struct args {
	const char **names;
	size_t n;
	bool fix;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	switch (key) {
	case 'f':
		args->fix = true;
		return 0;
	case ARGP_KEY_ARG:
		cmd_add_word(&args->names, &args->n, arg, state);
		return 0;
	case ARGP_KEY_END:
		if (args->fix && !args->n)
			argp_error(state, "fix which interfaces? Name them");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_option options[] = {
	{ "fix", 'f', NULL, 0,
	  "Change what is advised against or blocked, where a setting of the interface does it; `weir "
	  "detach` restores what was",
	  0 },
	{ 0 },
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[IFACE…]",
	.doc = "What an interface is, what its driver can do for XDP (and whether the kernel or a table "
	       "says so), what stands in the way, and the command that removes it. Without a name: one "
	       "line for each interface of the network namespace.",
};

/* Where what is found goes: lines, paragraphs or JSON. */
struct report {
	bool brief, fix;
	json_t *json; /* NULL: text */
	size_t printed;
};

static void print(struct report *report, const struct nic *nic, const struct nic_finding *findings,
		  size_t n)
{
	if (report->json) {
		json_array_append_new(report->json, out_nic_json(nic, findings, n));
	} else if (report->brief) {
		out_nic_line(nic, findings, n, stdout);
	} else {
		if (report->printed++)
			putchar('\n');
		out_nic(nic, findings, n, stdout);
	}
}

static void say_done(const struct nic_finding *finding, void *arg)
{
	const struct report *report = arg;

	if (!report->json)
		printf("%s\n", finding->command);
}

static int fix(const char *name, struct report *report)
{
	_cleanup_(live_close) struct live live = { .tree.lock_fd = -1 };
	_free_ struct nic_finding *findings = NULL;
	struct nic nic;
	ssize_t n;
	int err = live_open(&live);

	if (err)
		return err;
	n = nic_look(name, &nic, &findings);
	if (n < 0)
		return n;
	live_hold_signals();
	return fix_apply(&live.tree, &nic, findings, n, say_done, report);
}

static int look_at(const char *name, struct report *report)
{
	_free_ struct nic_finding *findings = NULL;
	struct nic nic;
	int err = report->fix ? fix(name, report) : 0;
	ssize_t n;

	if (err)
		return err;
	n = nic_look(name, &nic, &findings);
	if (n < 0)
		return n;
	print(report, &nic, findings, n);
	return 0;
}

static bool is_there(const struct if_nameindex *interface)
{
	return if_nametoindex(interface->if_name) == interface->if_index;
}

/* One that goes while the others are looked at is none to tell of. */
static int look_at_all(struct report *report)
{
	struct if_nameindex *all = if_nameindex();
	int first_err = 0;

	if (!all)
		return fail(-errno, "cannot list the interfaces: %s", strerror(errno));
	report->brief = true;
	if (!report->json)
		out_nic_heading(stdout);
	for (struct if_nameindex *i = all; i->if_index; i++) {
		int err = is_there(i) ? look_at(i->if_name, report) : 0;

		if (err && is_there(i))
			first_err = first_err ? first_err : err;
	}
	if_freenameindex(all);
	return first_err;
}

static int run(int argc, char **argv)
{
	struct cmd_common common = { 0 };
	_free_ const char **names = NULL;
	struct args args = { 0 };
	struct report report = { 0 };
	int err = cmd_parse(&argp, argc, argv, &common, &args);

	names = args.names;
	report.fix = args.fix;
	if (common.json)
		report.json = json_array();
	if (!err && !args.n)
		err = look_at_all(&report);
	for (size_t i = 0; !err && i < args.n; i++)
		err = look_at(args.names[i], &report);
	if (common.json)
		return cmd_print_json(json_pack("{s:o}", "interfaces", report.json),
				      err ? CMD_FAILED : CMD_OK);
	return err ? CMD_FAILED : CMD_OK;
}

const struct cmd cmd_nic = {
	.name = "nic",
	.summary = "what interfaces can do for XDP, and what stands in the way",
	.run = run,
};
