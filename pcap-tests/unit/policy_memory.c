// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parser when memory runs out: at each of its allocations in turn. The program's own malloc
 * counts them; a sanitizer has one of its own, so there the test is skipped.
 */
#include "../../loader/policy.h"

#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__)
static void no_memory_is_an_error_and_no_crash(void **state)
{
	(void)state;
	skip();
}
#else
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);

static long left = -1; /* allocations that succeed before one fails; negative: all do */

static bool fails(void)
{
	return left >= 0 && left-- == 0;
}

void *malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
	return fails() ? NULL : __libc_realloc(p, size);
}

static const char text[] =
	"set a prefix { 10.0.0.0/8 192.0.2.1 timeout 3s } set b mac dynamic { }\n"
	"set c port file \"/dev/null\"\n"
	"interface eth0 eth1 { xdp native {\n"
	" drop if src in @a or ether src in @b # label\n"
	" redirect eth2 eth3 if tcp; cpu 1,2; socket x queues 1 else drop; use s a=1 b=2\n"
	" limit 1/s per src else limit 2/s else pass if bytecode \"1,6 0 0 0\"\n"
	"} tc egress { vlan push 3; mark 1/1 } }\n"
	"include \"/dev/null\"\n";

static void no_memory_is_an_error_and_no_crash(void **state)
{
	bool failed = true;
	long n;

	(void)state;
	for (n = 0; failed && n < 10000; n++) {
		struct policy *policy;
		int err;

		left = n;
		err = policy_parse("memory.weir", text, strlen(text), &policy);
		failed = left < 0;
		left = -1;
		/* Some in the C library may fail unharmed (asprintf() that shrinks its buffer). */
		assert_true(err == 0 || (failed && err == -ENOMEM));
		assert_true(!err == !!policy);
		policy_free(policy);
	}
	assert_false(failed);
	assert_true(n > 50);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(no_memory_is_an_error_and_no_crash) };

	return cmocka_run_group_tests_name("policy_memory", tests, NULL, NULL);
}
