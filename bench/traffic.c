// SPDX-License-Identifier: GPL-2.0-only
#include "traffic.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <string.h>

#include "../loader/fail.h"
#include "arguments.h"

enum { FLOWS = 64, TTL = 64, LARGEST = 9018 };

/* Headers of a described packet, then its payload of zeros. */
struct packet {
	uint8_t bytes[LARGEST];
	size_t len;
};

/* The "simple IMIX" of RFC 6985's introduction, as frames with the FCS. */
static const struct traffic_size imix[] = { { 64, 7 }, { 594, 4 }, { 1518, 1 } };

enum { OPTION_VLAN = 512, OPTION_MPLS, OPTION_TO, OPTION_FROM };

static const struct argp_option options[] = {
	{ "packet", 'p', "FILE.pcap", 0, "Send the packets of a capture, over and over", 10 },
	{ "flows", 'f', "N", 0, "UDP from so many addresses and ports (64)", 10 },
	{ "size", 's', "BYTES[:WEIGHT],…|imix", 0,
	  "Sizes of frames with the FCS, mixed by weight (64); imix is 64:7,594:4,1518:1, or what headers need for 64",
	  10 },
	{ "ip6", '6', NULL, 0, "IPv6, not IPv4", 10 },
	{ "vlan", OPTION_VLAN, "VID", 0, "With a VLAN tag", 10 },
	{ "mpls", OPTION_MPLS, "LABEL,…", 0, "With a stack of labels, the outermost first", 10 },
	{ "to", OPTION_TO, "MAC", 0, "To this address (02:00:00:00:00:02)", 10 },
	{ "from", OPTION_FROM, "MAC", 0, "From this one (02:00:00:00:00:01)", 10 },
	{ 0 },
};

uint32_t traffic_headers(const struct traffic *traffic)
{
	return ETH_HLEN + (traffic->vlan ? 4 : 0) + 4 * traffic->n_labels +
	       (traffic->ip6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr)) +
	       sizeof(struct udphdr);
}

uint32_t traffic_smallest(const struct traffic *traffic)
{
	size_t headers = traffic_headers(traffic);

	return (headers > ETH_ZLEN ? headers : ETH_ZLEN) + ETH_FCS_LEN;
}

void traffic_set_imix(struct traffic *traffic)
{
	memcpy(traffic->sizes, imix, sizeof(imix));
	traffic->n_sizes = ARRAY_SIZE(imix);
	if (traffic->sizes[0].bytes < traffic_smallest(traffic))
		traffic->sizes[0].bytes = traffic_smallest(traffic);
}

static void parse_sizes(struct traffic *traffic, const char *text, struct argp_state *state)
{
	_free_ char *copy = strdup(text);
	char *rest = copy;

	traffic->n_sizes = 0;
	traffic->imix = false;
	if (!strcmp(text, "imix")) {
		traffic->imix = true;
		traffic_set_imix(traffic);
		return;
	}
	for (char *word; rest && (word = strsep(&rest, ","));) {
		struct traffic_size *size = &traffic->sizes[traffic->n_sizes++];
		char *weight = strchr(word, ':');

		if (traffic->n_sizes > TRAFFIC_SIZES)
			argp_error(state, "more than %d sizes", TRAFFIC_SIZES);
		if (weight)
			*weight++ = 0;
		size->bytes = argument_integer(word, ETH_ZLEN + ETH_FCS_LEN, LARGEST, state);
		size->weight = weight ? argument_integer(weight, 1, 100, state) : 1;
	}
}

static void parse_labels(struct traffic *traffic, const char *text, struct argp_state *state)
{
	_free_ char *copy = strdup(text);
	char *rest = copy;

	traffic->n_labels = 0;
	for (char *word; rest && (word = strsep(&rest, ","));) {
		if (traffic->n_labels == TRAFFIC_LABELS)
			argp_error(state, "more than %d labels", TRAFFIC_LABELS);
		traffic->labels[traffic->n_labels++] =
			argument_integer(word, 16, (1 << 20) - 1, state);
	}
}

static uint32_t total_weight(const struct traffic *traffic)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < traffic->n_sizes; i++)
		sum += traffic->sizes[i].weight;
	return sum ?: 1;
}

static void check_usage(struct traffic *traffic, struct argp_state *state)
{
	if (traffic->imix) /* by now all headers are known */
		traffic_set_imix(traffic);
	for (size_t i = 0; i < traffic->n_sizes; i++)
		if (traffic->sizes[i].bytes < traffic_smallest(traffic))
			argp_error(state, "%u bytes are too few for these headers and the FCS: %u",
				   traffic->sizes[i].bytes, traffic_smallest(traffic));
	if (traffic->flows * total_weight(traffic) > TRAFFIC_FRAMES)
		argp_error(state, "%u flows of these sizes are more than %d different frames",
			   traffic->flows, TRAFFIC_FRAMES);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct traffic *traffic = state->input;

	switch (key) {
	case 'p':
		traffic->capture = arg;
		return 0;
	case 'f':
		traffic->flows = argument_integer(arg, 1, 60000, state);
		return 0;
	case 's':
		parse_sizes(traffic, arg, state);
		return 0;
	case '6':
		traffic->ip6 = true;
		return 0;
	case OPTION_VLAN:
		traffic->vlan = argument_integer(arg, 1, 4094, state);
		return 0;
	case OPTION_MPLS:
		parse_labels(traffic, arg, state);
		return 0;
	case OPTION_TO:
		argument_mac(arg, traffic->destination, state);
		return 0;
	case OPTION_FROM:
		argument_mac(arg, traffic->source, state);
		return 0;
	case ARGP_KEY_END:
		check_usage(traffic, state);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

const struct argp traffic_argp = { .options = options, .parser = parse_option };

void traffic_init(struct traffic *traffic)
{
	*traffic = (struct traffic){
		.flows = FLOWS,
		.destination = { 2, 0, 0, 0, 0, 2 },
		.source = { 2, 0, 0, 0, 0, 1 },
	};
}

static void put(struct packet *packet, const void *header, size_t size)
{
	memcpy(packet->bytes + packet->len, header, size);
	packet->len += size;
}

static void put_u16(struct packet *packet, uint16_t value)
{
	value = htons(value);
	put(packet, &value, sizeof(value));
}

static void put_link(const struct traffic *traffic, struct packet *packet)
{
	uint16_t network = traffic->ip6 ? ETH_P_IPV6 : ETH_P_IP;

	put(packet, traffic->destination, sizeof(traffic->destination));
	put(packet, traffic->source, sizeof(traffic->source));
	if (traffic->vlan) {
		put_u16(packet, ETH_P_8021Q);
		put_u16(packet, traffic->vlan);
	}
	put_u16(packet, traffic->n_labels ? ETH_P_MPLS_UC : network);
	for (size_t i = 0; i < traffic->n_labels; i++) {
		bool last = i + 1 == traffic->n_labels;
		uint32_t entry = htonl(traffic->labels[i] << 12 | last << 8 | TTL); /* RFC 3032 */

		put(packet, &entry, sizeof(entry));
	}
}

static void put_ip4(struct packet *packet, uint32_t flow, size_t len)
{
	struct iphdr ip = {
		.version = 4,
		.ihl = 5,
		.ttl = TTL,
		.protocol = IPPROTO_UDP,
		.tot_len = htons(len),
		.saddr = htonl(TRAFFIC_SOURCE4 + flow),
		.daddr = htonl(TRAFFIC_DESTINATION4),
	};

	ip.check = frames_ip_checksum(ip);
	put(packet, &ip, sizeof(ip));
}

static void put_ip6(struct packet *packet, uint32_t flow, size_t len)
{
	struct ipv6hdr ip = {
		.version = 6,
		.hop_limit = TTL,
		.nexthdr = IPPROTO_UDP,
		.payload_len = htons(len - sizeof(ip)),
	};
	uint16_t host = htons(1 + flow);

	inet_pton(AF_INET6, "2001:2::", &ip.saddr);
	inet_pton(AF_INET6, "2001:2::1:1", &ip.daddr);
	memcpy(&ip.saddr.s6_addr[14], &host, sizeof(host));
	put(packet, &ip, sizeof(ip));
}

/* `size` is without the FCS. The UDP checksum is 0: none (over IPv6 by RFC 6935 only). */
static void build(const struct traffic *traffic, uint32_t flow, size_t size, struct packet *packet)
{
	size_t len;

	*packet = (struct packet){ 0 };
	put_link(traffic, packet);
	len = size - packet->len;
	if (traffic->ip6)
		put_ip6(packet, flow, len);
	else
		put_ip4(packet, flow, len);
	put_u16(packet, TRAFFIC_FIRST_PORT + flow);
	put_u16(packet, TRAFFIC_DESTINATION_PORT);
	put_u16(packet, size - packet->len + 4);
	packet->len = size;
}

/* Sizes by weight for each flow, spread: every size at equal distances among the others. */
static uint32_t pick_size(const struct traffic *traffic, int32_t credit[TRAFFIC_SIZES])
{
	size_t best = 0;

	if (!traffic->n_sizes)
		return traffic_smallest(traffic) - ETH_FCS_LEN;
	for (size_t i = 0; i < traffic->n_sizes; i++) {
		credit[i] += (int32_t)traffic->sizes[i].weight;
		if (credit[i] > credit[best])
			best = i;
	}
	credit[best] -= (int32_t)total_weight(traffic);
	return traffic->sizes[best].bytes - ETH_FCS_LEN;
}

static int describe(const struct traffic *traffic, struct frames *out)
{
	int32_t credit[TRAFFIC_SIZES] = { 0 };
	struct packet packet;

	for (uint32_t i = 0; i < traffic->flows * total_weight(traffic); i++) {
		int err;

		build(traffic, i % traffic->flows, pick_size(traffic, credit), &packet);
		err = frames_add(out, packet.bytes, packet.len);
		if (err)
			return err;
	}
	return 0;
}

int traffic_frames(const struct traffic *traffic, struct frames *out)
{
	return traffic->capture ? frames_read(traffic->capture, out) : describe(traffic, out);
}
