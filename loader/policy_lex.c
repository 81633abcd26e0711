// SPDX-License-Identifier: GPL-2.0-only
#include "policy_lex.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

int mistake(struct mistakes *mistakes, const struct pos *pos, const char *fmt, ...)
{
	const struct pos *last = &mistakes->last;
	_free_ char *text = NULL;
	va_list ap;
	int n;

	if (mistakes->quiet || mistakes->stop)
		return -EINVAL;
	if (last->source == pos->source && last->line == pos->line && last->col == pos->col)
		return -EINVAL;
	mistakes->err = -EINVAL;
	mistakes->last = *pos;
	if (mistakes->n++ == MISTAKES_MAX) {
		mistakes->stop = true;
		return fail_at(-EINVAL, pos, "too many mistakes: what follows was not read");
	}
	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0) {
		text = NULL;
		return mistakes_oom(mistakes);
	}
	return fail_at(-EINVAL, pos, "%s", text);
}

int mistakes_oom(struct mistakes *mistakes)
{
	if (!mistakes->stop)
		fail_oom();
	mistakes->stop = true;
	mistakes->err = -ENOMEM;
	return -ENOMEM;
}

void lex_init(struct lexer *lexer, const struct source *source, struct mistakes *mistakes)
{
	*lexer = (struct lexer){ .source = source, .line = 1, .mistakes = mistakes };
}

static struct pos pos_at(const struct lexer *lexer, size_t at)
{
	return (struct pos){ lexer->source, lexer->line, at - lexer->line_start + 1 };
}

/* The byte at an offset; past the end 0, which no source holds. */
static char byte_at(const struct lexer *lexer, size_t at)
{
	return at < lexer->source->len ? lexer->source->text[at] : 0;
}

/* The length of the line's end at an offset: 1, 2 (CR LF), or 0: there is none. */
static size_t line_end(const struct lexer *lexer, size_t at)
{
	if (byte_at(lexer, at) == '\n')
		return 1;
	return byte_at(lexer, at) == '\r' && byte_at(lexer, at + 1) == '\n' ? 2 : 0;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/*
 * The length of a '\' at the end of a line, with the line's end; 0: there is none. Blanks behind
 * the
 * '\' are a mistake, but clearly it was meant to join.
 */
static size_t join(const struct lexer *lexer, size_t at)
{
	size_t last = at + 1, end;

	if (byte_at(lexer, at) != '\\')
		return 0;
	while (is_blank(byte_at(lexer, last)))
		last++;
	end = line_end(lexer, last);
	return end ? last + end - at : 0;
}

static void pass_line(struct lexer *lexer, size_t len)
{
	lexer->at += len;
	lexer->line++;
	lexer->line_start = lexer->at;
}

static const char stray_join[] = "'\\' joins lines only as the last character of its line";

static bool pass_join(struct lexer *lexer)
{
	const struct pos pos = pos_at(lexer, lexer->at);
	size_t len = join(lexer, lexer->at);

	if (!len)
		return false;
	if (is_blank(byte_at(lexer, lexer->at + 1)))
		mistake(lexer->mistakes, &pos, stray_join);
	pass_line(lexer, len);
	return true;
}

static void skip_blanks(struct lexer *lexer)
{
	do
		while (is_blank(byte_at(lexer, lexer->at)))
			lexer->at++;
	while (pass_join(lexer));
}

/* The length of the character at p, 0 if it is none (RFC 3629, section 4) or a control character.
 */
static size_t clean_char(const unsigned char *p, size_t n)
{
	static const struct {
		unsigned char first_low, first_high, second_low, second_high;
		size_t len;
	} forms[] = {
		{ ' ', '~', 0, 0, 1 },	       { '\t', '\t', 0, 0, 1 },
		{ 0xc2, 0xc2, 0xa0, 0xbf, 2 }, { 0xc3, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};
	size_t i = 0, len;

	while (i < ARRAY_SIZE(forms) && (*p < forms[i].first_low || *p > forms[i].first_high))
		i++;
	len = i < ARRAY_SIZE(forms) ? forms[i].len : 0;
	if (!len || len > n)
		return 0;
	if (len > 1 && (p[1] < forms[i].second_low || p[1] > forms[i].second_high))
		return 0;
	for (size_t j = 2; j < len; j++)
		if ((p[j] & 0xc0) != 0x80)
			return 0;
	return len;
}

size_t text_clean(const char *text, size_t len)
{
	size_t at = 0, n;

	while (at < len && (n = clean_char((const unsigned char *)text + at, len - at)))
		at += n;
	return at;
}

static int bad_byte(struct lexer *lexer, size_t at, const char *why)
{
	const struct pos pos = pos_at(lexer, at);

	return mistake(lexer->mistakes, &pos, "byte 0x%02x: %s", (unsigned char)byte_at(lexer, at),
		       why);
}

static const char only_ascii[] = "but for labels, comments and file names a policy is plain ASCII";

bool is_name_char(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-';
}

static bool is_plain(char c)
{
	return c >= ' ' && c <= '~';
}

static bool ends_word(const struct lexer *lexer, size_t at)
{
	char c = byte_at(lexer, at);

	return !c || is_blank(c) || strchr("{};#\"=()", c) || line_end(lexer, at) ||
	       join(lexer, at);
}

static struct token word(struct lexer *lexer, struct token token)
{
	size_t bad = SIZE_MAX;

	token.kind = TOKEN_WORD;
	do {
		if (bad == SIZE_MAX && !is_plain(byte_at(lexer, lexer->at)))
			bad = lexer->at;
		lexer->at++;
	} while (!ends_word(lexer, lexer->at));
	token.len = lexer->source->text + lexer->at - token.text;
	if (bad != SIZE_MAX) {
		bad_byte(lexer, bad, only_ascii);
		token.kind = TOKEN_BAD;
	} else if (token.text[token.len - 1] == '\\') {
		token.pos.col += token.len - 1;
		mistake(lexer->mistakes, &token.pos, stray_join);
		token.kind = TOKEN_BAD;
	}
	return token;
}

/* The end of the line that `at` is in. */
static size_t rest_of_line(const struct lexer *lexer, size_t at)
{
	while (byte_at(lexer, at) && !line_end(lexer, at))
		at++;
	return at;
}

static struct token comment(struct lexer *lexer, struct token token)
{
	const char *end;

	token.kind = TOKEN_COMMENT;
	lexer->at = rest_of_line(lexer, lexer->at);
	end = lexer->source->text + lexer->at;
	for (token.text++; token.text < end && is_blank(*token.text); token.text++)
		;
	while (end > token.text && is_blank(end[-1]))
		end--;
	token.len = end - token.text;
	return token;
}

/* Sources end in a NUL, so that the byte behind one of theirs can be read. */
static bool escape(const char *p)
{
	return p[0] == '\\' && (p[1] == '"' || p[1] == '\\');
}

/* The offset of the quote that closes a string whose text begins at `at`; or of the line's end. */
static size_t closing_quote(const struct lexer *lexer, size_t at)
{
	while (byte_at(lexer, at) && !line_end(lexer, at) && byte_at(lexer, at) != '"')
		at += escape(lexer->source->text + at) ? 2 : 1;
	return at;
}

static struct token string(struct lexer *lexer, struct token token)
{
	size_t start = lexer->at + 1, end = closing_quote(lexer, start), clean;

	token.kind = TOKEN_STRING;
	token.text++;
	token.len = end - start;
	lexer->at = end;
	if (byte_at(lexer, end) != '"') {
		mistake(lexer->mistakes, &token.pos, "no closing '\"' on this line");
		token.kind = TOKEN_BAD;
		return token;
	}
	lexer->at++;
	clean = text_clean(token.text, token.len);
	if (clean < token.len) {
		bad_byte(lexer, start + clean, "a string holds UTF-8, and no control characters");
		token.kind = TOKEN_BAD;
	}
	return token;
}

struct token lex_next(struct lexer *lexer)
{
	static const char single[] = "{};=";
	static const enum token_kind kinds[] = { TOKEN_OPEN, TOKEN_CLOSE, TOKEN_SEMICOLON,
						 TOKEN_EQUALS };
	struct token token;
	const char *found;
	char c;

	skip_blanks(lexer);
	c = byte_at(lexer, lexer->at);
	token = (struct token){ TOKEN_EOF, pos_at(lexer, lexer->at),
				lexer->source->text + lexer->at, 0 };
	if (!c || lexer->mistakes->stop)
		return token;
	token.len = line_end(lexer, lexer->at);
	if (token.len) {
		token.kind = TOKEN_NEWLINE;
		pass_line(lexer, token.len);
		return token;
	}
	if (c == '"')
		return string(lexer, token);
	if (c == '#') {
		token = comment(lexer, token);
		return lexer->comments ? token : lex_next(lexer);
	}
	found = strchr(single, c);
	if (!found)
		return word(lexer, token);
	token.kind = kinds[found - single];
	token.len = 1;
	lexer->at++;
	return token;
}

/* "@NAME" in an expression: tell who wants to know. Returns the offset behind it. */
static size_t reference(const struct lexer *lexer, size_t at, const struct lex_reference *wanted)
{
	struct token name = { TOKEN_WORD, pos_at(lexer, at), lexer->source->text + at + 1, 0 };

	while (is_name_char(name.text[name.len]))
		name.len++;
	wanted->found(wanted->data, &name);
	return at + 1 + name.len;
}

static bool ends_expression_word(const struct lexer *lexer, size_t at)
{
	char c = byte_at(lexer, at);

	return !c || strchr(" \t#;{}", c) || join(lexer, at);
}

/* The end of an expression, its lines passed; its outer white space is not cut yet. */
static int scan_expression(struct lexer *lexer, const struct lex_reference *wanted)
{
	int err = 0;
	char c;

	while ((c = byte_at(lexer, lexer->at)) && !strchr("#;}", c) &&
	       !line_end(lexer, lexer->at)) {
		if (pass_join(lexer))
			continue;
		if (c == '@') {
			lexer->at = reference(lexer, lexer->at, wanted);
		} else if (c == '{' || (c == '\\' && ends_expression_word(lexer, lexer->at + 1))) {
			const struct pos pos = pos_at(lexer, lexer->at);

			return mistake(lexer->mistakes, &pos,
				       c == '{' ? "'{' cannot stand in an expression" : stray_join);
		} else {
			if (!err && !is_blank(c) && !is_plain(c))
				err = bad_byte(lexer, lexer->at, only_ascii);
			lexer->at++;
		}
	}
	return err;
}

/* Every '\\' that joins lines, and its line's end, become as many blanks. */
static void blank_joins(char *text)
{
	for (char *p = text; (p = strchr(p, '\\')); p++) {
		if (p[1] == '\n')
			memset(p, ' ', 2);
		else if (p[1] == '\r' && p[2] == '\n')
			memset(p, ' ', 3);
	}
}

int lex_expression(struct lexer *lexer, const struct lex_reference *wanted, struct pos *pos,
		   char **out)
{
	const char *start, *end;
	size_t len;
	int err;

	skip_blanks(lexer);
	*pos = pos_at(lexer, lexer->at);
	start = lexer->source->text + lexer->at;
	err = scan_expression(lexer, wanted);
	if (err)
		return err;
	end = lexer->source->text + lexer->at;
	len = end - start;
	*out = strndup(start, len);
	if (!*out)
		return mistakes_oom(lexer->mistakes);
	blank_joins(*out);
	while (len && is_blank((*out)[len - 1]))
		(*out)[--len] = '\0';
	return 0;
}

bool lex_word(struct lexer *lexer, const char *wanted)
{
	size_t len = strlen(wanted);

	skip_blanks(lexer);
	if (strncmp(lexer->source->text + lexer->at, wanted, len) ||
	    !ends_word(lexer, lexer->at + len))
		return false;
	lexer->at += len;
	return true;
}

/* Read to the closing quote of bytecode "…"; only what numbers and their separators are made of. */
static int scan_bytecode(struct lexer *lexer)
{
	char c;

	skip_blanks(lexer);
	if (byte_at(lexer, lexer->at) == '"')
		lexer->at++;
	else
		return -EINVAL;
	while ((c = byte_at(lexer, lexer->at)) != '"') {
		size_t line = line_end(lexer, lexer->at);

		if (line)
			pass_line(lexer, line);
		else if (c && strchr("0123456789, \t", c))
			lexer->at++;
		else
			return -EINVAL;
	}
	lexer->at++;
	return 0;
}

/* Copy numbers, each run of separators as one: a comma if there was one, or a line's end. */
static void copy_numbers(char *out, const char *text, const char *end)
{
	char separator = 0, *start = out;

	for (; text < end; text++) {
		if (*text == ',' || *text == '\n') {
			separator = ',';
		} else if (is_blank(*text) || *text == '\r') {
			separator = separator ? separator : ' ';
		} else {
			if (separator && out > start)
				*out++ = separator;
			separator = 0;
			*out++ = *text;
		}
	}
	*out = '\0';
}

int lex_bytecode(struct lexer *lexer, struct pos *pos, char **out)
{
	const char *text = lexer->source->text, *start;

	skip_blanks(lexer);
	*pos = pos_at(lexer, lexer->at);
	start = text + lexer->at + 1;
	if (scan_bytecode(lexer)) {
		const struct pos bad = pos_at(lexer, lexer->at);

		return mistake(lexer->mistakes, &bad,
			       "bytecode is \"…\" with the numbers that `tcpdump -ddd` prints, "
			       "separated by commas or lines");
	}
	*out = malloc(text + lexer->at - start);
	if (!*out)
		return mistakes_oom(lexer->mistakes);
	copy_numbers(*out, start, text + lexer->at - 1);
	return **out ? 0 : mistake(lexer->mistakes, pos, "no numbers in this bytecode");
}

bool token_is(const struct token *token, const char *wanted)
{
	return token->kind == TOKEN_WORD && token->len == strlen(wanted) &&
	       !memcmp(token->text, wanted, token->len);
}

char *token_copy(const struct token *token, struct mistakes *mistakes)
{
	char *copy = strndup(token->text, token->len), *to = copy;

	if (!copy)
		mistakes_oom(mistakes);
	if (!copy || token->kind != TOKEN_STRING)
		return copy;
	for (const char *from = copy; *from; *to++ = *from++)
		from += escape(from);
	*to = '\0';
	return copy;
}

const char *token_shown(const struct token *token, char buffer[TOKEN_SHOWN])
{
	const char mark = token->kind == TOKEN_STRING ? '"' : '\'';
	size_t most = TOKEN_SHOWN - 8;

	switch (token->kind) {
	case TOKEN_EOF:
		return "the end of the file";
	case TOKEN_NEWLINE:
		return "the end of the line";
	case TOKEN_COMMENT:
		return "'#'";
	default:
		break;
	}
	if (token->len <= most) {
		snprintf(buffer, TOKEN_SHOWN, "%c%.*s%c", mark, (int)token->len, token->text, mark);
		return buffer;
	}
	while ((token->text[most] & 0xc0) == 0x80)
		most--;
	snprintf(buffer, TOKEN_SHOWN, "%c%.*s…%c", mark, (int)most, token->text, mark);
	return buffer;
}
