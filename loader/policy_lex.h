/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Policy text to tokens, and the record of what is wrong with it. Within policy*.c only.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "fail.h"

enum { MISTAKES_MAX = 50 };

/* The mistakes of one reading, over all its files. */
struct mistakes {
	unsigned int n;
	int err;	 /* 0; -EINVAL: a mistake was made; -ENOMEM */
	bool quiet;	 /* what follows is skipped: nothing in it counts */
	bool stop;	 /* too many, or no memory: every lexer is at its end */
	struct pos last; /* one place is one mistake */
};

/* Report a mistake, unless the place has one already. Returns -EINVAL. */
int mistake(struct mistakes *mistakes, const struct pos *pos, const char *fmt, ...) _printf_(3, 4);

/* Report that memory is out, once, and stop the reading. Returns -ENOMEM. */
int mistakes_oom(struct mistakes *mistakes);

enum token_kind {
	TOKEN_EOF,
	TOKEN_NEWLINE,
	TOKEN_SEMICOLON,
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_EQUALS,
	TOKEN_COMMENT, /* from '#' to the end of the line; text is what lies between, trimmed */
	TOKEN_STRING,  /* text is what lies between the quotes, its escapes as written */
	TOKEN_WORD,
	TOKEN_BAD, /* reported already */
};

struct token {
	enum token_kind kind;
	struct pos pos;
	const char *text; /* into the source */
	size_t len;
};

struct lexer {
	const struct source *source;
	size_t at;	   /* the next byte to read */
	size_t line_start; /* the offset of its line */
	unsigned int line;
	bool comments; /* comments are tokens (they may be labels), else they are skipped */
	struct mistakes *mistakes;
};

void lex_init(struct lexer *lexer, const struct source *source, struct mistakes *mistakes);
struct token lex_next(struct lexer *lexer);

/*
 * The rest of a rule's condition: the text from here to a label, ';', '}' or the end of the line,
 * outer white space cut. A '\' that joins lines and its line's end are blanks, so byte i of the
 * text is byte i of the source from *pos on. Every "@NAME" in it goes to `reference`. 0, or a
 * reported error; an empty text is none. The caller owns *out.
 */
struct lex_reference {
	void (*found)(void *data, const struct token *name);
	void *data;
};
int lex_expression(struct lexer *lexer, const struct lex_reference *reference, struct pos *pos,
		   char **out);

/*
 * The string behind `bytecode`: numbers, separated by commas or lines. In *out every separator is
 * one comma, *pos is the quote's. 0, or a reported error. The caller owns *out.
 */
int lex_bytecode(struct lexer *lexer, struct pos *pos, char **out);

/* True, and the word is read, if it is the next one. */
bool lex_word(struct lexer *lexer, const char *word);

/* What the names of sets and sockets are made of: ASCII letters, digits, '_' and '-'. */
bool is_name_char(char c);

bool token_is(const struct token *token, const char *word);

/* A copy of the token's text, a string's escapes (\" and \\) resolved. NULL: reported. */
char *token_copy(const struct token *token, struct mistakes *mistakes);

/*
 * What the token is, for messages: "'drop'" (long ones cut short), "the end of the line". The
 * buffer is the caller's.
 */
enum { TOKEN_SHOWN = 48 };
const char *token_shown(const struct token *token, char buffer[TOKEN_SHOWN]);

/* The length of the text's part that is UTF-8 and has no control characters but tabs. */
size_t text_clean(const char *text, size_t len);
