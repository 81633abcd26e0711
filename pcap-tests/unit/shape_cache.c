// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rules of one shape: what the cache gives is what libpcap makes of each, whatever the constants.
 */
/* Ahead of cmocka, whose macro fail() would meet our function. */
#include "../../loader/filter/expr.h"
#include "../tools/random_cbpf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

enum { ROUNDS = 150, TEXT_MAX = 512 };

static struct dice dice = { 0x5eed };

/* Values where an optimiser might look twice: 0, all ones, one that stands elsewhere too. */
static uint32_t value(uint32_t bits)
{
	static const uint32_t others[] = { 0,	       1,	   0x800,      0xffff, 0x0a000001,
					   0xffffffff, 0xc0000200, 0x7f000001, 6,      80 };
	uint32_t v = dice_one_in(&dice, 3) ? others[dice_below(&dice, ARRAY_SIZE(others))]
					   : dice_below(&dice, UINT32_MAX);

	return bits < 32 ? v & ((1u << bits) - 1) : v;
}

static char *address(char *text, unsigned int length)
{
	uint32_t v = value(32) & (length ? ~0u << (32 - length) : 0);

	sprintf(text, "%u.%u.%u.%u", v >> 24, v >> 16 & 255, v >> 8 & 255, v & 255);
	return text;
}

/* A shape with constants: A an address, N, M nets of 24 and 8 bits, P a port, E a MAC address. */
static void write_rule(const char *shape, char *out)
{
	char text[32];

	for (; *shape; shape++) {
		if (*shape == 'A')
			out += sprintf(out, "%s", address(text, 32));
		else if (*shape == 'N')
			out += sprintf(out, "%s/24", address(text, 24));
		else if (*shape == 'M')
			out += sprintf(out, "%s/8", address(text, 8));
		else if (*shape == 'P')
			out += sprintf(out, "%u", value(16));
		else if (*shape == 'E')
			out += sprintf(out, "02:%02x:%02x:%02x:%02x:00", value(8), value(8),
				       value(8), value(8));
		else
			*out++ = *shape;
	}
	*out = '\0';
}

static void quietly(const char *text, struct shape_cache *cache, struct cbpf *out, int *err)
{
	const struct pos nowhere = { 0 };
	FILE *before = stderr;

	stderr = fopen("/dev/null", "w");
	assert_non_null(stderr);
	*err = cache ? expr_compile_rule(text, &nowhere, GRAMMAR_POLICY, cache, out)
		     : expr_compile(text, &nowhere, GRAMMAR_POLICY, EXPR_LIFTED, out);
	fclose(stderr);
	stderr = before;
}

static void check(struct shape_cache *cache, const char *text)
{
	struct cbpf want, got;
	int want_err, got_err;
	bool same;

	quietly(text, NULL, &want, &want_err);
	quietly(text, cache, &got, &got_err);
	same = want_err == got_err && want.n == got.n &&
	       (!want.n || !memcmp(want.insns, got.insns, want.n * sizeof(*want.insns)));
	if (!same)
		print_error("another program than libpcap's: %s\n", text);
	assert_true(same);
	cbpf_free(&want);
	cbpf_free(&got);
}

static void programs_are_libpcaps_own(void **state)
{
	static const char *const shapes[] = {
		"src host A",
		"host A and tcp port P",
		"src host A and not src host A",
		"src host A or src host A or dst host 10.0.0.1",
		"src net N",
		"src net N and dst net M and udp",
		"net N and not host A",
		"dst port P and not src port P",
		"tcp dst port P and ip[8] > 3 and src host A",
		"port P or port 80 or portrange 20-100",
		"ether src E and not ether dst E",
		"ether host E or arp host A",
		"ip[12:4] = 0x0a000001 and src host A",
		"tcp[tcpflags] & tcp-syn != 0 and dst host A and dst port P",
		"vlan 10 and src host A",
		"src and dst host A",
		"ip src A and ip dst A and ip proto 6",
	};
	struct shape_cache *cache = shape_cache_new();
	char text[TEXT_MAX];

	(void)state;
	assert_non_null(cache);
	for (unsigned int i = 0; i < ROUNDS; i++)
		for (size_t s = 0; s < ARRAY_SIZE(shapes); s++) {
			write_rule(shapes[s], text);
			check(cache, text);
		}
	shape_cache_free(cache);
}

/* Reports of mistakes are libpcap's, with the cache and without. */
static void mistakes_stay_mistakes(void **state)
{
	struct shape_cache *cache = shape_cache_new();

	(void)state;
	assert_non_null(cache);
	for (unsigned int i = 0; i < 3; i++) {
		check(cache, "src net 10.0.0.1/24");
		check(cache, "tcp host 10.0.0.1");
		check(cache, "port 70000");
		check(cache, "ether host 10.0.0.1");
		check(cache, "src host 192.0.2.1 and ip6");
	}
	shape_cache_free(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(programs_are_libpcaps_own),
		cmocka_unit_test(mistakes_stay_mistakes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
