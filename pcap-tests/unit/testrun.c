// SPDX-License-Identifier: GPL-2.0-only
/* Test runs: what is refused before the kernel is asked. The rest is pcap-tests/expr/random's. */

/* Ahead of cmocka, whose macro fail() would meet our function. */
#include "../../loader/fail.h"
#include "../../loader/testrun.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>

static void assert_refused(uint32_t len, const char *part)
{
	static uint8_t packet[TESTRUN_MAX + 1];
	struct testrun run = { .packet = packet, .len = len };
	const struct fail_message *messages;
	size_t n;

	assert_int_equal(testrun_xdp(-1, &run), -EMSGSIZE);
	n = fail_messages(&messages);
	assert_non_null(strstr(messages[n - 1].text, part));
}

static void what_the_hook_cannot_carry_is_said(void **state)
{
	(void)state;
	assert_refused(0, "too short for the hook");
	assert_refused(13, "a packet of 13 bytes is too short for the hook");
	assert_refused(65536, "too long for the hook");
}

static void what_it_can_is_known(void **state)
{
	(void)state;
	assert_false(testrun_carries(13));
	assert_true(testrun_carries(14));
	assert_true(testrun_carries(65535));
	assert_false(testrun_carries(65536));
}

static void no_program_is_the_kernels_error(void **state)
{
	uint8_t packet[60] = { 0 };
	struct testrun run = { .packet = packet, .len = sizeof(packet) };

	(void)state;
	assert_int_not_equal(testrun_xdp(-1, &run), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_hook_cannot_carry_is_said),
		cmocka_unit_test(what_it_can_is_known),
		cmocka_unit_test(no_program_is_the_kernels_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
