// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's answers: whatever they are, what an interface is, its ethtool settings and the
 * filters of its hooks are read or refused.
 *
 * An input is a row of datagrams, each behind its length (16 bits, little endian). The linker puts
 * the functions below in the place of libnl's (--wrap, in the Makefile): requests go nowhere, what
 * is received is the next datagram. Seeds are what `weir nic` and `weir status` got of a veth and a
 * vlan with filters, taken from strace.
 */
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>

#include "../../loader/attach_tc.h"
#include "../../loader/attach_xdp.h"
#include "../../loader/nic_check.h"
#include "../../loader/netlink.h"
#include "quiet.h"

int __wrap_nl_connect(struct nl_sock *sk, int protocol);
int __wrap_nl_send_auto(struct nl_sock *sk, struct nl_msg *msg);
int __wrap_genl_ctrl_resolve(struct nl_sock *sk, const char *name);
struct nl_cb *__wrap_nl_cb_alloc(enum nl_cb_kind kind);
struct nl_cb *__real_nl_cb_alloc(enum nl_cb_kind kind);

static const uint8_t *next, *end;

int __wrap_nl_connect(struct nl_sock *sk, int protocol)
{
	(void)sk;
	(void)protocol;
	return 0;
}

int __wrap_nl_send_auto(struct nl_sock *sk, struct nl_msg *msg)
{
	(void)sk;
	return nlmsg_hdr(msg)->nlmsg_len;
}

int __wrap_genl_ctrl_resolve(struct nl_sock *sk, const char *name)
{
	(void)sk;
	(void)name;
	return GENL_ID_CTRL;
}

static int receive(struct nl_sock *sk, struct sockaddr_nl *from, unsigned char **data,
		   struct ucred **credentials)
{
	size_t size;

	(void)sk;
	(void)credentials;
	if (end - next < 2)
		return -NLE_DUMP_INTR; /* the end; 0 would be asked again */
	size = next[0] | next[1] << 8;
	next += 2;
	if (size > (size_t)(end - next))
		size = end - next;
	if (!size)
		return -NLE_DUMP_INTR;
	*from = (struct sockaddr_nl){ .nl_family = AF_NETLINK };
	*data = malloc(size);
	must(!!*data);
	memcpy(*data, next, size);
	next += size;
	return size;
}

static int any_number(struct nl_msg *msg, void *arg)
{
	(void)msg;
	(void)arg;
	return NL_OK;
}

struct nl_cb *__wrap_nl_cb_alloc(enum nl_cb_kind kind)
{
	struct nl_cb *cb = __real_nl_cb_alloc(kind);

	must(!!cb);
	nl_cb_overwrite_recv(cb, receive);
	nl_cb_set(cb, NL_CB_SEQ_CHECK, NL_CB_CUSTOM, any_number, NULL);
	return cb;
}

static void judge(const struct nic *nic, const struct nic_ethtool *ethtool)
{
	struct nic_host host = { .cpus = 4, .out_of_tree = NIC_UNKNOWN };
	struct nic_finding *findings = NULL;
	char hint[240];

	must(nic_check(nic, ethtool, &host, &findings) >= 0);
	free(findings);
	nic_target_hint(nic, hint, sizeof(hint));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nic_ethtool ethtool = { 0 };
	struct xdp_holder programs[XDP_HOLDERS_MAX];
	struct tc_holder *filters = NULL;
	struct nic nic;
	size_t n = 0;

	next = data;
	end = data + size;
	if (!nic_probe("v0", &nic)) {
		nic_ethtool_read(&nic, &ethtool);
		judge(&nic, &ethtool);
		attach_xdp_query(&nic, programs);
	}
	attach_clsact_has_qdisc(2, "v0", HOOK_INGRESS);
	attach_tc_query(2, "v0", HOOK_INGRESS, &filters, &n);
	free(filters);
	fail_forget();
	return 0;
}
