// SPDX-License-Identifier: GPL-2.0-only
/* The reader of captures: formats, times, and what is wrong with a file. */

/* Ahead of cmocka, whose macro fail() would meet our function. */
#include "../../loader/capture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

static char path[] = "/tmp/weir-capture.XXXXXX";

struct header {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t zone, accuracy, snaplen, link;
};

struct record {
	uint32_t seconds, fraction, caplen, len;
	uint8_t data[16];
};

static void write_file(const void *data, size_t size)
{
	_fclose_ FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, size, file), size);
}

static void write_capture(uint32_t magic, uint32_t link, size_t size)
{
	const struct {
		struct header header;
		struct record records[2];
	} file = {
		{ magic, 2, 4, 0, 0, 65535, link },
		{ { 7, 9, 16, 1000, "first" }, { 8, 0, 16, 16, "second" } },
	};

	write_file(&file, size < sizeof(file) ? size : sizeof(file));
}

static void assert_first(uint64_t time_ns)
{
	_cleanup_(capture_closep) struct capture *capture = NULL;
	struct capture_packet packet;

	assert_int_equal(capture_open(path, &capture), 0);
	assert_int_equal(capture_next(capture, &packet), 1);
	assert_int_equal(packet.caplen, 16);
	assert_int_equal(packet.len, 1000);
	assert_int_equal(packet.time_ns, time_ns);
	assert_string_equal((const char *)packet.data, "first");
	assert_int_equal(capture_next(capture, &packet), 1);
	assert_string_equal((const char *)packet.data, "second");
	assert_int_equal(capture_next(capture, &packet), 0);
	assert_int_equal(capture_next(capture, &packet), 0);
}

static void reads_both_resolutions(void **state)
{
	(void)state;
	write_capture(0xa1b2c3d4, 1, SIZE_MAX);
	assert_first(7000009000ull);
	write_capture(0xa1b23c4d, 1, SIZE_MAX);
	assert_first(7000000009ull);
}

static void reads_pcapng(void **state)
{
	static const uint32_t file[] = {
		0x0a0d0d0a, 28,	    0x1a2b3c4d, 1,     -1u,	-1u, 28, /* section */
		1,	    20,	    1,		65535, 20,		 /* interface: Ethernet */
		6,	    48,	    0,		0,     7000009, 16,  1000,
		0x73726966, 't',    0,		0,     48, /* packet */
		6,	    48,	    0,		0,     8000000, 16,  16,
		0x6f636573, 0x646e, 0,		0,     48,
	};

	(void)state;
	write_file(file, sizeof(file));
	assert_first(7000009000ull);
}

static void assert_not_opened(int err, const char *part)
{
	const struct fail_message *messages;
	struct capture *capture;
	size_t n;

	assert_int_equal(capture_open(path, &capture), err);
	assert_null(capture);
	n = fail_messages(&messages);
	if (!strstr(messages[n - 1].text, part))
		fail_msg("'%s' is not in '%s'", part, messages[n - 1].text);
}

static void refuses_other_links(void **state)
{
	(void)state;
	write_capture(0xa1b2c3d4, 113, SIZE_MAX);
	assert_not_opened(-EPROTONOSUPPORT, "LINUX_SLL (113)");
	write_capture(0xa1b2c3d4, 0x3fff, SIZE_MAX);
	assert_not_opened(-EPROTONOSUPPORT, "unknown type (16383)");
}

static void says_what_is_damaged(void **state)
{
	_cleanup_(capture_closep) struct capture *capture = NULL;
	struct capture_packet packet;

	(void)state;
	write_file("no capture, but long enough", 27);
	assert_not_opened(-EIO, path);
	write_file("", 0);
	assert_not_opened(-EIO, path);
	write_capture(0xa1b2c3d4, 1, sizeof(struct header) + sizeof(struct record) + 20);
	assert_int_equal(capture_open(path, &capture), 0);
	assert_int_equal(capture_next(capture, &packet), 1);
	assert_int_equal(capture_next(capture, &packet), -EIO);
}

static void says_what_is_not_there(void **state)
{
	(void)state;
	unlink(path);
	assert_not_opened(-EIO, "No such file");
}

static int make_file(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_both_resolutions), cmocka_unit_test(reads_pcapng),
		cmocka_unit_test(refuses_other_links),	  cmocka_unit_test(says_what_is_damaged),
		cmocka_unit_test(says_what_is_not_there),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
