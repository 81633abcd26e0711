// SPDX-License-Identifier: GPL-2.0-only
/*
 * Classic programs for sockets, as the kernel runs them, against libpcap and the packet as it was
 * on the wire: all expressions of ours and of the corpus, all captures, packets whole and cut,
 * tagged in the bytes and beside them, as a socket has them and as the selector of a fanout.
 */

/* Ahead of cmocka, whose macro fail() would meet our function. */
#include "../../loader/filter/cbpf_socket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <glob.h>
#include <linux/if_ether.h>
#include <string.h>

#include "../../loader/capture.h"
#include "../../loader/filter/expr.h"
#include "../tools/cbpf_run.h"
#include "../tools/random_cbpf.h"

enum {
	TAG = 12,
	TAG_LEN = 4,
	EXPRESSIONS = 1000,
	PACKETS = 8000,
	CUT_BEHIND = 120,
	PROGRAMS = 20000
};

static const struct pos nowhere;

struct packet {
	uint8_t *data;
	uint32_t len;
};

static struct packet packets[PACKETS];
static size_t n_packets;
static char *texts[EXPRESSIONS];
static size_t n_texts;

/* What is there */

static void add_packet(const uint8_t *data, uint32_t len)
{
	struct packet *packet = &packets[n_packets++];

	assert_true(n_packets <= PACKETS);
	packet->data = malloc(len + TAG_LEN);
	assert_non_null(packet->data);
	memcpy(packet->data, data, len);
	packet->len = len;
}

static void read_capture(const char *path)
{
	struct capture_packet from;
	struct capture *capture;

	assert_int_equal(capture_open(path, &capture), 0);
	while (capture_next(capture, &from) == 1) {
		if (from.caplen >= ETH_HLEN)
			add_packet(from.data, from.caplen);
	}
	capture_close(capture);
}

static void read_texts(const char *path)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;

	assert_non_null(file);
	while (getline(&line, &size, file) > 0) {
		line[strcspn(line, "\n")] = 0;
		assert_true(n_texts < EXPRESSIONS);
		if (*line)
			texts[n_texts++] = strdup(line);
	}
	free(line);
	fclose(file);
}

static void read_all(const char *folder, const char *expressions, const char *captures)
{
	char path[4096];
	glob_t found;

	snprintf(path, sizeof(path), "%s/%s", folder, expressions);
	read_texts(path);
	snprintf(path, sizeof(path), "%s/%s/*.pcap", folder, captures);
	assert_int_equal(glob(path, 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++)
		read_capture(found.gl_pathv[i]);
	globfree(&found);
}

static int read_inputs(void **state)
{
	const char *corpus = getenv("CORPUS");

	(void)state;
	read_all("pcap-tests", "expr/expressions.txt", "captures");
	if (corpus && *corpus)
		read_all(corpus, "expressions.txt", "pcaps");
	return 0;
}

static int free_inputs(void **state)
{
	(void)state;
	while (n_packets)
		free(packets[--n_packets].data);
	while (n_texts)
		free(texts[--n_texts]);
	return 0;
}

/* Trials */

static bool is_tag(const uint8_t *at)
{
	uint16_t tpid = at[0] << 8 | at[1];

	return tpid == ETH_P_8021Q || tpid == ETH_P_8021AD;
}

/* The packet on the wire, as the kernel has it: its tag beside the bytes, if that is asked for. */
static struct cbpf_skb lie(const uint8_t *wire, uint32_t len, bool take_tag, uint32_t pulled,
			   uint8_t *bytes)
{
	struct cbpf_skb skb = { .mac = bytes, .len = len, .pulled = pulled, .tci = 0xbeef };

	memcpy(bytes, wire, len);
	if (!take_tag)
		return skb;
	skb.tagged = true;
	skb.tpid = wire[TAG] << 8 | wire[TAG + 1];
	skb.tci = wire[TAG + 2] << 8 | wire[TAG + 3];
	skb.len -= TAG_LEN;
	memcpy(bytes + TAG, wire + TAG + TAG_LEN, len - TAG - TAG_LEN);
	return skb;
}

struct trial {
	const char *text;
	struct cbpf law, made[2]; /* by enum cbpf_seat */
	bool has[2];
	size_t *n; /* comparisons */
};

static void compare(const struct trial *t, enum cbpf_seat seat, const uint8_t *wire, uint32_t len,
		    bool take_tag, uint32_t pulled)
{
	uint8_t bytes[1 << 16];
	struct cbpf_skb skb;
	uint32_t got, want;

	if (!t->has[seat])
		return;
	skb = lie(wire, len, take_tag, pulled, bytes);
	++*t->n;
	want = expr_match(&t->law, wire, len, len) ? seat == CBPF_FANOUT ? 1 : UINT32_MAX : 0;
	got = cbpf_run(t->made[seat].insns, &skb);
	if (got != want)
		fail_msg("'%s', seat %d, %u bytes, tag %d, pulled %u: %#x, not %#x", t->text, seat,
			 len, take_tag, pulled, got, want);
}

/* In all ways that it can lie. A tag is taken with what it announces only. */
static void compare_ways(const struct trial *t, const uint8_t *wire, uint32_t len)
{
	int tags = len >= TAG + TAG_LEN + 2 && is_tag(wire + TAG) ? 1 : 0;

	for (int take_tag = 0; take_tag <= tags; take_tag++) {
		compare(t, CBPF_FILTER, wire, len, take_tag, 0);
		compare(t, CBPF_FANOUT, wire, len, take_tag, 0);
		compare(t, CBPF_FANOUT, wire, len, take_tag, ETH_HLEN);
	}
}

static void add_tag(const struct packet *packet, uint16_t tpid, uint16_t tci, uint8_t *out)
{
	const uint8_t tag[TAG_LEN] = { tpid >> 8, tpid, tci >> 8, tci };

	memcpy(out, packet->data, TAG);
	memcpy(out + TAG, tag, TAG_LEN);
	memcpy(out + TAG + TAG_LEN, packet->data + TAG, packet->len - TAG);
}

static void try_packet(const struct trial *t, const struct packet *packet, unsigned int dice)
{
	static const uint16_t tcis[] = { 10, 0, 0xe00a, 100, 0x1005, 0xffff };
	uint8_t tagged[1 << 16];
	uint32_t cut = ETH_HLEN + dice % CUT_BEHIND;

	assert_true(packet->len + TAG_LEN <= sizeof(tagged));
	add_tag(packet, dice % 2 ? ETH_P_8021Q : ETH_P_8021AD, tcis[dice / 2 % 6], tagged);
	compare_ways(t, packet->data, packet->len);
	compare_ways(t, tagged, packet->len + TAG_LEN);
	if (cut < packet->len)
		compare_ways(t, packet->data, cut);
	if (cut < packet->len + TAG_LEN)
		compare_ways(t, tagged, cut);
}

static bool make(const struct trial *t, enum cbpf_seat seat, struct cbpf *made)
{
	char reason[256] = "";
	const char *why;
	int err = cbpf_for_socket(&t->law, seat, made, &why);

	if (err) {
		assert_int_equal(err, -EOPNOTSUPP);
		assert_non_null(why);
		return false;
	}
	if (cbpf_check(made, reason, sizeof(reason)) || cbpf_loops(made))
		fail_msg("'%s', seat %d: %s", t->text, seat, reason);
	return true;
}

static void make_both(struct trial *t)
{
	for (enum cbpf_seat seat = CBPF_FILTER; seat <= CBPF_FANOUT; seat++)
		t->has[seat] = make(t, seat, &t->made[seat]);
}

static void free_both(struct trial *t)
{
	cbpf_free(&t->made[CBPF_FILTER]);
	cbpf_free(&t->made[CBPF_FANOUT]);
}

static bool try_expression(const char *text, unsigned int *dice, size_t *n)
{
	struct trial t = { .text = text, .n = n };

	if (expr_compile(text, &nowhere, GRAMMAR_FILTER, EXPR_LAW, &t.law))
		return true; /* libpcap has no such protocol here */
	make_both(&t);
	for (size_t i = 0; i < n_packets; i++)
		try_packet(&t, &packets[i], *dice = *dice * 1103515245 + 12345);
	cbpf_free(&t.law);
	free_both(&t);
	return t.has[CBPF_FILTER];
}

static void all_say_what_libpcap_says(void **state)
{
	const char *seed = getenv("SEED");
	unsigned int dice = seed ? atoi(seed) : 1;
	size_t refused = 0, n = 0;

	(void)state;
	for (size_t i = 0; i < n_texts; i++) {
		bool made = try_expression(texts[i], &dice, &n);

		refused += !made;
		if (!made && getenv("VERBOSE"))
			printf("# %s\n", texts[i]);
	}
	printf("# %zu expressions, of which %zu have no program, %zu packets: %zu comparisons\n",
	       n_texts, refused, n_packets, n);
	assert_true(n > 100 * n_texts && refused < n_texts / 10);
}

static void random_programs_too(void **state)
{
	const char *seed = getenv("SEED");
	struct dice dice = { .state = seed ? atoi(seed) + 1 : 2 };
	size_t made = 0, n = 0;

	(void)state;
	for (size_t i = 0; i < PROGRAMS; i++) {
		struct sock_filter insns[RANDOM_CBPF_MAX];
		struct trial t = { .text = "random", .law = random_cbpf(&dice, insns), .n = &n };

		make_both(&t);
		for (size_t j = 0; t.has[CBPF_FILTER] && j < 20; j++)
			try_packet(&t, &packets[dice_below(&dice, n_packets)],
				   dice_below(&dice, UINT32_MAX));
		made += t.has[CBPF_FILTER];
		free_both(&t);
	}
	printf("# %zu of %d random programs, %zu comparisons\n", made, PROGRAMS, n);
	assert_true(made > PROGRAMS / 20);
}

/* As long as they may be, and longer on one way than it is followed. */
static void long_programs_are_refused(void **state)
{
	struct sock_filter insns[BPF_MAXINSNS];
	struct cbpf law = { .insns = insns, .n = BPF_MAXINSNS }, made;
	const char *why;

	(void)state;
	for (size_t i = 0; i + 1 < BPF_MAXINSNS; i++)
		insns[i] = i % 2 ? (struct sock_filter)BPF_STMT(BPF_ALU | BPF_ADD, i)
				 : (struct sock_filter)BPF_STMT(BPF_LD | BPF_H | BPF_ABS, i);
	insns[BPF_MAXINSNS - 1] = (struct sock_filter)BPF_STMT(BPF_RET, 1);
	assert_int_equal(cbpf_for_socket(&law, CBPF_FILTER, &made, &why), -EOPNOTSUPP);
	assert_non_null(strstr(why, "on one way"));
	law.insns += BPF_MAXINSNS - 2001;
	law.n = 2001;
	assert_int_equal(cbpf_for_socket(&law, CBPF_FANOUT, &made, &why), 0);
	cbpf_free(&made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_say_what_libpcap_says),
		cmocka_unit_test(random_programs_too),
		cmocka_unit_test(long_programs_are_refused),
	};

	return cmocka_run_group_tests(tests, read_inputs, free_inputs);
}
