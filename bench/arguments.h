/* SPDX-License-Identifier: GPL-2.0-only */
/* Values on the command line. What is none ends the process with a word on usage, as argp does. */
#pragma once
#include <argp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "1000000", "200k", "1.5M", from `least` to below 1G. */
double argument_number(const char *text, double least, struct argp_state *state);

/* A percentage, from `least` to below 100. */
double argument_percent(const char *text, double least, struct argp_state *state);

/* A number of packets, in the same words: whole, from 1 to 1000G. */
uint64_t argument_packets(const char *text, struct argp_state *state);

/* A whole number from `least` to `most`, decimal. */
uint64_t argument_integer(const char *text, uint64_t least, uint64_t most,
			  struct argp_state *state);

/* The index of a word among the choices. */
size_t argument_choice(const char *text, const char *const *choices, size_t n,
		       struct argp_state *state);

struct number_list {
	uint32_t *numbers; /* owned */
	size_t n;
};

/* "0-3,6": numbers below `limit`, each once, in that order. Replaces what is in the list. */
void argument_list(const char *text, uint32_t limit, struct number_list *out,
		   struct argp_state *state);

/* --csv and --json together are an error. */
void argument_formats(bool csv, bool json, struct argp_state *state);

/* A file that plot.h can write. */
const char *argument_plot(const char *text, struct argp_state *state);

/* Of a MAC address, "02:00:00:00:00:01". */
void argument_mac(const char *text, uint8_t out[6], struct argp_state *state);
