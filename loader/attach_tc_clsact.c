// SPDX-License-Identifier: GPL-2.0-only
/* Direct-action filters of clsact, by rtnetlink: for kernels that have no tcx. */
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "attach_tc_parts.h"
#include "fail.h"
#include "netlink.h"

static uint32_t parent(enum hook_kind kind)
{
	return TC_H_MAKE(TC_H_CLSACT, kind == HOOK_INGRESS ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS);
}

static struct nl_msg *filter_request(int type, int flags, uint32_t ifindex, enum hook_kind kind,
				     uint32_t pref)
{
	const struct tcmsg head = {
		.tcm_family = AF_UNSPEC,
		.tcm_ifindex = ifindex,
		.tcm_parent = parent(kind),
		.tcm_handle = type == RTM_GETTFILTER ? 0 : TC_HANDLE,
		.tcm_info = type == RTM_GETTFILTER
				    ? 0
				    : TC_H_MAKE(pref << 16, __builtin_bswap16(ETH_P_ALL)),
	};

	return netlink_request(type, flags, &head, sizeof(head));
}

static struct nl_msg *qdisc_request(int type, int flags, uint32_t ifindex)
{
	const struct tcmsg head = {
		.tcm_family = AF_UNSPEC,
		.tcm_ifindex = ifindex,
		.tcm_parent = TC_H_CLSACT,
		.tcm_handle = type == RTM_GETQDISC ? 0 : TC_H_MAKE(TC_H_CLSACT, 0),
	};

	return netlink_request(type, flags, &head, sizeof(head));
}

static int ask(struct nl_msg *msg, netlink_answer_fn answer, void *arg, char words[NETLINK_WORDS])
{
	_netlink_ struct nl_sock *sk = NULL;
	int err = netlink_open(NETLINK_ROUTE, &sk);

	words[0] = '\0';
	return err ? err : netlink_ask(sk, msg, answer, arg, words);
}

/* While filters are listed. */
struct listing {
	struct tc_holder **holders;
	size_t *n;
	size_t first; /* of this hook's filters */
};

static void learn_program(struct tc_holder *holder, struct nlattr *options)
{
	struct nlattr *tb[TCA_BPF_MAX + 1];

	if (nla_parse_nested(tb, TCA_BPF_MAX, options, NULL) < 0)
		return;
	holder->prog_id = netlink_u32(tb[TCA_BPF_ID]);
	if (tb[TCA_BPF_NAME])
		nla_strlcpy(holder->name, tb[TCA_BPF_NAME], sizeof(holder->name));
}

/* A filter of many elements (u32, flower) is one thing here. */
static bool is_listed(const struct listing *listing, uint32_t pref)
{
	for (size_t i = listing->first; i < *listing->n; i++)
		if (!(*listing->holders)[i].prog_id && (*listing->holders)[i].pref == pref)
			return true;
	return false;
}

/* The kernel lists each preference too, as a filter of no handle. */
static int on_filter(struct nlmsghdr *hdr, void *arg)
{
	const struct tcmsg *head = nlmsg_data(hdr);
	struct nlattr *tb[TCA_MAX + 1];
	struct listing *listing = arg;
	struct tc_holder *holder;
	bool is_bpf;

	if (hdr->nlmsg_type != RTM_NEWTFILTER || !nlmsg_valid_hdr(hdr, sizeof(*head)) ||
	    !head->tcm_handle)
		return 0;
	if (nlmsg_parse(hdr, sizeof(*head), tb, TCA_MAX, NULL) < 0 || !tb[TCA_KIND])
		return -EBADMSG;
	is_bpf = !nla_strcmp(tb[TCA_KIND], "bpf");
	if (!is_bpf && is_listed(listing, TC_H_MAJ(head->tcm_info) >> 16))
		return 0;
	holder = array_add(*listing->holders, *listing->n);
	if (!holder)
		return -ENOMEM;
	holder->mode = TC_CLSACT;
	holder->pref = TC_H_MAJ(head->tcm_info) >> 16;
	holder->handle = head->tcm_handle;
	if (is_bpf && tb[TCA_OPTIONS])
		learn_program(holder, tb[TCA_OPTIONS]);
	else
		nla_strlcpy(holder->name, tb[TCA_KIND], sizeof(holder->name));
	return 0;
}

int clsact_filters(uint32_t ifindex, const char *name, enum hook_kind kind, struct tc_holder **out,
		   size_t *n)
{
	_netlink_msg_ struct nl_msg *msg =
		filter_request(RTM_GETTFILTER, NLM_F_DUMP, ifindex, kind, 0);
	struct listing listing = { out, n, *n };
	char words[NETLINK_WORDS];
	int err;

	if (!msg)
		return fail_oom();
	err = ask(msg, on_filter, &listing, words);
	if (!err || err == -ENODEV)
		return 0;
	return fail(err, "%s: cannot ask which filters are on %s: %s", name, policy_hook_name(kind),
		    words[0] ? words : strerror(-err));
}

/* "ingress" holds ingress filters as clsact does, and no others. */
static int on_qdisc(struct nlmsghdr *hdr, void *arg)
{
	struct nlattr *name = nlmsg_find_attr(hdr, sizeof(struct tcmsg), TCA_KIND);
	char *qdisc = arg;

	if (hdr->nlmsg_type == RTM_NEWQDISC && name)
		nla_strlcpy(qdisc, name, IFNAMSIZ);
	return 0;
}

static int ask_qdisc(uint32_t ifindex, const char *name, char qdisc[IFNAMSIZ])
{
	/* Without ECHO the answer goes to those who monitor, and not to who asks. */
	_netlink_msg_ struct nl_msg *msg = qdisc_request(RTM_GETQDISC, NLM_F_ECHO, ifindex);
	char words[NETLINK_WORDS];
	int err;

	qdisc[0] = '\0';
	if (!msg)
		return fail_oom();
	err = ask(msg, on_qdisc, qdisc, words);
	if (!err || err == -ENOENT || err == -ENODEV)
		return 0;
	return fail(err, "%s: cannot ask for its clsact qdisc: %s", name,
		    words[0] ? words : strerror(-err));
}

int attach_clsact_has_qdisc(uint32_t ifindex, const char *name, enum hook_kind kind)
{
	char qdisc[IFNAMSIZ];
	int err = ask_qdisc(ifindex, name, qdisc);

	if (err)
		return err;
	return !strcmp(qdisc, "clsact") || (kind == HOOK_INGRESS && !strcmp(qdisc, "ingress"));
}

static void say(const struct nic *nic, const char *what, int err, const char *words,
		char why[TC_WHY])
{
	snprintf(why, TC_WHY, "%s: the kernel refuses %s: %s (%s)", nic->name, what,
		 words[0] ? words : strerror(-err), strerrorname_np(-err));
}

int attach_clsact_add_qdisc(const struct nic *nic, char why[TC_WHY])
{
	_netlink_msg_ struct nl_msg *msg =
		qdisc_request(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL, nic->ifindex);
	char words[NETLINK_WORDS];
	int err;

	if (!msg || nla_put_string(msg, TCA_KIND, "clsact"))
		return fail_oom();
	err = ask(msg, NULL, NULL, words);
	if (err == -EEXIST)
		snprintf(
			why, TC_WHY,
			"%s: another qdisc (ingress) has the place of clsact: `tc qdisc del dev %s ingress`",
			nic->name, nic->name);
	else if (err)
		say(nic, "a clsact qdisc", err, words, why);
	return err;
}

int attach_clsact_remove_qdisc(uint32_t ifindex, const char *name)
{
	_netlink_msg_ struct nl_msg *msg = qdisc_request(RTM_DELQDISC, 0, ifindex);
	_free_ struct tc_holder *holders = NULL;
	char words[NETLINK_WORDS];
	size_t n = 0;
	int err = clsact_filters(ifindex, name, HOOK_INGRESS, &holders, &n);

	if (!err)
		err = clsact_filters(ifindex, name, HOOK_EGRESS, &holders, &n);
	if (err || n)
		return err;
	if (!msg)
		return fail_oom();
	err = ask(msg, NULL, NULL, words);
	if (!err || err == -ENOENT || err == -ENODEV || err == -EINVAL)
		return 0; /* EINVAL: it is gone, and the default qdisc there is none to delete */
	return fail(err, "%s: cannot remove the clsact qdisc: %s", name,
		    words[0] ? words : strerror(-err));
}

static int put_program(struct nl_msg *msg, int prog_fd)
{
	struct nlattr *options;

	if (nla_put_string(msg, TCA_KIND, "bpf"))
		return -ENOMEM;
	options = nla_nest_start(msg, TCA_OPTIONS);
	if (!options || nla_put_u32(msg, TCA_BPF_FD, prog_fd) ||
	    nla_put_string(msg, TCA_BPF_NAME, "weir_root") ||
	    nla_put_u32(msg, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT))
		return -ENOMEM;
	nla_nest_end(msg, options);
	return 0;
}

int attach_clsact(const struct nic *nic, enum hook_kind kind, int prog_fd, uint32_t pref,
		  char why[TC_WHY])
{
	_netlink_msg_ struct nl_msg *msg =
		filter_request(RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_EXCL, nic->ifindex, kind, pref);
	char words[NETLINK_WORDS], what[64];
	int err;

	why[0] = '\0';
	if (!msg || put_program(msg, prog_fd))
		return fail_oom();
	err = ask(msg, NULL, NULL, words);
	snprintf(what, sizeof(what), "a filter on %s", policy_hook_name(kind));
	if (err)
		say(nic, what, err, words, why);
	return err;
}

static int remove_filter(uint32_t ifindex, const char *name, enum hook_kind kind, uint32_t pref)
{
	_netlink_msg_ struct nl_msg *msg = filter_request(RTM_DELTFILTER, 0, ifindex, kind, pref);
	char words[NETLINK_WORDS];
	int err;

	if (!msg || nla_put_string(msg, TCA_KIND, "bpf"))
		return fail_oom();
	err = ask(msg, NULL, NULL, words);
	if (!err || err == -ENOENT || err == -ENODEV)
		return 0;
	return fail(err, "%s: cannot remove weir's filter from %s: %s", name,
		    policy_hook_name(kind), words[0] ? words : strerror(-err));
}

int attach_clsact_remove(uint32_t ifindex, const char *name, enum hook_kind kind, uint32_t prog_id)
{
	_free_ struct tc_holder *holders = NULL;
	size_t n = 0;
	int err = clsact_filters(ifindex, name, kind, &holders, &n);

	for (size_t i = 0; i < n && !err; i++)
		if (holders[i].handle == TC_HANDLE && holders[i].prog_id == prog_id)
			err = remove_filter(ifindex, name, kind, holders[i].pref);
	return err;
}
