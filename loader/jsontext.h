/* SPDX-License-Identifier: GPL-2.0-only */
/* Texts for JSON, which is UTF-8, while the name of a file or an interface may be any bytes. */
#pragma once
#include <jansson.h>

/* The text as a string; if it is not UTF-8, as fail_make_plain() makes it. NULL: no memory. */
json_t *jsontext(const char *text);
