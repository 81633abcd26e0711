// SPDX-License-Identifier: GPL-2.0-only
#include "cmd.h"

#include <net/if.h>
#include <string.h>

#include "../fail.h"
#include "../nic_check.h"
#include "../out_nic.h"

struct args {
	const char **names;
	size_t n;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	if (key != ARGP_KEY_ARG)
		return ARGP_ERR_UNKNOWN;
	cmd_add_word(&args->names, &args->n, arg, state);
	return 0;
}

static const struct argp argp = {
	.parser = parse,
	.args_doc = "[IFACE…]",
	.doc = "What an interface is, what its driver can do for XDP (and whether the kernel or a table "
	       "says so), what stands in the way, and the command that removes it. Without a name: one "
	       "line for each interface of the network namespace.",
};

/* Where what is found goes: lines, paragraphs or JSON. */
struct report {
	bool brief;
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

static int look_at(const char *name, struct report *report)
{
	_free_ struct nic_finding *findings = NULL;
	struct nic_ethtool ethtool;
	struct nic_host host;
	struct nic nic;
	ssize_t n;
	int err = nic_probe(name, &nic);

	if (!err)
		err = nic_ethtool_read(&nic, &ethtool);
	if (err)
		return err;
	nic_host_read(&nic, &host);
	n = nic_check(&nic, &ethtool, &host, &findings);
	if (n < 0)
		return n;
	print(report, &nic, findings, n);
	return 0;
}

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
		int err = look_at(i->if_name, report);

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
