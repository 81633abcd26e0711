/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What one `weir filter` is to do. Private to filter*.c.
 */
#pragma once
#include "cmd.h"
#include "filter_attach.h"
#include "filter_match.h"
#include "filter_print.h"
#include "../fail.h"

enum mode { SHOW, MATCH, VERIFY, ATTACH };

struct expression {
	unsigned int number; /* of the line it stands on */
	char *text;
	struct cbpf cbpf; /* empty: refused */
	struct cbpf law;  /* to verify: what libpcap runs */
};

struct work {
	struct cmd_common common;
	unsigned int d; /* how many -d */
	const char *file, *bytecode;
	const char **words, **captures;
	size_t n_words, n_captures;
	enum mode mode;
	bool format_named;
	enum print_format format;
	const struct engine *engine; /* NULL: the mode's own */
	struct attach attach;
	struct source source;
	struct expression *expressions;
	size_t n;
	bool refused; /* one at least, or the engines differ */
	json_t *json; /* what has been found, with -j */
};

/* The engine that was named, else the mode's own. */
const struct engine *filter_engine_of(const struct work *work);

/* --match, --verify: all expressions over all captures. Reported. */
int filter_match(struct work *work);
int filter_verify(struct work *work);
