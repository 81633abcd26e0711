// SPDX-License-Identifier: GPL-2.0-only
/* Expressions as trees: words, precedence, inherited qualifiers, mistakes and their places, bounds.
 */

/* Ahead of cmocka, whose macro fail() would meet our function. */
#include "../../loader/filter/grammar.h"
#include "../../loader/filter/grammar_lex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <time.h>

enum { MANY = 10000, MEGABYTE = 1 << 20 };

/* Messages are looked at by fail_messages(); stderr is kept for cmocka. */
static FILE *silence(void)
{
	static FILE *nowhere;
	FILE *err = stderr;

	if (!nowhere)
		nowhere = fopen("/dev/null", "w");
	stderr = nowhere;
	return err;
}

static int parse_quietly(const char *text, const struct pos *pos, struct grammar **out)
{
	FILE *err = silence();
	int status = grammar_parse(text, pos, out);

	stderr = err;
	return status;
}

static int check_quietly(const char *text, const struct pos *pos, enum grammar_use use,
			 struct grammar_error *error)
{
	_cleanup_(grammar_freep) struct grammar *grammar = NULL;
	FILE *err = silence();
	int status = grammar_check(text, pos, use, error, &grammar);

	stderr = err;
	return status;
}

static char *print(const struct grammar *grammar)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	grammar_print(grammar, out);
	fclose(out);
	return text;
}

/* What it prints is `want`, which prints to itself. */
static void prints(const char *text, const char *want)
{
	const char *const texts[] = { text, want };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_(grammar_freep) struct grammar *grammar = NULL;
		_free_ char *printed = NULL;

		if (parse_quietly(texts[i], NULL, &grammar))
			fail_msg("'%s' is refused", texts[i]);
		printed = print(grammar);
		assert_string_equal(printed, want);
	}
}

static struct pos at_start(struct source *source, const char *text)
{
	*source = (struct source){ (char *)"test", (char *)text, strlen(text) };
	return (struct pos){ source, 1, 1 };
}

static const struct fail_message *last_message(void)
{
	const struct fail_message *messages;
	size_t n = fail_messages(&messages);

	assert_true(n > 0);
	return &messages[n - 1];
}

/* Refused by the parser, at that column, with that message. */
static void refused(const char *text, unsigned int col, const char *message)
{
	_cleanup_(grammar_freep) struct grammar *grammar = NULL;
	struct source source;
	const struct pos pos = at_start(&source, text);

	assert_int_equal(parse_quietly(text, &pos, &grammar), -EINVAL);
	assert_null(grammar);
	assert_string_equal(last_message()->text, message);
	assert_int_equal(last_message()->line, 1);
	assert_int_equal(last_message()->col, col);
}

/* Passes the check, or is refused at that column with that message. */
static void checked(enum grammar_use use, const char *text, unsigned int col, const char *message)
{
	struct grammar_error error;
	struct source source;
	const struct pos pos = at_start(&source, text);

	if (!col) {
		assert_int_equal(check_quietly(text, &pos, use, &error), 0);
		return;
	}
	assert_int_equal(check_quietly(text, &pos, use, &error), -EINVAL);
	assert_string_equal(last_message()->text, message);
	assert_int_equal(last_message()->col, col);
}

static void lexes(const char *text, enum lex_kind kind, size_t len)
{
	const struct lex_token token = grammar_lex(text, 0);

	if (token.kind != kind || token.len != len)
		fail_msg("'%s': kind %d, length %zu, not %d, %zu", text, (int)token.kind, token.len,
			 (int)kind, len);
}

static void test_tokens(void **unused)
{
	(void)unused;
	lexes(" \t\r\n", LEX_END, 0);
	lexes("tcp", LEX_PROTO, 3);
	lexes("tcp-syn", LEX_NUMBER, 7);
	lexes("tcp-sync", LEX_NAME, 8);
	lexes("tcp-", LEX_PROTO, 3);
	lexes("Tcp", LEX_NAME, 3);
	lexes("es-is", LEX_PROTO, 5);
	lexes("icmp6-echo", LEX_NUMBER, 10);
	lexes("\\tcp)", LEX_NAME, 4);
	lexes("\\", LEX_BAD, 1);
	lexes("0x1F", LEX_NUMBER, 4);
	lexes("0x", LEX_NAME, 2);
	lexes("017", LEX_NUMBER, 3);
	lexes("80-90", LEX_NAME, 5);
	lexes("a_b.", LEX_NAME, 4);
	lexes("a_-", LEX_NAME, 1);
	lexes("10.1", LEX_IPV4, 4);
	lexes("10.1.", LEX_NAME, 5);
	lexes("1.2.3.4.5", LEX_NAME, 9);
	lexes("1.2.3.4.5.6", LEX_MAC, 11);
	lexes("0x1.2.3.4", LEX_IPV4, 9);
	lexes("$2aa", LEX_ARCNET, 3);
	lexes("$g", LEX_BAD, 1);
	lexes("&&", LEX_AND, 2);
	lexes("&=", LEX_OPERATOR, 1);
	lexes("==", LEX_RELATION, 2);
	lexes("<<1", LEX_OPERATOR, 2);
	lexes("!=", LEX_RELATION, 2);
	lexes("!1", LEX_NOT, 1);
	lexes("in\n@a", LEX_IN, 2);
	lexes("in a", LEX_NAME, 2);
	lexes("@a-b_1,", LEX_SET, 6);
	lexes("@1", LEX_BAD, 1);
	lexes("\xc3", LEX_BAD, 1);
	lexes("any-vlan", LEX_ANY_VLAN, 8);
}

static void test_addresses(void **unused)
{
	(void)unused;
	lexes("0:1:2:3:4:5", LEX_MAC, 11);
	lexes("00:11:22:33:44:555", LEX_MAC, 17);
	lexes("ab-cd-ef-0-1-2", LEX_MAC, 14);
	lexes("ab-cd-ef-0-1-2x", LEX_NAME, 15);
	lexes("abcd.ef00.0001", LEX_MAC, 14);
	lexes("abcdef000001", LEX_MAC, 12);
	lexes("123456789012", LEX_MAC, 12);
	lexes("1234567890123", LEX_NUMBER, 13);
	lexes("1:2:3 ", LEX_MAC, 4); /* bogus: libpcap has words for it */
	lexes("1:2", LEX_NUMBER, 1);
	lexes("::", LEX_IPV6, 2);
	lexes(":1", LEX_COLON, 1);
	lexes("::1]", LEX_IPV6, 3);
	lexes("::12345", LEX_IPV6, 6);
	lexes("1:2:3:4:5:6:7:8", LEX_IPV6, 15);
	lexes("1:2:3:4:5:6:7::", LEX_IPV6, 15);
	lexes("1::2:3:4:5:6:7", LEX_IPV6, 14);
	lexes("1::2:3:4:5:6:7:8", LEX_MAC, 15); /* bogus as well */
	lexes("1::2::3", LEX_MAC, 6);
	lexes("::ffff:1.2.3.4", LEX_IPV6, 14);
	lexes("1:2:3:4:5:6:1.2.3.4", LEX_IPV6, 19);
	lexes("abcde::1", LEX_NAME, 5);
	lexes("2001:db8::/32", LEX_IPV6, 10);
}

static void test_precedence(void **unused)
{
	(void)unused;
	prints("", "");
	prints("tcp or udp and ip", "(tcp or udp) and ip");
	prints("tcp or (udp and ip)", "tcp or (udp and ip)");
	prints("(tcp or udp) or ip||arp", "tcp or udp or ip or arp");
	prints("tcp or (udp or ip)", "tcp or (udp or ip)");
	prints("not tcp and udp", "not tcp and udp");
	prints("!(tcp and udp)", "not (tcp and udp)");
	prints("not not ip", "not not ip");
	prints("any-vlan tcp port 25 and ip", "any-vlan tcp port 25 and ip");
	prints("not any-vlan(tcp or udp)", "not any-vlan (tcp or udp)");
}

static void test_arithmetic(void **unused)
{
	(void)unused;
	prints("ip[0]&0xf!=5", "ip[0] & 0xf != 5");
	prints("tcp[tcpflags]&(tcp-syn|tcp-ack)=tcp-syn",
	       "tcp[tcpflags] & (tcp-syn | tcp-ack) = tcp-syn");
	prints("len > 1 | 2 & 3 << 4 + 5 * 6", "len > 1 | (2 & (3 << (4 + (5 * 6))))");
	prints("len * 2 + 3 - 4 = 5", "((len * 2) + 3) - 4 = 5");
	prints("1 - 2 - 3 = len", "1 - 2 - 3 = len");
	prints("1 - (2 - 3) = len", "1 - (2 - 3) = len");
	prints("ip[ip[0] & 0xf << 2:2] == 1", "ip[ip[0] & (0xf << 2):2] == 1");
	prints("-len + 1 >= (((5)))", "-len + 1 >= 5");
	prints("(5) = len and port (80)", "5 = len and port 80");
}

/* The two operators that libpcap gives no precedence. */
static void test_loose_operators(void **unused)
{
	(void)unused;
	prints("len % 2 + 3 = 1", "len % (2 + 3) = 1");
	prints("len * 2 % 3 = 1", "len * (2 % 3) = 1");
	prints("len ^ 2 ^ 3 = 1", "len ^ (2 ^ 3) = 1");
	prints("-len % 3 = 1", "-(len % 3) = 1");
	prints("(-len) % 3 = 1", "(-len) % 3 = 1");
}

static void test_inheritance(void **unused)
{
	(void)unused;
	prints("port 53 or 80 or smtp", "port 53 or port 80 or port smtp");
	prints("tcp dst port (53 or 80)", "tcp dst port 53 or tcp dst port 80");
	prints("src host 1.2.3.4 or not 5.6.7.8", "src host 1.2.3.4 or not src host 5.6.7.8");
	prints("not host ::1 and fe80::/10", "not host ::1 and host fe80::/10");
	prints("ip host 1.1.1.1 and (2.2.2.2 or 3.3.3.3)",
	       "ip host 1.1.1.1 and (ip host 2.2.2.2 or ip host 3.3.3.3)");
	prints("port 80 and (src 1.1.1.1 or tcp) or 443",
	       "(port 80 and (src 1.1.1.1 or tcp)) or port 443");
	prints("dst or src net 10.0/8 or 10.0.0.0 mask 255.0.0.0",
	       "src or dst net 10.0/8 or src or dst net 10.0.0.0 mask 255.0.0.0");
}

static void test_words(void **unused)
{
	(void)unused;
	prints("vlan  10 and pppoes(5)", "vlan 10 and pppoes (5)");
	prints("ether  broadcast", "ether broadcast");
	prints("byte 8&5", "byte 8 & 5");
	prints("wlan type mgt  subtype beacon", "wlan type mgt subtype beacon");
	prints("vpi(5 or\n6)", "vpi (5 or 6)");
	prints("llc rnr or llc s", "llc rnr or llc s");
	prints("ip proto \\tcp or 6", "ip proto \\tcp or ip proto 6");
}

static void test_sets(void **unused)
{
	static const struct {
		const char *name;
		enum grammar_place place;
		enum grammar_dir dir;
	} want[] = {
		{ "a", GRAMMAR_ADDRESS, GRAMMAR_SRC },
		{ "web-1", GRAMMAR_PORT_NUMBER, GRAMMAR_DST },
		{ "m", GRAMMAR_MAC_ADDRESS, GRAMMAR_SRC },
		{ "n", GRAMMAR_MAC_ADDRESS, GRAMMAR_SRC },
		{ "b", GRAMMAR_ADDRESS, GRAMMAR_SRC_OR_DST },
	};
	_cleanup_(grammar_freep) struct grammar *grammar = NULL;
	const char *text =
		"src in @a and tcp dst port in @web-1 or not ether src (in @m or in @n) and "
		"src or dst net in @b";
	const struct grammar_node *node;
	size_t i = 0, n = 0;

	(void)unused;
	assert_int_equal(parse_quietly(text, NULL, &grammar), 0);
	while ((node = grammar_next(grammar, GRAMMAR_SET, &i))) {
		assert_true(n < ARRAY_SIZE(want));
		assert_int_equal(node->value.len, strlen(want[n].name));
		assert_memory_equal(text + node->value.at, want[n].name, node->value.len);
		assert_int_equal(node->place, want[n].place);
		assert_int_equal(node->quals.dir, want[n].dir);
		n++;
	}
	assert_int_equal(n, ARRAY_SIZE(want));
	assert_int_equal(grammar->n_primitives, 5);
	assert_int_equal(grammar->depth, 2);
	prints("host in @a or in @b", "host in @a or host in @b");
	refused("portrange in @a", 11,
		"no set holds a range of ports; a set holds ranges itself: write 'port in @…'");
	refused("ip proto in @a", 10, "no set holds a protocol");
	refused("tcp and in @a", 9, "'in' needs a word before it, such as 'host' or 'src'");
	refused("src in @", 8, "expected the name of a set, not '@'");
}

static void test_errors(void **unused)
{
	(void)unused;
	refused("tcp nad udp", 5,
		"expected 'and', 'or' or the end, not 'nad'; did you mean 'and'?");
	refused("tpc port 80", 1,
		"expected a primitive such as 'tcp port 80', not 'tpc'; did you mean 'tcp'?");
	refused("tcp and", 8,
		"expected a primitive such as 'tcp port 80', but the expression ends");
	refused("(tcp or udp", 12, "expected 'and', 'or' or ')', but the expression ends");
	refused("tcp) or udp", 4, "expected 'and', 'or' or the end, not ')'");
	refused("1.2.3.4", 1, "'1.2.3.4' needs a word before it, such as 'host' or 'src'");
	refused("tcp or 80", 8, "'80' needs a word before it, such as 'port' or 'proto'");
	refused("any-vlan port 80 or 443", 21,
		"'443' needs a word before it, such as 'port' or 'proto'");
	refused("port 80 or (443 or tcp)", 20, "expected a value, not 'tcp'");
	refused("src port", 9, "expected a port, but the expression ends");
	refused("ether host tcp", 12, "expected a MAC address, not 'tcp'");
	refused("ip[0] & 1", 10, "expected a comparison, but the expression ends");
	refused("ip[0 = 1", 6, "expected ':' or ']', not '='");
	refused("ip[0:x] = 1", 6, "expected a number of bytes (1, 2 or 4), not 'x'");
	refused("tcp {", 5, "expected 'and', 'or' or the end, not '{'");
	refused("src or 1.2.3.4", 8, "expected 'dst', not '1.2.3.4'");
	refused("net 10/8", 7, "expected 'and', 'or' or the end, not '/'");
	refused("net 10.0.0.0 mask 8", 19, "expected a mask such as 255.255.0.0, not '8'");
}

static void test_names(void **unused)
{
	(void)unused;
	checked(GRAMMAR_FILTER, "tcp and host foo", 14,
		"host names are not looked up; write the address of 'foo'");
	checked(GRAMMAR_POLICY, "src 1.1.1.1 or (2.2.2.2 and www.example.org)", 29,
		"host names are not looked up; write the address of 'www.example.org'");
	checked(GRAMMAR_FILTER, "host \\a\x1b[1m\xc3", 6,
		"host names are not looked up; write the address of 'a?[1m?'");
	checked(GRAMMAR_FILTER, "host \\port", 6,
		"host names are not looked up; write the address of 'port'");
	checked(GRAMMAR_FILTER, "ether src foo", 11,
		"host names are not looked up; write the MAC address of 'foo'");
	checked(GRAMMAR_FILTER, "net loopback", 5,
		"names of networks are not looked up; write the address of 'loopback'");
	checked(GRAMMAR_FILTER, "gateway foo", 9,
		"'gateway' needs a host name, and host names are not looked up; write 'ether host "
		"MAC and not host ADDRESS' for 'foo'");
	checked(GRAMMAR_FILTER, "host 1.2.3.4.5 or tcp", 6,
		"host names are not looked up; write the address of '1.2.3.4.5'");
	checked(GRAMMAR_FILTER, "port smtp or portrange smtp-http or proto ospf", 0, NULL);
	checked(GRAMMAR_FILTER, "host \\10.1.2.3 or \\::1 or \\fe80::1%lo", 0, NULL);
	/* A name before a syntax error: libpcap would have looked it up by then. */
	checked(GRAMMAR_FILTER, "host foo and and", 6,
		"host names are not looked up; write the address of 'foo'");
}

static void test_names_are_read_to_their_end(void **unused)
{
	char text[256];

	(void)unused;
	snprintf(text, sizeof(text), "host \\%080d.1.2.3.example.org", 0);
	checked(GRAMMAR_FILTER, text, 6,
		"host names are not looked up; write the address of '"
		"0000000000000000000000000000000000000000000000000000000000000000'");
}

static void test_every_name_is_reported(void **unused)
{
	const struct fail_message *messages;
	struct grammar_error error;
	size_t before = fail_messages(&messages);

	(void)unused;
	assert_int_equal(check_quietly("host a1 or b2", NULL, GRAMMAR_FILTER, &error), -EINVAL);
	assert_int_equal(fail_messages(&messages), before + 2);
}

static void test_uses(void **unused)
{
	static const char *const words[] = { "inbound",	   "outbound",	   "ifindex 2",
					     "on eth0",	   "ifname x",	   "rset x",
					     "ruleset x",  "rnr 1",	   "rulenum 1",
					     "srnr 1",	   "subrulenum 1", "reason match",
					     "action pass" };
	struct grammar_error error;

	(void)unused;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		checked(GRAMMAR_FILTER, words[i], 0, NULL);
		assert_int_equal(check_quietly(words[i], NULL, GRAMMAR_POLICY, &error), -EINVAL);
	}
	checked(GRAMMAR_POLICY, "tcp and ifindex 2", 9,
		"'ifindex': the interface is not in a packet's bytes; leave it out, and put the rule "
		"in the block of that interface");
	checked(GRAMMAR_POLICY, "llc rnr", 0, NULL);
	checked(GRAMMAR_POLICY, "src in @a", 0, NULL);
	checked(GRAMMAR_FILTER, "src in @a", 8,
		"sets belong to a policy; write out what 'a' holds");
}

/* What the caller may give to libpcap after a syntax error. */
static void test_prefix(void **unused)
{
	struct grammar_error error;

	(void)unused;
	assert_int_equal(check_quietly("tcp tcp and host foo", NULL, GRAMMAR_FILTER, &error),
			 GRAMMAR_SYNTAX);
	assert_int_equal(error.at, 4);
	assert_int_equal(error.until, 7);
	/* These libpcap would take for names. */
	assert_int_equal(check_quietly("src any-vlan", NULL, GRAMMAR_FILTER, &error), -EINVAL);
	assert_int_equal(check_quietly("src in @a udp", NULL, GRAMMAR_POLICY, &error), -EINVAL);
}

/* `n` times `part` between two texts. */
static char *repeat(const char *before, const char *part, size_t n, const char *after)
{
	size_t len = strlen(part);
	char *text = malloc(strlen(before) + n * len + strlen(after) + 1), *p;

	assert_non_null(text);
	p = stpcpy(text, before);
	for (size_t i = 0; i < n; i++)
		p = stpcpy(p, part);
	strcpy(p, after);
	return text;
}

static int try_repeated(const char *before, const char *part, size_t n, const char *after,
			struct grammar_error *error)
{
	_cleanup_(grammar_freep) struct grammar *grammar = NULL;
	_free_ char *text = repeat(before, part, n, after);

	return grammar_read(text, &grammar, error);
}

static void too_deep(const char *before, const char *part, const char *after)
{
	struct grammar_error error;

	assert_int_equal(try_repeated(before, part, MANY, after, &error), -EINVAL);
	assert_string_equal(error.text, "the expression is nested more than 1000 deep");
	assert_int_equal(error.at, strlen(before) + strlen(part) * GRAMMAR_DEPTH_MAX);
	assert_false(error.syntax);
}

static void test_depth(void **unused)
{
	struct grammar_error error;

	(void)unused;
	too_deep("", "(", "");
	too_deep("", "not ", "tcp");
	too_deep("", "any-vlan ", "tcp");
	too_deep("0 = ", "-", "1");
	too_deep("port ", "(", "");
	assert_int_equal(try_repeated("", "ip[", MANY, "0] = 1", &error), -EINVAL);
	assert_int_equal(try_repeated("1 = 1", " ^ 1", MANY, "", &error), -EINVAL);
	assert_int_equal(try_repeated("", "not ", GRAMMAR_DEPTH_MAX, "tcp", &error), 0);
	assert_int_equal(try_repeated("", "not ", GRAMMAR_DEPTH_MAX + 1, "tcp", &error), -EINVAL);
}

static void too_many(const char *before, const char *part, const char *after, const char *what)
{
	struct grammar_error error;

	assert_int_equal(try_repeated(before, part, MEGABYTE / strlen(part), after, &error),
			 -EINVAL);
	assert_string_equal(error.text, what);
	assert_false(error.syntax);
}

static void test_numbers_of_things(void **unused)
{
	static const char primitives[] = "the expression has more than 100000 primitives";
	static const char terms[] = "this comparison has more than 4000 numbers and operators";
	struct grammar_error error;

	(void)unused;
	too_many("tcp", " or udp", "", primitives);
	too_many("port 1", " or 2", "", primitives);
	too_many("port 1", " or 2 and 3", "",
		 "'and' and 'or' take turns more than 1000 times: put what belongs together in "
		 "parentheses");
	too_many("port (1", " or 2", ")", primitives);
	too_many("vpi (1", " or 2", ")", primitives);
	too_many("len = 1", "+1", "", terms);
	assert_int_equal(try_repeated("tcp", " or udp", GRAMMAR_PRIMITIVES_MAX - 1, "", &error), 0);
	assert_int_equal(try_repeated("tcp", " or udp", GRAMMAR_PRIMITIVES_MAX, "", &error),
			 -EINVAL);
}

/* The longest trees that there can be print, and are freed. */
static void test_largest(void **unused)
{
	static const struct {
		const char *before, *part, *after;
		size_t n;
	} texts[] = {
		{ "tcp", " or udp", "", GRAMMAR_PRIMITIVES_MAX - 1 },
		{ "tcp", " or udp and ip", "", GRAMMAR_DEPTH_MAX / 2 },
		{ "len = 1", " + 1", "", GRAMMAR_TERMS_MAX / 2 - 2 },
		{ "", "not ", "tcp", GRAMMAR_DEPTH_MAX },
	};

	(void)unused;
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		_cleanup_(grammar_freep) struct grammar *grammar = NULL;
		_free_ char *text =
			repeat(texts[i].before, texts[i].part, texts[i].n, texts[i].after);
		_free_ char *printed = NULL;

		assert_int_equal(parse_quietly(text, NULL, &grammar), 0);
		printed = print(grammar);
		assert_true(strlen(printed) >= strlen(text));
	}
}

static void test_time(void **unused)
{
	static const char *const parts[] = { "(",  "not ", "tcp or ", "1+",	  "a",	   " ",
					     "1:", "::",   "(1 or ",  "ip[0] = ", "port ", "\\" };
	struct grammar_error error;
	clock_t start = clock();

	(void)unused;
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		try_repeated("", parts[i], MEGABYTE / strlen(parts[i]), "", &error);
	/* A second here, and ten where the processor is emulated: what is quadratic takes hours. */
	assert_true(clock() - start < 10 * CLOCKS_PER_SEC);
}

/* An expression of a policy's, its lines joined. */
static void test_place(void **unused)
{
	static char text[] = "xdp {\n\tdrop if tcp and \\\n\t\thost foo\n}\n";
	const struct source source = { (char *)"edge.weir", text, sizeof(text) - 1 };
	const struct pos pos = { &source, 2, 10 };
	struct grammar_error error;

	(void)unused;
	assert_int_equal(check_quietly("tcp and   \t\thost foo", &pos, GRAMMAR_POLICY, &error),
			 -EINVAL);
	assert_int_equal(last_message()->line, 3);
	assert_int_equal(last_message()->col, 8);
	/* A text that is longer than its source, or has none. */
	assert_int_equal(grammar_pos(&pos, MANY).line, 5);
	assert_null(grammar_pos(NULL, 5).source);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_precedence),
		cmocka_unit_test(test_arithmetic),
		cmocka_unit_test(test_loose_operators),
		cmocka_unit_test(test_inheritance),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_names_are_read_to_their_end),
		cmocka_unit_test(test_every_name_is_reported),
		cmocka_unit_test(test_uses),
		cmocka_unit_test(test_prefix),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_numbers_of_things),
		cmocka_unit_test(test_largest),
		cmocka_unit_test(test_time),
		cmocka_unit_test(test_place),
	};

	return cmocka_run_group_tests_name("grammar", tests, NULL, NULL);
}
