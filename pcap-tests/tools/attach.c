// SPDX-License-Identifier: GPL-2.0-only
/*
 * The modules nic and attach_xdp by hand, for live tests:
 *
 *   attach probe IFACE                         what the interface is, one fact a line
 *   attach query IFACE                         who is on its XDP hook, one sentence a program
 *   attach link IFACE MODE [WORD…] [-- CMD…]   attach a program by bpf_link, run CMD, detach
 *   attach netlink IFACE MODE                  attach XDP_PASS as a stranger would, and leave it
 *
 * MODE is native or generic. WORDs: `frags` loads the programs so; `update` exchanges the program
 * after CMD; `to IFACE` redirects every frame there instead of passing it. `link` prints whether
 * its link is attached, before CMD and at the end.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "../../loader/attach_xdp.h"
#include "../../loader/fail.h"
#include "../../loader/nic.h"

struct wish {
	const char *iface;
	enum hook_mode mode;
	bool frags, update;
	const char *to; /* redirect there; NULL: pass */
	char **cmd;
};

/* "return XDP_PASS", or "return bpf_redirect(to, 0)". */
static int load(const char *name, bool frags, const char *to)
{
	struct bpf_insn pass[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = XDP_PASS },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	struct bpf_insn redirect[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 1 },
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 2 },
		{ .code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_redirect },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_XDP);
	int fd;

	if (frags)
		opts.prog_flags = BPF_F_XDP_HAS_FRAGS;
	redirect[0].imm = to ? if_nametoindex(to) : 0;
	fd = bpf_prog_load(BPF_PROG_TYPE_XDP, name, "GPL", to ? redirect : pass,
			   to ? ARRAY_SIZE(redirect) : ARRAY_SIZE(pass), &opts);
	return fd < 0 ? fail(-errno, "cannot load: %s", strerror(errno)) : fd;
}

static const char *known(enum nic_known k)
{
	return k == NIC_YES ? "yes" : k == NIC_NO ? "no" : "unknown";
}

static void print_other(const char *what, const struct nic_other *o)
{
	if (o->ifindex)
		printf("%s %s%s kind=%s mtu=%u\n", what, o->name[0] ? o->name : "?",
		       o->elsewhere ? " elsewhere" : "", o->kind, o->mtu);
}

static int probe(const char *name)
{
	struct nic nic;
	char hint[256];

	if (nic_probe(name, &nic))
		return 1;
	printf("name %s\nmtu %u\nmac %02x:%02x:%02x:%02x:%02x:%02x\n", nic.name, nic.mtu,
	       nic.mac[0], nic.mac[1], nic.mac[2], nic.mac[3], nic.mac[4], nic.mac[5]);
	printf("kind %s\ndriver %s\nethernet %d\nup %d\ncarrier %d\n", nic.kind, nic.driver,
	       nic.ethernet, nic.up, nic.carrier);
	printf("queues %u %u\n", nic.rx_queues, nic.tx_queues);
	print_other("peer", &nic.peer);
	print_other("lower", &nic.lower);
	print_other("master", &nic.master);
	printf("source %s\nnative %s\ntarget %s\nfrags %s\nzero-copy %s\n",
	       nic_source_name(nic.source), known(nic.native), known(nic.target), known(nic.frags),
	       known(nic.zero_copy));
	printf("one-buffer-mtu %u\nneeds-frags %s\n", nic.one_buffer_mtu,
	       known(nic_needs_frags(&nic)));
	if (nic.target == NIC_NO) {
		nic_target_hint(&nic, hint, sizeof(hint));
		printf("target-hint %s\n", hint);
	}
	return 0;
}

static int query(const char *name)
{
	struct xdp_holder holders[XDP_HOLDERS_MAX];
	char text[XDP_WHY];
	struct nic nic;
	int n;

	if (nic_probe(name, &nic))
		return 1;
	n = attach_xdp_query(&nic, holders);
	for (int i = 0; i < n; i++) {
		attach_xdp_say_holder(&nic, &holders[i], text, sizeof(text));
		puts(text);
	}
	return n < 0;
}

static int run(char **argv)
{
	int status;
	pid_t pid;

	if (!*argv)
		return 0;
	pid = fork();
	if (!pid) {
		execvp(*argv, argv);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 1;
	return !WIFEXITED(status) || WEXITSTATUS(status);
}

static int print_link(int link_fd)
{
	uint32_t ifindex, prog;

	if (attach_xdp_link_info(link_fd, &ifindex, &prog))
		return 1;
	printf("link %s\n", ifindex ? "attached" : "orphaned");
	fflush(stdout);
	return 0;
}

static int by_link(const struct wish *wish)
{
	_close_ int prog_fd = load("weir_pass", wish->frags, wish->to), fd = -1;
	_close_ int other_fd = load("weir_other", wish->frags, NULL);
	char why[XDP_WHY];
	struct nic nic;
	int err;

	if (prog_fd < 0 || other_fd < 0 || nic_probe(wish->iface, &nic))
		return 1;
	fd = attach_xdp(&nic, prog_fd, wish->mode, why);
	if (fd < 0)
		return fail(1, "%s", why);
	if (print_link(fd) || run(wish->cmd))
		return 1;
	err = wish->update ? attach_xdp_update(fd, other_fd, prog_fd) : 0;
	if (err)
		return fail(1, "update: %s", strerrorname_np(-err));
	err = attach_xdp_detach(fd);
	return err ? fail(1, "detach: %s", strerrorname_np(-err)) : print_link(fd);
}

static int by_netlink(const struct wish *wish)
{
	_close_ int prog_fd = load("xdp_pass", false, NULL);
	int err = bpf_xdp_attach(if_nametoindex(wish->iface), prog_fd,
				 wish->mode == XDP_NATIVE ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE,
				 NULL);

	return err ? fail(1, "%s", strerror(-err)) : 0;
}

/* The words after MODE; false: one is not known. */
static bool read_words(struct wish *wish, char **argv)
{
	for (; *argv && strcmp(*argv, "--"); argv++) {
		if (!strcmp(*argv, "frags"))
			wish->frags = true;
		else if (!strcmp(*argv, "update"))
			wish->update = true;
		else if (!strcmp(*argv, "to") && argv[1])
			wish->to = *++argv;
		else
			return false;
	}
	wish->cmd = *argv ? argv + 1 : argv;
	return true;
}

int main(int argc, char **argv)
{
	struct wish wish = { 0 };

	fail_program("attach");
	if (argc == 3 && !strcmp(argv[1], "probe"))
		return probe(argv[2]);
	if (argc == 3 && !strcmp(argv[1], "query"))
		return query(argv[2]);
	if (argc < 4 || !read_words(&wish, argv + 4))
		return fail(2, "usage: see the head of attach.c");
	wish.iface = argv[2];
	wish.mode = strcmp(argv[3], "native") ? XDP_GENERIC : XDP_NATIVE;
	return strcmp(argv[1], "netlink") ? by_link(&wish) : by_netlink(&wish);
}
