// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is decided about interfaces and said of refusals, on interfaces that do not exist.
 */
#include <linux/version.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include "../../loader/attach_xdp.h"
#include "../../loader/compat.h"
#include "../../loader/fail.h"
#include "../../loader/nic_peer.h"
#include "../../loader/nic_table.h"
#include "../../loader/own.h"

#include <cmocka.h> /* last: it has a macro fail() */

#define DEBIAN_12 KERNEL_VERSION(6, 1, 0)

static struct nic nic_of(const char *driver)
{
	struct nic nic = { .name = "eth0", .ifindex = 2, .mtu = 1500, .ethernet = true };

	snprintf(nic.driver, sizeof(nic.driver), "%s", driver);
	return nic;
}

static struct nic veth(void)
{
	struct nic nic = nic_of("veth");

	strcpy(nic.kind, "veth");
	nic.rx_queues = nic.tx_queues = 1;
	nic.peer = (struct nic_other){ .ifindex = 3, .name = "peer0", .kind = "veth", .mtu = 1500 };
	nic_judge(&nic, NULL, false, DEBIAN_12);
	return nic;
}

static void table_has_the_drivers_of_the_lab(void **state)
{
	(void)state;
	assert_string_equal(nic_driver_find("veth")->name, "veth");
	assert_null(nic_driver_find("vet"));
	assert_null(nic_driver_find(""));
}

static void kernel_is_believed_before_the_table(void **state)
{
	const uint64_t features = COMPAT_XDP_ACT_BASIC | COMPAT_XDP_ACT_NDO_XMIT;
	struct nic nic = nic_of("e1000e");

	(void)state;
	nic_judge(&nic, &features, false, KERNEL_VERSION(6, 18, 0));
	assert_int_equal(nic.source, NIC_FROM_KERNEL);
	assert_int_equal(nic.native, NIC_YES);
	assert_int_equal(nic.target, NIC_YES);
	assert_int_equal(nic.frags, NIC_NO);
	assert_int_equal(nic.zero_copy, NIC_NO);
}

static void one_buffer_is_the_tables_even_then(void **state)
{
	const uint64_t features = 0;
	struct nic nic = nic_of("veth");

	(void)state;
	nic_judge(&nic, &features, false, KERNEL_VERSION(6, 18, 0));
	assert_int_equal(nic.one_buffer_mtu, 3506);
}

static void table_answers_where_the_kernel_does_not(void **state)
{
	struct nic nic = nic_of("ixgbe");

	(void)state;
	nic_judge(&nic, NULL, false, DEBIAN_12);
	assert_int_equal(nic.source, NIC_FROM_TABLE);
	assert_int_equal(nic.native, NIC_YES);
	assert_int_equal(nic.frags, NIC_NO);
	assert_int_equal(nic.one_buffer_mtu, 3050);
	assert_int_equal(nic.zero_copy, NIC_YES);
}

static void unknown_is_never_no(void **state)
{
	struct nic nic = nic_of("frobnicator");

	(void)state;
	nic_judge(&nic, NULL, false, DEBIAN_12);
	assert_int_equal(nic.source, NIC_FROM_NOBODY);
	assert_int_equal(nic.native, NIC_UNKNOWN);
	assert_int_equal(nic.target, NIC_UNKNOWN);
	assert_int_equal(nic.frags, NIC_UNKNOWN);
	assert_int_equal(nic_needs_frags(&nic), NIC_UNKNOWN);
	/* Newer in the table than the kernel is: a distribution may have carried it back. */
	nic = nic_of("gve");
	nic_judge(&nic, NULL, false, DEBIAN_12);
	assert_int_equal(nic.native, NIC_UNKNOWN);
}

static void target_follows_the_rule(void **state)
{
	struct nic nic = nic_of("igb");

	(void)state;
	nic_judge(&nic, NULL, false, DEBIAN_12);
	assert_int_equal(nic.target, NIC_NO);
	nic_judge(&nic, NULL, true, DEBIAN_12);
	assert_int_equal(nic.target, NIC_YES);
	nic = nic_of("mana");
	nic_judge(&nic, NULL, false, DEBIAN_12);
	assert_int_equal(nic.target, NIC_YES);
	nic = nic_of("bridge");
	nic_judge(&nic, NULL, true, DEBIAN_12);
	assert_int_equal(nic.target, NIC_NO);
	/* A veth's peer may be where nobody may look. */
	nic = veth();
	nic_judge(&nic, NULL, true, DEBIAN_12);
	assert_int_equal(nic.target, NIC_UNKNOWN);
	nic.peer.gro = NIC_NO;
	nic_judge(&nic, NULL, true, DEBIAN_12);
	assert_int_equal(nic.target, NIC_NO);
	nic.peer.gro = NIC_YES;
	nic_judge(&nic, NULL, false, DEBIAN_12);
	assert_int_equal(nic.target, NIC_YES);
	nic.peer.gro = NIC_NO;
	nic.peer.native_program = true;
	nic_judge(&nic, NULL, false, DEBIAN_12);
	assert_int_equal(nic.target, NIC_YES);
}

static void tun_is_no_tap(void **state)
{
	struct nic nic = nic_of("tun");

	(void)state;
	strcpy(nic.kind, "tun");
	nic_judge(&nic, NULL, false, DEBIAN_12);
	assert_int_equal(nic.native, NIC_YES);
	assert_int_equal(nic.target, NIC_YES);
	nic.ethernet = false;
	nic_judge(&nic, NULL, false, DEBIAN_12);
	assert_int_equal(nic.native, NIC_NO);
	assert_int_equal(nic.target, NIC_NO);
}

static void frags_are_needed_above_one_buffer(void **state)
{
	struct nic nic = nic_of("ixgbe");

	(void)state;
	nic_judge(&nic, NULL, false, DEBIAN_12);
	nic.mtu = 3050;
	assert_int_equal(nic_needs_frags(&nic), NIC_NO);
	nic.mtu = 3051;
	assert_int_equal(nic_needs_frags(&nic), NIC_YES);
	nic = nic_of("tun");
	nic_judge(&nic, NULL, false, DEBIAN_12);
	nic.mtu = 65521;
	assert_int_equal(nic_needs_frags(&nic), NIC_NO);
}

static void virtio_loses_what_one_buffer_cannot_hold(void **state)
{
	struct nic nic = nic_of("virtio_net");

	(void)state;
	nic.mtu = 3490;
	nic_judge(&nic, NULL, false, DEBIAN_12);
	assert_false(nic_loses_long_frames(&nic));
	nic.mtu = 3491;
	assert_true(nic_loses_long_frames(&nic));
	nic.frags = NIC_YES;
	assert_false(nic_loses_long_frames(&nic));
	nic = nic_of("ixgbe"); /* it refuses, in its own words */
	nic.mtu = 9000;
	nic_judge(&nic, NULL, false, DEBIAN_12);
	assert_false(nic_loses_long_frames(&nic));
}

static void frags_of_a_veth_go_by_its_peer(void **state)
{
	struct nic nic = veth();

	(void)state;
	nic.mtu = 9000;
	assert_int_equal(nic_needs_frags(&nic), NIC_NO);
	nic.mtu = 1500;
	nic.peer.mtu = 9000;
	assert_int_equal(nic_needs_frags(&nic), NIC_YES);
	/* A peer that cannot be seen has most likely the same MTU. */
	nic.peer.mtu = 0;
	assert_int_equal(nic_needs_frags(&nic), NIC_NO);
}

static void check_hint(const struct nic *nic, enum hook_mode mode, int err, const char *want)
{
	char hint[XDP_WHY];

	attach_xdp_hint(nic, mode, err, hint, sizeof(hint));
	assert_string_equal(hint, want);
}

static void hints_name_the_cure(void **state)
{
	struct nic nic = veth();

	(void)state;
	check_hint(&nic, XDP_NATIVE, -ERANGE,
		   "lower the MTU of its peer: `ip link set dev peer0 mtu 3506`");
	nic.peer.name[0] = '\0';
	nic.peer.elsewhere = true;
	check_hint(
		&nic, XDP_NATIVE, -ERANGE,
		"lower the MTU of its peer: `ip link set dev PEER mtu 3506` in its network namespace");
	nic = nic_of("ixgbe");
	nic_judge(&nic, NULL, false, DEBIAN_12);
	nic.mtu = 9000;
	check_hint(&nic, XDP_NATIVE, -EINVAL,
		   "its MTU 9000 is too large for one buffer: `ip link set dev eth0 mtu 3050`");
	nic = nic_of("bonding");
	strcpy(nic.kind, "bond");
	check_hint(
		&nic, XDP_NATIVE, -EOPNOTSUPP,
		"every port of a bond must have native XDP and no program of its own, and the bond's mode "
		"be balance-rr, active-backup, balance-xor or 802.3ad");
	nic = nic_of("e1000e");
	nic.master = (struct nic_other){ .ifindex = 9, .name = "bond0", .kind = "bond" };
	check_hint(&nic, XDP_NATIVE, -EEXIST,
		   "put the policy on bond0, or take the program off it");
	nic = nic_of("802.1Q VLAN Support");
	nic.lower = (struct nic_other){ .ifindex = 9, .name = "eth1", .elsewhere = true };
	check_hint(
		&nic, XDP_NATIVE, -EOPNOTSUPP,
		"it stands on eth1 in its network namespace: put the policy there, or say `xdp generic`");
}

static void hints_keep_silent_where_nothing_is_known(void **state)
{
	struct nic nic = nic_of("e1000e");

	(void)state;
	check_hint(&nic, XDP_NATIVE, -EIO, "");
	check_hint(&nic, XDP_NATIVE, -EINVAL, "");
	check_hint(&nic, XDP_GENERIC, -EOPNOTSUPP, "");
	check_hint(&nic, XDP_GENERIC, -ERANGE, "");
}

static void hints_are_cut_to_their_room(void **state)
{
	struct nic nic = veth();
	char hint[20];

	(void)state;
	memset(hint, 'x', sizeof(hint));
	attach_xdp_hint(&nic, XDP_NATIVE, -ERANGE, hint, sizeof(hint));
	assert_non_null(memchr(hint, '\0', sizeof(hint)));
}

static void check_target_hint(const struct nic *nic, const char *want)
{
	char hint[256];

	nic_target_hint(nic, hint, sizeof(hint));
	assert_string_equal(hint, want);
}

static void target_hints_name_the_cure(void **state)
{
	const uint64_t none = 0;
	struct nic nic = veth();

	(void)state;
	check_target_hint(
		&nic, "its peer has neither a native XDP program nor GRO: "
		      "`ethtool -K peer0 gro on`, or give peer0 a policy (an empty one will do)");
	nic_judge(&nic, &none, false, KERNEL_VERSION(6, 18, 0));
	check_target_hint(&nic,
			  "it has fewer receive queues (1) than its peer has transmit queues: "
			  "`ethtool -L eth0 rx N`");
	nic = nic_of("ice");
	check_target_hint(&nic,
			  "ice takes redirected frames only while the interface has a native XDP "
			  "program itself: give it a policy (an empty one will do)");
	nic = nic_of("");
	check_target_hint(&nic,
			  "its driver takes no redirected frames: redirect to a device beneath it, "
			  "or use `xdp generic`");
}

static void check_holder(const struct xdp_holder *holder, const char *want)
{
	struct nic nic = nic_of("ixgbe");
	char text[XDP_WHY];

	attach_xdp_say_holder(&nic, holder, text, sizeof(text));
	assert_string_equal(text, want);
}

static void holders_are_named(void **state)
{
	struct xdp_holder holder = {
		.prog_id = 12,
		.prog_name = "xdp_pass",
		.tag = { 0x3b, 0x18, 0x5, 0, 0, 0, 0, 0xff },
		.tag_known = true,
		.mode = XDP_GENERIC,
		.by_link = NIC_NO,
	};

	(void)state;
	check_holder(&holder,
		     "eth0: program 'xdp_pass' (id 12, tag 3b180500000000ff, generic) holds the "
		     "XDP hook: detach it with the tool that attached it, or `ip link set dev "
		     "eth0 xdpgeneric off`");
	holder.by_link = NIC_YES;
	check_holder(&holder,
		     "eth0: program 'xdp_pass' (id 12, tag 3b180500000000ff, generic) holds the "
		     "XDP hook: a bpf_link keeps it: detach it with the tool that attached it "
		     "(`bpftool link` lists links)");
	strcpy(holder.prog_name, "xdp_dispatcher");
	check_holder(&holder,
		     "eth0: program 'xdp_dispatcher' (id 12, tag 3b180500000000ff, generic) holds "
		     "the XDP hook: it is libxdp's: `xdp shared` in the policy joins what it "
		     "runs, `xdp-loader unload eth0 --all` removes that");
	holder = (struct xdp_holder){ .prog_id = 7, .mode = XDP_NATIVE, .offload = true };
	check_holder(&holder,
		     "eth0: a program (id 7, offload) holds the XDP hook: detach it with the tool "
		     "that attached it, or `ip link set dev eth0 xdpoffload off` if no bpf_link "
		     "keeps it");
}

/* Both ends of a veth go at once: one that asks for the other's settings just then has nothing to
 * say. */
static void a_peer_that_goes_is_not_known(void **state)
{
	const struct nic_other gone = { .name = "gone", .ifindex = INT32_MAX };
	const struct fail_message *said;
	struct nic_ethtool settings;

	(void)state;
	fail_forget();
	assert_int_equal(nic_peer_ask(NULL, &gone, NULL, &settings), 0);
	assert_int_equal(fail_messages(&said), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_has_the_drivers_of_the_lab),
		cmocka_unit_test(kernel_is_believed_before_the_table),
		cmocka_unit_test(one_buffer_is_the_tables_even_then),
		cmocka_unit_test(table_answers_where_the_kernel_does_not),
		cmocka_unit_test(unknown_is_never_no),
		cmocka_unit_test(target_follows_the_rule),
		cmocka_unit_test(tun_is_no_tap),
		cmocka_unit_test(frags_are_needed_above_one_buffer),
		cmocka_unit_test(virtio_loses_what_one_buffer_cannot_hold),
		cmocka_unit_test(frags_of_a_veth_go_by_its_peer),
		cmocka_unit_test(hints_name_the_cure),
		cmocka_unit_test(hints_keep_silent_where_nothing_is_known),
		cmocka_unit_test(hints_are_cut_to_their_room),
		cmocka_unit_test(target_hints_name_the_cure),
		cmocka_unit_test(holders_are_named),
		cmocka_unit_test(a_peer_that_goes_is_not_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
