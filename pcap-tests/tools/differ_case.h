/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A trial as a command line: what `differ` prints of a failure, and reads back.
 *
 *   differ case OPTIONS PACKET RULE...
 *
 * OPTIONS are words with commas between ("-": none): ingress, egress, socket (else XDP), frags,
 * helper, miss-drop, end=SLOT, linear=N.
 * PACKET is in hexadecimal ("-": none). A RULE is VERB[=ARG][ if EXPRESSION], where an EXPRESSION
 * may be bytecode "…", as in a policy.
 */
#pragma once
#include "differ_trial.h"

static const char *const verb_names[] = {
	[FILTER_PASS] = "pass",
	[FILTER_DROP] = "drop",
	[FILTER_REFLECT] = "reflect",
	[FILTER_REDIRECT] = "redirect",
	[FILTER_COUNT] = "count",
	[FILTER_JUMP] = "jump",
	[FILTER_MARK] = "mark",
	[FILTER_PRIORITY] = "priority",
	[FILTER_REDIRECT_INGRESS] = "redirect-ingress",
	[FILTER_VLAN_PUSH] = "vlan-push",
	[FILTER_VLAN_POP] = "vlan-pop",
};

static const char bytecode_word[] = "bytecode ";

static void show_rule(const struct filter_rule *rule, const struct expression *e)
{
	printf(" '%s=%u", verb_names[rule->verb], rule->arg);
	if (e && e->text) {
		printf(" if %s", e->text);
	} else if (e) {
		char *line = NULL;
		size_t size;
		FILE *out = need(open_memstream(&line, &size));

		cbpf_print_line(&e->law, out);
		fclose(out);
		printf(" if %s\"%.*s\"", bytecode_word, (int)strcspn(line, "\n"), line);
		free(line);
	}
	putchar('\'');
}

static const char *hook_word(const struct trial *t)
{
	if (t->run.hook == FILTER_XDP)
		return "";
	if (t->run.hook == FILTER_SOCKET)
		return ",socket";
	return t->tag_aside ? ",ingress" : ",egress";
}

static void show_case(const struct trial *t)
{
	const struct filter_run *run = &t->run;

	printf("differ case -%s%s%s%s", hook_word(t), run->frags ? ",frags" : "",
	       run->by_helper ? ",helper" : "", run->miss_drop ? ",miss-drop" : "");
	if (run->jump_at_end)
		printf(",end=%u", run->end_slot);
	if (t->packet.linear)
		printf(",linear=%u", t->packet.linear);
	putchar(' ');
	for (uint32_t i = 0; i < t->packet.len; i++)
		printf("%02x", t->packet.data[i]);
	if (!t->packet.len)
		putchar('-');
	for (size_t i = 0; i < run->n_rules; i++)
		show_rule(&t->rules[i], t->exprs[i]);
	putchar('\n');
}

static bool read_option(struct trial *t, const char *word)
{
	if (!strcmp(word, "-"))
		return true;
	if (!strcmp(word, "ingress") || !strcmp(word, "egress")) {
		t->tag_aside = *word == 'i';
		t->run.hook = FILTER_TC;
		return true;
	}
	if (!strcmp(word, "socket")) {
		t->run.hook = FILTER_SOCKET;
		return true;
	}
	if (!strcmp(word, "frags"))
		return t->run.frags = true;
	if (!strcmp(word, "helper"))
		return t->run.by_helper = true;
	if (!strcmp(word, "miss-drop"))
		return t->run.miss_drop = true;
	if (sscanf(word, "end=%u", &t->run.end_slot) == 1)
		return t->run.jump_at_end = true;
	return sscanf(word, "linear=%u", &t->packet.linear) == 1;
}

static bool read_options(struct trial *t, char *text)
{
	for (char *rest = text, *word; (word = strsep(&rest, ","));)
		if (!read_option(t, word))
			return false;
	return true;
}

static bool read_packet(struct trial *t, const char *hex)
{
	unsigned int byte;

	if (!strcmp(hex, "-"))
		return true;
	t->packet.data = need(malloc(strlen(hex) / 2 + 1));
	for (; sscanf(hex, "%2x", &byte) == 1; hex += hex[1] ? 2 : 1)
		t->packet.data[t->packet.len++] = byte;
	return !*hex && testrun_carries(t->packet.len);
}

static void read_expression(const char *text, struct expression *e)
{
	const struct pos nowhere = { 0 };
	_free_ char *line = NULL;
	struct cbpf prog;

	if (strncmp(text, bytecode_word, strlen(bytecode_word))) {
		if (!expression_of_text(text, e))
			exit(fail(1, "libpcap refuses this: %s", text));
		return;
	}
	line = need(strdup(text + strlen(bytecode_word) + 1));
	line[strcspn(line, "\"")] = '\0';
	if (cbpf_parse(line, &nowhere, &prog))
		exit(1);
	*e = expression_of_program(&prog);
	cbpf_free(&prog);
}

static bool read_rule(struct trial *t, const char *text)
{
	size_t i = t->run.n_rules, name = strcspn(text, "= ");
	struct filter_rule *rule = &t->rules[i];
	const char *condition = strstr(text, " if ");
	bool known = false;

	for (size_t v = 0; v < ARRAY_SIZE(verb_names) && !known; v++)
		if (verb_names[v] && strlen(verb_names[v]) == name &&
		    !strncmp(verb_names[v], text, name)) {
			rule->verb = v;
			known = true;
		}
	if (text[name] == '=')
		rule->arg = strtoul(text + name + 1, NULL, 10);
	rule->counter = WEIR_COUNTER_RULES + COUNTERS_A_RULE * i;
	if (condition) {
		struct expression *e = need(calloc(1, sizeof(*e)));

		read_expression(condition + 4, e);
		t->exprs[i] = e;
		rule->cbpf = &e->prog;
	}
	t->run.n_rules++;
	return known;
}

/* The trial of a command line; false: it is none. */
static bool read_case(struct trial *t, int n, char **words)
{
	*t = (struct trial){ 0 };
	if (n < 2 || n - 2 > RULES || !read_options(t, words[0]) || !read_packet(t, words[1]))
		return false;
	for (int i = 2; i < n; i++)
		if (!read_rule(t, words[i]))
			return false;
	return true;
}
