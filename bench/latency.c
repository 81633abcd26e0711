// SPDX-License-Identifier: GPL-2.0-only
#include "latency.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "../loader/fail.h"
#include "statistics.h"

enum {
	PERIOD = 5000000,  /* ns from one to the next */
	LAST = 200000000,  /* ns that the last ones have to arrive */
	MOST = 1 << 16,	   /* frames of ours */
	MARK = 0x77656972, /* "weir", twice, ahead of the number */
};
static const double SECOND = 1e9;

/* The end of a frame of ours, in network order. */
struct mark {
	uint32_t words[2];
	uint32_t number, reserved;
};

struct latency {
	struct link receiver;
	struct frame frame; /* owned: one with a mark */
	int sender_fd, receiver_fd;
	pthread_t thread;
	bool started;
	atomic_bool stop;
	uint32_t sent, n;
	int err;
	double sent_at[MOST], us[MOST]; /* seconds; of those that arrived */
};

bool latency_has_room(const struct job *job)
{
	return !job->traffic.capture &&
	       job->frames.frames[0].len >= traffic_headers(&job->traffic) + sizeof(struct mark);
}

static double seconds(const struct timespec *time)
{
	return time->tv_sec + time->tv_nsec / SECOND;
}

/* The clock of the kernel's time stamps. */
static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_REALTIME, &time);
	return seconds(&time);
}

/* Where a frame's last 16 bytes begin with the mark. */
static int filter_marks(int fd)
{
	struct sock_filter code[] = {
		{ BPF_LD | BPF_W | BPF_LEN, 0, 0, 0 },
		{ BPF_ALU | BPF_SUB | BPF_K, 0, 0, sizeof(struct mark) },
		{ BPF_MISC | BPF_TAX, 0, 0, 0 },
		{ BPF_LD | BPF_W | BPF_IND, 0, 0, 0 },
		{ BPF_JMP | BPF_JEQ | BPF_K, 0, 3, MARK },
		{ BPF_LD | BPF_W | BPF_IND, 0, 0, 4 },
		{ BPF_JMP | BPF_JEQ | BPF_K, 0, 1, MARK },
		{ BPF_RET | BPF_K, 0, 0, UINT16_MAX },
		{ BPF_RET | BPF_K, 0, 0, 0 },
	};
	const struct sock_fprog program = { ARRAY_SIZE(code), code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

static int bind_to(int fd, int ifindex, uint16_t protocol)
{
	const struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(protocol),
		.sll_ifindex = ifindex,
	};

	return bind(fd, (const struct sockaddr *)&address, sizeof(address));
}

/* In the receiver's network namespace. Bound last, so that it hears nothing else. */
static int open_receiver(const struct link *link, void *arg)
{
	struct latency *l = arg;
	int on = 1;

	l->receiver_fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->receiver_fd < 0 || filter_marks(l->receiver_fd) ||
	    setsockopt(l->receiver_fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) ||
	    bind_to(l->receiver_fd, link->ifindex, ETH_P_ALL))
		return fail(-errno, "cannot listen to %s by a packet socket: %s", link->name,
			    strerror(errno));
	return 0;
}

static int open_sender(struct latency *l, const struct job *job)
{
	l->sender_fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (l->sender_fd < 0 || bind_to(l->sender_fd, job->ifindex, 0))
		return fail(-errno, "cannot send by a packet socket of %s: %s", job->interface,
			    strerror(errno));
	return 0;
}

static int copy_frame(struct latency *l, const struct frame *from)
{
	l->frame.data = malloc(from->len);
	if (!l->frame.data)
		return fail_oom();
	memcpy(l->frame.data, from->data, from->len);
	l->frame.len = from->len;
	return 0;
}

/* A frame that the interface has no room for is one that never arrives. */
static void send_one(struct latency *l)
{
	const struct mark mark = { { htonl(MARK), htonl(MARK) }, htonl(l->sent), 0 };

	if (l->sent == MOST)
		return;
	memcpy(l->frame.data + l->frame.len - sizeof(mark), &mark, sizeof(mark));
	l->sent_at[l->sent++] = now();
	if (send(l->sender_fd, l->frame.data, l->frame.len, MSG_DONTWAIT) < 0 && errno != ENOBUFS &&
	    errno != EAGAIN)
		l->err = fail(-errno, "cannot send a frame with a time stamp: %s", strerror(errno));
}

static const struct timespec *time_stamp(struct msghdr *message)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPNS)
			return (const struct timespec *)CMSG_DATA(c);
	return NULL;
}

/* One that has arrived; false: there is none. */
static bool receive_one(struct latency *l)
{
	char frame[9216], control[128];
	struct iovec data = { frame, sizeof(frame) };
	struct msghdr message = { .msg_iov = &data,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	ssize_t len = recvmsg(l->receiver_fd, &message, 0);
	const struct timespec *time = len < 0 ? NULL : time_stamp(&message);
	struct mark mark;

	if (len < (ssize_t)sizeof(mark))
		return false;
	memcpy(&mark, frame + len - sizeof(mark), sizeof(mark));
	if (time && ntohl(mark.number) < l->sent && l->n < MOST)
		l->us[l->n++] = (seconds(time) - l->sent_at[ntohl(mark.number)]) * 1e6;
	return true;
}

static void *work(void *arg)
{
	const struct timespec nap = { .tv_nsec = PERIOD };
	struct latency *l = arg;

	while (!l->stop && !l->err) {
		send_one(l);
		nanosleep(&nap, NULL);
		while (receive_one(l))
			;
	}
	for (int i = 0; i < LAST / PERIOD && l->n < l->sent; i++) {
		nanosleep(&nap, NULL);
		while (receive_one(l))
			;
	}
	return NULL;
}

int latency_begin(const struct rate *rate, struct latency **out)
{
	struct latency *l = calloc(1, sizeof(*l));
	struct job job = rate->job;
	int err;

	*out = l;
	if (!l)
		return fail_oom();
	l->sender_fd = l->receiver_fd = l->receiver.ioctl_fd = -1;
	job.ifindex = if_nametoindex(job.interface);
	err = link_open(rate->receiver_interface, rate->receiver_netns, &l->receiver);
	err = err ? err : link_call(&l->receiver, open_receiver, l);
	err = err ? err : open_sender(l, &job);
	err = err ? err : copy_frame(l, &job.frames.frames[0]);
	if (err)
		return err;
	err = -pthread_create(&l->thread, NULL, work, l);
	l->started = !err;
	return err ? fail(err, "cannot start a thread: %s", strerror(-err)) : 0;
}

static void fill(struct latency *l, struct latency_result *out)
{
	double sum = 0;

	statistics_sort(l->us, l->n);
	for (uint32_t i = 0; i < l->n; i++)
		sum += l->us[i];
	*out = (struct latency_result){ .sent = l->sent, .arrived = l->n };
	if (!l->n)
		return;
	out->mean = sum / l->n;
	out->least = l->us[0];
	out->median = statistics_percentile(l->us, l->n, 50);
	out->p95 = statistics_percentile(l->us, l->n, 95);
	out->most = l->us[l->n - 1];
}

int latency_end(struct latency *l, struct latency_result *out)
{
	int err;

	if (!l)
		return 0;
	l->stop = true;
	if (l->started)
		pthread_join(l->thread, NULL);
	err = l->err;
	if (out && !err)
		fill(l, out);
	own_close(&l->sender_fd);
	own_close(&l->receiver_fd);
	link_close(&l->receiver);
	free(l->frame.data);
	free(l);
	return err;
}
