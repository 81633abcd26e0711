// SPDX-License-Identifier: GPL-2.0-only
#include "../../loader/policy.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct policy *parse(const char *text)
{
	struct policy *policy;

	assert_int_equal(policy_parse("test.weir", text, strlen(text), &policy), 0);
	assert_non_null(policy);
	return policy;
}

/* The rules of a hook, as a policy of one interface. */
static struct policy *parse_rules(const char *hook, const char *rules)
{
	_free_ char *text = NULL;

	assert_true(asprintf(&text, "interface eth0 {\n%s {\n%s\n}\n}\n", hook, rules) > 0);
	return parse(text);
}

static const struct rule *rule_of(const struct policy *policy, size_t i)
{
	assert_true(i < policy->interfaces[0].hooks[0].n_rules);
	return &policy->interfaces[0].hooks[0].rules[i];
}

static void assert_place(const struct pos *pos, unsigned int line, unsigned int col)
{
	assert_string_equal(pos->source->name, "test.weir");
	assert_int_equal(pos->line, line);
	assert_int_equal(pos->col, col);
}

static void every_node_has_its_place(void **state)
{
	_cleanup_(policy_freep) struct policy *p = parse("set a port { 80\n443 }\n"
							 "interface eth0 eth1 {\n"
							 "  tc egress {\n"
							 "    redirect eth2 if tcp ; use s o=5\n"
							 "  }\n"
							 "}\n");
	const struct action *use;

	(void)state;
	assert_place(&p->sets[0].pos, 1, 5);
	assert_place(&p->sets[0].elements[1].pos, 2, 1);
	assert_place(&p->interfaces[0].names[1].pos, 3, 16);
	assert_place(&p->interfaces[0].hooks[0].pos, 4, 3);
	assert_place(&rule_of(p, 0)->pos, 5, 5);
	assert_place(&rule_of(p, 0)->action.redirect.targets[0].pos, 5, 14);
	assert_place(&rule_of(p, 0)->expr_pos, 5, 22);
	use = &rule_of(p, 1)->action;
	assert_place(&use->pos, 5, 28);
	assert_place(&use->use.stage.pos, 5, 32);
	assert_place(&use->use.options[0].pos, 5, 34);
	assert_place(&use->use.options[0].value_pos, 5, 36);
}

static void an_expression_has_the_offsets_of_its_source(void **state)
{
	static const char text[] =
		"interface e { xdp {\n drop if  tcp \\\r\n  and\tport \\\n 80  # x\n} }";
	_cleanup_(policy_freep) struct policy *p = parse(text);
	const struct rule *rule = rule_of(p, 0);
	const char *start = strstr(text, "tcp");

	(void)state;
	assert_place(&rule->expr_pos, 2, 11);
	assert_int_equal(strlen(rule->expr), strstr(text, "  # x") - start);
	for (size_t i = 0; rule->expr[i]; i++)
		if (rule->expr[i] != ' ')
			assert_int_equal(rule->expr[i], start[i]);
	assert_string_equal(rule->label, "x");
}

static void prefixes_are_in_network_order(void **state)
{
	_cleanup_(policy_freep) struct policy *p =
		parse("set a prefix { 192.0.2.128/25 2001:db8::/33 192.0.2.1 ::1 }");
	const struct element *e = p->sets[0].elements;

	(void)state;
	assert_int_equal(p->sets[0].n_elements, 4);
	assert_int_equal(e[0].prefix.family, AF_INET);
	assert_int_equal(e[0].prefix.length, 25);
	assert_memory_equal(&e[0].prefix.addr, "\xc0\x00\x02\x80\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	assert_int_equal(e[1].prefix.family, AF_INET6);
	assert_int_equal(e[1].prefix.length, 33);
	assert_memory_equal(&e[1].prefix.addr, "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	assert_int_equal(e[2].prefix.length, 32);
	assert_int_equal(e[3].prefix.length, 128);
}

static void ports_macs_and_timeouts_are_read(void **state)
{
	_cleanup_(policy_freep) struct policy *p =
		parse("set a port dynamic { 80 1000-2000 timeout 2h }\n"
		      "set b mac counters { 02:00:5e:10:a:ff }\n");
	const struct element *e = p->sets[0].elements;

	(void)state;
	assert_true(p->sets[0].dynamic && !p->sets[0].counters);
	assert_true(!p->sets[1].dynamic && p->sets[1].counters);
	assert_int_equal(e[0].port.low, 80);
	assert_int_equal(e[0].port.high, 80);
	assert_int_equal(e[0].timeout_ms, 0);
	assert_int_equal(e[1].port.low, 1000);
	assert_int_equal(e[1].port.high, 2000);
	assert_int_equal(e[1].timeout_ms, 7200000);
	assert_memory_equal(p->sets[1].elements[0].mac, "\x02\x00\x5e\x10\x0a\xff", 6);
}

static void hooks_have_their_defaults(void **state)
{
	_cleanup_(policy_freep) struct policy *p =
		parse("interface a { xdp { } tc egress priority 7 { } }\n"
		      "interface b { xdp generic shared priority 0 miss drop { } }");
	const struct hook *plain = p->interfaces[0].hooks, *full = p->interfaces[1].hooks;

	(void)state;
	assert_int_equal(plain[0].kind, HOOK_XDP);
	assert_int_equal(plain[0].mode, XDP_AUTO);
	assert_int_equal(plain[0].miss, MISS_PASS);
	assert_false(plain[0].shared || plain[0].has_priority);
	assert_int_equal(plain[1].kind, HOOK_EGRESS);
	assert_true(plain[1].has_priority);
	assert_int_equal(plain[1].priority, 7);
	assert_int_equal(full->mode, XDP_GENERIC);
	assert_int_equal(full->miss, MISS_DROP);
	assert_true(full->shared && full->has_priority);
	assert_int_equal(full->priority, 0);
}

static void limits_are_in_units(void **state)
{
	_cleanup_(policy_freep) struct policy *p =
		parse_rules("xdp", "limit 20k/s per src/24 burst 40k else pass\n"
				   "limit 3Gbit/s per flow burst 5Mbit\n"
				   "limit 7/s");
	const struct action *a = &rule_of(p, 0)->action, *b = &rule_of(p, 1)->action;
	const struct action *c = &rule_of(p, 2)->action;

	(void)state;
	assert_int_equal(a->limit.rate.unit, LIMIT_PACKETS);
	assert_int_equal(a->limit.rate.per_second, 20000);
	assert_int_equal(a->limit.key, LIMIT_SRC);
	assert_int_equal(a->limit.key_bits, 24);
	assert_int_equal(a->limit.burst, 40000);
	assert_int_equal(a->otherwise->kind, ACTION_PASS);
	assert_int_equal(b->limit.rate.unit, LIMIT_BITS);
	assert_int_equal(b->limit.rate.per_second, 3000000000);
	assert_int_equal(b->limit.key, LIMIT_FLOW);
	assert_int_equal(b->limit.burst, 5000000);
	assert_null(b->otherwise);
	assert_int_equal(c->limit.key, LIMIT_RULE);
	assert_int_equal(c->limit.burst, 0);
}

static void actions_have_their_values(void **state)
{
	_cleanup_(policy_freep) struct policy *p = parse_rules(
		"xdp", "cpu 0-3,9 queue 64\nsocket s queues 2 else drop\nsyncookie wscale 0\n"
		       "capture snap 64 max 9/s\nsample 1/50\nuse ./x.o a=1");
	const struct action *cpu = &rule_of(p, 0)->action, *socket = &rule_of(p, 1)->action;
	const struct action *cookie = &rule_of(p, 2)->action, *capture = &rule_of(p, 3)->action;

	(void)state;
	assert_int_equal(cpu->cpu.n_cpus, 2);
	assert_int_equal(cpu->cpu.cpus[0].high, 3);
	assert_int_equal(cpu->cpu.cpus[1].low, 9);
	assert_int_equal(cpu->cpu.cpus[1].high, 9);
	assert_int_equal(cpu->cpu.queue, 64);
	assert_string_equal(socket->socket.name.text, "s");
	assert_int_equal(socket->socket.n_queues, 1);
	assert_int_equal(socket->otherwise->kind, ACTION_DROP);
	assert_int_equal(cookie->syncookie.mss, 0);
	assert_true(cookie->syncookie.has_wscale);
	assert_int_equal(capture->sample.snap, 64);
	assert_true(capture->sample.has_max);
	assert_int_equal(capture->sample.max.per_second, 9);
	assert_int_equal(rule_of(p, 4)->action.sample.one_in, 50);
	assert_int_equal(rule_of(p, 5)->action.use.stage.text[0], '/');
	assert_non_null(strstr(rule_of(p, 5)->action.use.stage.text, "/x.o"));
	assert_string_equal(rule_of(p, 5)->action.use.options[0].value, "1");
}

static void tc_actions_have_their_values(void **state)
{
	_cleanup_(policy_freep) struct policy *p = parse_rules(
		"tc ingress", "mark 0x2a/0xff\nmark 7\npriority 3\nvlan push 100\nvlan pop\n"
			      "redirect eth1 ingress");

	(void)state;
	assert_int_equal(rule_of(p, 0)->action.mark.value, 0x2a);
	assert_int_equal(rule_of(p, 0)->action.mark.mask, 0xff);
	assert_int_equal(rule_of(p, 1)->action.mark.mask, 0xffffffff);
	assert_int_equal(rule_of(p, 2)->action.priority, 3);
	assert_int_equal(rule_of(p, 3)->action.kind, ACTION_VLAN_PUSH);
	assert_int_equal(rule_of(p, 3)->action.vid, 100);
	assert_int_equal(rule_of(p, 4)->action.kind, ACTION_VLAN_POP);
	assert_true(rule_of(p, 5)->action.redirect.ingress);
}

static void bytecode_is_made_one_line(void **state)
{
	_cleanup_(policy_freep) struct policy *p =
		parse_rules("xdp", "drop if bytecode \"2\n40 0  0 12\r\n ,6 0 0 0\n\" # x");

	(void)state;
	assert_null(rule_of(p, 0)->expr);
	assert_string_equal(rule_of(p, 0)->bytecode, "2,40 0 0 12,6 0 0 0");
	assert_place(&rule_of(p, 0)->expr_pos, 3, 18);
	assert_string_equal(rule_of(p, 0)->label, "x");
}

static void a_rule_prints_as_one_line_without_its_label(void **state)
{
	char rules[2000] = "drop if   tcp", *text = NULL;
	_cleanup_(policy_freep) struct policy *p = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	for (int i = 0; i < 100; i++)
		strcat(rules, "  or udp");
	strcat(rules, " # label");
	p = parse_rules("xdp", rules);
	policy_print_rule(rule_of(p, 0), out);
	fclose(out);
	assert_int_equal(len, strlen("drop if tcp") + 100 * strlen(" or udp"));
	assert_null(strpbrk(text, "\n\\#"));
	free(text);
}

static void a_wrong_policy_is_what_could_be_read(void **state)
{
	static const char text[] = "interface e { xdp { dorp; drop if host x; pass } }";
	struct policy *policy;

	(void)state;
	assert_int_equal(policy_parse("x", text, strlen(text), &policy), -EINVAL);
	assert_int_equal(policy->interfaces[0].hooks[0].n_rules, 3);
	assert_true(rule_of(policy, 0)->broken);
	assert_false(rule_of(policy, 1)->broken);
	policy_free(policy);
	policy = (struct policy *)1;
	assert_int_equal(policy_read("/nowhere/at/all", &policy), -ENOENT);
	assert_null(policy);
	policy_free(NULL);
}

static void the_text_given_may_end_anywhere(void **state)
{
	static const char text[] = "interface e { xdp { drop if tcp } } # and more";
	struct policy *policy;

	(void)state;
	for (size_t len = 0; len < sizeof(text); len++) {
		_free_ char *exact =
			malloc(len ? len : 1); /* no byte to spare, for the sanitizer */

		memcpy(exact, text, len);
		policy_parse("x", exact, len, &policy);
		policy_free(policy);
	}
}

static void names_of_files_begin_where_they_are_named(void **state)
{
	static const char text[] = "set a port file \"unit-ports.txt\"";
	const char *folder = getenv("TMP") ? getenv("TMP") : "/tmp";
	_free_ char *here = getcwd(NULL, 0), *want = NULL;
	_cleanup_(policy_freep) struct policy *p = NULL;
	FILE *out;

	(void)state;
	assert_int_equal(chdir(folder), 0);
	out = fopen("unit-ports.txt", "w");
	fputs("80\n443\n", out);
	fclose(out);
	/* From memory, a file is relative to the working folder, whatever the text is called. */
	assert_int_equal(policy_parse("else/where", text, strlen(text), &p), 0);
	assert_int_equal(p->sets[0].n_elements, 2);
	assert_true(asprintf(&want, "%s/unit-ports.txt", folder) > 0);
	assert_string_equal(p->sets[0].file, want);
	assert_string_equal(p->sets[0].elements[1].pos.source->name, "unit-ports.txt");
	assert_int_equal(p->sets[0].elements[1].pos.line, 2);
	unlink("unit-ports.txt");
	assert_int_equal(chdir(here), 0);
}

static void finals_are_told_from_the_rest(void **state)
{
	_cleanup_(policy_freep) struct policy *p =
		parse_rules("xdp", "pass\ndrop\nreflect\nredirect e\ncpu 1\nsocket s\nsyncookie\n"
				   "count\nlimit 1/s\nsample 1/2\ncapture\nuse s");

	(void)state;
	for (size_t i = 0; i < 12; i++)
		assert_int_equal(policy_action_is_final(&rule_of(p, i)->action), i < 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_node_has_its_place),
		cmocka_unit_test(an_expression_has_the_offsets_of_its_source),
		cmocka_unit_test(prefixes_are_in_network_order),
		cmocka_unit_test(ports_macs_and_timeouts_are_read),
		cmocka_unit_test(hooks_have_their_defaults),
		cmocka_unit_test(limits_are_in_units),
		cmocka_unit_test(actions_have_their_values),
		cmocka_unit_test(tc_actions_have_their_values),
		cmocka_unit_test(bytecode_is_made_one_line),
		cmocka_unit_test(a_rule_prints_as_one_line_without_its_label),
		cmocka_unit_test(a_wrong_policy_is_what_could_be_read),
		cmocka_unit_test(the_text_given_may_end_anywhere),
		cmocka_unit_test(names_of_files_begin_where_they_are_named),
		cmocka_unit_test(finals_are_told_from_the_rest),
	};

	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
