// SPDX-License-Identifier: GPL-2.0-only
#include "cmd.h"

#include <stdio.h>

#include "../fail.h"
#include "../plan.h"

static const struct argp argp = {
	.parser = cmd_parse_file,
	.args_doc = "FILE",
	.doc = "Read the policy in FILE (\"-\": standard input) and print its normal form, or every "
	       "mistake in it. Changes nothing, and needs no privilege.",
};

static int print_json(const struct policy *policy)
{
	_free_ char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return fail_oom(), CMD_FAILED;
	policy_print(policy, out);
	if (fclose(out))
		return fail_oom(), CMD_FAILED;
	return cmd_print_json(json_pack("{s:b, s:s}", "ok", 1, "policy", text), CMD_OK);
}

static int run(int argc, char **argv)
{
	_cleanup_(policy_freep) struct policy *policy = NULL;
	struct cmd_common common = { 0 };
	const char *path = NULL;
	int err;

	if (cmd_parse(&argp, argc, argv, &common, &path))
		return CMD_FAILED;
	err = plan_read_policy(path, &policy);
	if (!err)
		err = plan_check(policy);
	if (err) {
		int status = err == -EINVAL ? CMD_POLICY : CMD_FAILED;

		return common.json ? cmd_print_json(json_pack("{s:b}", "ok", 0), status) : status;
	}
	if (common.json)
		return print_json(policy);
	policy_print(policy, stdout);
	return CMD_OK;
}

const struct cmd cmd_check = { "check", "read a policy, show its mistakes, print its normal form",
			       run };
