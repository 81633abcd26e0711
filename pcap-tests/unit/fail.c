// SPDX-License-Identifier: GPL-2.0-only
#include "../../loader/fail.h"

#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#undef fail /* cmocka's */

/* What a call says on standard error: begin(); the call; said(). The text is the caller's. */
static int stderr_fd;
static FILE *caught;

static void begin(void)
{
	fflush(stderr);
	stderr_fd = dup(STDERR_FILENO);
	caught = tmpfile();
	assert_non_null(caught);
	dup2(fileno(caught), STDERR_FILENO);
}

static char *said(void)
{
	char *text = calloc(1, 4096);

	fflush(stderr);
	dup2(stderr_fd, STDERR_FILENO);
	close(stderr_fd);
	rewind(caught);
	assert_non_null(text);
	fread(text, 1, 4095, caught);
	fclose(caught);
	return text;
}

static struct source source_of(char *text)
{
	return (struct source){ .name = (char *)"edge.weir", .text = text, .len = strlen(text) };
}

static void a_failure_is_a_line_and_its_code(void **state)
{
	_free_ char *text = NULL;

	(void)state;
	begin();
	assert_int_equal(fail(-EPERM, "no %s", "way"), -EPERM);
	text = said();
	assert_string_equal(text, "weir: no way\n");
}

static void a_place_shows_its_line_and_a_caret(void **state)
{
	struct source source = source_of((char *)"first\n\tdorp if tcp\nlast");
	const struct pos pos = { &source, 2, 2 };
	_free_ char *text = NULL;

	(void)state;
	begin();
	assert_int_equal(fail_at(-EINVAL, &pos, "no action"), -EINVAL);
	text = said();
	assert_string_equal(text, "edge.weir:2:2: no action\n     dorp if tcp\n     ^\n");
}

static void of_a_line_that_ends_in_cr_lf_the_text_is_shown(void **state)
{
	struct source source = source_of((char *)"a\rb\r\n\r\nlast\r");
	struct pos pos = { &source, 1, 1 };
	_free_ char *text = NULL;

	(void)state;
	begin();
	fail_at(-EINVAL, &pos, "x");
	pos.line = 2;
	fail_at(-EINVAL, &pos, "y");
	pos.line = 3;
	fail_at(-EINVAL, &pos, "z");
	text = said();
	assert_string_equal(text, "edge.weir:1:1: x\n    a?b\n    ^\n"
				  "edge.weir:2:1: y\n    \n    ^\n"
				  "edge.weir:3:1: z\n    last?\n    ^\n");
}

static void a_whole_file_shows_no_line(void **state)
{
	struct source source = source_of((char *)"text\n");
	const struct pos file = { &source, 0, 0 }, nowhere = { NULL, 3, 4 };
	_free_ char *text = NULL;

	(void)state;
	begin();
	fail_at(-EINVAL, &file, "too large");
	fail_at(-EINVAL, &nowhere, "too far");
	text = said();
	assert_string_equal(text, "edge.weir: too large\nweir: too far\n");
}

static void a_place_behind_the_text_shows_a_caret(void **state)
{
	struct source source = source_of((char *)"pass\nif");
	const struct pos end = { &source, 2, 3 }, beyond = { &source, 9, 1 };
	_free_ char *text = NULL;

	(void)state;
	begin();
	fail_at(-EINVAL, &end, "x");
	fail_at(-EINVAL, &beyond, "y");
	text = said();
	assert_string_equal(text, "edge.weir:2:3: x\n    if\n      ^\nedge.weir:9:1: y\n");
}

static void of_a_long_line_a_window_is_shown(void **state)
{
	char line[5000];
	struct source source;
	struct pos pos = { &source, 1, 3001 };
	_free_ char *text = NULL;
	const char *shown, *caret;

	(void)state;
	memset(line, '.', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	line[3000] = 'X';
	source = source_of(line);
	begin();
	fail_at(-EINVAL, &pos, "x");
	text = said();
	assert_true(strlen(text) < 300);
	shown = strchr(text, '\n') + 1;
	caret = strchr(shown, '\n') + 1;
	assert_int_equal(shown[strchr(caret, '^') - caret], 'X');
}

static void control_characters_do_not_reach_the_terminal(void **state)
{
	struct source source = source_of((char *)"a\x1b[31m\x07z");
	const struct pos pos = { &source, 1, 1 };
	_free_ char *text = NULL;

	(void)state;
	begin();
	fail_at(-EINVAL, &pos, "x");
	text = said();
	assert_string_equal(text, "edge.weir:1:1: x\n    a?[31m?z\n    ^\n");
}

static void what_is_no_text_becomes_plain(void **state)
{
	static const struct {
		const char *is, *plain;
	} cases[] = {
		{ "a\tb\n", "a\tb\n" },
		{ "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\x9f",
		  "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\x9f" },
		{ "caf\xc3", "caf?" },
		{ "\xff\x1b[m\x7f", "??[m?" },
		{ "\xe0\x80\x80", "???" },
		{ "\xed\xa0\x80", "???" },
		{ "\xf0\x80\x80\x80", "????" },
		{ "\xf4\x90\x80\x80", "????" },
		{ "\xf5\x80\x80\x80", "????" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char text[32];

		strcpy(text, cases[i].is);
		fail_make_plain(text);
		assert_string_equal(text, cases[i].plain);
	}
}

static void notes_say_so(void **state)
{
	struct source source = source_of((char *)"text\n");
	const struct pos pos = { &source, 1, 1 };
	_free_ char *text = NULL;

	(void)state;
	begin();
	note("by the way");
	note_at(&pos, "here");
	text = said();
	assert_string_equal(text,
			    "weir: note: by the way\nedge.weir:1:1: note: here\n    text\n    ^\n");
}

static void messages_are_kept_until_forgotten(void **state)
{
	struct source source = source_of((char *)"text\n");
	const struct pos pos = { &source, 1, 3 };
	const struct fail_message *m;
	size_t n;

	(void)state;
	begin();
	note("forgotten");
	fail_forget();
	assert_int_equal(fail_messages(&m), 0);
	fail_at(-EINVAL, &pos, "placed");
	note("noted");
	free(said());
	n = fail_messages(&m);
	assert_int_equal(n, 2);
	assert_string_equal(m[n - 2].file, "edge.weir");
	assert_int_equal(m[n - 2].line, 1);
	assert_int_equal(m[n - 2].col, 3);
	assert_string_equal(m[n - 2].text, "placed");
	assert_false(m[n - 2].is_note);
	assert_true(m[n - 1].is_note);
	assert_null(m[n - 1].file);
}

static const char *nearest(const char *word)
{
	static const char *const words[] = { "pass", "drop", "redirect", "count", "cpu" };

	return fail_nearest(word, words, ARRAY_SIZE(words));
}

static void nearest_finds_slips_of_the_keys(void **state)
{
	(void)state;
	assert_string_equal(nearest("dorp"), "drop");  /* two letters swapped */
	assert_string_equal(nearest("dop"), "drop");   /* one left out */
	assert_string_equal(nearest("dropp"), "drop"); /* one doubled */
	assert_string_equal(nearest("drip"), "drop");  /* one wrong */
	assert_string_equal(nearest("rediretc"), "redirect");
	assert_string_equal(nearest("redriect"), "redirect");
	assert_string_equal(nearest("radirekt"), "redirect"); /* two wrong */
	assert_string_equal(nearest("drop"), "drop");
}

static void nearest_does_not_guess(void **state)
{
	char word[1000];

	(void)state;
	assert_null(nearest("accept"));
	assert_null(nearest("radirekd"));
	assert_null(nearest("cp")); /* one of two letters: as far as near */
	assert_null(nearest("dp"));
	assert_null(nearest(""));
	assert_null(fail_nearest("drop", NULL, 0));
	memset(word, 'x', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	assert_null(nearest(word));
}

static void nearest_takes_the_first_of_equals(void **state)
{
	static const char *const words[] = { "badhost1", "badhost2", "badhosts" };

	(void)state;
	assert_string_equal(fail_nearest("badhost", words, 3), "badhost1");
	assert_string_equal(fail_nearest("badhosts", words, 3), "badhosts");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_failure_is_a_line_and_its_code),
		cmocka_unit_test(a_place_shows_its_line_and_a_caret),
		cmocka_unit_test(of_a_line_that_ends_in_cr_lf_the_text_is_shown),
		cmocka_unit_test(a_whole_file_shows_no_line),
		cmocka_unit_test(a_place_behind_the_text_shows_a_caret),
		cmocka_unit_test(of_a_long_line_a_window_is_shown),
		cmocka_unit_test(control_characters_do_not_reach_the_terminal),
		cmocka_unit_test(what_is_no_text_becomes_plain),
		cmocka_unit_test(notes_say_so),
		cmocka_unit_test(messages_are_kept_until_forgotten),
		cmocka_unit_test(nearest_finds_slips_of_the_keys),
		cmocka_unit_test(nearest_does_not_guess),
		cmocka_unit_test(nearest_takes_the_first_of_equals),
	};

	return cmocka_run_group_tests_name("fail", tests, NULL, NULL);
}
