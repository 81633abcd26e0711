// SPDX-License-Identifier: GPL-2.0-only
/* Policies. */
#include "policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!names_files(data, size))
		read_policy((const char *)data, size);
	fail_forget();
	return 0;
}
