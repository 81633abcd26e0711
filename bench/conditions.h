/* SPDX-License-Identifier: GPL-2.0-only */
/* What a figure depends on besides the programs: kernel, processor, mitigations, JIT. */
#pragma once
#include <jansson.h>
#include <stdio.h>

/* An object of texts; the caller owns it. NULL: out of memory. What cannot be read is "unknown". */
json_t *conditions_read(void);

void conditions_print(const json_t *conditions, FILE *out);
