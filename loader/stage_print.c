// SPDX-License-Identifier: GPL-2.0-only
#include "stage.h"

#include <inttypes.h>
#include <string.h>

#include "wrap.h"

enum { INDENT = 4 };

void stage_option_format(const struct stage_option *option, char *buf, size_t size)
{
	if (option->type == STAGE_BOOL)
		snprintf(buf, size, "%s", option->preset ? "true" : "false");
	else if (option->type == STAGE_SIGNED)
		snprintf(buf, size, "%" PRId64, option->preset);
	else
		snprintf(buf, size, "%" PRIu64, (uint64_t)option->preset);
}

static void print_option(const struct stage_option *option, FILE *out)
{
	char preset[32], line[160];

	stage_option_format(option, preset, sizeof(preset));
	if (option->type == STAGE_BOOL)
		snprintf(line, sizeof(line), "true or false; default %s", preset);
	else
		snprintf(line, sizeof(line), "%" PRId64 " to %" PRIu64 "; default %s",
			 stage_option_min(option), stage_option_max(option), preset);
	wrap_pair(out, INDENT, option->name, line);
	wrap_text(out, 2 * INDENT, option->doc);
}

static void print_options(const struct stage *stage, FILE *out)
{
	fputs(stage->n_options ? "\nOptions:\n" : "\nNo options.\n", out);
	for (size_t i = 0; i < stage->n_options; i++)
		print_option(&stage->options[i], out);
}

static void print_reasons(const struct stage *stage, FILE *out)
{
	struct wrap w = { out, INDENT, INDENT, "", 0 };

	if (!stage->n_reasons)
		return;
	fputs("\nReasons for a drop, each with a counter:\n", out);
	for (size_t i = 0; i < stage->n_reasons; i++)
		wrap_word(&w, stage->reasons[i], strlen(stage->reasons[i]));
	fputc('\n', out);
}

static bool is_builtin(const struct stage *stage)
{
	return !stage_is_path(stage->origin);
}

/* A rule that uses the stage, every option at its default. */
static void print_use(const struct stage *stage, FILE *out)
{
	struct wrap w = { out, INDENT, 2 * INDENT, " \\", 0 };

	fputs("\nIn a policy:\n", out);
	wrap_words(&w, "use");
	wrap_words(&w, is_builtin(stage) ? stage->name : stage->origin);
	for (size_t i = 0; i < stage->n_options; i++) {
		_free_ char *word = NULL;
		char preset[32];

		stage_option_format(&stage->options[i], preset, sizeof(preset));
		if (asprintf(&word, "%s=%s", stage->options[i].name, preset) < 0)
			word = NULL;
		wrap_words(&w, word ? word : "");
	}
	wrap_words(&w, "if ip");
	fputc('\n', out);
}

void stage_print_manual(const struct stage *stage, FILE *out)
{
	wrap_pair(out, 0, stage->name, stage->doc);
	fprintf(out, "A stage for %s, %s%s.\n", stage_hook_name(stage->hook),
		is_builtin(stage) ? "" : "in ", stage->origin);
	print_options(stage, out);
	print_reasons(stage, out);
	print_use(stage, out);
}
