// SPDX-License-Identifier: GPL-2.0-only
/* Expressions: whatever is read prints as a text that reads, and prints the same again. */
#include "../../loader/filter/grammar.h"
#include "quiet.h"

static char *print(const struct grammar *grammar)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	must(!!out);
	grammar_print(grammar, out);
	fclose(out);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = text_of(data, size), *first, *second;
	struct grammar *grammar, *again;
	struct grammar_error error;

	if (!grammar_read(text, &grammar, &error)) {
		first = print(grammar);
		must(!grammar_read(first, &again, &error));
		second = print(again);
		must(!strcmp(first, second));
		free(first);
		free(second);
		grammar_free(again);
	} else {
		must(error.at <= strlen(text) && error.until <= strlen(text));
	}
	grammar_free(grammar);
	free(text);
	fail_forget();
	return 0;
}
