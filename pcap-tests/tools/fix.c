// SPDX-License-Identifier: GPL-2.0-only
/*
 * fix IFACE [FEATURE|queues N]: change a setting as `weir nic --fix` would if it were in the way:
 * virtual interfaces have none that is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../loader/fix.h"

static struct nic_finding finding_of(char **words, const struct nic_ethtool *now)
{
	struct nic_finding finding = { .level = NIC_ADVISED };

	if (!strcmp(words[0], "queues")) {
		finding.fix = (struct nic_fix){ .kind = NIC_FIX_QUEUES, .queues = now->channels };
		finding.fix.queues.rx = atoi(words[1]);
		return finding;
	}
	finding.fix.kind = NIC_FIX_FEATURE;
	while (strcmp(nic_feature_name(finding.fix.feature), words[0]))
		finding.fix.feature++;
	return finding;
}

int main(int argc, char **argv)
{
	struct nic_finding finding;
	struct nic_ethtool now;
	struct pin_tree tree;
	struct nic nic;

	if (argc < 3 || pin_open(&tree) || nic_probe(argv[1], &nic) || nic_ethtool_read(&nic, &now))
		return 1;
	finding = finding_of(argv + 2, &now);
	return !!fix_apply(&tree, &nic, &finding, 1, NULL, NULL);
}
