// SPDX-License-Identifier: GPL-2.0-only
#include "wrap.h"

#include <string.h>

void wrap_word(struct wrap *w, const char *word, size_t len)
{
	int room = WRAP_COLUMNS - (int)strlen(w->tail);

	if (!w->col) {
		w->col = fprintf(w->out, "%*s", w->indent, "");
	} else if (w->col + 1 + (int)len > room) {
		fprintf(w->out, "%s\n", w->tail);
		w->col = fprintf(w->out, "%*s", w->hang, "");
	} else {
		fputc(' ', w->out);
		w->col++;
	}
	w->col += fprintf(w->out, "%.*s", (int)len, word);
}

void wrap_words(struct wrap *w, const char *text)
{
	while (*(text += strspn(text, " "))) {
		size_t len = strcspn(text, " ");

		wrap_word(w, text, len);
		text += len;
	}
}

void wrap_text(FILE *out, int indent, const char *text)
{
	struct wrap w = { out, indent, indent, "", 0 };

	wrap_words(&w, text);
	if (w.col)
		fputc('\n', out);
}

void wrap_pair(FILE *out, int indent, const char *name, const char *text)
{
	int col = fprintf(out, "%*s%s:", indent, "", name);
	struct wrap w = { out, indent, indent + 4, "", col };

	wrap_words(&w, text);
	fputc('\n', out);
}
