/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a generator sends: packets that are described, or those of a capture. Described ones are UDP
 * to the discard port of 198.19.0.1 or 2001:2::1:1, from one address and port a flow, in networks
 * that RFC 2544 and RFC 5180 set aside for this.
 */
#pragma once
#include <argp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frames.h"

enum {
	TRAFFIC_SIZES = 8,
	TRAFFIC_LABELS = 4,
	TRAFFIC_FRAMES = 65536, /* different frames at most */
	TRAFFIC_DESTINATION_PORT = 9,
	TRAFFIC_FIRST_PORT = 1025,    /* of the first flow; the next has the next */
	TRAFFIC_SOURCE4 = 0xc6120001, /* 198.18.0.1: the first flow's; the next has the next */
	TRAFFIC_DESTINATION4 = 0xc6130001,
};

struct traffic_size {
	uint32_t bytes; /* with the FCS, as RFC 2544 counts: 64 to 1518 without tags */
	uint32_t weight;
};

struct traffic {
	const char *capture; /* NULL: described by the rest */
	bool ip6;
	uint32_t flows;
	struct traffic_size sizes[TRAFFIC_SIZES];
	size_t n_sizes; /* 0: the smallest */
	bool imix;	/* they are IMIX: the first is as small as the headers allow */
	uint16_t vlan;	/* 0: no tag */
	uint32_t labels[TRAFFIC_LABELS]; /* of MPLS, outermost first */
	size_t n_labels;
	uint8_t destination[6], source[6]; /* MAC addresses */
};

/* The options that describe traffic: an argp child whose input is a struct traffic. */
extern const struct argp traffic_argp;
void traffic_init(struct traffic *traffic);

/* Bytes of the headers, Ethernet to UDP. */
uint32_t traffic_headers(const struct traffic *traffic);

/* Of the sizes that its headers allow, with the FCS. */
uint32_t traffic_smallest(const struct traffic *traffic);

/* The sizes are IMIX. */
void traffic_set_imix(struct traffic *traffic);

/* The frames, in the order in which they are to be sent. Errors are reported. */
int traffic_frames(const struct traffic *traffic, struct frames *out);
