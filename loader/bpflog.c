// SPDX-License-Identifier: GPL-2.0-only
#include "bpflog.h"

#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "own.h"

/* Of a longer text the end is kept: a verifier that followed a loop writes megabytes. */
enum { KEPT = 64 * 1024, SHOWN_LINE = 160 };

static char said[KEPT + 1], tail[KEPT];
static size_t n_said;

void bpflog_add(const char *log)
{
	size_t len = strlen(log), drop;

	if (len > KEPT) {
		log += len - KEPT;
		len = KEPT;
	}
	drop = n_said + len > KEPT ? n_said + len - KEPT : 0;
	memmove(said, said + drop, n_said - drop);
	n_said -= drop;
	memcpy(said + n_said, log, len);
	n_said += len;
	said[n_said] = '\0';
}

static int hear(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	_free_ char *text = NULL;

	if (level == LIBBPF_DEBUG || level == LIBBPF_INFO)
		return 0;
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	else
		bpflog_add(text);
	return 0;
}

void bpflog_start(void)
{
	libbpf_set_print(hear);
	n_said = 0;
	said[0] = '\0';
}

/* Lines that tell nothing to who wrote the program. */
static bool is_noise(const char *line, size_t len)
{
	static const char *const noise[] = {
		"processed ",	  "verification time ",
		"stack depth ",	  "peak_states ",
		"libbpf: prog '", "libbpf: failed to load object",
		"mark_precise: ", "func#",
	};

	for (size_t i = 0; i < ARRAY_SIZE(noise); i++)
		if (!strncmp(line, noise[i], strlen(noise[i])))
			return true;
	return !len || memmem(line, len, "-- END PROG LOAD LOG", 20);
}

/* The start of the line that ends before `end`. */
static const char *line_before(const char *end)
{
	while (end > said && end[-1] != '\n')
		end--;
	return end;
}

static void put(const char *line, size_t len, size_t *at)
{
	int n;

	if (len > SHOWN_LINE)
		len = SHOWN_LINE;
	n = snprintf(tail + *at, sizeof(tail) - *at, "\n    %.*s", (int)len, line);
	if (n > 0 && *at + n < sizeof(tail))
		*at += n;
}

const char *bpflog_tail(unsigned int lines)
{
	struct {
		const char *start;
		size_t len;
	} found[32];
	unsigned int n = 0;
	bool has_source = false;
	size_t at = 0;

	if (lines > ARRAY_SIZE(found) - 1)
		lines = ARRAY_SIZE(found) - 1;
	for (const char *end = said + n_said; end > said;) {
		const char *start = line_before(end);
		bool is_source = *start == ';';

		if (!is_noise(start, end - start) && (n < lines || (is_source && !has_source))) {
			found[n].start = start;
			found[n++].len = end - start;
			has_source |= is_source;
		}
		if (n > lines || (n == lines && has_source))
			break;
		end = start > said ? start - 1 : said;
	}
	tail[0] = '\0';
	while (n)
		n--, put(found[n].start, found[n].len, &at);
	return tail;
}
