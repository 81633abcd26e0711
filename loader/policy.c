// SPDX-License-Identifier: GPL-2.0-only
#include "policy.h"

#include <search.h>
#include <string.h>

#include "policy_parse.h"

static void action_clear(struct action *action);

static void action_freep(struct action **action)
{
	if (*action)
		action_clear(*action);
	free(*action);
	*action = NULL;
}

static void clear_use(struct action *action)
{
	for (size_t i = 0; i < action->use.n_options; i++) {
		free(action->use.options[i].name);
		free(action->use.options[i].value);
	}
	free(action->use.options);
	free(action->use.stage.text);
}

static void words_free(struct word *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(words[i].text);
	free(words);
}

static void action_clear(struct action *action)
{
	switch (action->kind) {
	case ACTION_REDIRECT:
		words_free(action->redirect.targets, action->redirect.n_targets);
		break;
	case ACTION_CPU:
		free(action->cpu.cpus);
		break;
	case ACTION_SOCKET:
		free(action->socket.name.text);
		free(action->socket.queues);
		break;
	case ACTION_USE:
		clear_use(action);
		break;
	default:
		break;
	}
	action_freep(&action->otherwise);
}

static void rule_clear(struct rule *rule)
{
	action_clear(&rule->action);
	free(rule->expr);
	free(rule->bytecode);
	free(rule->label);
}

static void interface_clear(struct interface *interface)
{
	for (size_t i = 0; i < interface->n_hooks; i++) {
		struct hook *hook = &interface->hooks[i];

		for (size_t j = 0; j < hook->n_rules; j++)
			rule_clear(&hook->rules[j]);
		free(hook->rules);
	}
	free(interface->hooks);
	words_free(interface->names, interface->n_names);
}

static void set_clear(struct set *set)
{
	free(set->name);
	free(set->file);
	free(set->elements);
}

static void source_free(struct source *source)
{
	free(source->name);
	free(source->text);
	free(source);
}

void policy_free(struct policy *policy)
{
	if (!policy)
		return;
	for (size_t i = 0; i < policy->n_interfaces; i++)
		interface_clear(&policy->interfaces[i]);
	for (size_t i = 0; i < policy->n_sets; i++)
		set_clear(&policy->sets[i]);
	for (size_t i = 0; i < policy->n_sources; i++)
		source_free(policy->sources[i]);
	free(policy->interfaces);
	free(policy->sets);
	free(policy->sources);
	free(policy);
}

void policy_freep(struct policy **policy)
{
	policy_free(*policy);
	*policy = NULL;
}

static void parser_clear(struct parser *parser)
{
	tdestroy(parser->sets.root, free);
	tdestroy(parser->interfaces.root, free);
	free(parser->files);
	free(parser->references);
}

/* Hand over the policy of a reading that ended with `err`, with whatever mistakes. */
static int finish(struct parser *parser, int err, struct policy **out)
{
	parse_references(parser);
	if (parser->mistakes.err)
		err = parser->mistakes.err;
	if (!err || err == -EINVAL)
		*out = TAKE(parser->policy);
	policy_freep(&parser->policy);
	parser_clear(parser);
	return err;
}

int policy_read(const char *path, struct policy **out)
{
	struct parser parser = { .policy = calloc(1, sizeof(*parser.policy)) };

	*out = NULL;
	if (!parser.policy)
		return fail_oom();
	return finish(&parser, file_parse(&parser, path, NULL), out);
}

int policy_parse(const char *name, const char *text, size_t len, struct policy **out)
{
	struct parser parser = { .policy = calloc(1, sizeof(*parser.policy)) };
	char *copy = malloc(len + 1);

	*out = NULL;
	if (!parser.policy || !copy) {
		free(copy);
		policy_free(parser.policy);
		return fail_oom();
	}
	memcpy(copy, text, len);
	copy[len] = '\0';
	return finish(&parser, file_parse_text(&parser, name, copy, len), out);
}

const char *policy_hook_name(enum hook_kind kind)
{
	static const char *const names[] = { "xdp", "tc ingress", "tc egress" };

	return names[kind];
}

const char *policy_mode_name(enum hook_mode mode)
{
	static const char *const names[] = { "auto", "native", "generic", "tcx", "clsact" };

	return names[mode];
}

const char *policy_action_name(enum action_kind kind)
{
	static const char *const names[] = {
		[ACTION_PASS] = "pass",
		[ACTION_DROP] = "drop",
		[ACTION_REFLECT] = "reflect",
		[ACTION_REDIRECT] = "redirect",
		[ACTION_CPU] = "cpu",
		[ACTION_SOCKET] = "socket",
		[ACTION_SYNCOOKIE] = "syncookie",
		[ACTION_COUNT] = "count",
		[ACTION_LIMIT] = "limit",
		[ACTION_SAMPLE] = "sample",
		[ACTION_CAPTURE] = "capture",
		[ACTION_MARK] = "mark",
		[ACTION_PRIORITY] = "priority",
		[ACTION_VLAN_PUSH] = "vlan push",
		[ACTION_VLAN_POP] = "vlan pop",
		[ACTION_USE] = "use",
	};

	return names[kind];
}

const char *policy_miss_name(enum miss miss)
{
	static const char *const names[] = { "pass", "drop" };

	return names[miss];
}

bool policy_action_is_final(const struct action *action)
{
	switch (action->kind) {
	case ACTION_PASS:
	case ACTION_DROP:
	case ACTION_REFLECT:
	case ACTION_REDIRECT:
	case ACTION_CPU:
	case ACTION_SOCKET:
	case ACTION_SYNCOOKIE:
		return true;
	default:
		return false;
	}
}
