// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is decided for an interface, and what is refused: modes, fragments, targets, what later
 * versions bring.
 */
#include "plan_lab.h"

/* Modes */

static void assert_modes(enum nic_known native, const char *head, size_t n, enum hook_mode first,
			 const char *why)
{
	lab[0].nic.native = native;

	_planned_ planned = plan_rules(head, "drop");
	const struct plan_hook *hook = hook_of(&planned);

	assert_int_equal(hook->n_modes, n);
	assert_int_equal(hook->modes[0], first);
	if (n == 2)
		assert_int_equal(hook->modes[1], XDP_GENERIC);
	assert_string_equal(hook->why, why);
}

static void auto_takes_what_there_is(void **state)
{
	(void)state;
	assert_modes(NIC_YES, "xdp", 2, XDP_NATIVE, "fake has native XDP (the kernel says so)");
	assert_modes(NIC_YES, "xdp auto", 2, XDP_NATIVE,
		     "fake has native XDP (the kernel says so)");
	lab[0].nic.source = NIC_FROM_TABLE;
	assert_modes(NIC_NO, "xdp auto", 1, XDP_GENERIC,
		     "fake has no native XDP (the table says so)");
	lab[0].nic.source = NIC_FROM_NOBODY;
	assert_modes(NIC_UNKNOWN, "xdp auto", 2, XDP_NATIVE,
		     "nobody knew beforehand whether fake has native XDP");
}

static void drivers_are_named_as_they_can_be(void **state)
{
	(void)state;
	lab[0].nic.driver[0] = '\0';
	strcpy(lab[0].nic.kind, "bond");
	assert_modes(NIC_YES, "xdp", 2, XDP_NATIVE, "bond has native XDP (the kernel says so)");
	lab[0].nic.kind[0] = '\0';
	assert_modes(NIC_NO, "xdp", 1, XDP_GENERIC,
		     "its driver has no native XDP (the kernel says so)");
}

static void a_word_is_the_only_mode(void **state)
{
	const enum nic_known all[] = { NIC_UNKNOWN, NIC_NO, NIC_YES };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		assert_modes(all[i], "xdp native", 1, XDP_NATIVE, "a policy asked for it");
		assert_modes(all[i], "xdp generic", 1, XDP_GENERIC, "a policy asked for it");
	}
}

static void what_is_attached_keeps_its_mode(void **state)
{
	_planned_ first = plan_rules("xdp auto", "drop");

	(void)state;
	lab_apply(&first);
	lab[0].base.mode = XDP_GENERIC; /* a fallback */
	lab[0].base.why = "not native: no";
	lab[0].nic.native = NIC_YES;

	_planned_ same = plan_rules("xdp auto", "pass");
	_planned_ word = plan_rules("xdp generic", "pass");
	_planned_ other = plan_rules("xdp native", "pass");

	assert_int_equal(hook_of(&same)->n_modes, 1);
	assert_int_equal(hook_of(&same)->modes[0], XDP_GENERIC);
	assert_string_equal(hook_of(&same)->why, "not native: no");
	assert_int_equal(hook_of(&word)->modes[0], XDP_GENERIC);
	assert_refused(
		&other, 1, 16,
		"e0 is attached in generic mode, and going to native would leave it without a "
		"policy for a moment: `weir detach e0`, then apply");
}

static void one_that_lost_its_interface_chooses_anew(void **state)
{
	_planned_ first = plan_rules("xdp generic", "drop");

	(void)state;
	lab_apply(&first);
	lab[0].base.attached = false;

	_planned_ again = plan_rules("xdp native", "drop");

	assert_true(hook_of(&again)->loaded);
	assert_false(hook_of(&again)->attached);
	assert_false(hook_of(&again)->unchanged);
	assert_int_equal(hook_of(&again)->modes[0], XDP_NATIVE);
}

static void no_ethernet_no_policy(void **state)
{
	(void)state;
	lab[0].nic.ethernet = false;
	strcpy(lab[0].nic.kind, "tun");

	_planned_ planned = plan_rules("xdp generic", "drop");

	assert_refused(&planned, 1, 16,
		       "'e0' (tun) has no Ethernet: its frames have no Ethernet header");
}

/* Fragments */

static bool frags_of(const char *head, uint32_t mtu, enum nic_known can)
{
	lab[0].nic.mtu = mtu;
	lab[0].nic.frags = can;

	_planned_ planned = plan_rules(head, "drop");

	return hook_of(&planned)->frags;
}

static void frags_go_by_the_mtu(void **state)
{
	(void)state;
	assert_false(frags_of("xdp", 3000, NIC_YES));
	assert_true(frags_of("xdp", 3001, NIC_YES));
	assert_true(frags_of("xdp native", 3001, NIC_UNKNOWN));
	assert_false(frags_of("xdp native", 3001, NIC_NO));
	assert_false(frags_of("xdp generic", 9000, NIC_YES));
	lab[0].nic.native = NIC_NO;
	assert_false(frags_of("xdp auto", 9000, NIC_YES));
	lab[0].nic.native = NIC_YES;
	lab[0].nic.one_buffer_mtu = 0; /* not known */
	assert_false(frags_of("xdp", 9000, NIC_YES));
}

static void long_frames_are_not_lost(void **state)
{
	(void)state;
	strcpy(lab[0].nic.driver, "virtio_net");
	lab[0].nic.mtu = 3001;
	lab[0].nic.frags = NIC_UNKNOWN;

	_planned_ planned = plan_rules("xdp", "drop");

	assert_int_equal(hook_of(&planned)->modes[0], XDP_GENERIC);
	assert_string_equal(
		hook_of(&planned)->why,
		"native XDP of virtio_net would silently drop long frames of an MTU over 3000, and it is 3001");

	_planned_ native = plan_rules("xdp native", "drop");

	assert_refused(
		&native, 1, 16,
		"virtio_net would silently drop the long frames that an MTU of 3001 allows: `ip link set dev e0 mtu 3000`");
}

static void frags_of_a_veth_go_by_its_peer(void **state)
{
	(void)state;
	strcpy(lab[0].nic.kind, "veth");
	lab[0].nic.peer = (struct nic_other){ .ifindex = 3, .mtu = 9000 };
	assert_true(frags_of("xdp", 1500, NIC_YES));
	lab[0].nic.peer.mtu = 1500;
	assert_false(frags_of("xdp", 9000, NIC_YES));
}

static void loaded_programs_keep_their_frags(void **state)
{
	(void)state;
	lab[0].nic.mtu = 9000;

	_planned_ large = plan_rules("xdp", "drop");

	lab_apply(&large);
	lab[0].nic.mtu = 1500;

	_planned_ shrunk = plan_rules("xdp", "pass");

	assert_true(hook_of(&shrunk)->frags);
}

static void an_mtu_that_grew_is_told(void **state)
{
	_planned_ small = plan_rules("xdp", "drop");

	(void)state;
	lab_apply(&small);
	lab[0].nic.mtu = 9000;

	_planned_ grown = plan_rules("xdp", "pass");

	assert_refused(&grown, 1, 16,
		       "the MTU of e0 has grown beyond what its loaded programs can take: `weir "
		       "detach e0`, then apply");
	lab[0].nic.frags = NIC_NO; /* detaching would help nobody */

	_planned_ cannot = plan_rules("xdp", "pass");

	assert_false(hook_of(&cannot)->frags);
}

/* Targets */

static void targets_are_keys_of_the_devmap(void **state)
{
	_planned_ planned = plan_rules("xdp", "redirect e2 if ip\nredirect e1 if ip6\n"
					      "drop if arp\nredirect e2");
	const struct plan_hook *hook = hook_of(&planned);

	(void)state;
	assert_int_equal(hook->n_targets, 2);
	assert_string_equal(hook->targets[0].name, "e2");
	assert_int_equal(hook->targets[0].ifindex, 12);
	assert_int_equal(hook->targets[1].ifindex, 11);
	assert_int_equal(hook->rules[0].target, 0);
	assert_int_equal(hook->rules[1].target, 1);
	assert_int_equal(hook->rules[3].target, 0);
	assert_int_equal(words_of(&planned), 0);
}

static void targets_that_lose_frames_are_refused(void **state)
{
	(void)state;
	lab[1].nic.up = false;
	lab[2].nic.target = NIC_NO;
	lab[3].nic.ethernet = false;

	_planned_ planned = plan_rules("xdp native", "redirect e1\nredirect e2\nredirect e3\n"
						     "redirect e4");

	assert_refused(&planned, 2, 10, "'e1' is down: every frame redirected to it would be lost");
	assert_refused(&planned, 3, 10, "every frame redirected to 'e2' would be lost: ");
	assert_refused(&planned, 4, 10, "'e3' has no Ethernet");
	assert_refused(&planned, 5, 10, "no interface 'e4'");
	assert_int_equal(words_of(&planned), 4);
}

static void generic_takes_any_target_that_is_up(void **state)
{
	(void)state;
	lab[1].nic.target = NIC_NO;
	lab[2].nic.up = false;

	_planned_ planned = plan_rules("xdp generic", "redirect e1");
	_planned_ down = plan_rules("xdp generic", "redirect e2");

	assert_int_equal(hook_of(&planned)->n_targets, 1);
	assert_refused(&down, 2, 10, "'e2' is down");
}

static void targets_that_may_lose_frames_are_noted(void **state)
{
	(void)state;
	lab[1].nic.target = NIC_UNKNOWN;
	lab[2].nic.carrier = false;
	lab[3].nic.mtu = 1400;

	_planned_ planned = plan_rules("xdp", "redirect e1\nredirect e2\nredirect e3");

	assert_int_equal(planned.err, 0);
	assert_word(&planned, true, 2, 10, "nobody knows whether 'e1' takes redirected frames");
	assert_word(&planned, true, 3, 10, "'e2' has no carrier");
	assert_word(&planned, true, 4, 10,
		    "the MTU of 'e3' is 1400, and e0 takes in up to 1500: longer frames redirected "
		    "to it are lost");
}

/* Most drivers take redirected frames when the target has a native program of its own. */
static void a_target_that_gets_a_native_program_will_do(void **state)
{
	(void)state;
	lab[1].nic.target = NIC_NO;

	_planned_ both = plan_text("interface e0 { xdp { redirect e1 } }\n"
				   "interface e1 e2 { xdp { } }\n");
	_planned_ generic = plan_text("interface e0 { xdp { redirect e1 } }\n"
				      "interface e1 { xdp generic { } }\n");

	assert_int_equal(both.err, 0);
	assert_refused(&generic, 1, 31, "every frame redirected to 'e1' would be lost");
	strcpy(lab[1].nic.kind, "veth");
	strcpy(lab[1].nic.driver, "veth");

	/* Of a veth, its peer must. */
	_planned_ veth = plan_text("interface e0 { xdp { redirect e1 } }\n"
				   "interface e1 { xdp { } }\n");

	assert_refused(&veth, 1, 31, "its peer has neither a native XDP program nor GRO");
	lab[1].nic.peer = (struct nic_other){ .ifindex = 12, .name = "e2" };

	_planned_ peer = plan_text("interface e0 { xdp { redirect e1 } }\n"
				   "interface e2 { xdp { } }\n");

	assert_int_equal(peer.err, 0);
	lab[1].nic.peer.elsewhere = true; /* another e2 */

	_planned_ elsewhere = plan_text("interface e0 { xdp { redirect e1 } }\n"
					"interface e2 { xdp { } }\n");

	assert_refused(&elsewhere, 1, 31, "its peer has neither a native XDP program nor GRO");
}

/* Several targets are a group; the same ones are one. */
static void copies_go_to_a_group(void **state)
{
	_planned_ planned = plan_rules("xdp", "redirect e1 e2 if ip\nredirect e2 e1 if arp\n"
					      "redirect e1 e2 if ip6\nredirect e2");
	const struct plan_hook *hook = hook_of(&planned);

	(void)state;
	assert_int_equal(hook->n_groups, 2);
	assert_int_equal(hook->groups[0].n, 2);
	assert_int_equal(hook->groups[0].ifindexes[0], 11);
	assert_int_equal(hook->groups[0].ifindexes[1], 12);
	assert_int_equal(hook->groups[1].ifindexes[0], 12);
	assert_int_equal(hook->rules[1].target, 1);
	assert_int_equal(hook->rules[2].target, 0);
	assert_int_equal(hook->rules[0].n_counters, 1);
	assert_int_equal(hook->rules[3].n_counters, 2);
	lab[2].nic.up = false;

	_planned_ down = plan_rules("xdp", "redirect e1 e2");

	assert_refused(&down, 2, 13, "'e2' is down");
}

/* Other CPUs */

static void cpus_have_one_queue_for_all_rules(void **state)
{
	_planned_ planned = plan_rules("xdp", "cpu 3-4,0 queue 512 if tcp\ncpu 4 if udp\n"
					      "cpu 4,7 queue 512 if icmp\ncpu 1");
	static const struct plan_cpu want[] = {
		{ 0, 512 }, { 1, 2048 }, { 3, 512 }, { 4, 512 }, { 7, 512 }
	};
	const struct plan_hook *hook = hook_of(&planned);

	(void)state;
	assert_int_equal(hook->n_cpus, ARRAY_SIZE(want));
	assert_memory_equal(hook->cpus, want, sizeof(want));
	assert_int_equal(hook->rules[0].n_cpus, 3);
	assert_memory_equal(hook->rules[0].cpus, ((uint32_t[]){ 3, 4, 0 }), 12);
	assert_int_equal(hook->rules[0].n_counters, 1);

	_planned_ two = plan_rules("xdp", "cpu 3 queue 512 if tcp\ncount\n cpu 2-3 queue 64");

	assert_refused(
		&two, 4, 2,
		"CPU 3 has one queue for all rules of a hook: 64 packets here, and 512 in line 2");
}

static void cpus_that_cannot_be_had_are_refused(void **state)
{
	_planned_ planned = plan_rules("xdp", "cpu 0-6 if tcp\ncpu 8");

	(void)state;
	assert_int_equal(planned.err, -ENXIO);
	assert_refused(&planned, 2, 1, "CPU 5 cannot be had");
	assert_refused(&planned, 3, 1, "CPU 8 cannot be had");
}

static void check_tells_of_two_lengths_of_a_queue(void **state)
{
	static const char text[] =
		"interface e0 { xdp {\ncpu 9 queue 2 if tcp\ncpu 9 queue 3\n} }\n";
	_planned_ planned = { 0 };

	(void)state;
	assert_int_equal(policy_parse("p", text, strlen(text), &planned.policy), 0);
	planned.err = plan_check(planned.policy);
	assert_refused(&planned, 3, 1, "CPU 9 has one queue for all rules of a hook");
}

/* What is not there yet, and what is nowhere */

static void later_versions_words_are_refused(void **state)
{
	static const struct {
		const char *rule, *part;
	} rules[] = {
		{ "syncookie if tcp", "'syncookie' is not in this version" },
		{ "limit 1k/s", "'limit' is not in this version" },
		{ "sample 1/10", "'sample' is not in this version: use 'count'" },
		{ "capture", "'capture' is not in this version: use 'count'" },
		{ "drop if src in @s", "sets are read but not matched in this version" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		_free_ char *text = NULL;

		assert_true(asprintf(&text,
				     "set s prefix { 10.0.0.0/8 }\ninterface e0 { xdp {\n"
				     "  count\n   %s\n} }\n",
				     rules[i].rule) > 0);

		_planned_ planned = plan_text(text);

		assert_int_equal(planned.err, -EINVAL);
		assert_refused(&planned, 4, 4, rules[i].part);
	}
}

/* Its root is loaded for the dispatcher, with its priority there, and for nothing else. */
static void what_is_shared_stays_so(void **state)
{
	static const char *const others[] = { "xdp", "xdp shared priority 49", "xdp generic" };
	_planned_ planned = plan_rules("xdp shared", "drop if ip");

	(void)state;
	assert_int_equal(hook_of(&planned)->hook->priority, XDP_PRIORITY);
	lab_apply(&planned);
	for (int attached = 1; attached >= 0; attached--) {
		lab[0].base.attached = attached;
		for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
			_planned_ other = plan_rules(others[i], "drop if ip6");

			assert_int_equal(other.err, -EBUSY);
			assert_refused(&other, 1, 16, "made to stand in libxdp's dispatcher");
		}
		_planned_ same = plan_rules("xdp shared priority 50", "drop if ip6");

		assert_int_equal(same.err, 0);
	}
}

static void what_is_shared_has_no_frags(void **state)
{
	_planned_ alone = plan_rules("xdp", "drop if ip");
	_planned_ shared = plan_rules("xdp shared", "drop if ip");

	(void)state;
	lab[0].nic.mtu = 9000;
	_planned_ long_alone = plan_rules("xdp", "drop if ip");
	_planned_ long_shared = plan_rules("xdp shared", "drop if ip");

	assert_false(hook_of(&alone)->frags || hook_of(&shared)->frags);
	assert_true(hook_of(&long_alone)->frags);
	assert_false(hook_of(&long_shared)->frags);
}

static void every_mistake_is_reported_in_one_run(void **state)
{
	_planned_ planned = plan_text("interface e0 { xdp {\n"
				      "use ttl_gard if ip\n"
				      "use ttl_guard min_tl=5\n"
				      "use ttl_guard min_ttl=256\n"
				      "drop if tcp prot 80\n"
				      "drop if ip\n"
				      "} }\n"
				      "interface e8 { xdp { } }\n"
				      "interface e1 { xdp { limit 1/s } }\n");

	(void)state;
	assert_refused(&planned, 2, 5, "did you mean 'ttl_guard'?");
	assert_refused(&planned, 3, 15, "did you mean 'min_ttl'?");
	assert_refused(&planned, 4, 23, "256");
	assert_refused(&planned, 5, 13, "syntax error");
	assert_refused(&planned, 8, 11, "no interface 'e8'");
	assert_refused(&planned, 9, 22, "'limit' is not in this version");
	assert_int_equal(words_of(&planned), 6);
}

static void check_only_notes_what_comes_later(void **state)
{
	const struct fail_message *messages;
	struct planned planned = { .messages = fail_messages(&messages) };
	const char *text =
		"interface e8 {\n tc ingress { sample 1/2 }\n xdp {\n limit 1/s\n redirect "
		"nowhere\n drop if tcp prt 1\n}\n}\n";

	(void)state;
	assert_int_equal(policy_parse("p", text, strlen(text), &planned.policy), 0);
	assert_int_equal(plan_check(planned.policy), -EINVAL);
	assert_word(&planned, true, 2, 15, "'sample' is not in this version");
	assert_word(&planned, true, 4, 2, "'limit' is not in this version");
	assert_word(&planned, false, 6, 14, "syntax error");
	policy_free(planned.policy);
}

/* Hooks and interfaces */

static void each_interface_has_its_own_hook(void **state)
{
	_planned_ planned = plan_text("interface e1 e0 { xdp { drop } }\ninterface e3 { }\n"
				      "interface e2 { xdp miss drop { } }\n");

	(void)state;
	assert_int_equal(planned.err, 0);
	assert_int_equal(planned.plan->n_hooks, 3);
	assert_string_equal(planned.plan->hooks[0].nic.name, "e1");
	assert_string_equal(planned.plan->hooks[1].nic.name, "e0");
	assert_string_equal(planned.plan->hooks[2].nic.name, "e2");
	assert_int_equal(planned.plan->n_removals, 0);
	assert_string_equal(planned.plan->hooks[1].text,
			    "interface e0 {\n    xdp auto {\n        drop\n    }\n}\n");
}

/* What a policy names and gives no hook goes away; what it does not name stays. */
static void hooks_that_are_not_named_are_removed(void **state)
{
	_planned_ first = plan_text("interface e0 { xdp { } }");
	_planned_ second = plan_text("interface e1 { xdp { } }");

	(void)state;
	lab_apply(&first);
	lab_apply(&second);

	_planned_ planned = plan_text("interface e0 { }\ninterface e2 { xdp { } }\n");

	assert_int_equal(planned.err, 0);
	assert_int_equal(planned.plan->n_hooks, 1);
	assert_int_equal(planned.plan->n_removals, 1);
	assert_string_equal(planned.plan->removals[0].nic.name, "e0");
	assert_int_equal(planned.plan->removals[0].kind, HOOK_XDP);
}

/* Behind its stage a packet meets what it would not have met in the program before. */
static void a_rule_that_one_program_reaches_is_not_dead(void **state)
{
	_planned_ used = plan_rules("xdp", "use ttl_guard if ip\ncount if icmp");
	_planned_ pushed = plan_rules("tc ingress", "vlan push 5 if ip\ncount if icmp\ndrop if ip");

	(void)state;
	assert_int_equal(words_of(&used), 0);
	assert_int_equal(words_of(&pushed), 0);
}

static void a_rule_that_no_program_reaches_is_told_once(void **state)
{
	_planned_ planned = plan_rules("xdp", "use ttl_guard if ip6\ndrop if ip\n"
					      "use ttl_guard if tcp and ip\ncount if icmp");

	(void)state;
	assert_word(&planned, true, 4, 1,
		    "this rule never matches: the rule in line 3 takes its packets");
	assert_word(&planned, true, 5, 1,
		    "this rule never matches: the rule in line 3 takes its packets");
	assert_int_equal(words_of(&planned), 2);
}

int main(void)
{
#define test(f) cmocka_unit_test_setup_teardown(f, lab_setup, lab_teardown)
	const struct CMUnitTest tests[] = {
		test(auto_takes_what_there_is),
		test(drivers_are_named_as_they_can_be),
		test(a_word_is_the_only_mode),
		test(what_is_attached_keeps_its_mode),
		test(one_that_lost_its_interface_chooses_anew),
		test(no_ethernet_no_policy),
		test(frags_go_by_the_mtu),
		test(long_frames_are_not_lost),
		test(frags_of_a_veth_go_by_its_peer),
		test(loaded_programs_keep_their_frags),
		test(an_mtu_that_grew_is_told),
		test(targets_are_keys_of_the_devmap),
		test(targets_that_lose_frames_are_refused),
		test(generic_takes_any_target_that_is_up),
		test(targets_that_may_lose_frames_are_noted),
		test(a_target_that_gets_a_native_program_will_do),
		test(copies_go_to_a_group),
		test(cpus_have_one_queue_for_all_rules),
		test(cpus_that_cannot_be_had_are_refused),
		test(check_tells_of_two_lengths_of_a_queue),
		test(later_versions_words_are_refused),
		test(what_is_shared_stays_so),
		test(what_is_shared_has_no_frags),
		test(every_mistake_is_reported_in_one_run),
		test(check_only_notes_what_comes_later),
		test(each_interface_has_its_own_hook),
		test(hooks_that_are_not_named_are_removed),
		test(a_rule_that_one_program_reaches_is_not_dead),
		test(a_rule_that_no_program_reaches_is_told_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
