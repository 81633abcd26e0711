// SPDX-License-Identifier: GPL-2.0-only
/*
 * weir socket: receive what a policy's `socket` rule hands over, on every queue, by AF_XDP.
 */
#include "cmd.h"

#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "abi.h"
#include "../capture.h"
#include "../nic.h"
#include "../xsk.h"
#include "live.h"

enum { KEY_COPY = 0x7201, KEY_ZERO_COPY, KEY_BUSY };

/* What waits to be sent on, and interfaces that go, are looked after that often. */
enum { FORWARD_MS = 200, GONE_MS = 1000 };

/* So many frames at once are a stream; a ring that was half full might run over in a rest. */
enum { STREAM_LEAST = 32, STREAM_MOST = XSK_RING / 2, REST_US = 100 };

struct args {
	const char *interface, *name, *file, *forward;
	uint64_t most; /* packets; 0: no end */
	struct xsk_options options;
	bool json;
};

static const struct argp_option options[] = {
	{ "write", 'w', "FILE", 0, "Write the packets to FILE, as pcap (-: standard output)", 0 },
	{ "count", 'c', "N", 0, "End after N packets", 0 },
	{ "forward", 'f', "IFACE", 0, "Send what is received out of IFACE", 0 },
	{ "zero-copy", KEY_ZERO_COPY, NULL, 0, "Zero-copy, or fail", 0 },
	{ "copy", KEY_COPY, NULL, 0, "Copy, also where the driver could do without", 0 },
	{ "busy-poll", KEY_BUSY, NULL, 0, "Do the driver's work on this CPU", 0 },
	{ 0 },
};

static void take_count(struct args *args, const char *text, struct argp_state *state)
{
	char *end;

	args->most = strtoull(text, &end, 10);
	if (*end || text[0] == '-' || !args->most)
		argp_error(state, "'%s' packets? Say a number from 1 on", text);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct args *args = state->input;

	switch (key) {
	case 'w':
		args->file = arg;
		return 0;
	case 'c':
		take_count(args, arg, state);
		return 0;
	case 'f':
		args->forward = arg;
		return 0;
	case KEY_COPY:
		args->options.copy = XSK_COPY;
		return 0;
	case KEY_ZERO_COPY:
		args->options.copy = XSK_ZERO_COPY;
		return 0;
	case KEY_BUSY:
		args->options.busy_poll = true;
		return 0;
	case ARGP_KEY_ARG:
		if (args->name)
			argp_error(state, "one interface and one name; '%s' is too much", arg);
		*(args->interface ? &args->name : &args->interface) = arg;
		return 0;
	case ARGP_KEY_END:
		if (!args->name)
			argp_error(state, "which interface, and which socket of its policy?");
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "IFACE NAME",
	.doc = "Receive what the rule `socket NAME` of the policy on IFACE hands over, on all of its queues, "
	       "by AF_XDP sockets: count it, write it to a file, or send it out of another interface. ^C ends "
	       "it. Packets of a queue that has no socket go the way that the rule's `else` says.",
};

struct reading {
	const struct args *args;
	struct xsk_set *sockets;
	uint32_t n;
	struct capture_writer *writer;
	uint64_t received, time_ns;
	uint64_t fullest; /* of the frames of one queue that were there at once, the most */
	time_t checked;	  /* that the interfaces are there */
};

static int find_map(const struct args *args)
{
	_cleanup_(live_close) struct live live = { .tree.lock_fd = -1 };
	int fd = live_open(&live);

	if (fd)
		return fd;
	fd = chain_socket_map(&live.tree, args->interface, args->name);
	if (fd == -ENOENT)
		return fail(
			-ENOENT,
			"no policy on %s has a rule 'socket %s'; `weir status %s` shows what runs",
			args->interface, args->name, args->interface);
	return fd;
}

static int open_sockets(struct reading *reading, const struct nic *nic, int map_fd)
{
	uint32_t n = nic->rx_queues < WEIR_SOCKET_QUEUES ? nic->rx_queues : WEIR_SOCKET_QUEUES;
	int err = xsk_open(reading->args->interface, n ?: 1, map_fd, &reading->args->options,
			   &reading->sockets);

	reading->n = err ? 0 : n ?: 1;
	return err;
}

static int write_frame(const uint8_t *frame, uint32_t len, void *arg)
{
	const struct reading *reading = arg;

	capture_write(reading->writer, &(struct capture_packet){ .data = frame,
								 .caplen = len,
								 .len = len,
								 .time_ns = reading->time_ns });
	return 0;
}

/* As many frames as are asked for yet, but not more than a ring holds: others have frames, too. */
static uint32_t most_of_queue(const struct reading *reading)
{
	uint64_t left = reading->args->most - reading->received;

	return reading->args->most && left < XSK_RING ? left : XSK_RING;
}

/* Whatever is there on all queues. Frames that come together have one time. */
static int read_all(struct reading *reading)
{
	struct timespec now;

	if (reading->writer) {
		clock_gettime(CLOCK_REALTIME, &now);
		reading->time_ns = now.tv_sec * 1000000000ull + now.tv_nsec;
	}
	reading->fullest = 0;
	for (uint32_t i = 0; i < reading->n; i++) {
		ssize_t taken = xsk_receive(xsk_of(reading->sockets, i), most_of_queue(reading),
					    reading->writer ? write_frame : NULL, reading);

		if (taken < 0)
			return taken;
		reading->received += taken;
		if ((uint64_t)taken > reading->fullest)
			reading->fullest = taken;
	}
	return reading->writer ? capture_flush(reading->writer) : 0;
}

static bool is_done(const struct reading *reading)
{
	return reading->args->most && reading->received >= reading->args->most;
}

static int poll_timeout(const struct args *args)
{
	return args->options.busy_poll ? 0 : args->forward ? FORWARD_MS : GONE_MS;
}

/*
 * Frames that stream in would have this process woken for every few of them, which costs more than
 * they do. So it looks for itself in a while; not who forwards, whose frames have somewhere to be.
 */
static void rest(const struct reading *reading, uint64_t taken)
{
	const struct args *args = reading->args;

	if (taken >= STREAM_LEAST && reading->fullest <= STREAM_MOST && !args->options.busy_poll &&
	    !args->forward)
		usleep(REST_US);
}

static int check_interfaces(struct reading *reading)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	if (now.tv_sec == reading->checked)
		return 0;
	reading->checked = now.tv_sec;
	return xsk_check(reading->sockets);
}

/* Until a signal, or as many packets as were asked for. */
static int read_on(struct reading *reading, int signals)
{
	_free_ struct pollfd *fds = calloc(reading->n + 1, sizeof(*fds));
	int err = fds ? 0 : fail_oom();

	for (uint32_t i = 0; !err && i < reading->n; i++)
		fds[i] = (struct pollfd){ xsk_fd(xsk_of(reading->sockets, i)), POLLIN, 0 };
	if (!err)
		fds[reading->n] = (struct pollfd){ signals, POLLIN, 0 };
	while (!err && !is_done(reading)) {
		uint64_t before = reading->received;

		poll(fds, reading->n + 1, poll_timeout(reading->args));
		err = read_all(reading);
		if (fds[reading->n].revents)
			break;
		if (!err)
			err = check_interfaces(reading);
		rest(reading, reading->received - before);
	}
	return err;
}

static void print_queue(const struct reading *reading, uint32_t queue, FILE *out)
{
	struct xsk_counts counts;

	xsk_count(xsk_of(reading->sockets, queue), &counts);
	fprintf(out, "queue %u: %" PRIu64 " packets, %" PRIu64 " bytes", queue, counts.packets,
		counts.bytes);
	if (reading->args->options.forward)
		fprintf(out, ", %" PRIu64 " sent on, %" PRIu64 " had no room", counts.forwarded,
			counts.refused);
	if (counts.no_buffer || counts.ring_full || counts.invalid)
		fprintf(out,
			"; lost: %" PRIu64 " no buffer, %" PRIu64 " ring full, %" PRIu64 " other",
			counts.no_buffer, counts.ring_full, counts.invalid);
	fputc('\n', out);
}

static json_t *queue_json(const struct reading *reading, uint32_t queue)
{
	struct xsk_counts counts;

	xsk_count(xsk_of(reading->sockets, queue), &counts);
	return json_pack("{s:I, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "queue",
			 (json_int_t)queue, "zero_copy",
			 xsk_is_zero_copy(xsk_of(reading->sockets, queue)), "packets",
			 (json_int_t)counts.packets, "bytes", (json_int_t)counts.bytes, "forwarded",
			 (json_int_t)counts.forwarded, "refused", (json_int_t)counts.refused,
			 "no_buffer", (json_int_t)counts.no_buffer, "ring_full",
			 (json_int_t)counts.ring_full, "other", (json_int_t)counts.invalid);
}

static bool writes_to_stdout(const struct args *args)
{
	return args->file && !strcmp(args->file, "-");
}

/* Packets or JSON on standard output leave no room there for words. */
static FILE *words(const struct args *args)
{
	return args->json || writes_to_stdout(args) ? stderr : stdout;
}

static void print_start(const struct reading *reading)
{
	const struct args *args = reading->args;

	fprintf(words(args), "%s %s: %u queue%s, %s%s\n", args->interface, args->name, reading->n,
		reading->n == 1 ? "" : "s",
		xsk_is_zero_copy(xsk_of(reading->sockets, 0)) ? "zero-copy" : "copy",
		args->options.busy_poll ? ", busy polling" : "");
	fflush(words(args));
}

static int probe(struct args *args, struct nic *nic)
{
	struct nic to;
	int err = nic_probe(args->interface, nic);

	if (err || !args->forward)
		return err;
	err = nic_probe(args->forward, &to);
	args->options.forward = args->forward;
	args->options.forward_queues = to.tx_queues ?: 1;
	return err;
}

static int receive(struct args *args, struct reading *reading)
{
	_close_ int map_fd = -1, signals = cmd_open_signals();
	struct nic nic;
	int err = signals < 0 ? signals : probe(args, &nic);

	if (!err)
		err = map_fd = find_map(args);
	if (err < 0)
		return err;
	err = args->file ? capture_create(args->file, &reading->writer) : 0;
	if (!err)
		err = open_sockets(reading, &nic, map_fd);
	if (err)
		return err;
	print_start(reading);
	prctl(PR_SET_TIMERSLACK, 1000); /* ns; of 50,000 a ring might run over meanwhile */
	return read_on(reading, signals);
}

static int run(int argc, char **argv)
{
	struct cmd_common common = { 0 };
	struct args args = { 0 };
	struct reading reading = { .args = &args };
	json_t *queues = json_array();
	int err = cmd_parse(&argp, argc, argv, &common, &args);

	args.json = common.json;
	if (!err && args.json && writes_to_stdout(&args)) {
		json_decref(queues);
		fail(-EINVAL,
		     "packets and JSON cannot both go to standard output: write to a file, or leave -j away");
		return CMD_USAGE;
	}
	if (!err)
		err = receive(&args, &reading);
	for (uint32_t i = 0; i < reading.n; i++) {
		if (common.json)
			json_array_append_new(queues, queue_json(&reading, i));
		else
			print_queue(&reading, i, words(&args));
	}
	xsk_close(reading.sockets);
	capture_finish(reading.writer);
	if (common.json)
		return cmd_print_json(json_pack("{s:o}", "queues", queues),
				      err ? CMD_FAILED : CMD_OK);
	json_decref(queues);
	return err ? CMD_FAILED : CMD_OK;
}

const struct cmd cmd_socket = {
	.name = "socket",
	.summary = "receive what a policy hands to an AF_XDP socket",
	.run = run,
};
