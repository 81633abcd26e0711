// SPDX-License-Identifier: GPL-2.0-only
#include "cmd.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "../fail.h"

enum { KEY_NETNS = 0x7001 };

/* What cmd_parse() hands to argp as input: the command's own, and the common options. */
struct parse {
	const struct argp *own;
	struct cmd_common *common;
	void *input;
};

static error_t parse_common(int key, char *arg, struct argp_state *state)
{
	struct cmd_common *common = state->input;

	switch (key) {
	case 'j':
		common->json = true;
		return 0;
	case KEY_NETNS:
		common->netns = arg;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_option common_options[] = {
	{ "json", 'j', NULL, 0, "Print JSON", 1 },
	{ "netns", KEY_NETNS, "NAME|PATH", 0, "Work in this network namespace", 1 },
	{ 0 },
};

static const struct argp common_argp = { .options = common_options, .parser = parse_common };

static error_t parse_both(int key, char *arg, struct argp_state *state)
{
	struct parse *parse = state->input;

	(void)arg;
	if (key != ARGP_KEY_INIT)
		return ARGP_ERR_UNKNOWN;
	state->child_inputs[0] = parse->input;
	state->child_inputs[1] = parse->common;
	return 0;
}

int cmd_enter_netns(const char *name_or_path)
{
	_free_ char *path = NULL;
	_close_ int fd = -1;

	if (asprintf(&path, "%s%s", strchr(name_or_path, '/') ? "" : "/run/netns/", name_or_path) < 0)
		return fail_oom();
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail(-errno, "cannot open the network namespace '%s' (%s): %s; `ip netns` lists those with a name",
			    name_or_path, path, strerror(errno));
	if (setns(fd, CLONE_NEWNET))
		return fail(-errno, "cannot enter the network namespace '%s': %s", name_or_path,
			    errno == EINVAL ? "it is none" : strerror(errno));
	return 0;
}

int cmd_parse(const struct argp *argp, int argc, char **argv, struct cmd_common *common, void *input)
{
	struct parse parse = { .own = argp, .common = common, .input = input };
	/* argp shows only the top level's docs: they are the command's own. */
	struct argp own = *argp;
	const struct argp_child children[] = { { &own, 0, NULL, 0 }, { &common_argp, 0, NULL, 0 }, { 0 } };
	const struct argp both = {
		.parser = parse_both,
		.args_doc = argp->args_doc,
		.doc = argp->doc,
		.children = children,
	};

	own.args_doc = own.doc = NULL;
	argp_err_exit_status = CMD_USAGE;
	argp_parse(&both, argc, argv, 0, NULL, &parse);
	return common->netns ? cmd_enter_netns(common->netns) : 0;
}

static json_t *message_json(const struct fail_message *m)
{
	json_t *o = json_pack("{s:s}", "message", m->text ? m->text : "");

	if (o && m->file)
		json_object_set_new(o, "file", json_string(m->file));
	if (o && m->line) {
		json_object_set_new(o, "line", json_integer(m->line));
		json_object_set_new(o, "column", json_integer(m->col));
	}
	return o;
}

int cmd_print_json(json_t *object, int status)
{
	const struct fail_message *m;
	size_t n = fail_messages(&m);

	if (!object)
		return fail_oom(), CMD_FAILED;
	for (size_t i = 0; i < n; i++) {
		const char *key = m[i].is_note ? "notes" : "errors";
		json_t *list = json_object_get(object, key);

		if (!list) {
			json_object_set_new(object, key, json_array());
			list = json_object_get(object, key);
		}
		json_array_append_new(list, message_json(&m[i]));
	}
	json_dumpf(object, stdout, JSON_INDENT(2));
	fputc('\n', stdout);
	json_decref(object);
	return status;
}
