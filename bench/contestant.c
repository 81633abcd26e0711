// SPDX-License-Identifier: GPL-2.0-only
#include "contestant.h"

#include <bpf/libbpf.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/filter.h>
#include <linux/sockios.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "../loader/attach_tc.h"
#include "../loader/attach_xdp.h"
#include "../loader/fail.h"
#include "../loader/filter/cbpf.h"
#include "embedded.h"
#include "xsk_consume.h"

int contestant_arena(void)
{
	if (unshare(CLONE_NEWNET | CLONE_NEWNS))
		return fail(-errno, "cannot make namespaces of our own: %s%s", strerror(errno),
			    errno == EPERM ? "; it takes root" : "");
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount("bpf", "/sys/fs/bpf", "bpf", 0, NULL))
		return fail(-errno, "cannot mount a bpffs of our own: %s", strerror(errno));
	return contestant_allow_scripts();
}

static bool has_command(struct contestant *c, const char *name)
{
	char line[128];

	snprintf(line, sizeof(line), "command -v %s", name);
	return !contestant_run_here(c, line);
}

static int make_namespace(struct contestant *c)
{
	_close_ int home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	if (home < 0 || unshare(CLONE_NEWNET))
		return fail(-errno, "cannot make a network namespace: %s", strerror(errno));
	c->netns_fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	if (c->netns_fd < 0 || setns(home, CLONE_NEWNET))
		return fail(-errno, "cannot return to the network namespace: %s", strerror(errno));
	snprintf(c->netns_path, sizeof(c->netns_path), "/proc/%d/fd/%d", getpid(), c->netns_fd);
	return 0;
}

/* A frame that is redirected to a veth gets in by NAPI, which it has with GRO or native XDP. */
static int turn_gro_on(const struct contestant *c)
{
	struct ethtool_value gro = { .cmd = ETHTOOL_SGRO, .data = 1 };
	struct ifreq ifr = { .ifr_name = CONTESTANT_FAR, .ifr_data = (void *)&gro };

	return ioctl(c->far.ioctl_fd, SIOCETHTOOL, &ifr)
		       ? fail(-errno, "cannot turn GRO on: %s", strerror(errno))
		       : 0;
}

/* Our end is aN; the far one has the address that traffic goes to. No IPv6: not a frame but ours.
 */
static int lay_wire(struct contestant *c, size_t number)
{
	char name[IF_NAMESIZE], line[256];
	int err;

	snprintf(name, sizeof(name), "a%zu", number);
	snprintf(line, sizeof(line),
		 "ip link add %s type veth peer name " CONTESTANT_FAR
		 " address 02:00:00:00:00:02 netns %s && "
		 "echo 1 >/proc/sys/net/ipv6/conf/%s/disable_ipv6; ip link set %s up",
		 name, c->netns_path, name, name);
	err = contestant_run_here(c, line);
	if (err)
		return fail(err, "cannot make a veth pair: %s", c->said);
	err = contestant_run_script(
		c, "echo 1 >/proc/sys/net/ipv6/conf/" CONTESTANT_FAR "/disable_ipv6\n"
		   "ip link set lo up; ip addr add 198.19.0.1/32 dev " CONTESTANT_FAR "\n"
		   "ip link set " CONTESTANT_FAR " up");
	if (err)
		return fail(err, "cannot set up a veth: %s", c->said);
	c->ifindex = if_nametoindex(name);
	err = link_open(CONTESTANT_FAR, c->netns_path, &c->far);
	return err ? err : turn_gro_on(c);
}

/* Before tcx (6.6) by a filter, which goes with the contestant's namespace. */
static int attach_ingress(struct contestant *c, const struct nic *nic, int prog_fd)
{
	int err, tcx = attach_tcx_known();
	char why[TC_WHY];

	if (tcx < 0)
		return tcx;
	if (tcx) {
		err = c->link_fd = attach_tcx(nic, HOOK_INGRESS, prog_fd, 0, why);
	} else {
		err = attach_clsact_add_qdisc(nic, why);
		err = err ? err : attach_clsact(nic, HOOK_INGRESS, prog_fd, 0, why);
	}
	return err < 0 ? fail(err, "'%s': %s", c->is->name, why) : 0;
}

static int attach(struct contestant *c, int prog_fd)
{
	char why[XDP_WHY];
	struct nic nic;
	int err = nic_probe(CONTESTANT_FAR, &nic);

	if (err)
		return err;
	if (c->is->hook == HOOK_INGRESS)
		return attach_ingress(c, &nic, prog_fd);
	c->link_fd = attach_xdp(&nic, prog_fd, c->is->mode, why);
	return c->link_fd < 0 ? fail(c->link_fd, "'%s': %s", c->is->name, why) : 0;
}

static int attach_policy(const struct link *link, void *arg)
{
	struct contestant *c = arg;
	int err = subject_load_text(c->is->path, c->is->body, strlen(c->is->body), NULL,
				    c->is->hook, &c->subject);

	(void)link;
	return err ? err : attach(c, c->subject.prog_fd);
}

static int attach_program(const struct link *link, void *arg)
{
	struct contestant *c = arg;
	int err =
		embedded_load(c->is->way == SCENARIO_SEND ? "hand_drop" : c->is->what, &c->object);

	(void)link;
	err = err ? err : contestant_fill_maps(c);
	if (err)
		return err;
	return attach(c, bpf_program__fd(bpf_object__next_program(c->object, NULL)));
}

static int bind_socket(struct contestant *c, const struct sock_fprog *filter)
{
	const struct sockaddr_in any = { .sin_family = AF_INET,
					 .sin_port = htons(TRAFFIC_DESTINATION_PORT) };

	c->socket_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (c->socket_fd < 0 ||
	    setsockopt(c->socket_fd, SOL_SOCKET, SO_ATTACH_FILTER, filter, sizeof(*filter)) ||
	    bind(c->socket_fd, (const struct sockaddr *)&any, sizeof(any)))
		return fail(-errno, "'%s': cannot open a UDP socket with this filter: %s",
			    c->is->name, strerror(errno));
	return 0;
}

static int open_socket(const struct link *link, void *arg)
{
	struct contestant *c = arg;
	const struct source source = { .name = (char *)c->is->path, .text = c->is->body };
	const struct pos pos = { .source = &source };
	struct cbpf code = { 0 };
	int err = cbpf_parse(c->is->body, &pos, &code);

	(void)link;
	if (!err) {
		const struct sock_fprog filter = { .len = code.n, .filter = code.insns };

		err = bind_socket(c, &filter);
	}
	cbpf_free(&code);
	return err;
}

static int start_consumer(const struct link *link, void *arg)
{
	struct contestant *c = arg;

	(void)link;
	return xsk_consume_start(CONTESTANT_FAR, &c->group);
}

static int skip(struct contestant *c, const char *fmt, const char *arg)
{
	if (asprintf(&c->skipped, fmt, arg) >= 0)
		return 0;
	c->skipped = NULL;
	return fail_oom();
}

static int begin(struct contestant *c)
{
	int err;

	switch (c->is->way) {
	case SCENARIO_POLICY:
		return link_call(&c->far, attach_policy, c);
	case SCENARIO_PROGRAM:
		return link_call(&c->far, attach_program, c);
	case SCENARIO_SOCKET:
		return link_call(&c->far, open_socket, c);
	case SCENARIO_SEND:
		err = link_call(&c->far, attach_program, c);
		return err ? err : contestant_open_sender(c);
	case SCENARIO_CONSUME:
		return link_call(&c->far, start_consumer, c);
	case SCENARIO_SHELL:
		break;
	}
	if (!has_command(c, c->is->what))
		return skip(c, "%s is not installed", c->is->what);
	err = contestant_run_script(c, c->is->body);
	return err == -ECHILD ? skip(c, "its script failed: %s", c->said) : err;
}

static int look_beyond(const struct link *link, void *arg)
{
	bool *there = arg;

	(void)link;
	*there = if_nametoindex(CONTESTANT_BEYOND);
	return 0;
}

/* It has made the interface that everything has to come out of. */
static int find_beyond(struct contestant *c)
{
	int err = link_call(&c->far, look_beyond, &c->goes_on);

	return err || !c->goes_on ? err : link_open(CONTESTANT_BEYOND, c->netns_path, &c->beyond);
}

void contestant_init(struct contestant *c)
{
	*c = (struct contestant){ .netns_fd = -1, .link_fd = -1, .socket_fd = -1 };
	c->redirect_fd = -1;
	c->subject.prog_fd = -1;
	c->far.ioctl_fd = -1;
}

int contestant_open(const struct scenario_contestant *is, size_t number,
		    const struct frames *frames, struct contestant *out)
{
	int err;

	contestant_init(out);
	out->is = is;
	out->job.frames = *frames;
	err = make_namespace(out);
	err = err ? err : lay_wire(out, number);
	err = err ? err : begin(out);
	if (err || out->skipped)
		return err;
	err = find_beyond(out);
	return err ? err : link_count(&out->far, &out->before);
}

void contestant_close(struct contestant *c)
{
	contestant_close_sender(c);
	contestant_end_script(c);
	own_close(&c->socket_fd);
	own_close(&c->link_fd);
	link_close(&c->far);
	if (c->goes_on)
		link_close(&c->beyond);
	subject_close(&c->subject);
	bpf_object__close(c->object);
	own_close(&c->netns_fd);
	free(c->skipped);
	free(c->said);
	free(c->rounds);
}

/* UDP packets that found no socket: nobody listens, so all that arrived. RFC 4113. */
static int read_delivered(const struct link *link, void *arg)
{
	_fclose_ FILE *file = fopen("/proc/thread-self/net/snmp", "re");
	_free_ char *line = NULL;
	size_t size = 0;
	uint64_t *out = arg;

	(void)link;
	while (file && getline(&line, &size, file) > 0)
		if (sscanf(line, "Udp: %*u %lu", out) == 1)
			return 0;
	return fail(-EIO, "cannot read /proc/net/snmp");
}

int contestant_count(struct contestant *c)
{
	struct link_counters now, beyond = { 0 };
	int err = link_count(&c->far, &now);

	if (!err && c->goes_on)
		err = link_count(&c->beyond, &beyond);
	c->gone_on = beyond.received;
	c->counters.received = now.received - c->before.received;
	c->counters.receive_dropped = now.receive_dropped - c->before.receive_dropped;
	return err ? err : link_call(&c->far, read_delivered, &c->delivered);
}
