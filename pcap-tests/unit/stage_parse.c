// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parsers of stage.bpf.h: each over frames of many shapes, whole and cut at every length. The
 * frames are built by the test, so it knows where each header lies.
 */
#include "stage_lab.h"

/* As in pcap-tests/stages/parse.bpf.c. */
enum parser { ETH, IPV4, IPV6, TCP, UDP, ICMP, ICMP6, ARP, N_PARSERS };

/* Bytes that a parser promises. */
static const size_t promised[N_PARSERS] = {
	[ETH] = 14, [IPV4] = 20, [IPV6] = 40, [TCP] = 20,
	[UDP] = 8,  [ICMP] = 8,	 [ICMP6] = 8, [ARP] = 28,
};

/*
 * A header, by a letter. `type` is what the header before it says: an EtherType for those that
 * follow Ethernet or a tag, else a protocol. `next` is where it says what follows, -1: nothing
 * does.
 */
static const struct header {
	char letter;
	uint16_t type;
	int size, next;
	int parser; /* that finds it; -1: none */
	bool hides; /* what follows is not to be found */
	uint8_t bytes[8];
} headers[] = {
	{ 'v', 0x8100, 4, 2, -1, false, { 0, 10 } },
	{ 'q', 0x88a8, 4, 2, -1, false, { 0, 20 } },
	{ '4', 0x0800, 20, 9, IPV4, false, { 0x45 } },
	{ 'o', 0x0800, 60, 9, IPV4, false, { 0x4f } },		   /* options */
	{ '1', 0x0800, 20, 9, IPV4, false, { 0x45, [6] = 0x20 } }, /* the first fragment */
	{ 'D', 0x0800, 20, 9, IPV4, false, { 0x45, [6] = 0x40 } }, /* don't fragment */
	{ 'l', 0x0800, 20, 9, IPV4, true, { 0x45, [7] = 1 } },	   /* a later fragment */
	{ 'V', 0x0800, 20, 9, -1, true, { 0x65 } },		   /* a wrong version */
	{ 's', 0x0800, 20, 9, -1, true, { 0x44 } },		   /* a header too short */
	{ '6', 0x86dd, 40, 6, IPV6, false, { 0x60 } },
	{ 'W', 0x86dd, 40, 6, -1, true, { 0x45 } },
	{ 'h', 0, 8, 0, -1, false, { 0 } },		/* hop by hop */
	{ 'd', 60, 24, 0, -1, false, { [1] = 2 } },	/* destination options */
	{ 'r', 43, 2048, 0, -1, false, { [1] = 255 } }, /* routing, the longest */
	{ 'a', 51, 24, 0, -1, false, { [1] = 4 } },	/* AH */
	{ 'f', 44, 8, 0, -1, false, { [3] = 1 } },	/* the first fragment */
	{ 'F', 44, 8, 0, -1, true, { [3] = 8 } },	/* a later one */
	{ 'e', 50, 8, -1, -1, true, { 0 } },		/* ESP */
	{ 't', 6, 20, -1, TCP, false, { 0 } },
	{ 'u', 17, 8, -1, UDP, false, { 0 } },
	{ 'i', 1, 8, -1, ICMP, false, { 0 } },
	{ 'j', 58, 8, -1, ICMP6, false, { 0 } },
	{ 'A', 0x0806, 28, -1, ARP, false, { 0 } },
};

static const char *const shapes[] = {
	"",	    "4t",     "4u",    "4i",	   "4j",	 "4",		"ot",
	"ou",	    "1t",     "Du",    "lt",	   "Vt",	 "st",		"6t",
	"6u",	    "6j",     "6i",    "6",	   "Wt",	 "v4t",		"q4t",
	"qv4u",	    "vv6j",   "qvv4t", "vqq6t",	   "v",		 "qv",		"A",
	"vA",	    "qvA",    "6hu",   "6ht",	   "6hdt",	 "6rt",		"6au",
	"6fu",	    "6Fu",    "6et",   "6hdrfadt", "6hhhhhhhht", "6dddddddddt", "6rhu",
	"v6hdrfau", "qv6hFt", "6hetu",
};

struct frame {
	uint8_t bytes[32768];
	size_t len;
	int at[N_PARSERS]; /* where each parser finds its header in the whole frame, or -1 */
};

static const struct header *header_of(char letter)
{
	for (size_t i = 0; i < ARRAY_SIZE(headers); i++)
		if (headers[i].letter == letter)
			return &headers[i];
	fail_msg("no header '%c'", letter);
	return NULL;
}

static bool is_of_ethernet(const struct header *header)
{
	return header->type > 255;
}

static bool is_tag(const struct header *header)
{
	return header->next == 2;
}

/* Tags and extension headers are walked over up to a number. */
static bool is_hidden_by_count(const char *shape, const char *until)
{
	int tags = 0, extensions = 0;

	for (const char *p = shape; p < until; p++) {
		const struct header *header = header_of(*p);

		tags += is_tag(header);
		extensions += header->next == 0;
	}
	return tags > 2 || extensions > 8;
}

static void say_next(uint8_t *link, const struct header *header)
{
	if (is_of_ethernet(header))
		*link++ = header->type >> 8;
	*link = header->type;
}

static void build(struct frame *frame, const char *shape)
{
	uint8_t *link = frame->bytes + 12;
	size_t link_size = 2;
	bool hidden = false;

	memset(frame->bytes, 0, sizeof(frame->bytes));
	memset(frame->at, -1, sizeof(frame->at));
	frame->at[ETH] = 0;
	frame->len = 14;
	for (const char *p = shape; *p; p++) {
		const struct header *header = header_of(*p);
		uint8_t *start = frame->bytes + frame->len;

		memcpy(start, header->bytes, sizeof(header->bytes));
		if (link)
			say_next(link, header);
		if (header->parser >= 0 && !hidden && !is_hidden_by_count(shape, p))
			frame->at[header->parser] = frame->len;
		hidden |= header->hides;
		link = header->next < 0 ? NULL : start + header->next;
		link_size = is_tag(header) ? 2 : 1;
		frame->len += header->size;
	}
	if (link) /* 0xfefe and 254 are nobody's */
		memset(link, 254, link_size);
}

struct bench {
	struct chain chain;
	struct stage *stage;
	struct stage_instance instances[N_PARSERS];
};

static void bench_load(struct bench *bench, const char *name, enum hook_kind hook,
		       enum bpf_prog_type type)
{
	struct stage_wiring wiring;

	bench->chain = chain_new(type, 0);
	bench->stage = fixture(name, hook);
	wiring = wiring_to(&bench->chain, SLOT_NEXT);
	for (int i = 0; i < N_PARSERS; i++) {
		char number[8];

		snprintf(number, sizeof(number), "%d", i);
		assert_int_equal(
			load(bench->stage, "parser", number, &wiring, &bench->instances[i]), 0);
		assert_int_equal(bench->instances[i].n_maps, 1);
	}
}

static void bench_end(struct bench *bench)
{
	for (int i = 0; i < N_PARSERS; i++)
		stage_instance_close(&bench->instances[i]);
	stage_free(bench->stage);
	chain_end(&bench->chain);
}

/* Where the parser finds its header in the first `len` bytes, or -1. */
static int found_at(const struct stage_instance *instance, const struct frame *frame, size_t len,
		    int pass)
{
	uint64_t offset;

	if (run(instance->prog_fd, frame->bytes, len) != pass)
		return -1;
	assert_int_equal(bpf_map_lookup_elem(instance->maps[0].fd, &(__u32){ 0 }, &offset), 0);
	return offset;
}

static void check_cut(const struct bench *bench, const struct frame *frame, size_t len,
		      const char *shape, int pass)
{
	for (int i = 0; i < N_PARSERS; i++) {
		bool whole = frame->at[i] >= 0 && frame->at[i] + promised[i] <= len;
		int want = whole ? frame->at[i] : -1;
		int got = found_at(&bench->instances[i], frame, len, pass);

		if (got != want)
			fail_msg("'%s', %zu bytes: parser %d says %d, not %d", shape, len, i, got,
				 want);
	}
}

static void test_xdp(void **state)
{
	_cleanup_(bench_end) struct bench bench = { 0 };
	static struct frame frame;

	(void)state;
	bench_load(&bench, "parse", HOOK_XDP, BPF_PROG_TYPE_XDP);
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		size_t headers_end;

		build(&frame, shapes[i]);
		headers_end = frame.len;
		/* Frames without routing headers are cut everywhere; linear ones end at some 3,500.
		 */
		for (size_t len = 14; len <= headers_end && headers_end < 1000; len++)
			check_cut(&bench, &frame, len, shapes[i], XDP_PASS);
		if (headers_end + 10 < 3000)
			check_cut(&bench, &frame, headers_end + 10, shapes[i], XDP_PASS);
	}
}

static void test_tc(void **state)
{
	_cleanup_(bench_end) struct bench bench = { 0 };
	static struct frame frame;

	(void)state;
	bench_load(&bench, "parse_tc", HOOK_INGRESS, BPF_PROG_TYPE_SCHED_CLS);
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		build(&frame, shapes[i]);
		/* The kernel refuses IP frames that are shorter than their header. */
		if (frame.len + 40 < 3000)
			check_cut(&bench, &frame, frame.len + 40, shapes[i], TC_ACT_UNSPEC);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_xdp),
		cmocka_unit_test(test_tc),
	};

	need_bpf("stage_parse");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
