// SPDX-License-Identifier: GPL-2.0-only
/*
 * weir: a policy of tcpdump expressions on XDP and tc, as tail-call chains.
 *
 * The tree, in the order in which a policy becomes a running chain:
 *
 *   policy*.c     text -> struct policy: the wish, with a place on every node
 *   stage.c       C stages: what an object says of itself (BTF), and loading one
 *   nic.c         what an interface is and can do, asked of the kernel
 *   filter/       the expression compiler: expression -> cBPF -> graph -> eBPF
 *   plan.c        policy + NIC + what is loaded -> struct plan: every decision made
 *   ../maps/      what the kernel's side and this one agree on, and the maps of a chain
 *   attach_xdp*.c the XDP hook: attach, query, the driver's own words; libxdp's dispatcher
 *   attach_tc.c   the tc hooks: tcx links, filters of clsact, who else is there
 *   pin*.c        the tree under /sys/fs/bpf/weir: paths, lock, journal
 *   xsk.c         AF_XDP sockets that receive what a policy hands over
 *   fix.c         settings of NICs that weir changed, remembered and restored
 *   adopt.c       chains of interfaces that have another name by now
 *   chain*.c      plan -> generations of programs; flip, rollback, detach, recovery
 *   status.c      what runs, read back from the kernel -> struct status
 *   out_*.c       status and plan as text and JSON
 *   cmd/          one file a command
 *   fail.c own.h wrap.c textfile.c jsontext.c  messages, ownership, lines of 80 columns, reading
 * files whole, bytes as JSON: beneath everything
 *
 * Nothing depends upward (.ci/walls checks it). docs/DESIGN.md tells why.
 */
#include "cmd/cmd.h"
#include "own.h"

static const struct cmd *const cmds[] = {
	&cmd_status, &cmd_check,  &cmd_plan,   &cmd_apply, &cmd_rollback, &cmd_detach,
	&cmd_replay, &cmd_filter, &cmd_stages, &cmd_nic,   &cmd_watch,	  &cmd_socket,
};

int main(int argc, char **argv)
{
	return cmd_main("weir",
			"filter, count and redirect packets by tcpdump expressions, on XDP and tc",
			cmds, ARRAY_SIZE(cmds), &cmd_status, argc, argv);
}
