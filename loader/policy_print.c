// SPDX-License-Identifier: GPL-2.0-only
#include "policy.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

enum {
	WIDTH = 80,
	RULE_INDENT = 8,
	ACTION_ALIGNED =
		32, /* longer actions do not push the conditions of the others to the right */
	LABEL_ALIGNED = 60,
	ELEMENT_TEXT = 96,
};

/* A line that is being written: where it is, and where it goes on when it is full. */
struct line {
	FILE *out;
	unsigned int column, indent, width;
};

static void print_quoted(const char *text, FILE *out)
{
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

/* The next word of an expression, *len 0 at its end. */
static const char *next_word(const char *text, size_t *len)
{
	text += strspn(text, " \t");
	*len = strcspn(text, " \t");
	return text;
}

static bool is_operator(const char *word, size_t len)
{
	return (len == 2 &&
		(!memcmp(word, "or", 2) || !memcmp(word, "||", 2) || !memcmp(word, "&&", 2))) ||
	       (len == 3 && !memcmp(word, "and", 3));
}

/* The columns that a word takes with those behind it, up to the next `and` or `or`. */
static size_t clause_width(const char *text)
{
	size_t width = 0, len;

	for (text = next_word(text, &len); len; text = next_word(text + len, &len)) {
		if (width && is_operator(text, len))
			break;
		width += len + (width > 0);
	}
	return width;
}

/* Print an expression, its white space folded; full lines are joined by '\', before operators if it
 * can be. */
static void print_expression(const char *text, struct line *line)
{
	bool first = true;
	size_t len;

	for (text = next_word(text, &len); len; text = next_word(text + len, &len)) {
		size_t clause = is_operator(text, len) ? clause_width(text) : len;
		/* Two columns are the '\'s, if another line follows. */
		bool full = line->column + 1 + clause + 2 > line->width &&
			    line->column > line->indent + 1;

		if (!first && full && (clause == len || line->indent + clause + 2 <= line->width)) {
			fprintf(line->out, " \\\n%*s", line->indent, "");
			line->column = line->indent;
		} else if (!first) {
			line->column += fprintf(line->out, " ");
		}
		line->column += fprintf(line->out, "%.*s", (int)len, text);
		first = false;
	}
}

static void print_condition(const struct rule *rule, struct line *line)
{
	if (rule->bytecode)
		line->column += fprintf(line->out, "if bytecode \"%s\"", rule->bytecode);
	if (!rule->expr)
		return;
	line->column += fprintf(line->out, "if ");
	line->indent = line->column;
	print_expression(rule->expr, line);
}

void policy_print_rule(const struct rule *rule, FILE *out)
{
	struct line line = { .out = out, .width = UINT_MAX };

	policy_print_action(&rule->action, out);
	if (rule->expr || rule->bytecode)
		fputc(' ', out);
	print_condition(rule, &line);
}

/* Where the columns of a hook's rules begin. */
struct layout {
	unsigned int condition, label;
};

static unsigned int action_width(const struct action *action)
{
	_free_ char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return 0;
	policy_print_action(action, out);
	fclose(out);
	return len;
}

static unsigned int expression_width(const char *text)
{
	unsigned int width = 0;
	size_t len;

	for (text = next_word(text, &len); len; text = next_word(text + len, &len))
		width += len + (width > 0);
	return width;
}

static bool is_conditional(const struct rule *rule)
{
	return rule->expr || rule->bytecode;
}

static void lay_out(const struct hook *hook, struct layout *layout)
{
	layout->condition = RULE_INDENT;
	layout->label = 0;
	for (size_t i = 0; i < hook->n_rules; i++) {
		unsigned int width = action_width(&hook->rules[i].action);

		if (is_conditional(&hook->rules[i]) && width <= ACTION_ALIGNED &&
		    RULE_INDENT + width + 1 > layout->condition)
			layout->condition = RULE_INDENT + width + 1;
	}
	for (size_t i = 0; i < hook->n_rules; i++) {
		const struct rule *rule = &hook->rules[i];
		unsigned int end = RULE_INDENT + action_width(&rule->action);

		if (is_conditional(rule))
			end = end + 1 > layout->condition ? end + 1 : layout->condition;
		if (rule->expr)
			end += 3 + expression_width(rule->expr);
		if (rule->label && end + 2 <= LABEL_ALIGNED && end + 2 > layout->label)
			layout->label = end + 2;
	}
}

/* Blanks up to a column, at least `least`. */
static void pad(struct line *line, unsigned int column, unsigned int least)
{
	unsigned int n = column > line->column + least ? column - line->column : least;

	line->column += fprintf(line->out, "%*s", (int)n, "");
}

static void print_label(const char *label, const struct layout *layout, struct line *line)
{
	pad(line, layout->label, 2);
	fprintf(line->out, "# %s", label);
}

static void print_rule(const struct rule *rule, const struct layout *layout, FILE *out)
{
	struct line line = { .out = out, .width = WIDTH };

	pad(&line, RULE_INDENT, 0);
	line.column += action_width(&rule->action);
	policy_print_action(&rule->action, out);
	if (is_conditional(rule))
		pad(&line, layout->condition, 1);
	print_condition(rule, &line);
	if (rule->label)
		print_label(rule->label, layout, &line);
	fputc('\n', out);
}

void policy_print_hook_head(const struct hook *hook, FILE *out)
{
	fputs(policy_hook_name(hook->kind), out);
	if (hook->kind == HOOK_XDP)
		fprintf(out, " %s", policy_mode_name(hook->mode));
	if (hook->shared)
		fputs(" shared", out);
	if (hook->has_priority)
		fprintf(out, " priority %u", hook->priority);
	if (hook->miss != MISS_PASS)
		fprintf(out, " miss %s", policy_miss_name(hook->miss));
}

static void print_hook(const struct hook *hook, FILE *out)
{
	struct layout layout;

	fputs("    ", out);
	policy_print_hook_head(hook, out);
	if (!hook->n_rules) {
		fputs(" { }\n", out);
		return;
	}
	fputs(" {\n", out);
	lay_out(hook, &layout);
	for (size_t i = 0; i < hook->n_rules; i++)
		print_rule(&hook->rules[i], &layout, out);
	fputs("    }\n", out);
}

static void print_interface(const struct interface *interface, FILE *out)
{
	fputs("interface", out);
	for (size_t i = 0; i < interface->n_names; i++)
		fprintf(out, " %s", interface->names[i].text);
	if (!interface->n_hooks) {
		fputs(" { }\n", out);
		return;
	}
	fputs(" {\n", out);
	for (size_t i = 0; i < interface->n_hooks; i++)
		print_hook(&interface->hooks[i], out);
	fputs("}\n", out);
}

static size_t put_prefix(const struct element *element, char *text, size_t size)
{
	char address[INET6_ADDRSTRLEN];

	inet_ntop(element->prefix.family, &element->prefix.addr, address, sizeof(address));
	if (element->prefix.length == (element->prefix.family == AF_INET ? 32 : 128))
		return snprintf(text, size, "%s", address);
	return snprintf(text, size, "%s/%u", address, element->prefix.length);
}

static size_t put_port(const struct element *element, char *text, size_t size)
{
	if (element->port.low == element->port.high)
		return snprintf(text, size, "%u", element->port.low);
	return snprintf(text, size, "%u-%u", element->port.low, element->port.high);
}

static size_t put_mac(const struct element *element, char *text, size_t size)
{
	const uint8_t *mac = element->mac;

	return snprintf(text, size, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
			mac[4], mac[5]);
}

/* " timeout 30s": in the largest unit that holds it. */
static size_t put_timeout(uint64_t ms, char *text, size_t size)
{
	static const struct {
		uint64_t ms;
		const char *suffix;
	} units[] = {
		{ 86400000, "d" }, { 3600000, "h" }, { 60000, "m" }, { 1000, "s" }, { 1, "ms" }
	};
	size_t i = 0;

	if (!ms)
		return 0;
	while (ms % units[i].ms)
		i++;
	return snprintf(text, size, " timeout %" PRIu64 "%s", ms / units[i].ms, units[i].suffix);
}

/* An element as it is written; returns its width. */
static size_t put_element(enum set_type type, const struct element *element,
			  char text[ELEMENT_TEXT])
{
	static size_t (*const put[])(const struct element *, char *, size_t) = {
		[SET_PREFIX] = put_prefix,
		[SET_PORT] = put_port,
		[SET_MAC] = put_mac,
	};
	size_t len = put[type](element, text, ELEMENT_TEXT);

	return len + put_timeout(element->timeout_ms, text + len, ELEMENT_TEXT - len);
}

/* Whether all elements have room in a line's last `room` columns. */
static bool fits(const struct set *set, size_t room)
{
	char text[ELEMENT_TEXT];
	size_t width = 0;

	for (size_t i = 0; i < set->n_elements && width <= room; i++)
		width += put_element(set->type, &set->elements[i], text) + 1;
	return width <= room;
}

static void print_elements(const struct set *set, struct line *line)
{
	char text[ELEMENT_TEXT];

	for (size_t i = 0; i < set->n_elements; i++) {
		size_t width = put_element(set->type, &set->elements[i], text);

		if (line->column + 1 + width > line->width) {
			fprintf(line->out, "\n%*s", (int)line->indent - 1, "");
			line->column = line->indent - 1;
		}
		line->column += fprintf(line->out, " %s", text);
	}
}

void policy_print_set(const struct set *set, FILE *out)
{
	static const char *const types[] = { "prefix", "port", "mac" };
	struct line line = { .out = out, .indent = 4, .width = WIDTH };

	line.column = fprintf(out, "set %s %s%s%s", set->name, types[set->type],
			      set->dynamic ? " dynamic" : "", set->counters ? " counters" : "");
	if (set->file) {
		fputs(" file ", out);
		print_quoted(set->file, out);
		fputc('\n', out);
		return;
	}
	fputs(" {", out);
	if (fits(set, WIDTH - line.column - 4)) {
		line.width = UINT_MAX;
		print_elements(set, &line);
		fputs(" }\n", out);
		return;
	}
	line.column = WIDTH;
	print_elements(set, &line);
	fputs("\n}\n", out);
}

void policy_print(const struct policy *policy, FILE *out)
{
	for (size_t i = 0; i < policy->n_sets; i++)
		policy_print_set(&policy->sets[i], out);
	for (size_t i = 0; i < policy->n_interfaces; i++) {
		if (i || policy->n_sets)
			fputc('\n', out);
		print_interface(&policy->interfaces[i], out);
	}
}
