// SPDX-License-Identifier: GPL-2.0-only
#include "cmd.h"

#include <string.h>

#include "../fail.h"
#include "../stage.h"

struct request {
	char *word; /* a name or a path; NULL: list all */
	bool has_hook;
	enum hook_kind hook;
};

/* The two kinds of hook that a stage can be for. */
static const enum hook_kind hooks[] = { HOOK_XDP, HOOK_INGRESS };

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct request *request = state->input;

	switch (key) {
	case 'H':
		request->has_hook = true;
		if (!strcmp(arg, "xdp"))
			request->hook = HOOK_XDP;
		else if (!strcmp(arg, "tc"))
			request->hook = HOOK_INGRESS;
		else
			argp_error(state, "no hook '%s'; there are xdp and tc", arg);
		return 0;
	case ARGP_KEY_ARG:
		if (request->word)
			argp_error(state, "one stage at a time: '%s' is one too many", arg);
		request->word = arg;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_option options[] = {
	{ "hook", 'H', "xdp|tc", 0, "Stages for this hook only", 0 },
	{ 0 },
};

static const struct argp argp = {
	.options = options,
	.parser = parse,
	.args_doc = "[NAME|PATH]",
	.doc = "List the built-in C stages, or print the manual of one: of a built-in stage by its name, of "
	       "your own by the path of its object. docs/STAGES.md tells how to write one.",
};

static bool is_builtin(const char *name, enum hook_kind hook)
{
	const char *const *names;
	size_t n = stage_builtin_names(hook, &names);

	for (size_t i = 0; i < n; i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

static int find_builtin(const char *name, enum hook_kind hook, struct stage **out)
{
	struct word word = { .text = (char *)name };

	return stage_find(&word, hook, out);
}

/* The stage of the request; without --hook, for whichever hook there is one. */
static int find(const struct request *request, struct stage **out)
{
	struct word word = { .text = request->word };
	enum hook_kind hook = HOOK_XDP;

	if (request->has_hook)
		return stage_find(&word, request->hook, out);
	if (stage_is_path(request->word))
		return stage_read_file(&word, out);
	if (!is_builtin(request->word, HOOK_XDP) && is_builtin(request->word, HOOK_INGRESS))
		hook = HOOK_INGRESS;
	return find_builtin(request->word, hook, out);
}

/* An unsigned default that JSON's integers here (64 bits, signed) cannot hold is a string. */
static json_t *preset_json(const struct stage_option *option)
{
	char text[32];

	if (option->type == STAGE_BOOL)
		return json_boolean(option->preset);
	if (option->type == STAGE_SIGNED || option->preset >= 0)
		return json_integer(option->preset);
	stage_option_format(option, text, sizeof(text));
	return json_string(text);
}

static json_t *option_json(const struct stage_option *option)
{
	char type[16] = "bool";

	if (option->type != STAGE_BOOL)
		snprintf(type, sizeof(type), "%c%u", option->type == STAGE_SIGNED ? 's' : 'u',
			 8 * option->size);
	return json_pack("{s:s, s:s, s:o, s:s}", "name", option->name, "type", type, "default",
			 preset_json(option), "doc", option->doc);
}

static json_t *stage_json(const struct stage *stage)
{
	json_t *list = json_array(), *reasons = json_array();

	for (size_t i = 0; i < stage->n_options; i++)
		json_array_append_new(list, option_json(&stage->options[i]));
	for (size_t i = 0; i < stage->n_reasons; i++)
		json_array_append_new(reasons, json_string(stage->reasons[i]));
	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "name", stage->name, "hook",
			 stage_hook_name(stage->hook), "doc", stage->doc, "origin", stage->origin,
			 "options", list, "reasons", reasons);
}

static int print_one(const struct request *request, bool json)
{
	_cleanup_(stage_freep) struct stage *stage = NULL;
	int err = find(request, &stage);

	if (json)
		return cmd_print_json(err ? json_object() : stage_json(stage),
				      err ? CMD_FAILED : CMD_OK);
	if (err)
		return CMD_FAILED;
	stage_print_manual(stage, stdout);
	return CMD_OK;
}

static int list_json(const struct request *request)
{
	json_t *list = json_array();
	int status = CMD_OK;

	for (size_t h = 0; h < ARRAY_SIZE(hooks); h++) {
		const char *const *names;
		size_t n = stage_builtin_names(hooks[h], &names);

		for (size_t i = 0; i < n && (!request->has_hook || request->hook == hooks[h]);
		     i++) {
			_cleanup_(stage_freep) struct stage *stage = NULL;

			if (find_builtin(names[i], hooks[h], &stage))
				status = CMD_FAILED;
			else
				json_array_append_new(list, stage_json(stage));
		}
	}
	return cmd_print_json(json_pack("{s:o}", "stages", list), status);
}

/* One line, in 80 columns. */
static int list_line(const char *name, enum hook_kind hook, const char *hook_names)
{
	_cleanup_(stage_freep) struct stage *stage = NULL;
	int err = find_builtin(name, hook, &stage);

	if (!err)
		printf("%-20s %-8s %.50s\n", name, hook_names, stage->doc);
	return err;
}

static int list_text(const struct request *request)
{
	int status = CMD_OK;

	for (size_t h = 0; h < ARRAY_SIZE(hooks); h++) {
		const char *const *names;
		size_t n = stage_builtin_names(hooks[h], &names);

		for (size_t i = 0; i < n; i++) {
			bool both = is_builtin(names[i], hooks[!h]);

			/* A stage of both hooks is one line: the first hook's. */
			if (request->has_hook ? request->hook != hooks[h] : h && both)
				continue;
			if (list_line(names[i], hooks[h],
				      both ? "xdp, tc" : stage_hook_name(hooks[h])))
				status = CMD_FAILED;
		}
	}
	return status;
}

static int run(int argc, char **argv)
{
	struct request request = { 0 };
	struct cmd_common common = { 0 };

	if (cmd_parse(&argp, argc, argv, &common, &request))
		return CMD_FAILED;
	if (request.word)
		return print_one(&request, common.json);
	return common.json ? list_json(&request) : list_text(&request);
}

const struct cmd cmd_stages = { "stages", "list C stages, or print the manual of one", run };
