// SPDX-License-Identifier: GPL-2.0-only
#include "frames.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <string.h>

#include "../loader/capture.h"
#include "../loader/fail.h"

enum { DISCARD_PORT = 9, FIRST_PORT = 1024 };

struct smallest {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
	uint8_t payload[ETH_ZLEN - sizeof(struct ethhdr) - sizeof(struct iphdr) -
			sizeof(struct udphdr)];
} __attribute__((packed));

_Static_assert(sizeof(struct smallest) == ETH_ZLEN, "the smallest frame");

static const struct smallest builtin = {
	.eth = { .h_dest = { 2, 0, 0, 0, 0, 2 }, .h_source = { 2, 0, 0, 0, 0, 1 } },
	.ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP },
};

uint16_t frames_ip_checksum(struct iphdr ip)
{
	uint16_t words[sizeof(ip) / 2];
	uint32_t sum = 0;

	memcpy(words, &ip, sizeof(words));
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		sum += words[i];
	sum = (sum & 0xffff) + (sum >> 16);
	return ~(sum + (sum >> 16));
}

int frames_add(struct frames *out, const void *data, uint32_t len)
{
	struct frame *frame = array_add(out->frames, out->n);

	if (!frame)
		return fail_oom();
	frame->len = len;
	frame->data = malloc(len);
	if (!frame->data)
		return fail_oom();
	memcpy(frame->data, data, len);
	return 0;
}

int frames_builtin(unsigned int flows, struct frames *out)
{
	struct smallest frame = builtin;

	frame.eth.h_proto = htons(ETH_P_IP);
	frame.ip.tot_len = htons(sizeof(frame) - offsetof(struct smallest, ip));
	frame.ip.daddr = htonl(0xc6130001); /* 198.19.0.1 */
	frame.udp.dest = htons(DISCARD_PORT);
	frame.udp.len = htons(sizeof(frame) - offsetof(struct smallest, udp));
	for (unsigned int i = 1; i <= flows; i++) {
		int err;

		frame.ip.saddr = htonl(0xc6120000 + i);
		frame.ip.check = 0;
		frame.ip.check = frames_ip_checksum(frame.ip);
		frame.udp.source = htons(FIRST_PORT + i);
		err = frames_add(out, &frame, sizeof(frame));
		if (err)
			return err;
	}
	return 0;
}

static int read_packets(struct capture *capture, struct frames *out, size_t *cut)
{
	struct capture_packet packet;
	int got;

	while ((got = capture_next(capture, &packet)) > 0) {
		int err;

		if (packet.caplen != packet.len) {
			(*cut)++;
			continue;
		}
		err = frames_add(out, packet.data, packet.len);
		if (err)
			return err;
	}
	return got;
}

int frames_read(const char *path, struct frames *out)
{
	_cleanup_(capture_closep) struct capture *capture = NULL;
	size_t cut = 0;
	int err = capture_open(path, &capture);

	err = err ? err : read_packets(capture, out, &cut);
	if (err)
		return err;
	if (!out->n)
		return fail(-EINVAL, "%s: no packet in it is whole", path);
	if (cut)
		note("%s: %zu packets were cut when they were recorded, and are left out", path,
		     cut);
	return 0;
}

/* The format of pcap-savefile(5), Ethernet. */
static void write_capture(const struct frames *frames, FILE *file)
{
	const struct {
		uint32_t magic;
		uint16_t major, minor;
		uint32_t zone, accuracy, snaplen, link;
	} header = { 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1 };

	fwrite(&header, sizeof(header), 1, file);
	for (size_t i = 0; i < frames->n; i++) {
		uint32_t len = frames->frames[i].len, record[] = { 0, 0, len, len };

		fwrite(record, sizeof(record), 1, file);
		fwrite(frames->frames[i].data, len, 1, file);
	}
}

int frames_write(const struct frames *frames, const char *path)
{
	_fclose_ FILE *file = fopen(path, "we");

	if (file)
		write_capture(frames, file);
	if (!file || fflush(file) || ferror(file))
		return fail(-errno, "cannot write %s: %s", path, strerror(errno));
	return 0;
}

void frames_free(struct frames *frames)
{
	for (size_t i = 0; i < frames->n; i++)
		free(frames->frames[i].data);
	free(frames->frames);
	*frames = (struct frames){ 0 };
}
