// SPDX-License-Identifier: GPL-2.0-only
#include "attach_xdp.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "fail.h"
#include "netlink.h"

/* One level of a link dump's IFLA_XDP: the programs by mode. */
struct programs {
	uint32_t native, generic, offload; /* program ids; 0: none */
};

static int parse_hook(struct nlmsghdr *hdr, void *arg)
{
	struct programs *on = arg;
	struct nlattr *tb[IFLA_XDP_MAX + 1];
	struct nlattr *xdp = nlmsg_find_attr(hdr, sizeof(struct ifinfomsg), IFLA_XDP);

	if (!xdp)
		return 0;
	if (nla_parse_nested(tb, IFLA_XDP_MAX, xdp, NULL) < 0)
		return -EBADMSG;
	on->native = netlink_u32(tb[IFLA_XDP_DRV_PROG_ID]);
	on->generic = netlink_u32(tb[IFLA_XDP_SKB_PROG_ID]);
	on->offload = netlink_u32(tb[IFLA_XDP_HW_PROG_ID]);
	return 0;
}

/* -ENODEV, not reported, if there is no such interface. */
static int ask_hook(uint32_t ifindex, const char *name, struct programs *on)
{
	_netlink_ struct nl_sock *sk = NULL;
	_netlink_msg_ struct nl_msg *msg = netlink_link_request(RTM_GETLINK, ifindex);
	char words[NETLINK_WORDS];
	int err;

	if (!msg)
		return fail_oom();
	err = netlink_open(NETLINK_ROUTE, &sk);
	if (err)
		return err;
	err = netlink_ask(sk, msg, parse_hook, on, words);
	if (err && err != -ENODEV)
		return fail(err, "%s: cannot ask which programs are on its XDP hook: %s", name,
			    words[0] ? words : strerror(-err));
	return err;
}

static void learn_prog(struct xdp_holder *holder)
{
	struct bpf_prog_info info = { 0 };
	uint32_t size = sizeof(info);
	_close_ int fd = bpf_prog_get_fd_by_id(holder->prog_id);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &size))
		return;
	memcpy(holder->prog_name, info.name, sizeof(info.name));
	memcpy(holder->tag, info.tag, sizeof(info.tag));
	holder->tag_known = true;
}

/* The links of all network namespaces are in one list, and an XDP link does not say where it is. */
static void learn_link(const struct nic *nic, struct xdp_holder *holder)
{
	uint32_t id = 0, ifindex, prog;
	int fd;

	while (!bpf_link_get_next_id(id, &id)) {
		fd = bpf_link_get_fd_by_id(id);
		if (fd < 0 && errno != ENOENT)
			return;
		if (fd < 0)
			continue;
		if (!attach_xdp_link_info(fd, &ifindex, &prog) && ifindex == nic->ifindex &&
		    prog == holder->prog_id) {
			holder->link_id = holder->by_link == NIC_YES ? 0 : id;
			holder->by_link = NIC_YES;
		}
		close(fd);
	}
	if (errno == ENOENT && holder->by_link == NIC_UNKNOWN)
		holder->by_link = NIC_NO;
}

int attach_xdp_query(const struct nic *nic, struct xdp_holder holders[XDP_HOLDERS_MAX])
{
	struct programs on = { 0 };
	int n = 0, err = ask_hook(nic->ifindex, nic->name, &on);

	if (err < 0)
		return err == -ENODEV ? fail(err, "%s: the interface is gone", nic->name) : err;
	memset(holders, 0, XDP_HOLDERS_MAX * sizeof(*holders));
	if (on.native)
		holders[n++] = (struct xdp_holder){ .prog_id = on.native, .mode = XDP_NATIVE };
	if (on.generic)
		holders[n++] = (struct xdp_holder){ .prog_id = on.generic, .mode = XDP_GENERIC };
	if (on.offload)
		holders[n++] = (struct xdp_holder){ .prog_id = on.offload,
						    .mode = XDP_NATIVE,
						    .offload = true };
	for (int i = 0; i < n; i++) {
		learn_prog(&holders[i]);
		learn_link(nic, &holders[i]);
	}
	return n;
}

int attach_xdp_is_on(uint32_t ifindex, const char *name, uint32_t prog_id)
{
	struct programs on = { 0 };
	int err = ask_hook(ifindex, name, &on);

	if (err)
		return err == -ENODEV ? 0 : err;
	return on.native == prog_id || on.generic == prog_id;
}

static const char *holder_mode(const struct xdp_holder *holder)
{
	if (holder->offload)
		return "offload";
	return holder->mode == XDP_NATIVE ? "native" : "generic";
}

/* The command of iproute2 that empties the hook in this mode. */
static const char *ip_object(const struct xdp_holder *holder)
{
	if (holder->offload)
		return "xdpoffload";
	return holder->mode == XDP_NATIVE ? "xdpdrv" : "xdpgeneric";
}

bool attach_xdp_is_dispatcher(const struct xdp_holder *holder)
{
	return !strcmp(holder->prog_name, "xdp_dispatcher");
}

static void say_removal(const struct nic *nic, const struct xdp_holder *holder, FILE *out)
{
	if (attach_xdp_is_dispatcher(holder))
		fprintf(out,
			"it is libxdp's: `xdp shared` in the policy joins what it runs, `xdp-loader unload %s --all` removes that",
			nic->name);
	else if (!strcmp(holder->prog_name, "weir_root") && holder->link_id)
		fprintf(out,
			"it is weir's, applied when %s had another name or network namespace, or with another bpffs: `weir detach` it by that name there, or `bpftool link detach id %u`",
			nic->name, holder->link_id);
	else if (holder->by_link == NIC_YES && holder->link_id)
		fprintf(out,
			"detach it with the tool that attached it, or `bpftool link detach id %u`",
			holder->link_id);
	else if (holder->by_link == NIC_YES)
		fprintf(out,
			"a bpf_link keeps it: detach it with the tool that attached it (`bpftool link` lists links)");
	else
		fprintf(out,
			"detach it with the tool that attached it, or `ip link set dev %s %s off`%s",
			nic->name, ip_object(holder),
			holder->by_link == NIC_NO ? "" : " if no bpf_link keeps it");
}

void attach_xdp_say_holder(const struct nic *nic, const struct xdp_holder *holder, char *buf,
			   size_t size)
{
	_fclose_ FILE *out = fmemopen(buf, size, "w");

	buf[0] = '\0';
	if (!out)
		return;
	fprintf(out, "%s: ", nic->name);
	if (holder->prog_name[0])
		fprintf(out, "program '%s' (id %u, ", holder->prog_name, holder->prog_id);
	else
		fprintf(out, "a program (id %u, ", holder->prog_id);
	if (holder->tag_known) {
		fputs("tag ", out);
		for (size_t i = 0; i < sizeof(holder->tag); i++)
			fprintf(out, "%02x", holder->tag[i]);
		fputs(", ", out);
	}
	fprintf(out, "%s) holds the XDP hook: ", holder_mode(holder));
	say_removal(nic, holder, out);
}

static uint32_t mode_flag(enum hook_mode mode)
{
	return mode == XDP_NATIVE ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE;
}

/*
 * Put prog_fd (-1: nothing) on the hook by netlink. With old_fd >= 0 only in the place of that
 * program, else only on an empty hook.
 */
static int set_by_netlink(struct nl_sock *sk, const struct nic *nic, enum hook_mode mode,
			  int prog_fd, int old_fd, char words[NETLINK_WORDS])
{
	_netlink_msg_ struct nl_msg *msg = netlink_link_request(RTM_SETLINK, nic->ifindex);
	uint32_t flags = mode_flag(mode);
	struct nlattr *xdp;

	flags |= old_fd >= 0 ? XDP_FLAGS_REPLACE : XDP_FLAGS_UPDATE_IF_NOEXIST;
	xdp = msg ? nla_nest_start(msg, IFLA_XDP) : NULL;
	if (!xdp || nla_put_s32(msg, IFLA_XDP_FD, prog_fd) ||
	    nla_put_u32(msg, IFLA_XDP_FLAGS, flags) ||
	    (old_fd >= 0 && nla_put_s32(msg, IFLA_XDP_EXPECTED_FD, old_fd)))
		return -ENOMEM;
	nla_nest_end(msg, xdp);
	return netlink_ask(sk, msg, NULL, NULL, words);
}

/*
 * bpf_link discards the driver's words (to 6.18 at least; from 6.6 a tracepoint has them), netlink
 * returns them: try the same attach by netlink. Should it succeed, because what stood in the way
 * has gone meanwhile, take down exactly that program.
 */
static void harvest_words(const struct nic *nic, int prog_fd, enum hook_mode mode,
			  char words[NETLINK_WORDS])
{
	_netlink_ struct nl_sock *sk = NULL;

	words[0] = '\0';
	if (netlink_open(NETLINK_ROUTE, &sk))
		return;
	if (set_by_netlink(sk, nic, mode, prog_fd, -1, words))
		return;
	set_by_netlink(sk, nic, mode, -1, prog_fd, NULL);
	snprintf(words, NETLINK_WORDS, "it gave no reason, and would accept a second attempt");
}

/* Refusals that say all there is, or that may be over the next moment: no second attach for these.
 */
static bool worth_asking(int err)
{
	switch (err) {
	case -EPERM:
	case -ENODEV:
	case -ENOMEM:
	case -EINTR:
	case -EAGAIN:
	case -EBADF:
		return false;
	}
	return true;
}

/*
 * EBUSY is the core's answer to a hook that is occupied, EEXIST to one that is in the other mode:
 * the occupant is what people want to know. EEXIST with none has another cause (an upper device).
 */
static bool say_occupant(const struct nic *nic, int err, char why[XDP_WHY])
{
	struct xdp_holder holders[XDP_HOLDERS_MAX];

	if ((err != -EBUSY && err != -EEXIST) || attach_xdp_query(nic, holders) <= 0)
		return false;
	attach_xdp_say_holder(nic, &holders[0], why, XDP_WHY);
	return true;
}

void attach_xdp_advise(const struct nic *nic, enum hook_mode mode, int err, char *buf, size_t size)
{
	_free_ struct nic_finding *findings = NULL;
	struct nic now;
	ssize_t n;

	attach_xdp_hint(nic, mode, err, buf, size);
	if (buf[0] || mode != XDP_NATIVE)
		return;
	n = nic_look(nic->name, &now, &findings);
	attach_xdp_hint_profile(nic, mode, err, findings, n, buf, size);
}

static void say_refusal(const struct nic *nic, int prog_fd, enum hook_mode mode, int err,
			char why[XDP_WHY])
{
	char words[NETLINK_WORDS] = "", hint[XDP_WHY / 2];

	if (say_occupant(nic, err, why))
		return;
	if (worth_asking(err))
		harvest_words(nic, prog_fd, mode, words);
	attach_xdp_advise(nic, mode, err, hint, sizeof(hint));
	snprintf(why, XDP_WHY, "%s: the kernel refuses %s XDP: %s (%s)%s%s", nic->name,
		 mode == XDP_NATIVE ? "native" : "generic", words[0] ? words : strerror(-err),
		 strerrorname_np(-err), hint[0] ? ": " : "", hint);
}

int attach_xdp(const struct nic *nic, int prog_fd, enum hook_mode mode, char why[XDP_WHY])
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = mode_flag(mode));
	int err, fd = bpf_link_create(prog_fd, nic->ifindex, BPF_XDP, &opts);

	why[0] = '\0';
	if (fd >= 0)
		return fd;
	err = -errno;
	say_refusal(nic, prog_fd, mode, err, why);
	return err;
}

int attach_xdp_update(int link_fd, int prog_fd, int old_prog_fd)
{
	LIBBPF_OPTS(bpf_link_update_opts, opts);

	if (old_prog_fd >= 0) {
		opts.flags = BPF_F_REPLACE;
		opts.old_prog_fd = old_prog_fd;
	}
	return bpf_link_update(link_fd, prog_fd, &opts) ? -errno : 0;
}

int attach_xdp_detach(int link_fd)
{
	return bpf_link_detach(link_fd) ? -errno : 0;
}

int attach_xdp_link_info(int link_fd, uint32_t *ifindex, uint32_t *prog)
{
	struct bpf_link_info info = { 0 };
	uint32_t size = sizeof(info);

	if (bpf_obj_get_info_by_fd(link_fd, &info, &size))
		return -errno;
	if (info.type != BPF_LINK_TYPE_XDP)
		return -EINVAL;
	*ifindex = info.xdp.ifindex;
	*prog = info.prog_id;
	return 0;
}
