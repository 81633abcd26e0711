// SPDX-License-Identifier: GPL-2.0-only
#include "policy_parse.h"

#include <search.h>
#include <string.h>

/* What an unknown set's name is compared with: enough for people, and bounded for hostile input. */
enum { NEAREST_MAX = 1000 };

struct named {
	const char *name; /* owned by the policy */
	struct pos pos;
};

void policy_advance(struct parser *parser)
{
	parser->token = lex_next(&parser->lexer);
}

bool policy_accept(struct parser *parser, const char *word)
{
	if (!token_is(&parser->token, word))
		return false;
	policy_advance(parser);
	return true;
}

int policy_unexpected(struct parser *parser, const char *wanted)
{
	char shown[TOKEN_SHOWN];

	if (parser->token.kind == TOKEN_BAD)
		return -EINVAL;
	return mistake(&parser->mistakes, &parser->token.pos, "expected %s, not %s", wanted,
		       token_shown(&parser->token, shown));
}

/* "a, b or c". The caller owns it; NULL: memory is out. */
static char *words_list(const char *const *words, size_t n)
{
	char *list = NULL;
	size_t len;
	FILE *out = open_memstream(&list, &len);

	if (!out)
		return NULL;
	for (size_t i = 0; i < n; i++)
		fprintf(out, "%s%s", !i ? "" : i + 1 < n ? ", " : " or ", words[i]);
	fclose(out);
	return list;
}

int policy_unknown(struct parser *parser, const char *what, const char *const *words, size_t n)
{
	const struct token *token = &parser->token;
	_free_ char *word = NULL, *list = NULL;
	char shown[TOKEN_SHOWN];
	const char *nearest;

	word = token_copy(token, &parser->mistakes);
	list = words_list(words, n);
	if (!word || !list)
		return mistakes_oom(&parser->mistakes);
	if (token->kind != TOKEN_WORD)
		return policy_unexpected(parser, list);
	nearest = fail_nearest(word, words, n);
	token_shown(token, shown);
	if (nearest)
		return mistake(&parser->mistakes, &token->pos, "no %s %s; did you mean '%s'?", what,
			       shown, nearest);
	return mistake(&parser->mistakes, &token->pos, "no %s %s; there is %s", what, shown, list);
}

bool policy_at_value(const struct parser *parser)
{
	return parser->token.kind == TOKEN_WORD && !token_is(&parser->token, "if") &&
	       !token_is(&parser->token, "else");
}

int policy_option(struct parser *parser, const char *const *words, size_t n, unsigned int *seen)
{
	char shown[TOKEN_SHOWN];

	for (size_t i = 0; i < n; i++) {
		if (!token_is(&parser->token, words[i]))
			continue;
		if (*seen & 1u << i)
			mistake(&parser->mistakes, &parser->token.pos, "%s stands twice",
				token_shown(&parser->token, shown));
		*seen |= 1u << i;
		policy_advance(parser);
		return i;
	}
	parser->options = words;
	parser->n_options = n;
	return -1;
}

static int compare_named(const void *a, const void *b)
{
	return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

int policy_define(struct parser *parser, struct names *names, const char *what, const char *name,
		  const struct pos *pos)
{
	struct named *named = malloc(sizeof(*named)), **found;

	if (!named)
		return mistakes_oom(&parser->mistakes);
	*named = (struct named){ name, *pos };
	found = tsearch(named, &names->root, compare_named);
	if (found && *found == named)
		return 0;
	free(named);
	if (!found)
		return mistakes_oom(&parser->mistakes);
	return mistake(&parser->mistakes, pos, "%s '%s' stands already at %s:%u:%u", what, name,
		       (*found)->pos.source->name, (*found)->pos.line, (*found)->pos.col);
}

void policy_skip(struct parser *parser)
{
	unsigned int depth = 0;
	struct pos open;

	parser->mistakes.quiet = true;
	for (;; policy_advance(parser)) {
		enum token_kind kind = parser->token.kind;

		if (kind == TOKEN_EOF ||
		    (!depth && (kind == TOKEN_NEWLINE || kind == TOKEN_SEMICOLON ||
				kind == TOKEN_CLOSE || kind == TOKEN_COMMENT)))
			break;
		if (kind == TOKEN_OPEN && !depth++)
			open = parser->token.pos;
		if (kind == TOKEN_CLOSE)
			depth--;
	}
	parser->mistakes.quiet = false;
	if (depth)
		mistake(&parser->mistakes, &open, "no '}' for this '{'");
}

static void skip_lines(struct parser *parser)
{
	while (parser->token.kind == TOKEN_NEWLINE || parser->token.kind == TOKEN_COMMENT)
		policy_advance(parser);
}

int policy_open(struct parser *parser, const char *wanted, struct pos *open)
{
	const struct lexer lexer = parser->lexer;
	const struct token token = parser->token;

	skip_lines(parser);
	*open = parser->token.pos;
	if (parser->token.kind == TOKEN_OPEN)
		return policy_advance(parser), 0;
	parser->lexer = lexer;
	parser->token = token;
	return policy_unexpected(parser, wanted);
}

static bool begins_statement(const struct token *token)
{
	return token_is(token, "set") || token_is(token, "interface") || token_is(token, "include");
}

bool policy_closed(struct parser *parser, const struct pos *open)
{
	char shown[TOKEN_SHOWN];

	if (parser->token.kind == TOKEN_CLOSE) {
		policy_advance(parser);
		return true;
	}
	if (parser->token.kind == TOKEN_EOF) {
		mistake(&parser->mistakes, open, "no '}' for this '{'");
		return true;
	}
	if (!begins_statement(&parser->token))
		return false;
	mistake(&parser->mistakes, &parser->token.pos,
		"a '}' is missing before %s: the '{' of line %u is open",
		token_shown(&parser->token, shown), open->line);
	return true;
}

static void parse_include(struct parser *parser)
{
	const struct token name = parser->token;
	_free_ char *file = NULL, *path = NULL;

	if (name.kind != TOKEN_STRING || !name.len) {
		policy_unexpected(parser, "a file's name in quotes");
		policy_skip(parser);
		return;
	}
	policy_advance(parser);
	file = token_copy(&name, &parser->mistakes);
	path = file ? file_beside(parser, name.pos.source, file) : NULL;
	if (path)
		file_parse(parser, path, &name.pos);
}

static void parse_statement(struct parser *parser)
{
	static const char *const words[] = { "include", "set", "interface" };

	if (policy_accept(parser, "include"))
		return parse_include(parser);
	if (policy_accept(parser, "set"))
		return parse_set(parser);
	if (policy_accept(parser, "interface"))
		return parse_interface(parser);
	if (parser->token.kind == TOKEN_CLOSE) {
		mistake(&parser->mistakes, &parser->token.pos, "this '}' closes nothing");
		return policy_advance(parser);
	}
	policy_unknown(parser, "statement", words, ARRAY_SIZE(words));
	policy_skip(parser);
	if (parser->token.kind == TOKEN_SEMICOLON)
		policy_advance(parser);
}

void parse_statements(struct parser *parser)
{
	for (;;) {
		skip_lines(parser);
		if (parser->token.kind == TOKEN_EOF)
			return;
		parse_statement(parser);
	}
}

/* The names of the first sets, for "did you mean". */
static size_t set_names(const struct policy *policy, const char **names)
{
	size_t n = 0;

	for (size_t i = 0; i < policy->n_sets && n < NEAREST_MAX; i++)
		if (policy->sets[i].name)
			names[n++] = policy->sets[i].name;
	return n;
}

static void unknown_set(struct parser *parser, const struct token *reference, const char *name)
{
	const char *names[NEAREST_MAX], *nearest;
	size_t n = set_names(parser->policy, names);

	nearest = fail_nearest(name, names, n);
	if (!*name)
		mistake(&parser->mistakes, &reference->pos,
			"'@' begins the name of a set: in @NAME");
	else if (nearest)
		mistake(&parser->mistakes, &reference->pos, "no set '%s'; did you mean '%s'?", name,
			nearest);
	else
		mistake(&parser->mistakes, &reference->pos, "no set '%s' in this policy", name);
}

void parse_references(struct parser *parser)
{
	for (size_t i = 0; i < parser->n_references && !parser->mistakes.stop; i++) {
		const struct token *reference = &parser->references[i];
		_free_ char *name = token_copy(reference, &parser->mistakes);
		const struct named wanted = { .name = name };

		if (name && !tfind(&wanted, &parser->sets.root, compare_named))
			unknown_set(parser, reference, name);
	}
}
