// SPDX-License-Identifier: GPL-2.0-only
#include "cmd.h"

#include "../fail.h"

static int run(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return fail(-ENOSYS, "check: not built yet"), CMD_FAILED;
}

const struct cmd cmd_check = { "check", "read a policy, show its mistakes, print its normal form", run };
