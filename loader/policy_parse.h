/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The recursive-descent parser, one file a part of the grammar. Within policy*.c only.
 *
 * A parse function begins at parser.token, the token that is looked at, and leaves there the one
 * behind its construct. It returns 0, or an error that is reported: the caller then skips to where
 * it can go on. A word that is there but wrong (a number out of range) is reported and passed over,
 * so that the rest of its rule is read too; parser.mistakes.err remembers it.
 */
#pragma once
#include "policy.h"
#include "policy_lex.h"

enum {
	INCLUDE_DEPTH_MAX = 16,
	ELSE_DEPTH_MAX = 4,
	IFNAME_MAX = 15, /* IFNAMSIZ - 1 of the kernel */
};

/* Names that are defined once: a search tree (tsearch(3)) of struct named. */
struct names {
	void *root;
};

/* A policy file that was read. */
struct policy_file {
	unsigned long dev, ino;
	bool open; /* its statements are being read: including it now is a cycle */
};

struct parser {
	struct policy *policy;
	struct mistakes mistakes;
	struct lexer lexer;
	struct token token;
	const struct source *memory; /* of policy_parse(): its includes are relative to the cwd */
	struct policy_file *files;
	size_t n_files;
	unsigned int depth; /* of includes */
	struct names sets, interfaces;
	struct token *references; /* every @NAME in an expression */
	size_t n_references;
	const char *const *options; /* that could stand where the last one ended */
	size_t n_options;
};

void policy_advance(struct parser *parser);

/* If the token is this word, pass it. */
bool policy_accept(struct parser *parser, const char *word);

/* "expected WANTED, not X", at the token. */
int policy_unexpected(struct parser *parser, const char *wanted);

/* "no WHAT 'X'; did you mean 'Y'?", or with the list of what there is. Does not pass the token. */
int policy_unknown(struct parser *parser, const char *what, const char *const *words, size_t n);

/* The token, a word that is none of `if` and `else`, is there to be read as a value. */
bool policy_at_value(const struct parser *parser);

/*
 * If the token is one of the words, pass it and return its index; else -1, and the words are
 * remembered for the message about what stands there instead. A word that was seen before (a bit of
 * *seen) is a mistake.
 */
int policy_option(struct parser *parser, const char *const *words, size_t n, unsigned int *seen);

/* Note a name's definition. A second one is a mistake: "WHAT 'NAME' stands already at …". */
int policy_define(struct parser *parser, struct names *names, const char *what, const char *name,
		  const struct pos *pos);

/* Skip to the end of a statement: END or '}', over any block that begins on the way. */
void policy_skip(struct parser *parser);

/* A '{' on this line, or as the first thing of a later one; else "expected WANTED". */
int policy_open(struct parser *parser, const char *wanted, struct pos *open);

/* Whether a block ends here: at '}' (passed), or, reported, where one is missing. */
bool policy_closed(struct parser *parser, const struct pos *open);

/* Statements up to the end of the file that parser.lexer reads. */
void parse_statements(struct parser *parser);
void parse_set(struct parser *parser);
void parse_interface(struct parser *parser);
int parse_action(struct parser *parser, enum hook_kind hook, unsigned int depth,
		 struct action *action);

/* After all is read: every @NAME must be a set. */
void parse_references(struct parser *parser);

/* Values (policy_value.c): a word that is none is reported at its place and passed. */
int value_number(struct parser *parser, const char *what, uint64_t low, uint64_t high,
		 uint64_t *out);
int value_ranges(struct parser *parser, const char *what, struct range **ranges, size_t *n);
int value_rate(struct parser *parser, struct rate *rate);
int value_burst(struct parser *parser, enum limit_unit unit, uint64_t *burst);
int value_time(struct parser *parser, uint64_t *ms); /* does not pass what is no time */
int value_name(struct parser *parser, const char *what, struct word *out);
int value_ifname(struct parser *parser, struct word *out);

/* A number at *text, decimal or 0x…; *text is moved behind it. Too large ones are UINT64_MAX. */
bool scan_number(const char **text, const char *end, uint64_t *out);

/*
 * Read a file (policy_file.c). `where` is who names it (errors are mistakes there), or NULL for the
 * policy itself. *out belongs to the policy. 0, or a reported error.
 */
int file_load(struct parser *parser, const char *path, const struct pos *where,
	      const struct source **out);

/* The path that a file's text names, from the working folder. NULL: reported. */
char *file_beside(struct parser *parser, const struct source *source, const char *path);

/* An absolute path to the same file, or NULL: reported. */
char *file_absolute(struct parser *parser, const char *path, const struct pos *where);

/* Read the statements of a policy file, once. Reports include cycles. */
int file_parse(struct parser *parser, const char *path, const struct pos *where);

/* Read the statements of a text in memory, which the policy owns from now on. */
int file_parse_text(struct parser *parser, const char *name, char *text, size_t len);
