// SPDX-License-Identifier: GPL-2.0-only
#include "policy_parse.h"

#include <string.h>

enum { PRIORITY_MAX = 65535 };

static void refer(void *data, const struct token *name)
{
	struct parser *parser = data;
	struct token *added = array_add(parser->references, parser->n_references);

	if (added)
		*added = *name;
	else
		mistakes_oom(&parser->mistakes);
}

/* The token is `if`, and the lexer is right behind it. */
static int parse_condition(struct parser *parser, struct rule *rule)
{
	const struct lex_reference reference = { refer, parser };
	int err;

	if (lex_word(&parser->lexer, "bytecode"))
		return lex_bytecode(&parser->lexer, &rule->expr_pos, &rule->bytecode);
	err = lex_expression(&parser->lexer, &reference, &rule->expr_pos, &rule->expr);
	if (!err && !*rule->expr)
		err = mistake(&parser->mistakes, &rule->expr_pos, "no expression behind 'if'");
	return err;
}

/* The label that the token is; its tabs become blanks. */
static void parse_label(struct parser *parser, struct rule *rule)
{
	const struct token *token = &parser->token;
	const char *line = token->pos.source->text + parser->lexer.line_start;
	size_t clean = text_clean(token->text, token->len);
	const struct pos bad = { token->pos.source, token->pos.line,
				 token->text + clean - line + 1 };

	if (clean < token->len)
		mistake(&parser->mistakes, &bad, "a label is UTF-8, with no control characters");
	if (!token->len || rule->label)
		return;
	rule->label = token_copy(token, &parser->mistakes);
	if (!rule->label)
		return;
	for (char *p = rule->label; (p = strchr(p, '\t'));)
		*p = ' ';
}

static int unexpected_option(struct parser *parser, const struct rule *rule)
{
	const char *words[8];
	size_t n = parser->n_options;
	char what[32];

	if (token_is(&parser->token, "else"))
		return mistake(&parser->mistakes, &parser->token.pos,
			       "%s has no else: only limit and socket do",
			       policy_action_name(rule->action.kind));
	if (parser->token.kind != TOKEN_WORD || !n)
		return policy_unexpected(parser, "'if', '#' or the end of the rule");
	memcpy(words, parser->options, n * sizeof(*words));
	words[n++] = "if";
	snprintf(what, sizeof(what), "option of %s", policy_action_name(rule->action.kind));
	return policy_unknown(parser, what, words, n);
}

static bool ends_rule(const struct token *token)
{
	return token->kind == TOKEN_NEWLINE || token->kind == TOKEN_SEMICOLON ||
	       token->kind == TOKEN_CLOSE || token->kind == TOKEN_EOF ||
	       token->kind == TOKEN_COMMENT;
}

/* Skip what is left of an action that has a mistake, up to its condition. */
static void skip_action(struct parser *parser)
{
	while (!ends_rule(&parser->token) && !token_is(&parser->token, "if")) {
		if (parser->token.kind == TOKEN_OPEN)
			return policy_skip(parser);
		parser->mistakes.quiet = true;
		policy_advance(parser);
		parser->mistakes.quiet = false;
	}
}

static void parse_rule(struct parser *parser, struct hook *hook)
{
	struct rule *rule = array_add(hook->rules, hook->n_rules);
	unsigned int mistakes = parser->mistakes.n;

	if (!rule) {
		mistakes_oom(&parser->mistakes);
		return;
	}
	rule->pos = parser->token.pos;
	if (parse_action(parser, hook->kind, 0, &rule->action))
		skip_action(parser);
	else if (!ends_rule(&parser->token) && !token_is(&parser->token, "if") &&
		 unexpected_option(parser, rule))
		skip_action(parser);
	if (token_is(&parser->token, "if")) {
		int err = parse_condition(parser, rule);

		policy_advance(parser);
		if (err)
			policy_skip(parser);
	}
	if (!ends_rule(&parser->token)) {
		policy_unexpected(parser, "'#' or the end of the rule");
		policy_skip(parser);
	}
	/* "drop; # why" is what people write who know C: the label is the rule's. */
	if (parser->token.kind == TOKEN_SEMICOLON)
		policy_advance(parser);
	if (parser->token.kind == TOKEN_COMMENT)
		parse_label(parser, rule);
	rule->broken = parser->mistakes.n != mistakes;
}

/* Whether rules end here, if only because a '}' is missing. */
static bool rules_end(struct parser *parser, const struct pos *open)
{
	char shown[TOKEN_SHOWN];

	if (!token_is(&parser->token, "xdp") && !token_is(&parser->token, "tc"))
		return policy_closed(parser, open);
	mistake(&parser->mistakes, &parser->token.pos,
		"a '}' is missing before %s: the '{' of line %u is open",
		token_shown(&parser->token, shown), open->line);
	return true;
}

static void parse_rules(struct parser *parser, struct hook *hook)
{
	struct pos open;

	if (policy_open(parser, "'{'", &open))
		return policy_skip(parser);
	parser->lexer.comments = true;
	for (;;) {
		/* What follows the '}' is none of the hook's labels. */
		if (parser->token.kind == TOKEN_CLOSE)
			parser->lexer.comments = false;
		if (rules_end(parser, &open))
			break;
		if (parser->token.kind == TOKEN_WORD || !ends_rule(&parser->token))
			parse_rule(parser, hook);
		else
			policy_advance(parser);
	}
	parser->lexer.comments = false;
}

static void parse_priority(struct parser *parser, struct hook *hook)
{
	uint64_t number = 0;

	hook->has_priority = !value_number(parser, "a priority", hook->kind == HOOK_XDP ? 0 : 1,
					   PRIORITY_MAX, &number);
	hook->priority = number;
}

static void parse_miss(struct parser *parser, struct hook *hook)
{
	static const char *const words[] = { "pass", "drop" };

	if (policy_accept(parser, "pass"))
		hook->miss = MISS_PASS;
	else if (policy_accept(parser, "drop"))
		hook->miss = MISS_DROP;
	else
		policy_unknown(parser, "verdict of a miss", words, ARRAY_SIZE(words));
}

/* Words that may stand behind `xdp`, in the order of enum hook_mode first. */
static const char *const xdp_words[] = { "auto",   "native",   "generic", "offload",
					 "shared", "priority", "miss" };
enum xdp_word { WORD_OFFLOAD = 3, WORD_SHARED, WORD_PRIORITY, WORD_MISS };
enum { MODE_WORDS = (1 << (WORD_OFFLOAD + 1)) - 1 };

static void parse_mode(struct parser *parser, struct hook *hook, int word, const struct pos *pos)
{
	if (word == WORD_OFFLOAD)
		mistake(&parser->mistakes, pos,
			"no offload: the one NIC that has it (nfp) has no tail calls there; write native");
	else
		hook->mode = (enum hook_mode)word;
}

static int parse_xdp_head(struct parser *parser, struct hook *hook)
{
	struct pos pos = parser->token.pos, priority = pos;
	unsigned int seen = 0, before = 0;
	int word;

	while ((word = policy_option(parser, xdp_words, ARRAY_SIZE(xdp_words), &seen)) >= 0) {
		if (word <= WORD_OFFLOAD && before & MODE_WORDS)
			mistake(&parser->mistakes, &pos, "one mode only: auto, native or generic");
		if (word <= WORD_OFFLOAD)
			parse_mode(parser, hook, word, &pos);
		else if (word == WORD_PRIORITY)
			priority = pos, parse_priority(parser, hook);
		else if (word == WORD_MISS)
			parse_miss(parser, hook);
		before = seen;
		pos = parser->token.pos;
	}
	hook->shared = seen & 1 << WORD_SHARED;
	if (hook->shared && !hook->has_priority)
		hook->priority = XDP_PRIORITY;
	if (hook->has_priority && !hook->shared)
		mistake(&parser->mistakes, &priority,
			"a priority is among others: write shared priority");
	if (parser->token.kind == TOKEN_WORD)
		return policy_unknown(parser, "option of xdp", xdp_words, ARRAY_SIZE(xdp_words));
	return 0;
}

static int parse_tc_head(struct parser *parser, struct hook *hook)
{
	static const char *const hooks[] = { "ingress", "egress" };
	static const char *const options[] = { "priority" };
	unsigned int seen = 0;

	if (policy_accept(parser, "ingress"))
		hook->kind = HOOK_INGRESS;
	else if (policy_accept(parser, "egress"))
		hook->kind = HOOK_EGRESS;
	else
		return policy_unknown(parser, "tc hook", hooks, ARRAY_SIZE(hooks));
	while (policy_option(parser, options, ARRAY_SIZE(options), &seen) >= 0)
		parse_priority(parser, hook);
	if (parser->token.kind == TOKEN_WORD)
		return policy_unknown(parser, "option of tc", options, ARRAY_SIZE(options));
	return 0;
}

static void check_hook_once(struct parser *parser, const struct interface *interface)
{
	const struct hook *last = &interface->hooks[interface->n_hooks - 1];

	for (const struct hook *hook = interface->hooks; hook < last; hook++)
		if (hook->kind == last->kind)
			mistake(&parser->mistakes, &last->pos,
				"this interface has %s already, at line %u",
				policy_hook_name(hook->kind), hook->pos.line);
}

static void parse_hook(struct parser *parser, struct interface *interface)
{
	struct hook *hook = array_add(interface->hooks, interface->n_hooks);
	int err;

	if (!hook) {
		mistakes_oom(&parser->mistakes);
		return;
	}
	hook->pos = parser->token.pos;
	if (policy_accept(parser, "xdp")) {
		err = parse_xdp_head(parser, hook);
	} else {
		policy_advance(parser);
		hook->kind = HOOK_INGRESS;
		err = parse_tc_head(parser, hook);
	}
	if (!err)
		check_hook_once(parser, interface);
	/* Whatever is wrong with its head, the rules are read. */
	while (parser->token.kind == TOKEN_WORD)
		policy_advance(parser);
	parse_rules(parser, hook);
}

static void parse_hooks(struct parser *parser, struct interface *interface)
{
	static const char *const words[] = { "xdp", "tc" };
	struct pos open;

	if (policy_open(parser, "'{'", &open))
		return policy_skip(parser);
	while (!policy_closed(parser, &open)) {
		if (parser->token.kind == TOKEN_NEWLINE) {
			policy_advance(parser);
		} else if (token_is(&parser->token, "xdp") || token_is(&parser->token, "tc")) {
			parse_hook(parser, interface);
		} else {
			policy_unknown(parser, "hook", words, ARRAY_SIZE(words));
			policy_skip(parser);
			if (parser->token.kind == TOKEN_SEMICOLON)
				policy_advance(parser);
		}
	}
}

static void parse_ifname(struct parser *parser, struct interface *interface)
{
	struct word *name = array_add(interface->names, interface->n_names);

	if (!name) {
		mistakes_oom(&parser->mistakes);
		return;
	}
	if (!value_ifname(parser, name))
		policy_define(parser, &parser->interfaces, "interface", name->text, &name->pos);
}

void parse_interface(struct parser *parser)
{
	struct interface *interface =
		array_add(parser->policy->interfaces, parser->policy->n_interfaces);

	if (!interface) {
		mistakes_oom(&parser->mistakes);
		return;
	}
	interface->pos = parser->token.pos;
	do
		parse_ifname(parser, interface);
	while (policy_at_value(parser));
	parse_hooks(parser, interface);
}
