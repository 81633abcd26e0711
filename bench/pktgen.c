// SPDX-License-Identifier: GPL-2.0-only
/*
 * pktgen, the kernel's own generator (Documentation/networking/pktgen.rst): threads of the kernel,
 * one a CPU, told what to send by files in /proc/net/pktgen, of which every network namespace has
 * its own. It makes its packets itself; each thread takes the interface by the name IFACE@CPU.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../loader/fail.h"
#include "generator.h"

/* The thread's own: /proc/net is the process's first one's. */
#define PKTGEN "/proc/thread-self/net/pktgen/"

enum { KERNEL_ENOTSUPP = 524 }; /* the kernel's own, without a name here */

struct generator {
	const struct job *job;
	size_t n, n_added; /* workers; those whose thread has the interface */
	pthread_t starter;
	bool started;
	atomic_bool done, stopping;
	int err;
	/* What was sent before the rest is (see send_rest()), one for each worker; not used before.
	 */
	struct generator_count *before;
	atomic_bool rest;
	int guard; /* the end of a pipe to the guard; -1: there is none */
	pid_t guard_pid;
};

static int cpu_of(const struct generator *g, size_t worker)
{
	return g->job->cpus.n ? (int)g->job->cpus.numbers[worker] : 0;
}

/* Write a line to a file of pktgen's; pgctrl wants its end. -errno, not reported. */
static int write_line(const char *path, const char *line)
{
	_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd < 0 || write(fd, line, strlen(line)) < 0 ? -errno : 0;
}

static void device_name(const struct generator *g, size_t worker, char *out, size_t size)
{
	snprintf(out, size, "%s@%d", g->job->interface, cpu_of(g, worker));
}

/* Tell a kernel thread something about its devices. */
static int tell_thread(const struct generator *g, size_t worker, const char *line)
{
	char path[64];

	snprintf(path, sizeof(path), PKTGEN "kpktgend_%d", cpu_of(g, worker));
	return write_line(path, line);
}

/* Set a parameter of a worker's device. */
_printf_(3, 4) static int set(const struct generator *g, size_t worker, const char *fmt, ...)
{
	char path[64], name[32], line[256];
	va_list args;
	int err;

	device_name(g, worker, name, sizeof(name));
	snprintf(path, sizeof(path), PKTGEN "%s", name);
	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	err = write_line(path, line);
	if (err == -KERNEL_ENOTSUPP)
		return fail(-EOPNOTSUPP, "the driver of %s cannot do pktgen's '%s'",
			    g->job->interface, line);
	return err ? fail(err, "pktgen does not take '%s' for %s: %s", line, name, strerror(-err))
		   : 0;
}

static int set_addresses(const struct generator *g, size_t worker)
{
	const struct traffic *t = &g->job->traffic;
	const uint8_t *to = t->destination, *from = t->source;
	int err = set(g, worker, "dst_mac %02x:%02x:%02x:%02x:%02x:%02x", to[0], to[1], to[2],
		      to[3], to[4], to[5]);

	if (!err)
		err = set(g, worker, "src_mac %02x:%02x:%02x:%02x:%02x:%02x", from[0], from[1],
			  from[2], from[3], from[4], from[5]);
	if (!err && t->ip6) {
		err = set(g, worker, "dst6 2001:2::1:1");
		return err ? err : set(g, worker, "src6 2001:2::1");
	}
	if (!err)
		err = set(g, worker, "dst 198.19.0.1");
	if (!err)
		err = set(g, worker, "src_min 198.18.0.1");
	if (!err)
		err = set(g, worker, "src_max 198.18.%u.%u", t->flows >> 8, t->flows & 0xff);
	return err;
}

/* Address and port step together, so each flow has one of either. udp_src_max is one too far. */
static int set_ports(const struct generator *g, size_t worker)
{
	int err = set(g, worker, "udp_dst_min %d", TRAFFIC_DESTINATION_PORT);

	if (!err)
		err = set(g, worker, "udp_dst_max %d", TRAFFIC_DESTINATION_PORT);
	if (!err)
		err = set(g, worker, "udp_src_min %d", TRAFFIC_FIRST_PORT);
	if (!err)
		err = set(g, worker, "udp_src_max %u", TRAFFIC_FIRST_PORT + g->job->traffic.flows);
	return err;
}

/* Without the FCS, as pktgen counts. */
static int set_sizes(const struct generator *g, size_t worker)
{
	const struct traffic *t = &g->job->traffic;
	char list[TRAFFIC_SIZES * 16] = "";
	size_t len = 0;

	if (t->n_sizes < 2)
		return set(g, worker, "pkt_size %u", g->job->frames.frames[0].len);
	for (size_t i = 0; i < t->n_sizes; i++)
		len += snprintf(list + len, sizeof(list) - len, "%s%u,%u", i ? " " : "",
				t->sizes[i].bytes - 4, t->sizes[i].weight);
	return set(g, worker, "imix_weights %s", list);
}

static int set_tags(const struct generator *g, size_t worker)
{
	const struct traffic *t = &g->job->traffic;
	char list[TRAFFIC_LABELS * 16] = "";
	size_t len = 0;

	for (size_t i = 0; i < t->n_labels; i++)
		len += snprintf(list + len, sizeof(list) - len, "%s%08x", i ? "," : "",
				t->labels[i] << 12 | 64);
	if (t->vlan)
		return set(g, worker, "vlan_id %u", t->vlan);
	return t->n_labels ? set(g, worker, "mpls %s", list) : 0;
}

/* pktgen waits for `delay` before each burst, not before each packet of it. 0 packets: no limit. */
static int set_pace(const struct generator *g, size_t worker, uint64_t packets, uint32_t burst)
{
	const struct job *job = g->job;
	int err = set(g, worker, "count %" PRIu64, packets);

	if (!err && job->rate)
		err = set(g, worker, "delay %.0f", g->n * 1e9 * burst / job->rate);
	if (!err && job->xmit_more > 1)
		err = set(g, worker, "burst %u", burst);
	return err;
}

/*
 * pktgen looks at its count after a burst, so it may send too many, and a driver may cut a burst
 * short anywhere: ask for so few that even then there are none too many. send_rest() sends the
 * rest.
 */
static int set_number(const struct generator *g, size_t worker)
{
	const struct job *job = g->job;
	uint64_t share = job_share(job, worker);
	uint32_t burst = job->xmit_more ?: 1;
	int err = job->clone_skb ? set(g, worker, "clone_skb %u", job->clone_skb) : 0;

	if (share && burst > share)
		burst = share;
	return err ? err : set_pace(g, worker, share ? share - (burst - 1) : 0, burst);
}

static int set_queue(const struct generator *g, size_t worker)
{
	const struct number_list *queues = &g->job->queues;
	uint32_t queue = queues->n ? queues->numbers[worker % queues->n] : 0;
	int err;

	if (!queues->n)
		return set(g, worker, "flag QUEUE_MAP_CPU");
	err = set(g, worker, "queue_map_min %u", queue);
	return err ? err : set(g, worker, "queue_map_max %u", queue);
}

static int add_device(struct generator *g, size_t worker)
{
	char name[32], line[64];
	int err = tell_thread(g, worker, "rem_device_all");

	device_name(g, worker, name, sizeof(name));
	snprintf(line, sizeof(line), "add_device %s", name);
	err = err ? err : tell_thread(g, worker, line);
	if (err)
		return fail(err, "pktgen's thread on CPU %d does not take %s: %s",
			    cpu_of(g, worker), name, strerror(-err));
	g->n_added++;
	return 0;
}

static int configure(struct generator *g, size_t worker)
{
	static int (*const steps[])(const struct generator *, size_t) = {
		set_addresses, set_ports, set_tags, set_sizes, set_number, set_queue,
	};
	int err = add_device(g, worker);

	for (size_t i = 0; i < ARRAY_SIZE(steps) && !err; i++)
		err = steps[i](g, worker);
	return err;
}

static void remove_devices(const struct generator *g, size_t n)
{
	for (size_t i = 0; i < n; i++)
		tell_thread(g, i, "rem_device_all");
}

/* The guard's life: told that all is well, or left alone. */
static void guard(const struct generator *g, int pipe_end)
{
	char word;
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	setsid();
	if (!read(pipe_end, &word, 1)) {
		write_line(PKTGEN "pgctrl", "stop\n");
		remove_devices(g, g->n);
	}
	_exit(0);
}

/* What pktgen was told stays when we are killed; a child of ours takes it back then. */
static int start_guard(struct generator *g)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return fail(-errno, "cannot make a pipe: %s", strerror(errno));
	g->guard_pid = fork();
	if (!g->guard_pid) {
		close(ends[1]);
		guard(g, ends[0]);
	}
	close(ends[0]);
	g->guard = ends[1];
	return g->guard_pid < 0 ? fail(-errno, "cannot start a process: %s", strerror(errno)) : 0;
}

static void end_guard(struct generator *g)
{
	if (g->guard_pid > 0 && write(g->guard, "", 1) == 1)
		waitpid(g->guard_pid, NULL, 0);
	own_close(&g->guard);
}

static int pktgen_open(const struct job *job, struct generator **out)
{
	struct generator *g = calloc(1, sizeof(*g));
	int err;

	if (!g)
		return fail_oom();
	*out = g;
	g->job = job;
	g->n = job_workers(job);
	g->guard = -1;
	g->before = calloc(g->n, sizeof(*g->before));
	err = g->before ? start_guard(g) : fail_oom();
	for (size_t i = 0; i < g->n && !err; i++)
		err = configure(g, i);
	return err;
}

/* The number after a word, or 0. */
static uint64_t number_after(const char *text, const char *word)
{
	const char *at = strstr(text, word);

	return at ? strtoull(at + strlen(word), NULL, 10) : 0;
}

/* Add what it has sent. */
static void read_count(const struct generator *g, size_t worker, struct generator_count *out)
{
	char path[64], name[32], text[4096] = "";
	uint64_t started, stopped;

	device_name(g, worker, name, sizeof(name));
	snprintf(path, sizeof(path), PKTGEN "%s", name);
	_fclose_ FILE *file = fopen(path, "re");

	if (!file || !fread(text, 1, sizeof(text) - 1, file))
		return;
	started = number_after(text, " started: ");
	stopped = number_after(text, " stopped: ");
	out->packets += number_after(text, "pkts-sofar: ");
	out->errors += number_after(text, " errors: ");
	if (stopped > started)
		out->seconds += (stopped - started) / 1e6;
}

/* Its CPU, its queue, and no packets yet. */
static struct generator_count no_count(const struct generator *g, size_t worker)
{
	const struct number_list *queues = &g->job->queues;

	return (struct generator_count){
		.cpu = cpu_of(g, worker),
		.queue = queues->n ? (int)queues->numbers[worker % queues->n] : -1,
	};
}

/* The write returns when all are done. */
static int run(void)
{
	int err = write_line(PKTGEN "pgctrl", "start\n");

	return err ? fail(err, "pktgen does not start: %s", strerror(-err)) : 0;
}

/* Note what a worker has sent, and make it ready for what is missing, one by one. 1: nothing is. */
static int prepare_rest(struct generator *g, size_t worker)
{
	struct generator_count *before = &g->before[worker];
	uint64_t share = job_share(g->job, worker);

	*before = no_count(g, worker);
	read_count(g, worker, before);
	if (before->packets < share)
		return set_pace(g, worker, share - before->packets, 1);
	tell_thread(g, worker, "rem_device_all");
	return 1;
}

/* What bursts have left. */
static int send_rest(struct generator *g)
{
	bool any = false;

	if (!g->job->packets || g->job->xmit_more < 2 || g->stopping)
		return 0;
	for (size_t i = 0; i < g->n; i++) {
		int err = prepare_rest(g, i);

		if (err < 0)
			return err;
		any |= !err;
	}
	g->rest = true;
	return any ? run() : 0;
}

static void *start(void *arg)
{
	struct generator *g = arg;

	g->err = run();
	if (!g->err)
		g->err = send_rest(g);
	g->done = true;
	return NULL;
}

static int pktgen_start(struct generator *g)
{
	int err = pthread_create(&g->starter, NULL, start, g);

	if (err)
		return fail(-err, "cannot start a thread: %s", strerror(err));
	g->started = true;
	return 0;
}

static bool pktgen_look(struct generator *g, struct generator_count *counts)
{
	bool running = !g->done;

	for (size_t i = 0; i < g->n; i++) {
		counts[i] = g->rest ? g->before[i] : no_count(g, i);
		/* While the rest is sent, the kernel's counts may be those of before. */
		if (!g->rest || !running)
			read_count(g, i, &counts[i]);
	}
	return running;
}

/* Told more than once: the rest may just be about to start. */
static int pktgen_stop(struct generator *g)
{
	const struct timespec nap = { .tv_nsec = 10000000 };

	if (!g->started)
		return 0;
	g->stopping = true;
	while (!g->done) {
		write_line(PKTGEN "pgctrl", "stop\n");
		nanosleep(&nap, NULL);
	}
	pthread_join(g->starter, NULL);
	g->started = false;
	return g->err;
}

static void pktgen_close(struct generator *g)
{
	if (!g)
		return;
	pktgen_stop(g);
	remove_devices(g, g->n_added);
	end_guard(g);
	free(g->before);
	free(g);
}

/* Is a device of somebody's in a thread that we want? "Running: " and "Stopped: " are empty then.
 */
static bool is_busy(const struct job *job)
{
	const struct generator g = { .job = job };

	for (size_t i = 0; i < job_workers(job); i++) {
		char path[64], text[4096] = "";

		snprintf(path, sizeof(path), PKTGEN "kpktgend_%d", cpu_of(&g, i));
		_fclose_ FILE *file = fopen(path, "re");

		if (file && fread(text, 1, sizeof(text) - 1, file) && strchr(text, '@'))
			return true;
	}
	return false;
}

static const char *pktgen_refusal(const struct job *job)
{
	if (access(PKTGEN "pgctrl", W_OK))
		return errno == EACCES ? "it needs root"
				       : "/proc/net/pktgen is not there (`modprobe pktgen`)";
	if (job->traffic.capture)
		return "it cannot send a capture";
	if (job->traffic.vlan && job->traffic.n_labels)
		return "it has either a VLAN tag or MPLS labels";
	if (job->burst > 1)
		return "a packet is in a row with copies of it by --clone, not by --burst";
	if (is_busy(job))
		return "its threads have devices already (`echo reset >/proc/net/pktgen/pgctrl`)";
	return NULL;
}

const struct generator_ops generator_pktgen = {
	.word = "pktgen",
	.name = "pktgen",
	.refusal = pktgen_refusal,
	.open = pktgen_open,
	.start = pktgen_start,
	.look = pktgen_look,
	.stop = pktgen_stop,
	.close = pktgen_close,
};
