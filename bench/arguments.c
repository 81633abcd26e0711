// SPDX-License-Identifier: GPL-2.0-only
#include "arguments.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

double argument_number(const char *text, double least, struct argp_state *state)
{
	static const char suffixes[] = "kMG";
	char *end;
	double n = strtod(text, &end);
	const char *suffix = *end ? strchr(suffixes, *end) : NULL;

	if (suffix) {
		n *= pow(1000, suffix - suffixes + 1);
		end++;
	}
	if (end == text || *end || !(n >= least && n < 1e9))
		argp_error(state, "'%s' is no number from %g to 1G (20000, 20k, 1.5M)", text,
			   least);
	return n;
}

uint64_t argument_integer(const char *text, uint64_t least, uint64_t most, struct argp_state *state)
{
	char *end;
	uint64_t n;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)*text) || *end || errno || n < least || n > most)
		argp_error(state, "'%s' is no whole number from %" PRIu64 " to %" PRIu64, text,
			   least, most);
	return n;
}

size_t argument_choice(const char *text, const char *const *choices, size_t n,
		       struct argp_state *state)
{
	char list[256] = "";

	for (size_t i = 0; i < n; i++) {
		if (!strcmp(text, choices[i]))
			return i;
		strncat(list, i ? ", " : "", sizeof(list) - strlen(list) - 1);
		strncat(list, choices[i], sizeof(list) - strlen(list) - 1);
	}
	argp_error(state, "'%s' is none of: %s", text, list);
	return 0;
}
