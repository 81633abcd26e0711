// SPDX-License-Identifier: GPL-2.0-only
#include "nic_counters.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>

#include "fail.h"
#include "netlink.h"

/* Whom to ask. */
struct device {
	int socket_fd;
	const char *name;
};

/* -errno, not reported. */
static int ethtool(const struct device *device, void *command)
{
	struct ifreq ifr = { .ifr_data = command };

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", device->name);
	return ioctl(device->socket_fd, SIOCETHTOOL, &ifr) ? -errno : 0;
}

static uint32_t count(const struct device *device)
{
	union {
		struct ethtool_sset_info info;
		uint8_t room[sizeof(struct ethtool_sset_info) + sizeof(uint32_t)];
	} set = { .info = { .cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1ULL << ETH_SS_STATS } };

	return ethtool(device, &set) || !set.info.sset_mask ? 0 : set.info.data[0];
}

static int read_names(const struct device *device, uint32_t n, struct nic_counters *out)
{
	_free_ struct ethtool_gstrings *strings = calloc(1, sizeof(*strings) + n * ETH_GSTRING_LEN);
	int err;

	if (!strings)
		return fail_oom();
	strings->cmd = ETHTOOL_GSTRINGS;
	strings->string_set = ETH_SS_STATS;
	strings->len = n;
	err = ethtool(device, strings);
	if (err)
		return fail(err, "cannot read the names of the driver's counters of %s: %s",
			    device->name, strerror(-err));
	memcpy(out->names, strings->data, n * ETH_GSTRING_LEN);
	return 0;
}

static int read_values(const struct device *device, uint32_t n, struct nic_counters *out)
{
	_free_ struct ethtool_stats *stats = calloc(1, sizeof(*stats) + n * sizeof(uint64_t));
	int err;

	if (!stats)
		return fail_oom();
	stats->cmd = ETHTOOL_GSTATS;
	stats->n_stats = n;
	err = ethtool(device, stats);
	if (err)
		return fail(err, "cannot read the driver's counters of %s: %s", device->name,
			    strerror(-err));
	memcpy(out->values, stats->data, n * sizeof(uint64_t));
	return 0;
}

int nic_counters_read(int socket_fd, const char *interface, struct nic_counters *out)
{
	const struct device device = { socket_fd, interface };
	uint32_t n = count(&device);
	int err;

	*out = (struct nic_counters){ 0 };
	if (!n)
		return 0;
	out->names = calloc(n, sizeof(*out->names));
	out->values = calloc(n, sizeof(*out->values));
	if (!out->names || !out->values)
		return fail_oom();
	out->n = n;
	err = read_names(&device, n, out);
	return err ? err : read_values(&device, n, out);
}

void nic_counters_free(struct nic_counters *counters)
{
	free(counters->names);
	free(counters->values);
	*counters = (struct nic_counters){ 0 };
}

/*
 * What drivers call it, per queue or in all: veth, mvneta, mvpp2, mtk_eth_soc, gve; virtio_net,
 * whose transmit queues count what is redirected and what is reflected together; mlx5 (6.12's
 * sources).
 */
static bool says_refused(const char *name)
{
	return strstr(name, "xdp_xmit_err") || !strcmp(name, "tx_xdp_full") ||
	       !strcmp(name, "tx_xdp_err") ||
	       (!strncmp(name, "tx", 2) && strstr(name, "xdp_tx_drops"));
}

bool nic_counters_refused(const struct nic_counters *counters, uint64_t *refused)
{
	bool found = false;

	*refused = 0;
	for (size_t i = 0; i < counters->n; i++) {
		if (!says_refused(counters->names[i]))
			continue;
		*refused += counters->values[i];
		found = true;
	}
	return found;
}

static int read_stats(struct nlmsghdr *hdr, void *arg)
{
	struct nlattr *attr = nlmsg_find_attr(hdr, sizeof(struct ifinfomsg), IFLA_STATS64);
	struct rtnl_link_stats64 stats = { 0 };

	if (attr)
		nla_memcpy(&stats, attr, sizeof(stats));
	*(uint64_t *)arg = stats.tx_dropped;
	return attr ? 0 : -ENODATA;
}

int nic_counters_send_dropped(const char *interface, uint64_t *dropped)
{
	uint32_t ifindex = if_nametoindex(interface);
	_netlink_msg_ struct nl_msg *msg = NULL;
	_netlink_ struct nl_sock *sk = NULL;
	int err = ifindex ? netlink_open(NETLINK_ROUTE, &sk) : -ENODEV;

	*dropped = 0;
	if (err)
		return err;
	msg = netlink_link_request(RTM_GETLINK, ifindex);
	return msg ? netlink_ask(sk, msg, read_stats, dropped, NULL) : fail_oom();
}
