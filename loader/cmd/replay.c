// SPDX-License-Identifier: GPL-2.0-only
#include "cmd.h"

#include "../fail.h"

static int run(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return fail(-ENOSYS, "replay: not built yet"), CMD_FAILED;
}

const struct cmd cmd_replay = { "replay", "run captures through the real programs, nothing attached", run };
