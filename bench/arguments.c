// SPDX-License-Identifier: GPL-2.0-only
#include "arguments.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "../loader/own.h"
#include "plot.h"

/* "1.5M" is 1500000; NAN: it is no number. */
static double read_number(const char *text)
{
	static const char suffixes[] = "kMG";
	char *end;
	double n = strtod(text, &end);
	const char *suffix = *end ? strchr(suffixes, *end) : NULL;

	if (suffix) {
		n *= pow(1000, suffix - suffixes + 1);
		end++;
	}
	return end == text || *end ? NAN : n;
}

double argument_number(const char *text, double least, struct argp_state *state)
{
	double n = read_number(text);

	if (!(n >= least && n < 1e9))
		argp_error(state, "'%s' is no number from %g to 1G (20000, 20k, 1.5M)", text,
			   least);
	return n;
}

double argument_percent(const char *text, double least, struct argp_state *state)
{
	double n = read_number(text);

	if (!(n >= least && n < 100))
		argp_error(state, "'%s' is no percentage from %g to less than 100", text, least);
	return n;
}

uint64_t argument_packets(const char *text, struct argp_state *state)
{
	double n = read_number(text);

	if (!(n >= 1 && n <= 1e12 && n == floor(n)))
		argp_error(state, "'%s' is no whole number from 1 to 1000G (20000, 20k, 1.5M)",
			   text);
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

static void add_number(uint32_t number, struct number_list *list, struct argp_state *state)
{
	uint32_t *place;

	for (size_t i = 0; i < list->n; i++)
		if (list->numbers[i] == number)
			argp_error(state, "%u stands twice in a list", number);
	place = array_add(list->numbers, list->n);
	if (place)
		*place = number;
	else
		argp_failure(state, 1, 0, "out of memory");
}

void argument_list(const char *text, uint32_t limit, struct number_list *out,
		   struct argp_state *state)
{
	_free_ char *copy = strdup(text);
	char *rest = copy;

	out->n = 0;
	own_free(&out->numbers);
	for (char *word; rest && (word = strsep(&rest, ","));) {
		char *dash = strchr(word, '-');
		uint32_t low, high;

		if (dash)
			*dash++ = 0;
		low = argument_integer(word, 0, limit - 1, state);
		high = dash ? argument_integer(dash, low, limit - 1, state) : low;
		for (uint32_t i = low; i <= high; i++)
			add_number(i, out, state);
	}
}

void argument_formats(bool csv, bool json, struct argp_state *state)
{
	if (csv && json)
		argp_error(state, "either --csv or --json");
}

const char *argument_plot(const char *text, struct argp_state *state)
{
	if (!plot_can_write(text))
		argp_error(state, "'%s' ends in neither .svg nor .png", text);
	return text;
}

void argument_mac(const char *text, uint8_t out[6], struct argp_state *state)
{
	int end = 0;

	if (sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx%n", &out[0], &out[1], &out[2],
		   &out[3], &out[4], &out[5], &end) != 6 ||
	    text[end])
		argp_error(state, "'%s' is no MAC address (02:00:00:00:00:01)", text);
}
