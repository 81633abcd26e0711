/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Capture files: pcap and pcapng, Ethernet only, read by libpcap; and written, as pcap.
 */
#pragma once
#include <stdint.h>

#include "fail.h"

struct capture;

struct capture_packet {
	const uint8_t *data; /* valid until the next call */
	uint32_t caplen;     /* bytes there */
	uint32_t len;	     /* bytes on the wire */
	uint64_t time_ns;    /* since the epoch */
};

/* Open a file ("-": standard input). Errors are reported; other link types than Ethernet are one.
 */
int capture_open(const char *path, struct capture **out);

/* The next packet: 1, or 0 at the end, or a reported error (a damaged file). */
int capture_next(struct capture *capture, struct capture_packet *packet);

void capture_close(struct capture *capture);
void capture_closep(struct capture **capture);

struct capture_writer;

/* Make a file ("-": standard output), its times in nanoseconds. Errors are reported. */
int capture_create(const char *path, struct capture_writer **out);

/* Add a packet; `packet` has caplen bytes. */
void capture_write(struct capture_writer *writer, const struct capture_packet *packet);

/* What has been written so far leaves this process. Errors are reported. */
int capture_flush(struct capture_writer *writer);

void capture_finish(struct capture_writer *writer);
