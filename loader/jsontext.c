// SPDX-License-Identifier: GPL-2.0-only
#include "jsontext.h"

#include <string.h>

#include "fail.h"
#include "own.h"

json_t *jsontext(const char *text)
{
	json_t *string = json_string(text);
	_free_ char *plain = string ? NULL : strdup(text);

	if (plain)
		fail_make_plain(plain);
	return string ? string : json_string(plain);
}
