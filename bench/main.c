// SPDX-License-Identifier: GPL-2.0-only
/*
 * weir-bench: packet rates and what a policy costs a packet.
 *
 *   rate.c        send frames at a rate: when, and how many
 *   cost*.c       nanoseconds a packet of policies, side by side: subject.c loads one, timing.c
 *                 times, shuffle.c gives it many different packets, plot.c draws
 *   rules.c       print a policy of many rules; ruleset*.c makes rules, and packets for them
 *   generator.h   ways to put frames on a wire; live.c is one
 *   frames.c      what is sent
 *   pace.c        a rate, and an end, kept against the clock; signals
 *   conditions.c  the machine that a figure is true of
 */
#include <string.h>

#include "../loader/cmd/cmd.h"
#include "../loader/fail.h"
#include "bench.h"

static const struct cmd *const cmds[] = { &cmd_rate, &cmd_cost, &cmd_rules };

int main(int argc, char **argv)
{
	fail_program("weir-bench");
	return cmd_main("weir-bench", "packet rates, and what a policy costs a packet", cmds,
			ARRAY_SIZE(cmds), NULL, argc, argv);
}
