// SPDX-License-Identifier: GPL-2.0-only
#include "policy_parse.h"

#include <string.h>

enum { ON_XDP = 1, ON_TC = 2 };

enum {
	QUEUE_MAX = 16384, /* entries of a cpumap's queue: kernel/bpf/cpumap.c */
	SNAP_MAX = 65535,  /* bytes */
	MSS_MIN = 88,	   /* TCP_MIN_MSS of the kernel */
	MSS_MAX = 65535,   /* bytes; the option's field */
	WSCALE_MAX = 14,   /* RFC 7323 */
	VID_MAX = 4094,	   /* IEEE 802.1Q: 4095 is reserved */
	LIST_MAX = 64,	   /* targets of a redirect, options of a use */
};

struct verb {
	const char *name;
	enum action_kind kind;
	unsigned int hooks;
	int (*parse)(struct parser *parser, struct action *action, enum hook_kind hook,
		     unsigned int depth);
};

/* A value_number() for a field of 32 bits. */
static int number(struct parser *parser, const char *what, uint32_t low, uint32_t high,
		  uint32_t *out)
{
	uint64_t value = 0;
	int err = value_number(parser, what, low, high, &value);

	*out = value;
	return err;
}

static int parse_nothing(struct parser *parser, struct action *action, enum hook_kind hook,
			 unsigned int depth)
{
	(void)parser;
	(void)action;
	(void)hook;
	(void)depth;
	return 0;
}

static int parse_otherwise(struct parser *parser, struct action *action, enum hook_kind hook,
			   unsigned int depth)
{
	if (depth + 1 > ELSE_DEPTH_MAX)
		return mistake(&parser->mistakes, &parser->token.pos,
			       "else stands more than %d deep", ELSE_DEPTH_MAX);
	action->otherwise = calloc(1, sizeof(*action->otherwise));
	if (!action->otherwise)
		return mistakes_oom(&parser->mistakes);
	return parse_action(parser, hook, depth + 1, action->otherwise);
}

static void check_target_once(struct parser *parser, const struct action *action)
{
	const struct word *last = &action->redirect.targets[action->redirect.n_targets - 1];

	for (const struct word *target = action->redirect.targets; target < last; target++) {
		if (strcmp(target->text, last->text))
			continue;
		mistake(&parser->mistakes, &last->pos, "'%s' stands twice", last->text);
		return;
	}
}

static int parse_redirect(struct parser *parser, struct action *action, enum hook_kind hook,
			  unsigned int depth)
{
	static const char *const words[] = { "ingress" };
	unsigned int seen = 0;
	struct pos pos;
	int err;

	(void)depth;
	do {
		struct word *target =
			array_add(action->redirect.targets, action->redirect.n_targets);

		if (!target)
			return mistakes_oom(&parser->mistakes);
		if (action->redirect.n_targets > LIST_MAX)
			return mistake(&parser->mistakes, &parser->token.pos,
				       "redirect takes at most %d interfaces", LIST_MAX);
		err = value_ifname(parser, target);
		if (err)
			return err;
		check_target_once(parser, action);
	} while (policy_at_value(parser) && !token_is(&parser->token, "ingress"));
	pos = parser->token.pos;
	action->redirect.ingress = !policy_option(parser, words, ARRAY_SIZE(words), &seen);
	if (action->redirect.ingress && hook == HOOK_XDP)
		mistake(&parser->mistakes, &pos,
			"redirect to ingress is for tc hooks: xdp sends only");
	return 0;
}

static int parse_cpu(struct parser *parser, struct action *action, enum hook_kind hook,
		     unsigned int depth)
{
	static const char *const words[] = { "queue" };
	unsigned int seen = 0;
	int err;

	(void)hook;
	(void)depth;
	err = value_ranges(parser, "a list of CPUs", &action->cpu.cpus, &action->cpu.n_cpus);
	while (!err && policy_option(parser, words, ARRAY_SIZE(words), &seen) >= 0)
		err = number(parser, "the length of a queue", 1, QUEUE_MAX, &action->cpu.queue);
	return err;
}

static int parse_socket_else(struct parser *parser, struct action *action)
{
	static const char *const words[] = { "pass", "drop" };

	if (!token_is(&parser->token, "pass") && !token_is(&parser->token, "drop"))
		return policy_unknown(parser, "else of a socket", words, ARRAY_SIZE(words));
	return parse_otherwise(parser, action, HOOK_XDP, 0);
}

static int parse_socket(struct parser *parser, struct action *action, enum hook_kind hook,
			unsigned int depth)
{
	static const char *const words[] = { "queues", "else" };
	unsigned int seen = 0;
	int word, err;

	(void)hook;
	(void)depth;
	err = value_name(parser, "a name for the socket", &action->socket.name);
	while (!err && (word = policy_option(parser, words, ARRAY_SIZE(words), &seen)) >= 0) {
		if (word == 1)
			return parse_socket_else(parser, action);
		if (!policy_accept(parser, "all"))
			err = value_ranges(parser, "a list of queues", &action->socket.queues,
					   &action->socket.n_queues);
	}
	return err;
}

static int parse_syncookie(struct parser *parser, struct action *action, enum hook_kind hook,
			   unsigned int depth)
{
	static const char *const words[] = { "mss", "wscale" };
	unsigned int seen = 0;
	int word, err = 0;

	(void)hook;
	(void)depth;
	while (!err && (word = policy_option(parser, words, ARRAY_SIZE(words), &seen)) >= 0) {
		if (word == 0)
			err = number(parser, "an MSS", MSS_MIN, MSS_MAX, &action->syncookie.mss);
		else
			err = number(parser, "a window scale", 0, WSCALE_MAX,
				     &action->syncookie.wscale);
	}
	action->syncookie.has_wscale = seen & 2;
	return err;
}

/* "src", "dst/24", "flow" */
static int parse_key(struct parser *parser, struct action *action)
{
	static const char *const words[] = { "src", "dst", "flow" };
	static const enum limit_key keys[] = { LIMIT_SRC, LIMIT_DST, LIMIT_FLOW };
	const struct token token = parser->token;
	const char *slash = token.kind == TOKEN_WORD ? memchr(token.text, '/', token.len) : NULL;
	const char *end = token.text + token.len, *p = slash ? slash + 1 : end;
	uint64_t bits = 0;

	if (slash)
		parser->token.len = slash - token.text;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (!token_is(&parser->token, words[i]))
			continue;
		action->limit.key = keys[i];
		policy_advance(parser);
		if (slash && (!scan_number(&p, end, &bits) || p != end || !bits || bits > 128 ||
			      keys[i] == LIMIT_FLOW))
			mistake(&parser->mistakes, &token.pos,
				"a key is flow, src or dst, or an address's first 1 to 128 bits: src/24");
		action->limit.key_bits = bits;
		return 0;
	}
	return policy_unknown(parser, "key of limit", words, ARRAY_SIZE(words));
}

static int parse_limit(struct parser *parser, struct action *action, enum hook_kind hook,
		       unsigned int depth)
{
	static const char *const words[] = { "per", "burst", "else" };
	unsigned int seen = 0;
	int word, err;

	err = value_rate(parser, &action->limit.rate);
	while (!err && (word = policy_option(parser, words, ARRAY_SIZE(words), &seen)) >= 0) {
		if (word == 0)
			err = parse_key(parser, action);
		else if (word == 1)
			err = value_burst(parser, action->limit.rate.unit, &action->limit.burst);
		else
			return parse_otherwise(parser, action, hook, depth);
	}
	return err;
}

static int parse_one_in(struct parser *parser, uint32_t *out)
{
	const struct token token = parser->token;
	const char *p = token.text + 2, *end = token.text + token.len;
	uint64_t n;

	if (!policy_at_value(parser))
		return policy_unexpected(parser, "a share, such as 1/1000");
	policy_advance(parser);
	if (token.len < 3 || memcmp(token.text, "1/", 2) || !scan_number(&p, end, &n) || p != end ||
	    !n || n > UINT32_MAX) {
		mistake(&parser->mistakes, &token.pos, "a share is 1/N, N from 1 to %u",
			UINT32_MAX);
		return 0;
	}
	*out = n;
	return 0;
}

static int parse_snap(struct parser *parser, struct action *action)
{
	return number(parser, "a number of bytes", 1, SNAP_MAX, &action->sample.snap);
}

static int parse_sample(struct parser *parser, struct action *action, enum hook_kind hook,
			unsigned int depth)
{
	static const char *const words[] = { "snap" };
	unsigned int seen = 0;
	int err;

	(void)hook;
	(void)depth;
	err = parse_one_in(parser, &action->sample.one_in);
	while (!err && policy_option(parser, words, ARRAY_SIZE(words), &seen) >= 0)
		err = parse_snap(parser, action);
	return err;
}

static int parse_capture(struct parser *parser, struct action *action, enum hook_kind hook,
			 unsigned int depth)
{
	static const char *const words[] = { "snap", "max" };
	unsigned int seen = 0;
	int word, err = 0;

	(void)hook;
	(void)depth;
	while (!err && (word = policy_option(parser, words, ARRAY_SIZE(words), &seen)) >= 0)
		err = word ? value_rate(parser, &action->sample.max) : parse_snap(parser, action);
	action->sample.has_max = seen & 2;
	return err;
}

static int parse_mark(struct parser *parser, struct action *action, enum hook_kind hook,
		      unsigned int depth)
{
	const struct token token = parser->token;
	const char *p = token.text, *end = p + token.len;
	uint64_t value, mask = UINT32_MAX;
	bool good;

	(void)hook;
	(void)depth;
	if (!policy_at_value(parser))
		return policy_unexpected(parser, "a mark");
	policy_advance(parser);
	good = scan_number(&p, end, &value);
	if (good && p < end && *p == '/')
		p++, good = scan_number(&p, end, &mask);
	if (!good || p != end || value > UINT32_MAX || mask > UINT32_MAX || !mask)
		mistake(&parser->mistakes, &token.pos,
			"a mark is VALUE or VALUE/MASK, of 32 bits: 0x2a/0xff");
	else if (value & ~mask)
		mistake(&parser->mistakes, &token.pos, "this mark has bits outside of its mask");
	action->mark.value = value;
	action->mark.mask = mask;
	return 0;
}

static int parse_priority(struct parser *parser, struct action *action, enum hook_kind hook,
			  unsigned int depth)
{
	(void)hook;
	(void)depth;
	return number(parser, "a priority", 0, UINT32_MAX, &action->priority);
}

static int parse_vlan(struct parser *parser, struct action *action, enum hook_kind hook,
		      unsigned int depth)
{
	static const char *const words[] = { "push", "pop" };
	uint64_t vid = 0;
	int err;

	(void)hook;
	(void)depth;
	if (policy_accept(parser, "pop")) {
		action->kind = ACTION_VLAN_POP;
		return 0;
	}
	if (!policy_accept(parser, "push"))
		return policy_unknown(parser, "vlan action", words, ARRAY_SIZE(words));
	err = value_number(parser, "a VLAN id", 0, VID_MAX, &vid);
	action->vid = vid;
	return err;
}

static void check_option_once(struct parser *parser, const struct action *action)
{
	const struct use_option *last = &action->use.options[action->use.n_options - 1];

	for (const struct use_option *option = action->use.options; option < last; option++)
		if (!strcmp(option->name, last->name))
			mistake(&parser->mistakes, &last->pos, "option '%s' stands twice",
				last->name);
}

/* NAME=VALUE */
static int parse_stage_option(struct parser *parser, struct action *action)
{
	struct use_option *option = array_add(action->use.options, action->use.n_options);

	if (!option)
		return mistakes_oom(&parser->mistakes);
	option->pos = parser->token.pos;
	if (action->use.n_options > LIST_MAX)
		return mistake(&parser->mistakes, &option->pos, "a stage takes at most %d options",
			       LIST_MAX);
	option->name = token_copy(&parser->token, &parser->mistakes);
	if (!option->name)
		return -ENOMEM;
	check_option_once(parser, action);
	policy_advance(parser);
	if (parser->token.kind == TOKEN_EQUALS) {
		policy_advance(parser);
		option->value_pos = parser->token.pos;
		if (policy_at_value(parser)) {
			option->value = token_copy(&parser->token, &parser->mistakes);
			policy_advance(parser);
			return option->value ? 0 : -ENOMEM;
		}
	}
	mistake(&parser->mistakes, &option->pos, "option '%.32s' has no value: write %.32s=VALUE",
		option->name, option->name);
	return 0;
}

static bool is_path(const struct token *token)
{
	return memchr(token->text, '/', token->len) ||
	       (token->len > 2 && !memcmp(token->text + token->len - 2, ".o", 2));
}

/* The object's path, beside the file that names it; absolute, so that it reads back from anywhere.
 */
static int parse_stage_path(struct parser *parser, struct word *stage)
{
	_free_ char *written = token_copy(&parser->token, &parser->mistakes), *path = NULL;

	stage->pos = parser->token.pos;
	path = written ? file_beside(parser, stage->pos.source, written) : NULL;
	stage->text = path ? file_absolute(parser, path, &stage->pos) : NULL;
	policy_advance(parser);
	return stage->text ? 0 : parser->mistakes.err;
}

static int parse_use(struct parser *parser, struct action *action, enum hook_kind hook,
		     unsigned int depth)
{
	struct word *stage = &action->use.stage;
	int err = 0;

	(void)hook;
	(void)depth;
	if (!policy_at_value(parser))
		return policy_unexpected(parser, "a stage's name, or the path of its object");
	if (is_path(&parser->token)) {
		err = parse_stage_path(parser, stage);
	} else {
		err = value_name(parser, "a stage", stage);
	}
	while (!err && policy_at_value(parser))
		err = parse_stage_option(parser, action);
	return err;
}

static const struct verb verbs[] = {
	{ "pass", ACTION_PASS, ON_XDP | ON_TC, parse_nothing },
	{ "drop", ACTION_DROP, ON_XDP | ON_TC, parse_nothing },
	{ "reflect", ACTION_REFLECT, ON_XDP | ON_TC, parse_nothing },
	{ "redirect", ACTION_REDIRECT, ON_XDP | ON_TC, parse_redirect },
	{ "cpu", ACTION_CPU, ON_XDP, parse_cpu },
	{ "socket", ACTION_SOCKET, ON_XDP, parse_socket },
	{ "syncookie", ACTION_SYNCOOKIE, ON_XDP | ON_TC, parse_syncookie },
	{ "count", ACTION_COUNT, ON_XDP | ON_TC, parse_nothing },
	{ "limit", ACTION_LIMIT, ON_XDP | ON_TC, parse_limit },
	{ "sample", ACTION_SAMPLE, ON_XDP | ON_TC, parse_sample },
	{ "capture", ACTION_CAPTURE, ON_XDP | ON_TC, parse_capture },
	{ "mark", ACTION_MARK, ON_TC, parse_mark },
	{ "priority", ACTION_PRIORITY, ON_TC, parse_priority },
	{ "vlan", ACTION_VLAN_PUSH, ON_TC, parse_vlan },
	{ "use", ACTION_USE, ON_XDP | ON_TC, parse_use },
};

static const struct verb *find_verb(const struct token *token)
{
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		if (token_is(token, verbs[i].name))
			return &verbs[i];
	return NULL;
}

static int unknown_verb(struct parser *parser)
{
	const char *words[ARRAY_SIZE(verbs)];

	if (token_is(&parser->token, "if"))
		return policy_unexpected(parser, "an action before its condition");
	if (parser->token.kind != TOKEN_WORD)
		return policy_unexpected(parser, "an action");
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		words[i] = verbs[i].name;
	return policy_unknown(parser, "action", words, ARRAY_SIZE(words));
}

static void check_hook(struct parser *parser, const struct verb *verb, enum hook_kind hook)
{
	if (verb->hooks & (hook == HOOK_XDP ? ON_XDP : ON_TC))
		return;
	mistake(&parser->mistakes, &parser->token.pos, "%s is for %s", verb->name,
		verb->hooks == ON_TC ? "tc hooks: on xdp there is no skb yet to hold it"
				     : "xdp hooks: no tc program can send a packet there");
}

int parse_action(struct parser *parser, enum hook_kind hook, unsigned int depth,
		 struct action *action)
{
	const struct verb *verb = find_verb(&parser->token);

	parser->n_options = 0;
	action->pos = parser->token.pos;
	if (!verb)
		return unknown_verb(parser);
	check_hook(parser, verb, hook);
	action->kind = verb->kind;
	policy_advance(parser);
	return verb->parse(parser, action, hook, depth);
}
