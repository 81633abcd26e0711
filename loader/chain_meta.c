// SPDX-License-Identifier: GPL-2.0-only
#include "chain_meta.h"

#include <jansson.h>
#include <string.h>

#include "jsontext.h"

enum { META_VERSION = 1 };

static json_t *encode_targets(const struct action *action)
{
	json_t *targets = json_array();

	for (size_t i = 0; i < action->redirect.n_targets; i++)
		json_array_append_new(targets, json_string(action->redirect.targets[i].text));
	return targets;
}

static json_t *encode_rule(const struct plan_hook *hook, const struct plan_rule *rule)
{
	json_t *o =
		json_pack("{s:s, s:s, s:s*, s:I, s:I, s:I, s:I}", "text", rule->text, "identity",
			  rule->identity, "label", rule->rule->label, "line",
			  (json_int_t)rule->rule->pos.line, "counter", (json_int_t)rule->counter,
			  "counters", (json_int_t)rule->n_counters, "slot", (json_int_t)rule->slot);

	if (o && rule->rule->action.kind == ACTION_REDIRECT)
		json_object_set_new(o, "targets", encode_targets(&rule->rule->action));
	if (o && rule->rule->action.kind == ACTION_SOCKET)
		json_object_set_new(o, "socket", json_string(hook->sockets[rule->target]));
	if (o && rule->stage) {
		json_t *reasons = json_array();

		for (size_t i = 0; i < rule->stage->n_reasons; i++)
			json_array_append_new(reasons, json_string(rule->stage->reasons[i]));
		json_object_set_new(o, "reasons", reasons);
	}
	return o;
}

static json_t *encode_slots(const struct plan_hook *hook)
{
	json_t *slots = json_array();

	for (size_t i = 1; i < hook->n_filters; i++)
		json_array_append_new(slots, json_integer(hook->filters[i].slot));
	for (size_t i = 0; i < hook->n_rules; i++)
		if (hook->rules[i].slot)
			json_array_append_new(slots, json_integer(hook->rules[i].slot));
	return slots;
}

/* CPU and queue, CPU and queue … */
static json_t *encode_cpus(const struct plan_hook *hook)
{
	json_t *cpus = json_array();

	for (size_t i = 0; i < hook->n_cpus; i++) {
		json_array_append_new(cpus, json_integer(hook->cpus[i].cpu));
		json_array_append_new(cpus, json_integer(hook->cpus[i].queue));
	}
	return cpus;
}

char *meta_encode(const struct plan_hook *hook, uint32_t previous, uint32_t counters,
		  const char *source, int64_t apply)
{
	json_t *rules = json_array(), *modes = json_array(), *o;
	char *text = NULL;

	for (size_t i = 0; i < hook->n_rules; i++)
		json_array_append_new(rules, encode_rule(hook, &hook->rules[i]));
	for (size_t i = 0; i < hook->n_modes; i++)
		json_array_append_new(modes, json_integer(hook->modes[i]));
	o = json_pack(
		"{s:i, s:I, s:o, s:I, s:I, s:s, s:s, s:i, s:o, s:s, s:b, s:I, s:i, s:b, s:I, s:I, s:o, s:o, s:o}",
		"version", META_VERSION, "previous", (json_int_t)previous, "source",
		jsontext(source), "applied", (json_int_t)(apply / 1000000000), "apply",
		(json_int_t)apply, "text", hook->text, "key", hook->key, "wanted", hook->hook->mode,
		"modes", modes, "why", hook->why, "shared", hook->hook->shared, "priority",
		(json_int_t)hook->hook->priority, "miss", hook->hook->miss, "frags", hook->frags,
		"counters", (json_int_t)counters, "tail_calls", (json_int_t)hook->tail_calls,
		"rules", rules, "slots", encode_slots(hook), "cpus", encode_cpus(hook));
	if (o)
		text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	return text;
}

static void clear_names(char **names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
}

static void clear_rule(struct meta_rule *rule)
{
	free(rule->text);
	free(rule->label);
	free(rule->identity);
	free(rule->socket);
	clear_names(rule->targets, rule->n_targets);
	clear_names(rule->reasons, rule->n_reasons);
}

void meta_free(struct meta *meta)
{
	if (!meta)
		return;
	for (size_t i = 0; i < meta->n_rules; i++)
		clear_rule(&meta->rules[i]);
	free(meta->rules);
	free(meta->slots);
	free(meta->cpus);
	free(meta->known);
	free(meta->source);
	free(meta->text);
	free(meta->key);
	free(meta->why);
	free(meta);
}

static void meta_freep(struct meta **meta)
{
	meta_free(*meta);
}

/* A copy; NULL stays NULL. */
static int copy(char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return from && !*to ? -ENOMEM : 0;
}

/* Of what is not there there are none. */
static int decode_names(json_t *list, char ***names, size_t *n_names)
{
	size_t n = json_array_size(list);

	*names = calloc(n + 1, sizeof(**names));
	if (!*names)
		return -ENOMEM;
	for (; *n_names < n; ++*n_names) {
		const char *name = json_string_value(json_array_get(list, *n_names));

		if (!name || copy(&(*names)[*n_names], name))
			return -EINVAL;
	}
	return 0;
}

static int decode_rule(json_t *o, struct meta_rule *rule)
{
	const char *text, *identity, *label = NULL, *name = NULL;
	json_int_t line, counter, n_counters, slot;
	json_t *reasons = NULL, *targets = NULL;

	if (json_unpack(o, "{s:s, s:s, s?s, s:I, s:I, s:I, s:I, s?o, s?s, s?o}", "text", &text,
			"identity", &identity, "label", &label, "line", &line, "counter", &counter,
			"counters", &n_counters, "slot", &slot, "targets", &targets, "socket",
			&name, "reasons", &reasons))
		return -EINVAL;
	rule->line = line;
	rule->counter = counter;
	rule->n_counters = n_counters;
	rule->slot = slot;
	if (copy(&rule->text, text) || copy(&rule->identity, identity) ||
	    copy(&rule->label, label) || copy(&rule->socket, name))
		return -ENOMEM;
	return decode_names(targets, &rule->targets, &rule->n_targets)
		       ?: decode_names(reasons, &rule->reasons, &rule->n_reasons);
}

static int decode_rules(json_t *list, struct meta *meta)
{
	size_t n = json_array_size(list);

	meta->rules = calloc(n + 1, sizeof(*meta->rules));
	meta->known = calloc(n + 1, sizeof(*meta->known));
	if (!meta->rules || !meta->known)
		return -ENOMEM;
	for (; meta->n_rules < n; meta->n_rules++) {
		struct meta_rule *rule = &meta->rules[meta->n_rules];
		int err = decode_rule(json_array_get(list, meta->n_rules), rule);

		if (err) {
			clear_rule(rule);
			return err;
		}
		meta->known[meta->n_rules] = (struct plan_known){
			.identity = rule->identity,
			.counter = rule->counter,
			.n_counters = rule->n_counters,
		};
	}
	return 0;
}

static int decode_slots(json_t *list, struct meta *meta)
{
	meta->n_slots = json_array_size(list);
	meta->slots = calloc(meta->n_slots + 1, sizeof(*meta->slots));
	if (!meta->slots)
		return -ENOMEM;
	for (size_t i = 0; i < meta->n_slots; i++)
		meta->slots[i] = json_integer_value(json_array_get(list, i));
	return 0;
}

static int decode_cpus(json_t *list, struct meta *meta)
{
	size_t n = json_array_size(list) / 2;

	meta->cpus = calloc(n + 1, sizeof(*meta->cpus));
	if (!meta->cpus)
		return -ENOMEM;
	for (; meta->n_cpus < n; meta->n_cpus++)
		meta->cpus[meta->n_cpus] = (struct plan_cpu){
			.cpu = json_integer_value(json_array_get(list, 2 * meta->n_cpus)),
			.queue = json_integer_value(json_array_get(list, 2 * meta->n_cpus + 1)),
		};
	return 0;
}

static int decode(json_t *o, struct meta *meta)
{
	json_t *rules, *slots, *modes, *cpus = NULL;
	json_int_t previous, applied, apply = 0, tail_calls, priority = 0, counters = 0;
	int version, wanted, shared = 0, miss, frags, err;
	const char *source, *text, *key, *why;

	if (json_unpack(
		    o,
		    "{s:i, s:I, s:s, s:I, s?I, s:s, s:s, s:i, s:o, s:s, s?b, s?I, s:i, s:b, s?I, s:I, s:o, s:o, s?o}",
		    "version", &version, "previous", &previous, "source", &source, "applied",
		    &applied, "apply", &apply, "text", &text, "key", &key, "wanted", &wanted,
		    "modes", &modes, "why", &why, "shared", &shared, "priority", &priority, "miss",
		    &miss, "frags", &frags, "counters", &counters, "tail_calls", &tail_calls,
		    "rules", &rules, "slots", &slots, "cpus", &cpus) ||
	    version != META_VERSION)
		return -EINVAL;
	meta->previous = previous;
	meta->applied = applied;
	meta->apply = apply;
	meta->wanted = wanted;
	meta->miss = miss;
	meta->shared = shared;
	meta->priority = priority;
	meta->frags = frags;
	meta->counters = counters;
	meta->tail_calls = tail_calls;
	for (; meta->n_modes < ARRAY_SIZE(meta->modes) && meta->n_modes < json_array_size(modes);
	     meta->n_modes++)
		meta->modes[meta->n_modes] =
			json_integer_value(json_array_get(modes, meta->n_modes));
	if (copy(&meta->source, source) || copy(&meta->text, text) || copy(&meta->key, key) ||
	    copy(&meta->why, why))
		return -ENOMEM;
	err = decode_rules(rules, meta);
	if (!err)
		err = decode_slots(slots, meta);
	return err ? err : decode_cpus(cpus, meta);
}

int meta_decode(const char *json, const char *where, struct meta **out)
{
	_cleanup_(meta_freep) struct meta *meta = calloc(1, sizeof(*meta));
	json_t *o = json_loads(json, 0, NULL);
	int err;

	err = !meta ? -ENOMEM : !o ? -EINVAL : decode(o, meta);
	json_decref(o);
	if (err == -ENOMEM)
		return fail_oom();
	if (err)
		return fail(
			-EBADMSG,
			"%s is not what this version of weir wrote: `weir detach --all` with the version that did",
			where);
	*out = TAKE(meta);
	return 0;
}
