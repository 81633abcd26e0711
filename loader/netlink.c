// SPDX-License-Identifier: GPL-2.0-only
#include "netlink.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "fail.h"

enum { ERRNO_MAX = 4095 }; /* MAX_ERRNO, include/linux/err.h */

/* What the callbacks of one request share. */
struct exchange {
	netlink_answer_fn answer;
	void *arg;
	char *words;
	int err;
	bool done;
};

int netlink_open(int protocol, struct nl_sock **out)
{
	_netlink_ struct nl_sock *sk = nl_socket_alloc();
	int err, on = 1;

	if (!sk)
		return fail_oom();
	err = nl_connect(sk, protocol);
	if (err < 0)
		return fail(-EIO, "cannot open a netlink socket: %s",
			    err == -NLE_FAILURE ? strerror(errno) : nl_geterror(err));
	/* Without it requests work as well, only wordless. */
	setsockopt(nl_socket_get_fd(sk), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	*out = TAKE(sk);
	return 0;
}

void netlink_closep(struct nl_sock **sk)
{
	nl_socket_free(*sk);
	*sk = NULL;
}

void netlink_msg_freep(struct nl_msg **msg)
{
	nlmsg_free(*msg);
	*msg = NULL;
}

static int on_answer(struct nl_msg *msg, void *arg)
{
	struct exchange *x = arg;
	int err;

	if (!x->answer)
		return NL_OK;
	err = x->answer(nlmsg_hdr(msg), x->arg);
	if (err && !x->err)
		x->err = err;
	return NL_OK;
}

static int on_ack(struct nl_msg *msg, void *arg)
{
	struct exchange *x = arg;

	(void)msg;
	x->done = true;
	return NL_STOP;
}

/* The attributes of an error follow the copy of the request, of which a capped one has only the
 * header. */
static void take_words(const struct nlmsgerr *e, char *words)
{
	const struct nlmsghdr *hdr =
		(const struct nlmsghdr *)((const char *)e - NLMSG_ALIGN(sizeof(struct nlmsghdr)));
	size_t skip = sizeof(*e), len = nlmsg_datalen(hdr);
	struct nlattr *text;

	if (!(hdr->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(hdr->nlmsg_flags & NLM_F_CAPPED))
		skip += NLMSG_ALIGN(nlmsg_datalen(&e->msg));
	if (skip >= len)
		return;
	text = nla_find((const struct nlattr *)((const char *)e + skip), len - skip,
			NLMSGERR_ATTR_MSG);
	if (text)
		nla_strlcpy(words, text, NETLINK_WORDS);
}

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *e, void *arg)
{
	struct exchange *x = arg;

	(void)from;
	x->err = e->error < 0 && e->error >= -ERRNO_MAX ? e->error : -EIO;
	x->done = true;
	if (x->words)
		take_words(e, x->words);
	return NL_STOP;
}

static int exchange(struct nl_sock *sk, struct nl_msg *msg, struct nl_cb *cb, struct exchange *x)
{
	int err;

	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_answer, x);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_ack, x);
	nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, on_ack, x); /* the end of a dump */
	nl_cb_err(cb, NL_CB_CUSTOM, on_error, x);
	err = nl_send_auto(sk, msg);
	while (err >= 0 && !x->done)
		err = nl_recvmsgs(sk, cb);
	/* libnl stops with an error of its own after on_error(): ours is the kernel's. */
	return x->done ? x->err : -EIO;
}

int netlink_ask(struct nl_sock *sk, struct nl_msg *msg, netlink_answer_fn answer, void *arg,
		char words[NETLINK_WORDS])
{
	struct exchange x = { .answer = answer, .arg = arg, .words = words };
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	int err;

	if (words)
		words[0] = '\0';
	if (!cb)
		return -ENOMEM;
	err = exchange(sk, msg, cb, &x);
	nl_cb_put(cb);
	return err;
}

struct nl_msg *netlink_request(int type, int flags, const void *head, size_t size)
{
	_netlink_msg_ struct nl_msg *msg = nlmsg_alloc_simple(type, NLM_F_REQUEST | flags);

	if (!msg || nlmsg_append(msg, (void *)head, size, NLMSG_ALIGNTO))
		return NULL;
	return TAKE(msg);
}

struct nl_msg *netlink_link_request(int type, uint32_t ifindex)
{
	const struct ifinfomsg head = { .ifi_family = AF_UNSPEC, .ifi_index = ifindex };

	return netlink_request(type, 0, &head, sizeof(head));
}

uint32_t netlink_u32(const struct nlattr *attr)
{
	uint32_t number = 0;

	nla_memcpy(&number, attr, sizeof(number));
	return number;
}
