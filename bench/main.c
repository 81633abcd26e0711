// SPDX-License-Identifier: GPL-2.0-only
/*
 * weir-bench: packet rates and what a policy costs a packet.
 *
 *   rate*.c       send at a rate, and account for every frame
 *   search.c      the highest rate without loss
 *   generator.h   ways to send: pktgen.c; live.c and xsk.c as workers.c, which keep a pace.c
 *   traffic.c     what is sent: described packets, or those of a capture (frames.c)
 *   receiver.c    the other end, and what became of frames there; link.c is an interface
 *   latency.c     how long frames take, while others are sent
 *   series.c      what happened when
 *   cost*.c       nanoseconds a packet of policies, side by side: subject.c loads one, timing.c
 *                 times, shuffle.c gives it many different packets, plot.c draws
 *   compare*.c    weir and its peers at the same job: scenario.c says which, contestant.c is one
 *   track.c       a run beside an earlier one
 *   rules.c       print a policy of many rules; ruleset*.c makes rules, and packets for them
 *   conditions.c  the machine that a figure is true of
 */
#include <string.h>

#include "../loader/cmd/cmd.h"
#include "../loader/fail.h"
#include "bench.h"
#include "conditions.h"

static const struct cmd *const cmds[] = { &cmd_rate,	&cmd_search, &cmd_cost,
					  &cmd_compare, &cmd_track,  &cmd_rules };

int main(int argc, char **argv)
{
	fail_program("weir-bench");
	conditions_begin();
	return cmd_main("weir-bench", "packet rates, and what a policy costs a packet", cmds,
			ARRAY_SIZE(cmds), NULL, argc, argv);
}
