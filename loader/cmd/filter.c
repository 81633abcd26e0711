// SPDX-License-Identifier: GPL-2.0-only
#include "cmd.h"

#include "../fail.h"

static int run(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return fail(-ENOSYS, "filter: not built yet"), CMD_FAILED;
}

const struct cmd cmd_filter = { "filter", "compile an expression, show it, match captures with it", run };
