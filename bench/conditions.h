/* SPDX-License-Identifier: GPL-2.0-only */
/* What a figure depends on besides the programs: kernel, processor, mitigations, JIT. */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* To be called at the start: in another network namespace the JIT's settings are not shown. */
void conditions_begin(void);

/* An object of texts; the caller owns it. NULL: out of memory. What cannot be read is "unknown". */
json_t *conditions_read(void);

void conditions_print(const json_t *conditions, FILE *out);

/*
 * Do figures of the two stand side by side? What differs is reported, each as "note: …": kernel,
 * processor, mitigations, interfaces, but not the programs on these, which are what is compared.
 */
bool conditions_equal(const json_t *a, const json_t *b);
