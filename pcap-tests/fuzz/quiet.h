/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the fuzz targets share: an input is a text that ends with a NUL, and what is said of its
 * mistakes goes nowhere. libFuzzer and the sanitizers have kept stderr from before.
 */
#pragma once
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../loader/fail.h"
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	stderr = fopen("/dev/null", "w");
	return stderr ? 0 : 1;
}

/* What must never be. */
static inline void must(int holds)
{
	if (!holds)
		abort();
}

static inline char *text_of(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	must(!!text);
	memcpy(text, data, size);
	text[size] = '\0';
	return text;
}
