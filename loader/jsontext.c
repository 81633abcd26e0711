// SPDX-License-Identifier: GPL-2.0-only
#include "jsontext.h"

#include <string.h>

#include "own.h"

json_t *jsontext(const char *text)
{
	json_t *string = json_string(text);
	_free_ char *plain = string ? NULL : strdup(text);

	for (char *at = plain; at && *at; at++)
		if ((unsigned char)*at >= 0x80)
			*at = '?';
	return string ? string : json_string(plain);
}
