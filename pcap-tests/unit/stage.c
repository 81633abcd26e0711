// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stages as files: what is read of them, and how options are checked. No privilege is needed.
 */
#include <elf.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "../../loader/bpflog.h"
#include "../../loader/stage.h"

#include <cmocka.h> /* last: it has a macro fail() */

static int find(const char *name, enum hook_kind hook, struct stage **out)
{
	struct word word = { .text = (char *)name };

	return stage_find(&word, hook, out);
}

struct path {
	char text[512];
};

/* A fixture of pcap-tests/stages. */
static struct path fixture_path(const char *name)
{
	const char *build = getenv("B");
	struct path path;

	snprintf(path.text, sizeof(path.text), "%s/pcap-tests/stages/%s.bpf.o",
		 build ? build : "build", name);
	return path;
}

static struct stage *fixture(const char *name)
{
	struct stage *stage;

	assert_int_equal(find(fixture_path(name).text, HOOK_XDP, &stage), 0);
	return stage;
}

/* The last message has this part. */
static void assert_said(const char *part)
{
	const struct fail_message *messages;
	size_t n = fail_messages(&messages);

	assert_true(n > 0);
	if (!strstr(messages[n - 1].text, part))
		fail_msg("'%s' is not in: %s", part, messages[n - 1].text);
}

static void test_read_builtin(void **state)
{
	_cleanup_(stage_freep) struct stage *stage = NULL;

	(void)state;
	assert_int_equal(find("ttl_guard", HOOK_XDP, &stage), 0);
	assert_string_equal(stage->name, "ttl_guard");
	assert_string_equal(stage->doc, "drop IPv4 packets whose TTL is too low");
	assert_string_equal(stage->origin, "built in");
	assert_int_equal(stage->hook, HOOK_XDP);
	assert_int_equal(stage->n_options, 1);
	assert_string_equal(stage->options[0].name, "min_ttl");
	assert_string_equal(stage->options[0].doc, "drop below this TTL");
	assert_int_equal(stage->options[0].type, STAGE_UNSIGNED);
	assert_int_equal(stage->options[0].size, 1);
	assert_int_equal(stage->options[0].preset, 2);
	assert_int_equal(stage->n_reasons, 1);
	assert_string_equal(stage->reasons[0], "TTL_LOW");
}

/* A built-in stage goes by its file's name: it must be the one that the stage has itself. */
static void test_names_agree(void **state)
{
	const enum hook_kind hooks[] = { HOOK_XDP, HOOK_INGRESS, HOOK_EGRESS };

	(void)state;
	for (size_t h = 0; h < ARRAY_SIZE(hooks); h++) {
		const char *const *names;
		size_t n = stage_builtin_names(hooks[h], &names);

		assert_true(n > 0);
		for (size_t i = 0; i < n; i++) {
			_cleanup_(stage_freep) struct stage *stage = NULL;

			assert_int_equal(find(names[i], hooks[h], &stage), 0);
			assert_string_equal(stage->name, names[i]);
			assert_int_equal(stage->hook, hooks[h]);
			assert_true(i == 0 || strcmp(names[i - 1], names[i]) < 0);
		}
	}
}

static void test_not_found(void **state)
{
	struct stage *stage;

	(void)state;
	assert_int_equal(find("ttl_gard", HOOK_XDP, &stage), -ENOENT);
	assert_said("no stage 'ttl_gard' for xdp; did you mean 'ttl_guard'?");
	assert_null(stage);
	assert_int_equal(find("root", HOOK_XDP, &stage), -ENOENT);
	assert_int_equal(find("", HOOK_XDP, &stage), -ENOENT);
	assert_int_equal(find("./nothing.o", HOOK_XDP, &stage), -ENOENT);
	assert_said("cannot read the stage './nothing.o': No such file or directory");
	assert_int_equal(find("/", HOOK_XDP, &stage), -EISDIR);
}

static int64_t value_of(const struct stage_option *option, const uint8_t *conf)
{
	uint64_t bits = 0;
	unsigned int unused = 64 - 8 * option->size;

	for (unsigned int i = 0; i < option->size; i++)
		bits |= (uint64_t)conf[option->offset + i] << 8 * i; /* little-endian hosts */
	return option->type == STAGE_SIGNED ? (int64_t)(bits << unused) >> unused : (int64_t)bits;
}

static const struct value {
	const char *option, *value;
	int64_t want;
	const char *error; /* or this is said */
} values[] = {
	{ "flag", "false", 0, NULL },
	{ "flag", "OFF", 0, NULL },
	{ "flag", "no", 0, NULL },
	{ "flag", "0", 0, NULL },
	{ "flag", "true", 1, NULL },
	{ "flag", "on", 1, NULL },
	{ "flag", "yes", 1, NULL },
	{ "flag", "1", 1, NULL },
	{ "flag", "2", 0, "option 'flag' is true or false (on, off, yes, no), not '2'" },
	{ "flag", "", 0, "is true or false" },
	{ "u8", "0", 0, NULL },
	{ "u8", "007", 7, NULL },
	{ "u8", "0xfF", 255, NULL },
	{ "u8", "-0", 0, NULL },
	{ "u8", "256", 0, "option 'u8' goes from 0 to 255, not '256'" },
	{ "u8", "-1", 0, "option 'u8' goes from 0 to 255, not '-1'" },
	{ "u8", "5x", 0, "option 'u8' is a number, decimal or 0x…, not '5x'" },
	{ "u8", "0x", 0, "is a number" },
	{ "u8", "", 0, "is a number" },
	{ "u8", "-", 0, "is a number" },
	{ "u8", " 5", 0, "is a number" },
	{ "u8", "+5", 0, "is a number" },
	{ "u8", "true", 0, "is a number" },
	{ "s8", "-128", -128, NULL },
	{ "s8", "127", 127, NULL },
	{ "s8", "-0x80", -128, NULL },
	{ "s8", "128", 0, "option 's8' goes from -128 to 127, not '128'" },
	{ "s8", "-129", 0, "option 's8' goes from -128 to 127, not '-129'" },
	{ "u16", "65535", 65535, NULL },
	{ "u16", "65536", 0, "from 0 to 65535" },
	{ "s16", "-32768", -32768, NULL },
	{ "s16", "32768", 0, "from -32768 to 32767" },
	{ "u32", "4294967295", 4294967295, NULL },
	{ "u32", "4294967296", 0, "from 0 to 4294967295" },
	{ "s32", "-2147483648", INT32_MIN, NULL },
	{ "s32", "2147483648", 0, "from -2147483648 to 2147483647" },
	{ "u64", "18446744073709551615", -1, NULL },
	{ "u64", "18446744073709551616", 0, "from 0 to 18446744073709551615" },
	{ "u64", "0x10000000000000000", 0, "from 0 to 18446744073709551615" },
	{ "u64", "99999999999999999999999999999999999999", 0, "from 0 to" },
	{ "s64", "-9223372036854775808", INT64_MIN, NULL },
	{ "s64", "9223372036854775807", INT64_MAX, NULL },
	{ "s64", "9223372036854775808", 0, "from -9223372036854775808 to 9223372036854775807" },
	{ "s64", "-9223372036854775809", 0, "from -9223372036854775808 to 9223372036854775807" },
	{ "letter", "98", 98, NULL },
	{ "lettre", "98", 0, "stage 'options' has no option 'lettre'; did you mean 'letter'?" },
	{ "elsewhere", "98", 0, "lists them" },
	{ "", "98", 0, "has no option ''" },
};

static const struct stage_option *option_of(const struct stage *stage, const char *name)
{
	for (size_t i = 0; i < stage->n_options; i++)
		if (!strcmp(stage->options[i].name, name))
			return &stage->options[i];
	return NULL;
}

static void check_value(const struct stage *stage, const struct value *v)
{
	struct use_option option = { .name = (char *)v->option, .value = (char *)v->value };
	_free_ uint8_t *conf = NULL;
	int err = stage_configure(stage, &option, 1, &conf);

	if (v->error) {
		assert_int_equal(err, -EINVAL);
		assert_null(conf);
		assert_said(v->error);
		return;
	}
	assert_int_equal(err, 0);
	for (size_t i = 0; i < stage->n_options; i++) {
		const struct stage_option *o = &stage->options[i];
		int64_t want = strcmp(o->name, v->option) ? o->preset : v->want;

		assert_int_equal(value_of(o, conf), want);
	}
}

static void test_values(void **state)
{
	_cleanup_(stage_freep) struct stage *stage = fixture("options");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		check_value(stage, &values[i]);
}

static void test_defaults(void **state)
{
	_cleanup_(stage_freep) struct stage *stage = fixture("options");
	static const struct {
		const char *name, *preset;
	} wants[] = {
		{ "flag", "true" },
		{ "u8", "255" },
		{ "s8", "-128" },
		{ "u16", "65535" },
		{ "s16", "-32768" },
		{ "u32", "4294967295" },
		{ "s32", "-2147483648" },
		{ "u64", "18446744073709551615" },
		{ "s64", "-9223372036854775808" },
		{ "letter", "97" },
	};

	(void)state;
	assert_int_equal(stage->n_options, ARRAY_SIZE(wants));
	for (size_t i = 0; i < ARRAY_SIZE(wants); i++) {
		char text[32];

		assert_string_equal(stage->options[i].name, wants[i].name);
		stage_option_format(&stage->options[i], text, sizeof(text));
		assert_string_equal(text, wants[i].preset);
	}
	assert_string_equal(option_of(stage, "u8")->doc, "");
	assert_string_equal(option_of(stage, "u16")->doc, "a type behind a typedef");
}

/* All mistakes of one use are said, each at its own place. */
static void test_every_mistake(void **state)
{
	_cleanup_(stage_freep) struct stage *stage = fixture("options");
	struct source source = { (char *)"t.weir", (char *)"use options u8=300 u8=1 nothing=1 s8=2",
				 38 };
	const struct use_option options[] = {
		{ { &source, 1, 13 }, { &source, 1, 16 }, (char *)"u8", (char *)"300" },
		{ { &source, 1, 20 }, { &source, 1, 23 }, (char *)"u8", (char *)"1" },
		{ { &source, 1, 25 }, { &source, 1, 33 }, (char *)"nothing", (char *)"1" },
		{ { &source, 1, 35 }, { &source, 1, 38 }, (char *)"s8", (char *)"2" },
	};
	const struct fail_message *m;
	size_t before = fail_messages(&m);
	uint8_t *conf;

	(void)state;
	assert_int_equal(stage_configure(stage, options, ARRAY_SIZE(options), &conf), -EINVAL);
	assert_int_equal(fail_messages(&m), before + 3);
	assert_int_equal(m[before].col, 16);
	assert_int_equal(m[before + 1].col, 20);
	assert_non_null(strstr(m[before + 1].text, "stands here twice"));
	assert_int_equal(m[before + 2].col, 25);
}

static void test_no_options(void **state)
{
	_cleanup_(stage_freep) struct stage *stage = fixture("bare");
	struct use_option option = { .name = (char *)"any", .value = (char *)"1" };
	uint8_t *conf;

	(void)state;
	assert_int_equal(stage->n_options, 0);
	assert_int_equal(stage->n_reasons, 0);
	assert_int_equal(stage_configure(stage, &option, 1, &conf), -EINVAL);
	assert_said("stage 'bare' has no options");
	assert_int_equal(stage_configure(stage, NULL, 0, &conf), 0);
	free(conf);
}

/* A file in memory (thousands on a disk take their time), and the path to it. */
struct scratch {
	int fd;
	char path[64];
};

static struct scratch scratch_new(void)
{
	struct scratch scratch = { .fd = memfd_create("stage.bpf.o", MFD_CLOEXEC) };

	assert_true(scratch.fd >= 0);
	snprintf(scratch.path, sizeof(scratch.path), "/proc/self/fd/%d", scratch.fd);
	return scratch;
}

static void scratch_write(const struct scratch *scratch, const void *data, size_t size)
{
	assert_int_equal(ftruncate(scratch->fd, 0), 0);
	assert_int_equal(pwrite(scratch->fd, data, size, 0), size);
}

static void test_truncated(void **state)
{
	struct scratch scratch = scratch_new();
	struct stage *stage;
	const void *image;
	size_t size;

	(void)state;
	image = stage_embedded("xdp/ttl_guard", &size);
	assert_non_null(image);
	for (size_t cut = 0; cut < size; cut++) {
		scratch_write(&scratch, image, cut);
		assert_int_equal(find(scratch.path, HOOK_XDP, &stage), -EINVAL);
		assert_null(stage);
	}
	close(scratch.fd);
}

/* The first symbol of a section, its value so far that it and the size wrap around. */
static void wrap_symbol(uint8_t *image)
{
	Elf64_Ehdr *elf = (Elf64_Ehdr *)image;
	Elf64_Shdr *section = (Elf64_Shdr *)(image + elf->e_shoff);
	Elf64_Sym *symbol;

	while (section->sh_type != SHT_SYMTAB)
		section++;
	symbol = (Elf64_Sym *)(image + section->sh_offset);
	while (symbol->st_shndx == SHN_UNDEF || symbol->st_shndx >= SHN_LORESERVE ||
	       !symbol->st_size)
		symbol++;
	symbol->st_value = -(Elf64_Xword)symbol->st_size;
}

static void test_symbol_wraps(void **state)
{
	struct scratch scratch = scratch_new();
	struct stage *stage;
	const void *image;
	uint8_t *copy;
	size_t size;

	(void)state;
	image = stage_embedded("xdp/ttl_guard", &size);
	copy = malloc(size);
	assert_non_null(copy);
	memcpy(copy, image, size);
	wrap_symbol(copy);
	scratch_write(&scratch, copy, size);
	free(copy);
	assert_int_equal(find(scratch.path, HOOK_XDP, &stage), -EINVAL);
	assert_said("its table of symbols is damaged");
	close(scratch.fd);
}

/* What no compiler writes: its value would be checked against the other's range. */
static void test_two_of_a_name(void **state)
{
	static const char ours[] = "\0s8\0u16", theirs[] = "\0u8\0u16";
	struct scratch scratch = scratch_new();
	uint8_t image[1 << 16], *name;
	struct stage *stage;
	ssize_t size;
	int fd;

	(void)state;
	fd = open(fixture_path("options").text, O_RDONLY | O_CLOEXEC);
	size = read(fd, image, sizeof(image));
	assert_true(size > 0);
	close(fd);
	name = memmem(image, size, ours, sizeof(ours) - 1);
	assert_non_null(name);
	memcpy(name, theirs, sizeof(theirs) - 1);
	scratch_write(&scratch, image, size);
	assert_int_equal(find(scratch.path, HOOK_XDP, &stage), -EINVAL);
	assert_said("two options are called 'u8'");
	close(scratch.fd);
}

/* Bytes changed at random: read or refused, never more. (ASan and UBSan watch in their builds.) */
static void test_mutated(void **state)
{
	struct scratch scratch = scratch_new();
	const char *seed = getenv("SEED");
	_free_ uint8_t *copy = NULL;
	const void *image;
	size_t size;

	(void)state;
	image = stage_embedded("xdp/ttl_guard", &size);
	copy = malloc(size);
	assert_non_null(copy);
	srand(seed ? atoi(seed) : 1);
	for (int round = 0; round < 2000; round++) {
		struct stage *stage;

		memcpy(copy, image, size);
		for (int n = 1 + rand() % 4; n; n--)
			copy[rand() % size] = rand();
		scratch_write(&scratch, copy, size);
		if (!find(scratch.path, HOOK_XDP, &stage))
			stage_free(stage);
	}
	close(scratch.fd);
}

static void test_bpflog(void **state)
{
	(void)state;
	bpflog_start();
	assert_string_equal(bpflog_tail(3), "");
	bpflog_add("; r = *p @ x.c:7\n0: r1 = 0\n1: r2 = 0\nR1 invalid mem access\n"
		   "processed 2 insns (limit 1000000)\n");
	assert_string_equal(bpflog_tail(1), "\n    ; r = *p @ x.c:7\n    R1 invalid mem access");
	assert_string_equal(bpflog_tail(9), "\n    ; r = *p @ x.c:7\n    0: r1 = 0\n    1: r2 = 0"
					    "\n    R1 invalid mem access");
	for (int i = 0; i < 100000; i++)
		bpflog_add("a line that is not the last\n");
	bpflog_add("the last line, without an end");
	assert_string_equal(bpflog_tail(1), "\n    the last line, without an end");
	bpflog_start();
	assert_string_equal(bpflog_tail(3), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read_builtin), cmocka_unit_test(test_names_agree),
		cmocka_unit_test(test_not_found),    cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_values),	     cmocka_unit_test(test_every_mistake),
		cmocka_unit_test(test_no_options),   cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_symbol_wraps), cmocka_unit_test(test_two_of_a_name),
		cmocka_unit_test(test_mutated),	     cmocka_unit_test(test_bpflog),
	};

	/* Thousands of messages of damaged files: nobody wants to read them. */
	if (!freopen("/dev/null", "w", stderr))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
