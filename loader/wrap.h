/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Words in lines of at most 80 columns. A word that is longer has a line of its own.
 */
#pragma once
#include <stddef.h>
#include <stdio.h>

enum { WRAP_COLUMNS = 80 };

struct wrap {
	FILE *out;
	int indent, hang; /* columns before the first line, before the others */
	const char *tail; /* ends each line but the last */
	int col;	  /* columns used; 0: at the start of the text */
};

/* One word, whatever is in it; the words of a text. Neither ends the last line. */
void wrap_word(struct wrap *w, const char *word, size_t len);
void wrap_words(struct wrap *w, const char *text);

/* A paragraph. */
void wrap_text(FILE *out, int indent, const char *text);

/* "NAME: text", the lines behind the first indented by four more. */
void wrap_pair(FILE *out, int indent, const char *name, const char *text);
