// SPDX-License-Identifier: GPL-2.0-only
#include "nic_check.h"

#include <stdarg.h>
#include <string.h>

#include "fail.h"
#include "nic_table.h"

/* What a check may look at, and where its findings go. */
struct look {
	const struct nic *nic;
	const struct nic_ethtool *ethtool;
	const struct nic_host *host;
	const struct nic_driver *driver; /* NULL: no row */
	struct nic_finding *findings;
	size_t n;
	bool oom;
};

static struct nic_finding *_printf_(3, 4)
	find(struct look *look, enum nic_level level, const char *format, ...)
{
	struct nic_finding *added = array_add(look->findings, look->n);
	va_list args;

	if (!added) {
		look->oom = true;
		return NULL;
	}
	added->level = level;
	va_start(args, format);
	vsnprintf(added->text, sizeof(added->text), format, args);
	va_end(args);
	return added;
}

static bool demands(const struct look *look, enum nic_demand demand)
{
	return look->driver && look->driver->demands & demand;
}

/* "veth", "e1000"; what else it is called where no driver says. */
static const char *driver_name(const struct nic *nic)
{
	return nic->driver[0] ? nic->driver : nic->kind[0] ? nic->kind : "its driver";
}

static void check_driver(struct look *look)
{
	const struct nic *nic = look->nic;

	if (!nic->ethernet)
		find(look, NIC_BLOCKED,
		     "it has no Ethernet header, where every rule begins to read%s",
		     strcmp(nic->kind, "tun") ? ""
					      : "; `ip tuntap add mode tap` makes one that has");
	else if (nic->lower.ifindex && nic->native == NIC_NO)
		find(look, NIC_ADVISED,
		     "it stands on %s: put the policy there; generic XDP is all it has itself",
		     nic->lower.name[0] ? nic->lower.name : "another interface");
	else if (nic->native == NIC_NO && !nic_driver_has_native(nic))
		find(look, NIC_ADVISED, "%s has no native XDP: generic is all it has",
		     driver_name(nic));
	else if (nic->native == NIC_UNKNOWN)
		find(look, NIC_ADVISED,
		     "nobody knows whether %s has native XDP: `xdp auto` tries it, and says",
		     driver_name(nic));
	if (look->host->out_of_tree == NIC_YES)
		find(look, NIC_ADVISED,
		     "the module %s did not come with the kernel: what is said of the driver here is of the kernel's own",
		     nic->driver);
	if (nic->master.ifindex)
		find(look, NIC_ADVISED,
		     "it is a port of %s (%s): one of the two may have a program, not both",
		     nic->master.name, nic->master.kind);
}

static void check_mtu(struct look *look)
{
	const struct nic *nic = look->nic;
	bool veth = !strcmp(nic->kind, "veth") && nic->peer.mtu;
	uint32_t mtu = veth ? nic->peer.mtu : nic->mtu;
	struct nic_finding *found;

	if (nic->native == NIC_NO && !nic_driver_has_native(nic))
		return;
	switch (nic_needs_frags(nic)) {
	case NIC_UNKNOWN:
		find(look, NIC_FINE, "nobody knows which MTU fits one buffer of %s; it has %u",
		     driver_name(nic), mtu);
		return;
	case NIC_NO:
		find(look, NIC_FINE, "%sMTU %u fits one buffer", veth ? "its peer's " : "", mtu);
		return;
	case NIC_YES:
		break;
	}
	if (nic->frags == NIC_YES) {
		find(look, NIC_FINE,
		     "%sMTU %u needs several buffers, which %s has: programs are loaded with xdp.frags",
		     veth ? "its peer's " : "", mtu, driver_name(nic));
		return;
	}
	found = find(look, NIC_BLOCKED, "%sMTU %u does not fit one buffer, and %s %s",
		     veth ? "its peer's " : "", mtu, driver_name(nic),
		     nic->frags == NIC_NO ? "has no frames of several"
					  : "is not known to have frames of several");
	if (found && !veth)
		snprintf(found->command, sizeof(found->command), "ip link set dev %s mtu %u",
			 nic->name, nic->one_buffer_mtu);
}

static void check_off(struct look *look, enum nic_feature_id id, enum nic_level level,
		      const char *why)
{
	const struct nic_feature *feature = &look->ethtool->features[id];
	const char *name = nic_feature_name(id);
	struct nic_finding *found;

	if (!feature->on) {
		find(look, NIC_FINE, "%s is off", name);
		return;
	}
	found = find(look, level, "%s is on%s: %s", name,
		     feature->fixed ? ", and cannot be turned off" : "", why);
	if (!found || feature->fixed)
		return;
	snprintf(found->command, sizeof(found->command), "ethtool -K %s %s off", look->nic->name,
		 name);
	found->fix = (struct nic_fix){ .kind = NIC_FIX_FEATURE, .feature = id };
}

static void check_offloads(struct look *look)
{
	if (demands(look, DEMANDS_NO_LRO))
		check_off(look, NIC_LRO, NIC_BLOCKED, "the driver refuses native XDP beside it");
	else if (look->ethtool->features[NIC_LRO].on)
		check_off(look, NIC_LRO, NIC_ADVISED, "many drivers refuse native XDP beside it");
	if (demands(look, DEMANDS_NO_GRO_HW) || look->ethtool->features[NIC_GRO_HW].on)
		check_off(look, NIC_GRO_HW,
			  demands(look, DEMANDS_NO_GRO_HW) ? NIC_BLOCKED : NIC_ADVISED,
			  "XDP sees frames as they come, before they are joined");
}

static void advise_half(struct look *look)
{
	const struct nic_channels *now = &look->ethtool->channels;
	uint32_t half = now->combined_max / 2;
	struct nic_finding *found;

	if (!half || now->combined <= half) {
		find(look, NIC_FINE, "%u of %u queues are in use: half of them are free for XDP",
		     now->combined, now->combined_max);
		return;
	}
	found = find(look, NIC_BLOCKED,
		     "%u of %u queues are in use, and the driver wants as many again for XDP",
		     now->combined, now->combined_max);
	if (!found)
		return;
	snprintf(found->command, sizeof(found->command), "ethtool -L %s combined %u",
		 look->nic->name, half);
	found->fix = (struct nic_fix){ .kind = NIC_FIX_QUEUES, .queues = *now };
	found->fix.queues.combined = half;
}

static void check_queues(struct look *look)
{
	const struct nic *nic = look->nic;
	uint32_t cpus = look->host->cpus;
	const struct nic_channels *now = &look->ethtool->channels;
	char hint[240];

	if (demands(look, DEMANDS_PEER_QUEUES) && nic->source == NIC_FROM_KERNEL &&
	    nic->native == NIC_NO) {
		nic_target_hint(nic, hint, sizeof(hint));
		find(look, NIC_BLOCKED, "%s", hint);
	}
	if (demands(look, DEMANDS_HALF_QUEUES))
		advise_half(look);
	if (demands(look, DEMANDS_SPARE_QUEUES) && now->combined_max < now->combined + cpus)
		find(look, NIC_ADVISED,
		     "%u queues at most, %u in use and %u CPUs: CPUs will share a locked queue to transmit",
		     now->combined_max, now->combined, cpus);
	if (demands(look, DEMANDS_QUEUE_PER_CPU) && nic->tx_queues < cpus)
		find(look, NIC_ADVISED,
		     "%u transmit queues for %u CPUs: what is redirected to it from CPU %u or above is lost",
		     nic->tx_queues, cpus, nic->tx_queues);
}

static void check_sriov(struct look *look)
{
	if (!demands(look, DEMANDS_NO_SRIOV) || !look->nic->virtual_functions)
		return;
	struct nic_finding *found =
		find(look, NIC_BLOCKED, "%u virtual functions are in use: %s refuses XDP then",
		     look->nic->virtual_functions, driver_name(look->nic));

	if (found)
		snprintf(found->command, sizeof(found->command),
			 "echo 0 > /sys/class/net/%s/device/sriov_numvfs", look->nic->name);
}

static void check_peer_tags(struct look *look)
{
	const struct nic_tags *tags = &look->host->tags;
	struct nic_finding *found;

	if (tags->hidden != NIC_YES) {
		find(look, NIC_FINE,
		     tags->hidden == NIC_NO
			     ? "its peer has txvlan off: VLAN tags are seen"
			     : "nobody knows whether its peer leaves VLAN tags in its frames");
		return;
	}
	found = find(
		look, NIC_ADVISED,
		"its peer has txvlan on: XDP does not see a VLAN tag that it puts beside a frame; rules with `vlan` never match");
	if (!found)
		return;
	snprintf(found->command, sizeof(found->command), "%s", tags->command);
	if (!tags->elsewhere)
		found->fix = (struct nic_fix){ .kind = NIC_FIX_FEATURE,
					       .of_peer = true,
					       .feature = NIC_TXVLAN };
}

static void check_vlan(struct look *look)
{
	const struct nic_feature *filter = &look->ethtool->features[NIC_RXVLAN_FILTER];

	if (look->host->tags.by_peer)
		check_peer_tags(look);
	else if (look->ethtool->features[NIC_RXVLAN].there)
		check_off(
			look, NIC_RXVLAN, NIC_ADVISED,
			"XDP does not see a VLAN tag that the NIC took off; rules with `vlan` never match");
	if (filter->on)
		check_off(look, NIC_RXVLAN_FILTER, NIC_ADVISED,
			  "frames of VLANs that nobody registered never arrive");
}

ssize_t nic_check(const struct nic *nic, const struct nic_ethtool *ethtool,
		  const struct nic_host *host, struct nic_finding **out)
{
	struct look look = {
		.nic = nic, .ethtool = ethtool, .host = host, .driver = nic_driver_find(nic->driver)
	};

	check_driver(&look);
	check_mtu(&look);
	check_offloads(&look);
	check_queues(&look);
	check_sriov(&look);
	check_vlan(&look);
	if (look.oom) {
		free(look.findings);
		return fail_oom();
	}
	*out = look.findings;
	return look.n;
}

ssize_t nic_look(const char *name, struct nic *nic, struct nic_finding **out)
{
	struct nic_ethtool ethtool;
	struct nic_host host;
	int err = nic_probe(name, nic);

	if (!err)
		err = nic_ethtool_read(nic, &ethtool);
	if (!err)
		err = nic_host_read(nic, &ethtool, &host);
	return err ? err : nic_check(nic, &ethtool, &host, out);
}

int nic_fix_apply(const struct nic *nic, const struct nic_fix *fix)
{
	switch (fix->kind) {
	case NIC_FIX_FEATURE:
		return nic_feature_set(nic, fix->feature, false);
	case NIC_FIX_QUEUES:
		return nic_channels_set(nic, &fix->queues);
	case NIC_FIX_NONE:
		return 0;
	}
	return 0;
}

struct nic_profile nic_profile(const struct nic *nic)
{
	static const char *const disturbs[] = {
		[DISTURBS_NOTHING] = "disturbs no traffic",
		[DISTURBS_FIRST] = "the first program resets or reopens its queues, others do not",
		[DISTURBS_EVERY] = "every program makes it pause or reopen its queues",
		[DISTURBS_UNSAID] = "does what its ports do",
	};
	const struct nic_driver *driver = nic_driver_find(nic->driver);

	if (!driver)
		return (struct nic_profile){ "not known", NULL };
	return (struct nic_profile){ disturbs[driver->disturbs], driver->note };
}

const char *nic_level_name(enum nic_level level)
{
	static const char *const names[] = { "fine", "advised", "blocked" };

	return names[level];
}

/* The letters of /sys/module/NAME/taint: 'O' for a module from elsewhere. Built in: no such file.
 */
static enum nic_known out_of_tree(const char *driver)
{
	char path[128], letters[32] = "";
	_fclose_ FILE *file = NULL;

	if (!driver[0])
		return NIC_UNKNOWN;
	snprintf(path, sizeof(path), "/sys/module/%.31s/taint", driver);
	for (char *c = path + strlen("/sys/module/"); *c; c++)
		*c = *c == '-' ? '_' : *c;
	file = fopen(path, "re");
	if (file && !fgets(letters, sizeof(letters), file))
		return NIC_UNKNOWN;
	return strchr(letters, 'O') ? NIC_YES : NIC_NO;
}

int nic_host_read(const struct nic *nic, const struct nic_ethtool *ethtool, struct nic_host *out)
{
	*out = (struct nic_host){
		.cpus = sysconf(_SC_NPROCESSORS_ONLN),
		.out_of_tree = out_of_tree(nic->driver),
	};
	return nic_tags_judge(nic, ethtool, &out->tags);
}
