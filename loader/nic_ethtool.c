// SPDX-License-Identifier: GPL-2.0-only
#include "nic_ethtool.h"

#include <errno.h>
#include <linux/ethtool_netlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <string.h>

#include "fail.h"
#include "netlink.h"

/* The kernel's names (net/ethtool/common.c, netdev_features_strings), and those of ethtool -K. */
static const struct {
	const char *kernel, *ethtool;
} names[NIC_FEATURES] = {
	[NIC_LRO] = { "rx-lro", "lro" },
	[NIC_GRO_HW] = { "rx-gro-hw", "rx-gro-hw" },
	[NIC_GRO] = { "rx-gro", "gro" },
	[NIC_RXVLAN] = { "rx-vlan-hw-parse", "rxvlan" },
	[NIC_RXVLAN_FILTER] = { "rx-vlan-filter", "rx-vlan-filter" },
	[NIC_RXSTAG] = { "rx-vlan-stag-hw-parse", "rx-vlan-stag-hw-parse" },
	[NIC_TXSTAG] = { "tx-vlan-stag-hw-insert", "tx-vlan-stag-hw-insert" },
	[NIC_TXVLAN] = { "tx-vlan-hw-insert", "txvlan" },
};

const char *nic_feature_name(enum nic_feature_id id)
{
	return names[id].ethtool;
}

/* A request of the family about the interface: its attributes may follow. NULL: out of memory. */
static struct nl_msg *request(int family, uint8_t command, uint32_t ifindex)
{
	_netlink_msg_ struct nl_msg *msg = nlmsg_alloc();
	struct nlattr *head;

	if (!msg || !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, 0, command,
				 ETHTOOL_GENL_VERSION))
		return NULL;
	head = nla_nest_start(msg, ETHTOOL_A_FEATURES_HEADER);
	if (!head || nla_put_u32(msg, ETHTOOL_A_HEADER_DEV_INDEX, ifindex))
		return NULL;
	nla_nest_end(msg, head);
	return TAKE(msg);
}

/* Mark in `sets` which of the features stand in a bitset, by name. */
static void parse_bitset(struct nlattr *bitset, bool sets[NIC_FEATURES])
{
	struct nlattr *tb[ETHTOOL_A_BITSET_MAX + 1], *bit;
	int left;

	if (!bitset || nla_parse_nested(tb, ETHTOOL_A_BITSET_MAX, bitset, NULL) ||
	    !tb[ETHTOOL_A_BITSET_BITS])
		return;
	nla_for_each_nested(bit, tb[ETHTOOL_A_BITSET_BITS], left)
	{
		struct nlattr *name =
			nla_find(nla_data(bit), nla_len(bit), ETHTOOL_A_BITSET_BIT_NAME);

		for (size_t i = 0; name && i < NIC_FEATURES; i++)
			sets[i] |= !nla_strcmp(name, names[i].kernel);
	}
}

/* The name of a feature that is neither possible nor on is in no bitset: it is not there. */
static int parse_features(struct nlmsghdr *hdr, void *arg)
{
	struct nic_feature *features = arg;
	struct nlattr *tb[ETHTOOL_A_FEATURES_MAX + 1];
	bool possible[NIC_FEATURES] = { 0 }, active[NIC_FEATURES] = { 0 },
	     fixed[NIC_FEATURES] = { 0 };

	if (genlmsg_parse(hdr, 0, tb, ETHTOOL_A_FEATURES_MAX, NULL) < 0)
		return -EBADMSG;
	parse_bitset(tb[ETHTOOL_A_FEATURES_HW], possible);
	parse_bitset(tb[ETHTOOL_A_FEATURES_ACTIVE], active);
	parse_bitset(tb[ETHTOOL_A_FEATURES_NOCHANGE], fixed);
	for (size_t i = 0; i < NIC_FEATURES; i++)
		features[i] = (struct nic_feature){
			.there = possible[i] || active[i],
			.on = active[i],
			.fixed = fixed[i] || !possible[i],
		};
	return 0;
}

static int parse_channels(struct nlmsghdr *hdr, void *arg)
{
	struct nic_channels *channels = arg;
	struct nlattr *tb[ETHTOOL_A_CHANNELS_MAX + 1];
	const struct {
		int attribute;
		uint32_t *to;
	} numbers[] = {
		{ ETHTOOL_A_CHANNELS_RX_COUNT, &channels->rx },
		{ ETHTOOL_A_CHANNELS_TX_COUNT, &channels->tx },
		{ ETHTOOL_A_CHANNELS_COMBINED_COUNT, &channels->combined },
		{ ETHTOOL_A_CHANNELS_RX_MAX, &channels->rx_max },
		{ ETHTOOL_A_CHANNELS_TX_MAX, &channels->tx_max },
		{ ETHTOOL_A_CHANNELS_COMBINED_MAX, &channels->combined_max },
	};

	if (genlmsg_parse(hdr, 0, tb, ETHTOOL_A_CHANNELS_MAX, NULL) < 0)
		return -EBADMSG;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		*numbers[i].to = netlink_u32(tb[numbers[i].attribute]);
	return 0;
}

/* A socket and the family's number. Errors are reported. */
static int open_family(struct nl_sock **sk, int *family)
{
	int err = netlink_open(NETLINK_GENERIC, sk);

	if (err)
		return err;
	*family = genl_ctrl_resolve(*sk, ETHTOOL_GENL_NAME);
	if (*family < 0)
		return fail(-EOPNOTSUPP,
			    "this kernel has no ethtool netlink (CONFIG_ETHTOOL_NETLINK)");
	return 0;
}

static int ask(struct nl_sock *sk, int family, uint8_t command, const struct nic *nic,
	       netlink_answer_fn answer, void *arg)
{
	_netlink_msg_ struct nl_msg *msg = request(family, command, nic->ifindex);
	int err = msg ? netlink_ask(sk, msg, answer, arg, NULL) : -ENOMEM;

	/* A driver that has no such thing to tell. */
	if (err == -EOPNOTSUPP)
		return 0;
	if (!err || err == -ENODEV)
		return err;
	return fail(err, "cannot ask for the ethtool settings of %s: %s", nic->name,
		    strerror(-err));
}

int nic_ethtool_try(const struct nic *nic, struct nic_ethtool *out)
{
	_netlink_ struct nl_sock *sk = NULL;
	int family, err;

	memset(out, 0, sizeof(*out));
	err = open_family(&sk, &family);
	if (!err)
		err = ask(sk, family, ETHTOOL_MSG_FEATURES_GET, nic, parse_features, out->features);
	if (!err)
		err = ask(sk, family, ETHTOOL_MSG_CHANNELS_GET, nic, parse_channels,
			  &out->channels);
	return err;
}

int nic_ethtool_read(const struct nic *nic, struct nic_ethtool *out)
{
	int err = nic_ethtool_try(nic, out);

	return err == -ENODEV ? fail(err, "%s has gone while its ethtool settings were asked for",
				     nic->name)
			      : err;
}

/* Send a change; what the kernel says against it is reported with `what`. */
static int change(struct nl_sock *sk, struct nl_msg *msg, const struct nic *nic, const char *what)
{
	char words[NETLINK_WORDS];
	int err = netlink_ask(sk, msg, NULL, NULL, words);

	if (!err)
		return 0;
	return fail(err, "%s refuses `%s`: %s%s%s", nic->name, what, strerror(-err),
		    words[0] ? ": " : "", words);
}

static int put_feature(struct nl_msg *msg, const char *name, bool on)
{
	struct nlattr *wanted = nla_nest_start(msg, ETHTOOL_A_FEATURES_WANTED), *bits, *bit;

	if (!wanted)
		return -ENOMEM;
	bits = nla_nest_start(msg, ETHTOOL_A_BITSET_BITS);
	bit = bits ? nla_nest_start(msg, ETHTOOL_A_BITSET_BITS_BIT) : NULL;
	if (!bit || nla_put_string(msg, ETHTOOL_A_BITSET_BIT_NAME, name) ||
	    (on && nla_put_flag(msg, ETHTOOL_A_BITSET_BIT_VALUE)))
		return -ENOMEM;
	nla_nest_end(msg, bit);
	nla_nest_end(msg, bits);
	nla_nest_end(msg, wanted);
	return 0;
}

int nic_feature_set(const struct nic *nic, enum nic_feature_id id, bool on)
{
	_netlink_ struct nl_sock *sk = NULL;
	_netlink_msg_ struct nl_msg *msg = NULL;
	struct nic_ethtool now;
	char what[64];
	int family, err;

	snprintf(what, sizeof(what), "ethtool -K %s %s %s", nic->name, names[id].ethtool,
		 on ? "on" : "off");
	err = open_family(&sk, &family);
	if (err)
		return err;
	msg = request(family, ETHTOOL_MSG_FEATURES_SET, nic->ifindex);
	if (!msg || put_feature(msg, names[id].kernel, on))
		return fail_oom();
	err = change(sk, msg, nic, what);
	if (!err)
		err = nic_ethtool_read(nic, &now);
	if (!err && now.features[id].on != on)
		err = fail(-EOPNOTSUPP, "`%s` changed nothing: the driver holds it %s", what,
			   on ? "off" : "on");
	return err;
}

int nic_channels_set(const struct nic *nic, const struct nic_channels *channels)
{
	_netlink_ struct nl_sock *sk = NULL;
	_netlink_msg_ struct nl_msg *msg = NULL;
	char what[96];
	int family, err;

	snprintf(what, sizeof(what), "ethtool -L %s rx %u tx %u combined %u", nic->name,
		 channels->rx, channels->tx, channels->combined);
	err = open_family(&sk, &family);
	if (err)
		return err;
	msg = request(family, ETHTOOL_MSG_CHANNELS_SET, nic->ifindex);
	/* A kind of queue that the driver has not must not be named. */
	if (!msg ||
	    (channels->rx_max && nla_put_u32(msg, ETHTOOL_A_CHANNELS_RX_COUNT, channels->rx)) ||
	    (channels->tx_max && nla_put_u32(msg, ETHTOOL_A_CHANNELS_TX_COUNT, channels->tx)) ||
	    (channels->combined_max &&
	     nla_put_u32(msg, ETHTOOL_A_CHANNELS_COMBINED_COUNT, channels->combined)))
		return fail_oom();
	return change(sk, msg, nic, what);
}
