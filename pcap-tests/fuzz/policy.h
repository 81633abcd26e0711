/* SPDX-License-Identifier: GPL-2.0-only */
/* A policy that is read prints in a normal form that reads, and prints the same again. */
#pragma once
#include "../../loader/policy.h"
#include "quiet.h"

static char *print(const struct policy *policy)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	must(!!out);
	policy_print(policy, out);
	fclose(out);
	return text;
}

static inline void read_policy(const char *text, size_t size)
{
	struct policy *policy = NULL, *again = NULL;
	char *first, *second;

	if (!policy_parse("fuzz", text, size, &policy)) {
		first = print(policy);
		must(!policy_parse("again", first, strlen(first), &again));
		second = print(again);
		must(!strcmp(first, second));
		free(first);
		free(second);
	}
	policy_free(policy);
	policy_free(again);
}

/* Files of this machine are no inputs. */
static inline bool names_files(const uint8_t *data, size_t size)
{
	return memmem(data, size, "include", 7) || memmem(data, size, "file", 4);
}
