// SPDX-License-Identifier: GPL-2.0-only
/* The planner on the tc hooks: tcx or clsact, places, what may be redirected where, VLAN rules. */
#include "plan_lab.h"

static void assert_tc_mode(const struct planned *planned, enum hook_mode mode, const char *why)
{
	const struct plan_hook *hook = hook_of(planned);

	assert_int_equal(hook->n_modes, 1);
	assert_int_equal(hook->modes[0], mode);
	assert_string_equal(hook->why, why);
}

/* Where a program hangs */

static void tcx_where_the_kernel_has_it(void **state)
{
	_planned_ tcx = plan_rules("tc ingress", "drop");

	(void)state;
	assert_tc_mode(&tcx, TC_TCX, "the kernel has tcx");
	lab_has_tcx = false;

	_planned_ clsact = plan_rules("tc egress", "drop");

	assert_tc_mode(&clsact, TC_CLSACT, "this kernel has no tcx, which Linux 6.6 brought");
}

static void what_is_attached_stays(void **state)
{
	_planned_ first = plan_rules("tc ingress priority 3", "drop");

	(void)state;
	lab_apply(&first);
	lab_has_tcx = false; /* nobody may ask now: the link is there all the same */

	_planned_ same = plan_rules("tc ingress priority 3", "drop");
	_planned_ other = plan_rules("tc ingress priority 3", "pass");

	assert_true(hook_of(&same)->unchanged);
	assert_tc_mode(&same, TC_TCX, "as it was");
	assert_false(hook_of(&other)->unchanged);
	assert_false(hook_of(&other)->moves);
}

static void a_filter_moves_to_tcx(void **state)
{
	(void)state;
	lab_has_tcx = false;

	_planned_ first = plan_rules("tc ingress", "drop");

	lab_apply(&first);

	_planned_ same = plan_rules("tc ingress", "drop");

	assert_true(hook_of(&same)->unchanged);
	lab_has_tcx = true;

	_planned_ moves = plan_rules("tc ingress", "drop");

	assert_false(hook_of(&moves)->unchanged);
	assert_true(hook_of(&moves)->moves);
	assert_tc_mode(&moves, TC_TCX, "the kernel has tcx");
}

static void another_place_is_refused(void **state)
{
	_planned_ first = plan_rules("tc ingress priority 3", "drop");

	(void)state;
	lab_apply(&first);

	_planned_ none = plan_rules("tc ingress", "drop");
	_planned_ other = plan_rules("tc ingress priority 4", "drop");

	assert_int_equal(none.err, -EBUSY);
	assert_refused(&none, 1, 16, "going to another place among the programs there");
	assert_refused(&other, 1, 16, "`weir detach e0`, then apply");
}

static void hooks_of_an_interface_go_by_themselves(void **state)
{
	_planned_ first = plan_rules("tc egress", "drop");

	(void)state;
	lab_apply(&first);

	_planned_ planned = plan_text("interface e0 { tc egress { drop }\nxdp { drop }\n"
				      "tc ingress { drop } }\n");

	assert_int_equal(planned.err, 0);
	assert_int_equal(planned.plan->n_hooks, 3);
	assert_true(planned.plan->hooks[0].unchanged);
	assert_false(planned.plan->hooks[1].unchanged);
	assert_int_equal(planned.plan->hooks[1].modes[0], XDP_NATIVE);
	assert_false(planned.plan->hooks[2].unchanged);

	_planned_ gone = plan_text("interface e0 { xdp { drop } }\n");

	assert_int_equal(gone.err, 0);
	assert_int_equal(gone.plan->n_removals, 1);
	assert_int_equal(gone.plan->removals[0].kind, HOOK_EGRESS);
}

static void no_ethernet_no_policy(void **state)
{
	(void)state;
	lab[0].nic.ethernet = false;
	strcpy(lab[0].nic.kind, "tun");

	_planned_ planned = plan_rules("tc ingress", "drop");

	assert_int_equal(planned.err, -EOPNOTSUPP);
	assert_refused(&planned, 1, 16, "'e0' (tun) has no Ethernet");
}

/* Redirects */

/* The kernel carries a redirect out behind the program: nobody need take frames natively. */
static void any_target_that_is_up_will_do(void **state)
{
	(void)state;
	lab[1].nic.target = NIC_NO;

	_planned_ planned =
		plan_rules("tc ingress", "redirect e1 if ip\nredirect e1 ingress if arp");
	const struct plan_hook *hook = hook_of(&planned);

	assert_int_equal(words_of(&planned), 0);
	assert_int_equal(hook->n_targets, 1);
	assert_int_equal(hook->targets[0].ifindex, lab[1].nic.ifindex);
	/* Nor is anybody told what was lost. */
	assert_int_equal(hook->rules[0].n_counters, 1);
	lab[1].nic.up = false;

	_planned_ down = plan_rules("tc ingress", "redirect e1 if ip");

	assert_refused(&down, 2, 10, "'e1' is down");
}

static void what_goes_round_is_refused(void **state)
{
	_planned_ in = plan_rules("tc ingress", "redirect e0 ingress if ip\nredirect e0 if ip");
	_planned_ out = plan_rules("tc egress", "redirect e0 if ip\nredirect e0 ingress if ip");
	_planned_ back = plan_rules("tc egress", "reflect if ip");

	(void)state;
	assert_int_equal(in.err, -EINVAL);
	assert_refused(&in, 2, 10, "would meet this rule again, without end");
	assert_int_equal(words_of(&in), 3);
	assert_refused(&out, 2, 10, "would meet this rule again, without end");
	assert_refused(&back, 2, 1, "'reflect' is for what comes in");
}

/* VLAN rules */

/* What has another tag is looked at anew: the next rule begins a program. */
static void a_vlan_rule_goes_on_in_another_program(void **state)
{
	_planned_ planned =
		plan_rules("tc egress", "vlan push 7 if ip\ncount if vlan 7\nvlan pop\nmark 1");
	const struct plan_hook *hook = hook_of(&planned);

	(void)state;
	assert_int_equal(hook->n_filters, 3);
	assert_int_equal(hook->filters[1].first, 1);
	assert_int_equal(hook->filters[2].first, 3);
	assert_true(hook->filters[1].slot && hook->filters[2].slot);
	assert_int_not_equal(hook->filters[1].slot, hook->filters[2].slot);
	assert_int_equal(hook->tail_calls, 3);
}

static void too_many_vlan_rules_are_refused(void **state)
{
	char rules[40 * 16 + 1] = "";

	(void)state;
	for (int i = 0; i < 33; i++)
		strcat(rules, "vlan pop if ip\n");

	_planned_ planned = plan_rules("tc egress", rules);

	assert_int_equal(planned.err, -EINVAL);
	assert_refused(
		&planned, 1, 16,
		"a packet could make 34 tail calls here, and the kernel ends a chain after 33: "
		"each 'use' costs 2, each 'vlan' 1 (lines 2, 3,");
	rules[32 * 15] = '\0';

	_planned_ fits = plan_rules("tc egress", rules);

	assert_int_equal(hook_of(&fits)->tail_calls, 33);
}

/* A copy of the packet is the CPU's, and another packet may come before it is read. */
static void where_packets_alternate_on_a_cpu_none_is_copied(void **state)
{
	static const char rules[] = "drop if tcp port 80";

	(void)state;
	{
		_planned_ tc = plan_rules("tc egress", rules);

		assert_true(hook_of(&tc)->filters[0].prog.copies);
		assert_int_equal(words_of(&tc), 0);
	}
	lab_is_preempted = true;
	{
		_planned_ xdp = plan_rules("xdp", rules);

		assert_int_equal(words_of(&xdp), 0);
	}
	_planned_ tc = plan_rules("tc egress", rules);

	assert_false(hook_of(&tc)->filters[0].prog.copies);
	assert_int_equal(words_of(&tc), 1);
}

int main(void)
{
#define test(f) cmocka_unit_test_setup_teardown(f, lab_setup, lab_teardown)
	const struct CMUnitTest tests[] = {
		test(tcx_where_the_kernel_has_it),
		test(what_is_attached_stays),
		test(a_filter_moves_to_tcx),
		test(another_place_is_refused),
		test(hooks_of_an_interface_go_by_themselves),
		test(no_ethernet_no_policy),
		test(any_target_that_is_up_will_do),
		test(what_goes_round_is_refused),
		test(a_vlan_rule_goes_on_in_another_program),
		test(too_many_vlan_rules_are_refused),
		test(where_packets_alternate_on_a_cpu_none_is_copied),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
