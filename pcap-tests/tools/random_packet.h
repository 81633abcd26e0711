/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Packets made from those of captures: cut, tagged, tunnelled, fragmented, crossed with another,
 * corrupted.
 */
#pragma once
#include <stdint.h>
#include <string.h>

#include "random_cbpf.h"

enum {
	MUTANT_GROWS = 64, /* bytes, at most */
	MUTANT_MIN = 14,
	L2_TYPE = 12, /* where the first ethertype is */
};

struct mutant {
	struct dice *dice;
	uint8_t *data; /* room for MUTANT_GROWS bytes more */
	uint32_t len;
};

static inline void put16(uint8_t *to, uint16_t value)
{
	to[0] = value >> 8;
	to[1] = value;
}

static inline uint32_t get_big_endian(const uint8_t *from, unsigned int size)
{
	uint32_t value = 0;

	while (size--)
		value = value << 8 | *from++;
	return value;
}

/* Room for n bytes at an offset, zeroed. */
static inline uint8_t *mutant_open(struct mutant *m, uint32_t at, uint32_t n)
{
	memmove(m->data + at + n, m->data + at, m->len - at);
	memset(m->data + at, 0, n);
	m->len += n;
	return m->data + at;
}

static inline void mutant_tag(struct mutant *m)
{
	static const uint16_t types[] = { 0x8100, 0x8100, 0x88a8, 0x9100 };
	static const uint16_t ids[] = { 10, 100, 10, 1, 0, 4095 };
	uint8_t *tag = mutant_open(m, L2_TYPE, 4);

	put16(tag, types[dice_below(m->dice, ARRAY_SIZE(types))]);
	put16(tag + 2, ids[dice_below(m->dice, ARRAY_SIZE(ids))] | dice_below(m->dice, 8) << 13);
}

/* One label or two, the last of which says so, mostly. */
static inline void mutant_mpls(struct mutant *m)
{
	uint32_t labels = 1 + dice_below(m->dice, 2);
	uint8_t *shim = mutant_open(m, L2_TYPE + 2, 4 * labels);

	put16(m->data + L2_TYPE, 0x8847);
	for (uint32_t i = 0; i < labels; i++, shim += 4) {
		put16(shim, dice_below(m->dice, 4));
		shim[2] = dice_below(m->dice, 2) << 4;
		shim[2] |= (i + 1 == labels) ^ dice_one_in(m->dice, 8);
		shim[3] = 64;
	}
}

static inline void mutant_pppoe(struct mutant *m)
{
	uint16_t type = get_big_endian(m->data + L2_TYPE, 2);
	uint8_t *header = mutant_open(m, L2_TYPE + 2, 8);

	put16(m->data + L2_TYPE, 0x8864);
	header[0] = 0x11;
	put16(header + 2, dice_below(m->dice, 8));
	put16(header + 4, m->len - L2_TYPE - 8);
	put16(header + 6, type == 0x86dd ? 0x57 : 0x21);
}

/* Where the network header is, behind tags; 0: no such packet. */
static inline uint32_t packet_l3(const uint8_t *data, uint32_t len, uint16_t *type)
{
	uint32_t at = L2_TYPE;

	for (; at + 2 <= len; at += 4) {
		*type = get_big_endian(data + at, 2);
		if (*type != 0x8100 && *type != 0x88a8 && *type != 0x9100)
			return at + 2;
	}
	return 0;
}

/* Of IPv4: the fragment's offset and flags, or the header's length. */
static inline void mutant_ip(struct mutant *m)
{
	static const uint16_t frags[] = { 0x2000, 1, 185, 0x2001, 0x1fff, 0x4000 };
	uint16_t type;
	uint32_t l3 = packet_l3(m->data, m->len, &type);

	if (!l3 || type != 0x0800 || l3 + 20 > m->len)
		return;
	if (dice_one_in(m->dice, 3))
		m->data[l3] = 0x40 | dice_below(m->dice, 16);
	else
		put16(m->data + l3 + 6, frags[dice_below(m->dice, ARRAY_SIZE(frags))]);
}

/* An extension header of IPv6, in front of what follows. */
static inline void mutant_ip6(struct mutant *m)
{
	static const uint8_t types[] = { 0, 43, 44, 60, 51 };
	uint16_t type;
	uint32_t l3 = packet_l3(m->data, m->len, &type);
	uint8_t *header;

	if (!l3 || type != 0x86dd || l3 + 40 > m->len)
		return;
	header = mutant_open(m, l3 + 40, 8);
	header[0] = m->data[l3 + 6];
	m->data[l3 + 6] = types[dice_below(m->dice, ARRAY_SIZE(types))];
}

/* Bytes of another packet at the same place: a header field, or all from there on. */
static inline void mutant_cross(struct mutant *m, const uint8_t *other, uint32_t len)
{
	static const uint8_t at[] = { 0, 6, 12, 14, 22, 23, 26, 30, 34, 36, 38, 46, 54 };
	uint32_t from = at[dice_below(m->dice, ARRAY_SIZE(at))];
	uint32_t n = dice_one_in(m->dice, 4) ? 16 : 1u << dice_below(m->dice, 3);

	if (from + n <= m->len && from + n <= len)
		memcpy(m->data + from, other + from, n);
}

static inline void mutant_corrupt(struct mutant *m)
{
	for (uint32_t i = 1 + dice_below(m->dice, 3); i--;)
		m->data[dice_below(m->dice, m->len < 70 ? m->len : 70)] =
			dice_one_in(m->dice, 2) ? dice_below(m->dice, 256)
						: 1u << dice_below(m->dice, 8);
}

/*
 * Change a packet some times or none. `other` is a packet to cross it with. It never gets shorter
 * than MUTANT_MIN, nor longer by more than MUTANT_GROWS.
 */
static inline void mutate(struct mutant *m, const uint8_t *other, uint32_t other_len)
{
	uint32_t most = m->len + MUTANT_GROWS - 8;

	for (uint32_t i = dice_below(m->dice, 4); i && m->len <= most; i--) {
		switch (dice_below(m->dice, 12)) {
		case 0:
		case 1:
			m->len = MUTANT_MIN + dice_below(m->dice, m->len - MUTANT_MIN + 1);
			break;
		case 2:
			if (m->len > 70)
				m->len = MUTANT_MIN + dice_below(m->dice, 56);
			break;
		case 3:
			mutant_tag(m);
			break;
		case 4:
			mutant_mpls(m);
			break;
		case 5:
			mutant_pppoe(m);
			break;
		case 6:
			mutant_ip(m);
			break;
		case 7:
			mutant_ip6(m);
			break;
		case 8:
			mutant_corrupt(m);
			break;
		default:
			mutant_cross(m, other, other_len);
		}
	}
}
