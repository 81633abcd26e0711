// SPDX-License-Identifier: GPL-2.0-only
#include "fail.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Of a line longer than this only the part around the column is shown. */
enum { SHOWN = 100 };

static const char *program = "weir";
static struct fail_message *messages;
static size_t n_messages;

void fail_program(const char *name)
{
	program = name;
}

/*
 * Bytes of the character at p that may go to a terminal as they are: printable ASCII, or UTF-8
 * (RFC 3629) but for the C1 controls, U+0080 to U+009F. 0: none.
 */
static size_t printable(const unsigned char *p, size_t left)
{
	size_t n = *p < 0x80 ? 1 : *p >= 0xc2 && *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : *p < 0xf5 ? 4 : 0;

	if (n == 1)
		return *p >= 0x20 && *p != 0x7f;
	if (!n || *p < 0xc2 || n > left || (*p == 0xc2 && p[1] < 0xa0))
		return 0;
	/* Longer than it need be, half of a pair of UTF-16, beyond U+10FFFF. */
	if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f) ||
	    (*p == 0xf0 && p[1] < 0x90) || (*p == 0xf4 && p[1] > 0x8f))
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

void fail_make_plain(char *text)
{
	size_t left = strlen(text);

	while (left) {
		size_t n = printable((const unsigned char *)text, left);

		if (!n && *text != '\n' && *text != '\t')
			*text = '?';
		n = n ? n : 1;
		text += n;
		left -= n;
	}
}

static void keep(bool is_note, const struct pos *pos, const char *text)
{
	struct fail_message *m = array_add(messages, n_messages);

	if (!m)
		return;
	m->is_note = is_note;
	m->text = strdup(text);
	if (pos && pos->source) {
		m->file = strdup(pos->source->name);
		m->line = pos->line;
		m->col = pos->col;
	}
}

size_t fail_messages(const struct fail_message **out)
{
	*out = messages;
	return n_messages;
}

void fail_forget(void)
{
	while (n_messages) {
		n_messages--;
		free(messages[n_messages].file);
		free(messages[n_messages].text);
	}
	free(messages);
	messages = NULL;
}

static const char *line_start(const struct source *s, unsigned int line)
{
	const char *p = s->text, *end = s->text + s->len;

	for (unsigned int i = 1; i < line && p; i++) {
		p = memchr(p, '\n', end - p);
		p = p ? p + 1 : NULL;
	}
	return p;
}

/* A text for a terminal: what cannot be shown as '?', a tab as one space. */
static void put_plain(const char *text, size_t len)
{
	for (size_t i = 0, n; i < len; i += n ? n : 1) {
		n = printable((const unsigned char *)text + i, len - i);
		if (n)
			fwrite(text + i, 1, n, stderr);
		else
			fputc(text[i] == '\t' ? ' ' : '?', stderr);
	}
}

static void show_line(const struct pos *pos)
{
	const struct source *s = pos->source;
	const char *start = line_start(s, pos->line), *end;
	size_t len, skip = 0;

	if (!start)
		return;
	end = memchr(start, '\n', s->text + s->len - start);
	len = (end ? end : s->text + s->len) - start;
	if (end && len && end[-1] == '\r')
		len--;
	if (pos->col > SHOWN - 20)
		skip = pos->col - (SHOWN - 20);
	if (skip > len)
		skip = len;
	fputs("    ", stderr);
	put_plain(start + skip, len - skip < SHOWN ? len - skip : SHOWN);
	fprintf(stderr, "\n    %*s\n", (int)(pos->col - skip), "^");
}

/* Who loads a policy several times hears of each place once. */
static bool was_noted(const struct pos *pos, const char *text)
{
	for (size_t i = 0; pos && pos->source && i < n_messages; i++) {
		const struct fail_message *m = &messages[i];

		if (m->is_note && m->file && m->text && m->line == pos->line &&
		    m->col == pos->col && !strcmp(m->text, text) &&
		    !strcmp(m->file, pos->source->name))
			return true;
	}
	return false;
}

static void say(const struct pos *pos, bool is_note, const char *fmt, va_list ap)
{
	_free_ char *text = NULL;
	const char *kind = is_note ? "note: " : "";

	if (vasprintf(&text, fmt, ap) < 0) {
		text = NULL;
		fprintf(stderr, "%s: out of memory\n", program);
		return;
	}
	fail_make_plain(text);
	if (is_note && was_noted(pos, text))
		return;
	keep(is_note, pos, text);
	if (!pos || !pos->source)
		fprintf(stderr, "%s: %s%s\n", program, kind, text);
	else if (!pos->line)
		fprintf(stderr, "%s: %s%s\n", pos->source->name, kind, text);
	else
		fprintf(stderr, "%s:%u:%u: %s%s\n", pos->source->name, pos->line, pos->col, kind,
			text);
	if (pos && pos->source && pos->line && pos->col)
		show_line(pos);
}

int fail(int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(NULL, false, fmt, ap);
	va_end(ap);
	return err;
}

int fail_at(int err, const struct pos *pos, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(pos, false, fmt, ap);
	va_end(ap);
	return err;
}

int fail_oom(void)
{
	return fail(-ENOMEM, "out of memory");
}

void note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(NULL, true, fmt, ap);
	va_end(ap);
}

void note_at(const struct pos *pos, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(pos, true, fmt, ap);
	va_end(ap);
}

static unsigned int min3(unsigned int a, unsigned int b, unsigned int c)
{
	a = a < b ? a : b;
	return a < c ? a : c;
}

/* Optimal string alignment: Levenshtein with swaps of neighbours counted once. */
static unsigned int distance(const char *a, const char *b)
{
	enum { MAX = 32 };
	unsigned int d[MAX + 1][MAX + 1];
	size_t la = strlen(a), lb = strlen(b);

	if (la > MAX || lb > MAX)
		return UINT32_MAX;
	for (size_t i = 0; i <= la; i++)
		d[i][0] = i;
	for (size_t j = 0; j <= lb; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= la; i++) {
		for (size_t j = 1; j <= lb; j++) {
			unsigned int cost = a[i - 1] != b[j - 1];

			d[i][j] = min3(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + cost);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    d[i - 2][j - 2] + 1 < d[i][j])
				d[i][j] = d[i - 2][j - 2] + 1;
		}
	}
	return d[la][lb];
}

const char *fail_nearest(const char *word, const char *const *words, size_t n)
{
	unsigned int best = 3;
	const char *nearest = NULL;

	for (size_t i = 0; i < n; i++) {
		unsigned int d = distance(word, words[i]);

		if (d < best && 2 * d < strlen(word)) {
			best = d;
			nearest = words[i];
		}
	}
	return nearest;
}
