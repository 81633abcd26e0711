// SPDX-License-Identifier: GPL-2.0-only
#include "grammar.h"

#include <arpa/inet.h>
#include <string.h>

#include "grammar_lex.h"

/* Of a name that is quoted in a message. */
enum { QUOTED_MAX = 64 };

void grammar_free(struct grammar *grammar)
{
	if (!grammar)
		return;
	for (size_t i = 0; i < grammar->n_nodes; i++) {
		if (grammar->nodes[i])
			free(grammar->nodes[i]->kids);
		free(grammar->nodes[i]);
	}
	free(grammar->nodes);
	free(grammar->text);
	free(grammar);
}

void grammar_freep(struct grammar **grammar)
{
	grammar_free(*grammar);
	*grammar = NULL;
}

static bool is_primitive(enum grammar_kind kind)
{
	return kind >= GRAMMAR_VALUE && kind <= GRAMMAR_WORD;
}

struct grammar_node *grammar_add(struct grammar *grammar, enum grammar_kind kind)
{
	struct grammar_node **slot = array_add(grammar->nodes, grammar->n_nodes), *node;

	if (!slot)
		return NULL;
	node = *slot = calloc(1, sizeof(*node));
	if (!node)
		return NULL;
	node->kind = kind;
	node->n_primitives = is_primitive(kind);
	return node;
}

bool grammar_add_kid(struct grammar_node *node, struct grammar_node *kid)
{
	struct grammar_node **slot = array_add(node->kids, node->n_kids);
	unsigned int height = is_primitive(kid->kind) ? 1 : kid->height + 1;

	if (!slot)
		return false;
	*slot = kid;
	if (height > node->height)
		node->height = height;
	node->n_primitives += kid->n_primitives;
	return true;
}

const struct grammar_node *grammar_next(const struct grammar *grammar, enum grammar_kind kind,
					size_t *i)
{
	while (*i < grammar->n_nodes) {
		const struct grammar_node *node = grammar->nodes[(*i)++];

		if (node->kind == kind)
			return node;
	}
	return NULL;
}

/* The offset of a line's first byte; the text's length if it has fewer lines. */
static size_t line_offset(const struct source *source, unsigned int line)
{
	size_t at = 0;

	while (line > 1 && at < source->len) {
		if (source->text[at++] == '\n')
			line--;
	}
	return at;
}

struct pos grammar_pos(const struct pos *pos, size_t at)
{
	const struct source *source = pos ? pos->source : NULL;
	struct pos found = pos ? *pos : (struct pos){ 0 };
	size_t start, end;

	if (!source || !pos->line || !pos->col)
		return found;
	start = line_offset(source, pos->line) + pos->col - 1;
	end = start + at;
	for (size_t i = start; i < end && i < source->len; i++) {
		found.col++;
		if (source->text[i] == '\n') {
			found.line++;
			found.col = 1;
		}
	}
	return found;
}

int grammar_parse(const char *text, const struct pos *pos, struct grammar **out)
{
	struct grammar_error error;
	struct pos place;
	int err;

	err = grammar_read(text, out, &error);
	if (!err)
		return 0;
	grammar_freep(out);
	if (err != -EINVAL)
		return err;
	place = grammar_pos(pos, error.at);
	return fail_at(-EINVAL, &place, "%s", error.text);
}

/* An address that was made a name by a backslash: getaddrinfo(3) asks nobody for it. */
static bool is_numeric(const char *name)
{
	char before_scope[INET6_ADDRSTRLEN];
	size_t len = strcspn(name, "%");
	struct in6_addr in6;
	struct in_addr in;

	if (strspn(name, "0123456789abcdefABCDEFxX.") == strlen(name) && inet_aton(name, &in))
		return true;
	if (len >= sizeof(before_scope))
		return false;
	memcpy(before_scope, name, len);
	before_scope[len] = '\0';
	return inet_pton(AF_INET6, before_scope, &in6) == 1;
}

/* A name without the backslash that made it one; NULL, reported, if memory is out. */
static char *name_of(const struct grammar *grammar, const struct grammar_node *node)
{
	const char *p = grammar->text + node->value.at;
	size_t escape = *p == '\\';
	char *name = strndup(p + escape, node->value.len - escape);

	if (!name)
		fail_oom();
	return name;
}

/* What to say of a name that libpcap would look up, but for the name at its end; NULL: it would
 * not. */
static const char *no_look_up(const struct grammar_quals *quals, const char *name)
{
	switch (quals->type) {
	case GRAMMAR_NO_TYPE:
	case GRAMMAR_HOST:
		if (quals->link)
			return "host names are not looked up; write the MAC address of";
		return is_numeric(name) ? NULL
					: "host names are not looked up; write the address of";
	case GRAMMAR_NET:
		return "names of networks are not looked up; write the address of";
	case GRAMMAR_GATEWAY:
		return "'gateway' needs a host name, and host names are not looked up; write 'ether host "
		       "MAC and not host ADDRESS' for";
	default:
		return NULL;
	}
}

static int check_name(const struct grammar *grammar, const struct grammar_node *node,
		      const struct pos *pos)
{
	_free_ char *name = name_of(grammar, node);
	char quoted[QUOTED_MAX + 1];
	const char *sentence;
	struct pos place;

	if (!name)
		return -ENOMEM;
	sentence = no_look_up(&node->quals, name);
	if (!sentence)
		return 0;
	grammar_lex_quote(name, strlen(name), quoted, sizeof(quoted));
	place = grammar_pos(pos, node->value.at);
	return fail_at(-EINVAL, &place, "%s '%s'", sentence, quoted);
}

/* Names that libpcap would look up, each reported at its place. */
static int check_names(const struct grammar *grammar, const struct pos *pos)
{
	const struct grammar_node *node;
	int err = 0, one;

	for (size_t i = 0; (node = grammar_next(grammar, GRAMMAR_VALUE, &i));) {
		one = node->form == GRAMMAR_NAME ? check_name(grammar, node, pos) : 0;
		err = one ? one : err;
	}
	return err;
}

/* What is not in a packet's bytes, and what to write instead. */
static const char in_its_block[] =
	"the interface is not in a packet's bytes; leave it out, and put the "
	"rule in the block of that interface";
static const char pf_log[] = "that is in the log of OpenBSD's pf, not in packets; leave it out";

static const struct ancillary {
	const char *word, *instead;
} ancillaries[] = {
	{ "inbound",
	  "the direction of a packet is not in its bytes; leave it out, and put the rule in "
	  "'xdp' or 'tc ingress'" },
	{ "outbound",
	  "the direction of a packet is not in its bytes; leave it out, and put the rule "
	  "in 'tc egress'" },
	{ "ifindex", in_its_block },
	{ "on", in_its_block },
	{ "ifname", in_its_block },
	{ "rset", pf_log },
	{ "ruleset", pf_log },
	{ "rnr", pf_log },
	{ "rulenum", pf_log },
	{ "srnr", pf_log },
	{ "subrulenum", pf_log },
	{ "reason", pf_log },
	{ "action", pf_log },
};

static int check_word(const struct grammar_node *node, const struct pos *pos)
{
	for (size_t i = 0; i < ARRAY_SIZE(ancillaries); i++) {
		const struct ancillary *ancillary = &ancillaries[i];

		if (!strcmp(node->word, ancillary->word)) {
			const struct pos place = grammar_pos(pos, node->span.at);

			return fail_at(-EINVAL, &place, "'%s': %s", node->word, ancillary->instead);
		}
	}
	return 0;
}

static int check_words(const struct grammar *grammar, const struct pos *pos)
{
	const struct grammar_node *node;
	int err = 0;

	for (size_t i = 0; (node = grammar_next(grammar, GRAMMAR_WORD, &i));) {
		if (check_word(node, pos))
			err = -EINVAL;
	}
	return err;
}

static int check_sets(const struct grammar *grammar, const struct pos *pos)
{
	const struct grammar_node *node;
	int err = 0;

	for (size_t i = 0; (node = grammar_next(grammar, GRAMMAR_SET, &i));) {
		struct pos place = grammar_pos(pos, node->value.at - 1);

		err = fail_at(-EINVAL, &place,
			      "sets belong to a policy; write out what '%.*s' holds",
			      (int)node->value.len, grammar->text + node->value.at);
	}
	return err;
}

static int check_use(const struct grammar *grammar, const struct pos *pos, enum grammar_use use)
{
	int names = check_names(grammar, pos);
	int other = use == GRAMMAR_POLICY ? check_words(grammar, pos) : check_sets(grammar, pos);

	return names ? names : other;
}

int grammar_check(const char *text, const struct pos *pos, enum grammar_use use,
		  struct grammar_error *error, struct grammar **out)
{
	_cleanup_(grammar_freep) struct grammar *grammar = NULL;
	struct pos place;
	int err, refused;

	*out = NULL;
	err = grammar_read(text, &grammar, error);
	if (err && err != -EINVAL)
		return err;
	refused = check_use(grammar, pos, use);
	if (!err && !refused)
		*out = TAKE(grammar);
	if (!err || refused)
		return refused;
	if (error->syntax)
		return GRAMMAR_SYNTAX;
	place = grammar_pos(pos, error->at);
	return fail_at(-EINVAL, &place, "%s", error->text);
}
