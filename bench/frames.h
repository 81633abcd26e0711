/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a generator sends: frames from the destination MAC address on, without the FCS.
 */
#pragma once
#include <linux/ip.h>
#include <stddef.h>
#include <stdint.h>

struct frame {
	uint8_t *data;
	uint32_t len;
};

struct frames {
	struct frame *frames;
	size_t n;
};

/*
 * The built-in traffic: UDP over IPv4 in the smallest Ethernet frames (60 bytes and the FCS), one
 * frame for each of `flows` (at most 254) flows 198.18.0.N:1024+N > 198.19.0.1:9, the addresses
 * that RFC 2544 sets aside for this. The UDP checksum is 0: none.
 */
int frames_builtin(unsigned int flows, struct frames *out);

/* The packets of a capture that are there whole. None is an error. Errors are reported. */
int frames_read(const char *path, struct frames *out);

/* A copy of it, at the end. Errors are reported. */
int frames_add(struct frames *out, const void *data, uint32_t len);

/* As a capture. Errors are reported. */
int frames_write(const struct frames *frames, const char *path);

/* RFC 1071: of a header without options whose checksum is 0. Network order. */
uint16_t frames_ip_checksum(struct iphdr ip);

void frames_free(struct frames *frames);
