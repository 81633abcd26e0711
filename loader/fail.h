/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Errors. A function returns 0 or -errno. Who knows the fact says it, once, and passes the code on:
 * `return fail(-EINVAL, "…")`. Callers only return what they were given.
 *
 * A message says what, where, why, and what to do. It goes to stderr as one line, "weir: …", or,
 * for a place in a text, "FILE:LINE:COL: …" with the line and a caret beneath. With -j every
 * message is kept too, and fail_messages() gives them to the command's JSON.
 */
#pragma once
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "own.h"

/* A text that positions point into: a policy file, an expression of the command line. */
struct source {
	char *name; /* as the user wrote it; what messages begin with */
	char *text; /* NUL-terminated, may hold NUL bytes before len */
	size_t len;
};

/* A place in a source. line and col count from 1; col counts bytes; line 0 is "the whole file". */
struct pos {
	const struct source *source; /* not owned */
	unsigned int line, col;
};

/* The name that messages begin with ("weir", "weir-bench"). Static storage. */
void fail_program(const char *name);

/* Print "weir: MESSAGE" to stderr and return err (-errno). */
int fail(int err, const char *fmt, ...) _printf_(2, 3);

/* The same at a place: "FILE:LINE:COL: MESSAGE", the line, a caret. pos may have no source. */
int fail_at(int err, const struct pos *pos, const char *fmt, ...) _printf_(3, 4);

/* "out of memory", -ENOMEM. */
int fail_oom(void);

/* What is no error but must not be silent: "weir: note: …" on stderr. */
void note(const char *fmt, ...) _printf_(1, 2);
/* The same note at the same place is given once. */
void note_at(const struct pos *pos, const char *fmt, ...) _printf_(2, 3);

/*
 * Messages since the start, or since they were forgotten, for -j: each with file, line, column (0:
 * no place), text. Owned by fail; valid until the next message. What runs for long forgets them now
 * and then.
 */
struct fail_message {
	bool is_note;
	char *file; /* NULL: no place */
	unsigned int line, col;
	char *text;
};
size_t fail_messages(const struct fail_message **out);
void fail_forget(void);

/*
 * In its place: what is neither printable ASCII nor UTF-8, newline nor tab becomes '?', for
 * terminals and JSON. Messages are so already.
 */
void fail_make_plain(char *text);

/*
 * The word of words[0..n) nearest to `word` (optimal string alignment distance at most 2, and less
 * than half its length), or NULL. For "did you mean".
 */
const char *fail_nearest(const char *word, const char *const *words, size_t n);
