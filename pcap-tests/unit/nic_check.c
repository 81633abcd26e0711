// SPDX-License-Identifier: GPL-2.0-only
/*
 * What stands in the way of native XDP: every check, on NICs that do not exist.
 */
#include <linux/version.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../loader/attach_xdp.h"
#include "../../loader/nic_check.h"
#include "../../loader/nic_table.h"

#include <cmocka.h> /* last: it has a macro fail() */

#define LINUX_6_12 KERNEL_VERSION(6, 12, 0)

/* A NIC of the driver, as the table judges it, and what ethtool says of it. */
struct lab {
	struct nic nic;
	struct nic_ethtool ethtool;
	struct nic_host host;
	struct nic_finding *findings;
	ssize_t n;
};

static struct lab lab_of(const char *driver)
{
	struct lab lab = {
		.nic = { .name = "eth0", .ifindex = 2, .mtu = 1500, .ethernet = true, .up = true },
		.host = { .cpus = 8, .out_of_tree = NIC_NO },
	};

	snprintf(lab.nic.driver, sizeof(lab.nic.driver), "%s", driver);
	lab.nic.rx_queues = lab.nic.tx_queues = 8;
	nic_judge(&lab.nic, NULL, false, LINUX_6_12);
	return lab;
}

static void check(struct lab *lab)
{
	free(lab->findings);
	lab->n = nic_check(&lab->nic, &lab->ethtool, &lab->host, &lab->findings);
	assert_true(lab->n >= 0);
}

/* The finding that has these words; it must be there. */
static const struct nic_finding *found(const struct lab *lab, const char *words)
{
	for (ssize_t i = 0; i < lab->n; i++)
		if (strstr(lab->findings[i].text, words))
			return &lab->findings[i];
	for (ssize_t i = 0; i < lab->n; i++)
		print_message("# %s\n", lab->findings[i].text);
	fail_msg("no finding says '%s'", words);
	return NULL;
}

static void assert_found(const struct lab *lab, enum nic_level level, const char *words,
			 const char *command)
{
	const struct nic_finding *finding = found(lab, words);

	assert_int_equal(finding->level, level);
	assert_string_equal(finding->command, command);
}

static void assert_unblocked(const struct lab *lab)
{
	for (ssize_t i = 0; i < lab->n; i++)
		assert_int_not_equal(lab->findings[i].level, NIC_BLOCKED);
}

static void a_ready_nic_is_not_blocked(void **state)
{
	struct lab lab = lab_of("ixgbe");

	(void)state;
	check(&lab);
	assert_unblocked(&lab);
	assert_found(&lab, NIC_FINE, "MTU 1500 fits one buffer", "");
	assert_found(&lab, NIC_FINE, "lro is off", "");
	free(lab.findings);
}

static void offloads_stand_in_the_way(void **state)
{
	struct lab lab = lab_of("mlx5_core");
	const struct nic_finding *finding;

	(void)state;
	lab.ethtool.features[NIC_LRO] = (struct nic_feature){ .there = true, .on = true };
	lab.ethtool.features[NIC_GRO_HW] =
		(struct nic_feature){ .there = true, .on = true, .fixed = true };
	check(&lab);
	assert_found(&lab, NIC_BLOCKED, "lro is on: ", "ethtool -K eth0 lro off");
	finding = found(&lab, "lro is on: ");
	assert_int_equal(finding->fix.kind, NIC_FIX_FEATURE);
	assert_int_equal(finding->fix.feature, NIC_LRO);
	assert_found(&lab, NIC_BLOCKED, "rx-gro-hw is on, and cannot be turned off", "");
	/* A driver that nobody knows may well take both. */
	snprintf(lab.nic.driver, sizeof(lab.nic.driver), "frobnicator");
	nic_judge(&lab.nic, NULL, false, LINUX_6_12);
	check(&lab);
	assert_found(&lab, NIC_ADVISED, "lro is on: ", "ethtool -K eth0 lro off");
	assert_found(&lab, NIC_ADVISED, "nobody knows whether frobnicator has native XDP", "");
	free(lab.findings);
}

static void queues_are_counted(void **state)
{
	struct lab lab = lab_of("ena");

	(void)state;
	lab.ethtool.channels = (struct nic_channels){ .combined = 8, .combined_max = 8 };
	check(&lab);
	assert_found(&lab, NIC_BLOCKED, "8 of 8 queues", "ethtool -L eth0 combined 4");
	assert_int_equal(found(&lab, "8 of 8 queues")->fix.queues.combined, 4);
	lab.ethtool.channels.combined = 4;
	check(&lab);
	assert_found(&lab, NIC_FINE, "4 of 8 queues", "");
	free(lab.findings);

	lab = lab_of("ice");
	lab.nic.tx_queues = 4;
	check(&lab);
	assert_found(&lab, NIC_ADVISED, "from CPU 4 or above is lost", "");
	free(lab.findings);
}

static void large_frames_need_buffers(void **state)
{
	struct lab lab = lab_of("igb");

	(void)state;
	lab.nic.mtu = 9000;
	check(&lab);
	assert_found(&lab, NIC_BLOCKED, "MTU 9000 does not fit one buffer, and igb has no frames",
		     "ip link set dev eth0 mtu 3046");
	free(lab.findings);

	lab = lab_of("i40e");
	lab.nic.mtu = 9000;
	check(&lab);
	assert_found(&lab, NIC_FINE, "programs are loaded with xdp.frags", "");
	free(lab.findings);
}

static void virtual_functions_stand_in_the_way(void **state)
{
	struct lab lab = lab_of("ixgbe");

	(void)state;
	lab.nic.virtual_functions = 2;
	check(&lab);
	assert_found(&lab, NIC_BLOCKED, "2 virtual functions",
		     "echo 0 > /sys/class/net/eth0/device/sriov_numvfs");
	free(lab.findings);
}

static void stripped_tags_are_told(void **state)
{
	struct lab lab = lab_of("igb");

	(void)state;
	lab.ethtool.features[NIC_RXVLAN] = (struct nic_feature){ .there = true, .on = true };
	check(&lab);
	assert_found(&lab, NIC_ADVISED, "rxvlan is on", "ethtool -K eth0 rxvlan off");
	/* On a veth nothing strips a tag on this side. */
	strcpy(lab.nic.kind, "veth");
	strcpy(lab.nic.driver, "veth");
	nic_judge(&lab.nic, NULL, false, LINUX_6_12);
	strcpy(lab.nic.peer.name, "eth1");
	lab.host.tags = (struct nic_tags){ .hidden = NIC_YES, .by_peer = true };
	strcpy(lab.host.tags.command, "ethtool -K eth1 txvlan off");
	check(&lab);
	for (ssize_t i = 0; i < lab.n; i++)
		assert_null(strstr(lab.findings[i].text, "rxvlan"));
	assert_found(&lab, NIC_ADVISED, "its peer has txvlan on", "ethtool -K eth1 txvlan off");
	assert_true(found(&lab, "txvlan")->fix.of_peer);
	lab.host.tags.elsewhere = true;
	check(&lab);
	assert_int_equal(found(&lab, "txvlan")->fix.kind, NIC_FIX_NONE);
	lab.host.tags.hidden = NIC_UNKNOWN;
	check(&lab);
	assert_found(&lab, NIC_FINE, "nobody knows whether its peer", "");
	free(lab.findings);
}

static void what_is_no_place_for_it_is_said(void **state)
{
	struct lab lab = lab_of("802.1Q VLAN Support");

	(void)state;
	lab.nic.lower = (struct nic_other){ .ifindex = 2, .name = "eth0" };
	check(&lab);
	assert_found(&lab, NIC_ADVISED, "it stands on eth0: put the policy there", "");
	free(lab.findings);

	lab = lab_of("tun");
	strcpy(lab.nic.kind, "tun");
	lab.nic.ethernet = false;
	nic_judge(&lab.nic, NULL, false, LINUX_6_12);
	check(&lab);
	assert_found(&lab, NIC_BLOCKED, "it has no Ethernet header", "");
	free(lab.findings);

	lab = lab_of("igb");
	lab.nic.master = (struct nic_other){ .ifindex = 9, .name = "bond0", .kind = "bond" };
	lab.host.out_of_tree = NIC_YES;
	check(&lab);
	assert_found(&lab, NIC_ADVISED, "it is a port of bond0 (bond)", "");
	assert_found(&lab, NIC_ADVISED, "did not come with the kernel", "");
	free(lab.findings);
}

/* A refusal that has no words of its own is explained by what the profile finds. */
static void refusals_are_explained(void **state)
{
	struct lab lab = lab_of("mlx5_core");
	char hint[256];

	(void)state;
	lab.ethtool.features[NIC_LRO] = (struct nic_feature){ .there = true, .on = true };
	check(&lab);
	attach_xdp_hint(&lab.nic, XDP_NATIVE, -EINVAL, hint, sizeof(hint));
	assert_string_equal(hint, "");
	attach_xdp_hint_profile(&lab.nic, XDP_NATIVE, -EINVAL, lab.findings, lab.n, hint,
				sizeof(hint));
	assert_string_equal(
		hint,
		"lro is on: the driver refuses native XDP beside it: `ethtool -K eth0 lro off`, or `weir apply --fix-nic`");
	free(lab.findings);
	lab = lab_of("ixgbe");
	check(&lab);
	attach_xdp_hint_profile(&lab.nic, XDP_NATIVE, -EINVAL, lab.findings, lab.n, hint,
				sizeof(hint));
	assert_non_null(strstr(hint, "of ixgbe is known: no XDP beside DCB"));
	attach_xdp_hint_profile(&lab.nic, XDP_NATIVE, -EPERM, lab.findings, lab.n, hint,
				sizeof(hint));
	assert_string_equal(hint, "");
	nic_judge(&lab.nic, NULL, false, KERNEL_VERSION(4, 11, 0)); /* older than its native XDP */
	check(&lab);
	attach_xdp_hint_profile(&lab.nic, XDP_NATIVE, -EOPNOTSUPP, lab.findings, lab.n, hint,
				sizeof(hint));
	assert_string_equal(hint, "`xdp generic` works with every driver");
	snprintf(lab.nic.driver, sizeof(lab.nic.driver), "frobnicator");
	nic_judge(&lab.nic, NULL, false, LINUX_6_12);
	check(&lab);
	attach_xdp_hint_profile(&lab.nic, XDP_NATIVE, -EOPNOTSUPP, lab.findings, lab.n, hint,
				sizeof(hint));
	assert_string_equal(hint, "`xdp generic` works with every driver");
	free(lab.findings);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ready_nic_is_not_blocked),
		cmocka_unit_test(offloads_stand_in_the_way),
		cmocka_unit_test(queues_are_counted),
		cmocka_unit_test(large_frames_need_buffers),
		cmocka_unit_test(virtual_functions_stand_in_the_way),
		cmocka_unit_test(stripped_tags_are_told),
		cmocka_unit_test(what_is_no_place_for_it_is_said),
		cmocka_unit_test(refusals_are_explained),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
