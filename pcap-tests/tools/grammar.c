// SPDX-License-Identifier: GPL-2.0-only
/*
 * weir's parser of expressions against libpcap's. For any text:
 *
 *  - what libpcap takes without asking for a name, the parser reads;
 *  - what grammar_check() passes on, or gives back as a prefix to hear libpcap's words for, makes
 *    libpcap ask for no name; and libpcap refuses such a prefix;
 *  - what both take prints back to text for which libpcap makes the same program, optimised or not,
 *    and which prints to itself.
 *
 *   grammar accepted FILE…         every line, which libpcap and the parser must take
 *   grammar refused FILE…          every line, which libpcap or the parser must refuse
 *   grammar random SEED N          texts drawn from the grammar (grammar_gen.h)
 *   grammar mutated SEED N FILE…   lines, and texts as above, cut, doubled, mixed, misspelt
 *   grammar show TEXT              what it prints back
 *
 * Prints TAP. libpcap's resolver is replaced by one that knows numbers only and remembers who
 * asked.
 */
#include <dlfcn.h>
#include <netinet/ether.h>
#include <netdb.h>
#include <pcap.h>
#include <string.h>

#include "../../loader/filter/expr.h"
#include "../../loader/filter/grammar.h"

enum { SNAPLEN = 262144, SHOWN_FAILURES = 10, MUTATED_MAX = 600, SAMPLES = 200 };

/* The name that libpcap asked for; empty: none. */
static char asked[256];

static void ask(const char *name)
{
	snprintf(asked, sizeof(asked), "%s", name);
}

/* In the place of libc's, for libpcap too. Every name has one address. */
int getaddrinfo(const char *restrict node, const char *restrict service,
		const struct addrinfo *restrict hints, struct addrinfo **restrict res)
{
	static __typeof__(getaddrinfo) *real;
	struct addrinfo numeric = *hints;

	if (!real)
		real = (__typeof__(real))dlsym(RTLD_NEXT, "getaddrinfo");
	if (!node)
		return real(node, service, hints, res);
	numeric.ai_flags |= AI_NUMERICHOST;
	if (!real(node, service, &numeric, res))
		return 0;
	if (hints->ai_flags & AI_NUMERICHOST)
		return EAI_NONAME;
	ask(node);
	return real("192.0.2.77", service, &numeric, res);
}

int getnetbyname_r(const char *restrict name, struct netent *restrict result, char *restrict buf,
		   size_t size, struct netent **restrict found, int *restrict err)
{
	(void)buf;
	(void)size;
	(void)err;
	ask(name);
	*result = (struct netent){ .n_addrtype = AF_INET, .n_net = 0xc0000200 };
	*found = result;
	return 0;
}

int ether_hostton(const char *name, struct ether_addr *addr)
{
	ask(name);
	memset(addr, 2, sizeof(*addr));
	return 0;
}

/* A name for which libpcap has no use is lost by it. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:pcap_ether_hostton";
}

static pcap_t *pcap;
static unsigned int n_tried, n_failed, n_taken;

static void failure(const char *text, const char *what, const char *detail)
{
	if (n_failed++ < SHOWN_FAILURES)
		printf("# %s\n#   %s: %s\n", text, what, detail);
}

/* Whether libpcap compiles it. */
static bool compile(const char *text, int optimize, struct bpf_program *prog)
{
	asked[0] = '\0';
	return !pcap_compile(pcap, prog, text, optimize, PCAP_NETMASK_UNKNOWN);
}

static bool same_program(const char *a, const char *b, int optimize)
{
	struct bpf_program pa = { 0 }, pb = { 0 };
	bool ca = compile(a, optimize, &pa), cb = compile(b, optimize, &pb), same = ca == cb;

	if (ca && cb)
		same = pa.bf_len == pb.bf_len &&
		       !memcmp(pa.bf_insns, pb.bf_insns, pa.bf_len * sizeof(*pa.bf_insns));
	pcap_freecode(&pa);
	pcap_freecode(&pb);
	return same;
}

static char *print(const struct grammar *grammar)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		exit(-fail_oom());
	grammar_print(grammar, out);
	fclose(out);
	return text;
}

static void check_print(const char *text, const struct grammar *grammar)
{
	_cleanup_(grammar_freep) struct grammar *again = NULL;
	_free_ char *printed = print(grammar), *twice = NULL;
	struct grammar_error error;

	if (grammar_read(printed, &again, &error)) {
		failure(text, "what it prints is not read back", printed);
		return;
	}
	twice = print(again);
	if (strcmp(printed, twice))
		failure(text, "what it prints does not print to itself", printed);
	if (!same_program(text, printed, 0) || !same_program(text, printed, 1))
		failure(text, "what it prints is another program", printed);
}

/* Whether a text has what libpcap does not know. */
static bool has_additions(const struct grammar *grammar)
{
	size_t i = 0, j = 0;

	return grammar_next(grammar, GRAMMAR_SET, &i) ||
	       grammar_next(grammar, GRAMMAR_ANY_VLAN, &j);
}

/* A syntax error: libpcap may be asked for its words. */
static void check_prefix(const char *text, const struct grammar_error *error)
{
	_free_ char *prefix = strndup(text, error->until);
	struct bpf_program prog = { 0 };

	if (compile(prefix, 0, &prog))
		failure(text, "libpcap takes it; weir says", error->text);
	if (asked[0])
		failure(text, "a syntax error, and libpcap asks for", asked);
	pcap_freecode(&prog);
}

/* A stream for what nobody reads. */
static FILE *nowhere(void)
{
	static FILE *stream;

	if (!stream)
		stream = fopen("/dev/null", "w");
	return stream;
}

/* grammar_check() without its messages. */
static int check(const char *text, struct grammar_error *error)
{
	_cleanup_(grammar_freep) struct grammar *grammar = NULL;
	FILE *err = stderr;
	int status;

	stderr = nowhere();
	status = grammar_check(text, NULL, GRAMMAR_FILTER, error, &grammar);
	stderr = err;
	return status;
}

/* Whether libpcap asks for a name while weir compiles it, which keeps its additions from libpcap.
 */
static bool does_weir_ask(const char *text)
{
	const struct pos pos = { 0 };
	struct cbpf prog;
	FILE *err = stderr;

	asked[0] = '\0';
	stderr = nowhere();
	expr_compile(text, &pos, GRAMMAR_FILTER, EXPR_LIFTED, &prog);
	stderr = err;
	cbpf_free(&prog);
	return asked[0];
}

/* Everything that must hold for any text. */
static void try_text(const char *text)
{
	_cleanup_(grammar_freep) struct grammar *grammar = NULL;
	struct grammar_error error = { 0 };
	struct bpf_program prog = { 0 };
	bool taken = compile(text, 0, &prog), looked_up = asked[0];
	int err = grammar_read(text, &grammar, &error), status;

	n_tried++;
	n_taken += taken;
	pcap_freecode(&prog);
	if (taken && err && error.syntax)
		failure(text, "libpcap takes it; weir says", error.text);
	if (!err && !has_additions(grammar)) {
		if (strstr(pcap_geterr(pcap), "syntax error") && !taken)
			failure(text, "weir takes it; libpcap says", pcap_geterr(pcap));
		check_print(text, grammar);
	}
	status = check(text, &error);
	if (!status && looked_up && does_weir_ask(text))
		failure(text, "passed on to libpcap, which asks for a name", asked);
	if (taken && !looked_up && status)
		failure(text, "libpcap takes it, and weir refuses it", error.text);
	if (status == GRAMMAR_SYNTAX)
		check_prefix(text, &error);
}

static void accepted(const char *text)
{
	struct bpf_program prog = { 0 };
	struct grammar_error error;

	if (!compile(text, 1, &prog))
		failure(text, "libpcap refuses it", pcap_geterr(pcap));
	else if (check(text, &error))
		failure(text, "weir refuses it", error.text);
	pcap_freecode(&prog);
	try_text(text);
}

static void refused(const char *text)
{
	struct bpf_program prog = { 0 };
	struct grammar_error error;

	if (!check(text, &error) && compile(text, 1, &prog))
		failure(text, "neither refuses it", "");
	pcap_freecode(&prog);
	try_text(text);
}

/* xorshift64*: the same numbers everywhere for one seed. */
static uint64_t state;

static unsigned int below(unsigned int n)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (unsigned int)((state * 0x2545f4914f6cdd1dull) >> 33) % n;
}

static void seed(const char *text)
{
	state = strtoull(text, NULL, 0) * 0x9e3779b97f4a7c15ull + 1;
}

#include "grammar_gen.h"

static void random_texts(unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		struct text t = { 0 };

		if (below(5))
			gen_expression(&t, 4);
		else
			gen_token(&t);
		try_text(t.bytes);
	}
}

struct lines {
	char **lines;
	size_t n;
};

static void add_line(struct lines *lines, const char *line)
{
	char **slot = array_add(lines->lines, lines->n);

	if (!slot || !(*slot = strdup(line)))
		exit(-fail_oom());
}

static void read_lines(struct lines *lines, const char *path)
{
	_fclose_ FILE *f = fopen(path, "r");
	_free_ char *line = NULL;
	size_t size = 0;

	if (!f)
		exit(-fail(1, "%s: cannot be opened", path));
	while (getline(&line, &size, f) > 0) {
		line[strcspn(line, "\n")] = '\0';
		add_line(lines, line);
	}
}

static void free_lines(struct lines *lines)
{
	for (size_t i = 0; i < lines->n; i++)
		free(lines->lines[i]);
	free(lines->lines);
}

static void mutated_texts(unsigned int n, struct lines *lines)
{
	for (unsigned int i = 0; i < SAMPLES; i++) {
		struct text t = { 0 };

		gen_expression(&t, 3);
		add_line(lines, t.bytes);
	}
	for (unsigned int i = 0; i < n; i++) {
		const char *a = lines->lines[below(lines->n)], *b = lines->lines[below(lines->n)];
		struct text t = { 0 };

		if (strlen(a) > MUTATED_MAX || strlen(b) > MUTATED_MAX)
			continue;
		gen_mutant(&t, a, b);
		try_text(t.bytes);
	}
}

static int show(const char *text)
{
	const struct source source = { (char *)"expression", (char *)text, strlen(text) };
	const struct pos pos = { &source, 1, 1 };
	_cleanup_(grammar_freep) struct grammar *grammar = NULL;

	if (grammar_parse(text, &pos, &grammar))
		return 1;
	grammar_print(grammar, stdout);
	putchar('\n');
	return 0;
}

static void summary(const char *what)
{
	printf("%s - %s (%u texts, of which libpcap takes %u)\n", n_failed ? "not ok" : "ok", what,
	       n_tried, n_taken);
	if (n_failed > SHOWN_FAILURES)
		printf("# and %u more\n", n_failed - SHOWN_FAILURES);
}

int main(int argc, char **argv)
{
	_cleanup_(free_lines) struct lines lines = { 0 };
	const char *mode = argc > 2 ? argv[1] : "";
	bool seeded = !strcmp(mode, "random") || !strcmp(mode, "mutated");

	if (!strcmp(mode, "show"))
		return show(argv[2]);
	if (seeded && argc > 3)
		seed(argv[2]);
	for (int i = seeded ? 4 : 2; i < argc; i++)
		read_lines(&lines, argv[i]);
	pcap = pcap_open_dead(DLT_EN10MB, SNAPLEN);
	if (!strcmp(mode, "random") && argc == 4)
		random_texts(atoi(argv[3]));
	else if (!strcmp(mode, "mutated") && argc > 3)
		mutated_texts(atoi(argv[3]), &lines);
	else if (!strcmp(mode, "accepted") || !strcmp(mode, "refused"))
		for (size_t i = 0; i < lines.n; i++)
			(*mode == 'a' ? accepted : refused)(lines.lines[i]);
	else
		return fail(2, "usage: grammar accepted|refused FILE… | random SEED N | "
			       "mutated SEED N FILE… | show TEXT");
	summary(mode);
	pcap_close(pcap);
	return n_failed != 0;
}
