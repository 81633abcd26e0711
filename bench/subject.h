/* SPDX-License-Identifier: GPL-2.0-only */
/* A program that is measured: a policy's chain, loaded as replay does and attached to nothing. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "../loader/policy.h"

struct replay;

struct subject {
	char *name;
	int prog_fd; /* -1: not loaded */

	/* Of a policy. */
	struct policy *policy;
	struct replay *replay;
	size_t rules, programs, instructions; /* instructions of filter programs */
	uint64_t verified;		      /* that the verifier walked for these */
	double load_seconds;		      /* from its text until it could run */
};

/* A program that says "pass" and nothing else. Errors are reported. */
int subject_load_empty(enum hook_kind kind, struct subject *out);

/* This hook of `interface`, or, if NULL, of the first one that has it. Errors are reported. */
int subject_load_text(const char *name, const char *text, size_t len, const char *interface,
		      enum hook_kind kind, struct subject *out);
int subject_load_file(const char *path, const char *interface, enum hook_kind kind,
		      struct subject *out);

void subject_close(struct subject *subject);
