// SPDX-License-Identifier: GPL-2.0-only
#include "policy_parse.h"

#include <string.h>
#include <sys/stat.h>

#include "textfile.h"

static int cannot_read(struct parser *parser, const char *path, const struct pos *where, int err)
{
	if (err == -ENOMEM)
		return mistakes_oom(&parser->mistakes);
	if (where)
		return mistake(&parser->mistakes, where, "cannot read '%s': %s", path,
			       strerror(-err));
	return fail(err, "cannot read '%s': %s", path, strerror(-err));
}

/* Make a text a source of the policy, which owns it from now on, also on failure. */
static int keep(struct parser *parser, const char *name, char *text, size_t len,
		const struct source **out)
{
	struct policy *policy = parser->policy;
	struct source *source = calloc(1, sizeof(*source)), **slot = NULL;

	if (source) {
		source->name = strdup(name);
		source->text = text;
		source->len = len;
		slot = source->name ? array_add(policy->sources, policy->n_sources) : NULL;
	}
	if (!slot) {
		free(source ? source->name : NULL);
		free(source);
		free(text);
		mistakes_oom(&parser->mistakes);
		return -ENOMEM;
	}
	*slot = source;
	*out = source;
	return 0;
}

/* A text has no NUL bytes; what has is some other kind of file, and is not read. */
static int check_text(struct parser *parser, const struct source *source)
{
	const char *nul = memchr(source->text, '\0', source->len), *line = source->text, *next;
	struct pos pos = { source, 1, 1 };

	if (!nul)
		return 0;
	for (; (next = memchr(line, '\n', nul - line)); line = next + 1)
		pos.line++;
	pos.col = nul - line + 1;
	return mistake(&parser->mistakes, &pos, "a NUL byte: this is no text");
}

static const char too_large[] = "'%s' is larger than %d MiB: it is no policy, nor a set's file";

/* Read what is open at fd; *out is NULL where that fails. `name` stands in messages. */
static int load(struct parser *parser, int fd, const char *name, const struct pos *where,
		const struct source **out)
{
	char *text = NULL;
	size_t len = 0;
	int err = textfile_read(fd, &text, &len);

	*out = NULL;
	if (err == -EFBIG && where)
		return mistake(&parser->mistakes, where, too_large, name, TEXTFILE_MAX >> 20);
	if (err == -EFBIG)
		return fail(err, too_large, name, TEXTFILE_MAX >> 20);
	if (err)
		return cannot_read(parser, name, where, err);
	err = keep(parser, name, text, len, out);
	return err ? err : check_text(parser, *out);
}

int file_load(struct parser *parser, const char *path, const struct pos *where,
	      const struct source **out)
{
	_close_ int fd = textfile_open(path);

	if (fd < 0)
		return cannot_read(parser, path, where, fd);
	return load(parser, fd, path, where, out);
}

char *file_beside(struct parser *parser, const struct source *source, const char *path)
{
	const char *slash = source == parser->memory ? NULL : strrchr(source->name, '/');
	char *joined;

	if (*path == '/' || !slash)
		joined = strdup(path);
	else if (asprintf(&joined, "%.*s/%s", (int)(slash - source->name), source->name, path) < 0)
		joined = NULL;
	if (!joined)
		mistakes_oom(&parser->mistakes);
	return joined;
}

char *file_absolute(struct parser *parser, const char *path, const struct pos *where)
{
	_free_ char *here = NULL;
	char *joined;

	if (*path != '/') {
		here = getcwd(NULL, 0);
		if (!here) {
			cannot_read(parser, path, where, -errno);
			return NULL;
		}
		while (!strncmp(path, "./", 2))
			path += 2;
	}
	if (asprintf(&joined, "%s%s%s", here ? here : "", here ? "/" : "", path) < 0) {
		mistakes_oom(&parser->mistakes);
		return NULL;
	}
	if (text_clean(joined, strlen(joined)) == strlen(joined))
		return joined;
	mistake(&parser->mistakes, where,
		"the path of this file is not UTF-8, or has control characters");
	free(joined);
	return NULL;
}

/* The record of a file; NULL: it was not read yet. */
static struct policy_file *find_file(struct parser *parser, const struct stat *st)
{
	for (size_t i = 0; i < parser->n_files; i++)
		if (parser->files[i].dev == st->st_dev && parser->files[i].ino == st->st_ino)
			return &parser->files[i];
	return NULL;
}

static int read_statements(struct parser *parser, const struct source *source)
{
	const struct lexer lexer = parser->lexer;
	const struct token token = parser->token;

	lex_init(&parser->lexer, source, &parser->mistakes);
	policy_advance(parser);
	parser->depth++;
	parse_statements(parser);
	parser->depth--;
	parser->lexer = lexer;
	parser->token = token;
	return parser->mistakes.err;
}

int file_parse(struct parser *parser, const char *path, const struct pos *where)
{
	bool is_stdin = !where && !strcmp(path, "-");
	_close_ int fd = is_stdin ? dup(STDIN_FILENO) : textfile_open(path);
	const struct source *source;
	struct policy_file *file;
	size_t index = parser->n_files;
	struct stat st;
	int err;

	if (fd < 0 || fstat(fd, &st))
		return cannot_read(parser, path, where, fd < 0 && !is_stdin ? fd : -errno);
	file = find_file(parser, &st);
	if (file && file->open)
		return mistake(&parser->mistakes, where, "'%s' includes itself", path);
	if (file)
		return 0;
	if (parser->depth > INCLUDE_DEPTH_MAX)
		return mistake(&parser->mistakes, where, "includes stand more than %d deep",
			       INCLUDE_DEPTH_MAX);
	file = array_add(parser->files, parser->n_files);
	if (!file)
		return mistakes_oom(&parser->mistakes);
	*file = (struct policy_file){ st.st_dev, st.st_ino, true };
	err = load(parser, fd, is_stdin ? "<stdin>" : path, where, &source);
	if (!err)
		err = read_statements(parser, source);
	parser->files[index].open = false;
	return err;
}

int file_parse_text(struct parser *parser, const char *name, char *text, size_t len)
{
	int err = keep(parser, name, text, len, &parser->memory);

	if (!err)
		err = check_text(parser, parser->memory);
	return err ? err : read_statements(parser, parser->memory);
}
