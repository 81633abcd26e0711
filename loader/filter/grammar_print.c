// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "grammar.h"
#include "grammar_lex.h"

struct printer {
	const char *text;
	FILE *out;
};

static void print_node(const struct printer *printer, const struct grammar_node *node);

static void print_span(const struct printer *printer, const struct grammar_span *span)
{
	fwrite(printer->text + span->at, 1, span->len, printer->out);
}

static bool is_chain(const struct grammar_node *node)
{
	return node->kind == GRAMMAR_AND || node->kind == GRAMMAR_OR;
}

static void print_within(const struct printer *printer, const struct grammar_node *node,
			 bool parens)
{
	if (parens)
		fputc('(', printer->out);
	print_node(printer, node);
	if (parens)
		fputc(')', printer->out);
}

static void print_chain(const struct printer *printer, const struct grammar_node *node)
{
	for (size_t i = 0; i < node->n_kids; i++) {
		if (i)
			fputs(node->kind == GRAMMAR_AND ? " and " : " or ", printer->out);
		print_within(printer, node->kids[i], is_chain(node->kids[i]));
	}
}

static void print_quals(const struct printer *printer, const struct grammar_quals *quals)
{
	static const char *const dirs[] = {
		[GRAMMAR_NO_DIR] = "",
		[GRAMMAR_SRC] = "src ",
		[GRAMMAR_DST] = "dst ",
		[GRAMMAR_SRC_OR_DST] = "src or dst ",
		[GRAMMAR_SRC_AND_DST] = "src and dst ",
		[GRAMMAR_ADDR1] = "addr1 ",
		[GRAMMAR_ADDR2] = "addr2 ",
		[GRAMMAR_ADDR3] = "addr3 ",
		[GRAMMAR_ADDR4] = "addr4 ",
		[GRAMMAR_RA] = "ra ",
		[GRAMMAR_TA] = "ta ",
	};
	static const char *const types[] = {
		[GRAMMAR_NO_TYPE] = "",
		[GRAMMAR_HOST] = "host ",
		[GRAMMAR_NET] = "net ",
		[GRAMMAR_PORT] = "port ",
		[GRAMMAR_PORTRANGE] = "portrange ",
		[GRAMMAR_IS_PROTO] = "proto ",
		[GRAMMAR_PROTOCHAIN] = "protochain ",
		[GRAMMAR_GATEWAY] = "gateway ",
	};

	if (quals->proto)
		fprintf(printer->out, "%s ", quals->proto);
	fputs(dirs[quals->dir], printer->out);
	fputs(types[quals->type], printer->out);
}

static void print_value(const struct printer *printer, const struct grammar_node *node)
{
	print_quals(printer, &node->quals);
	if (node->instead) {
		fputs(node->instead, printer->out);
		return;
	}
	print_span(printer, &node->value);
	if (node->more.len) {
		fputs(node->form == GRAMMAR_IPV4_MASK ? " mask " : "/", printer->out);
		print_span(printer, &node->more);
	}
}

/* One blank between words, none within parentheses at their ends. */
static void print_words(const struct printer *printer, const struct grammar_node *node)
{
	const struct grammar_span *span = &node->span;
	enum lex_kind before = LEX_OPEN;

	if (node->instead) {
		fputs(node->instead, printer->out);
		return;
	}
	for (size_t at = span->at; at < span->at + span->len;) {
		const struct lex_token token = grammar_lex(printer->text, at);

		if (before != LEX_OPEN && token.kind != LEX_CLOSE)
			fputc(' ', printer->out);
		fwrite(printer->text + token.at, 1, token.len, printer->out);
		before = token.kind;
		at = token.at + token.len;
	}
}

static char first_of(const struct printer *printer, const struct grammar_span *span)
{
	return printer->text[span->at];
}

/*
 * Whether the left side needs parentheses: all operations but sums of one operator have them, for
 * the reader; and "-a" has before "%" and "^", which would be within the "-" else.
 */
static bool is_apart(const struct printer *printer, const struct grammar_node *node)
{
	const struct grammar_node *left = node->kids[0];
	const struct grammar_span *a = &node->value, *b = &left->value;
	bool loose = strchr("%^", first_of(printer, a));

	if (left->kind == GRAMMAR_MINUS)
		return loose;
	return left->kind == GRAMMAR_BINARY &&
	       (loose || a->len != b->len || first_of(printer, a) != first_of(printer, b));
}

static void print_binary(const struct printer *printer, const struct grammar_node *node)
{
	bool relation = node->kind == GRAMMAR_RELATION;
	const struct grammar_node *right = node->kids[1];

	print_within(printer, node->kids[0], !relation && is_apart(printer, node));
	fputc(' ', printer->out);
	print_span(printer, &node->value);
	fputc(' ', printer->out);
	print_within(printer, right, !relation && right->kind == GRAMMAR_BINARY);
}

static void print_load(const struct printer *printer, const struct grammar_node *node)
{
	fprintf(printer->out, "%s[", node->word);
	print_node(printer, node->kids[0]);
	if (node->value.len) {
		fputc(':', printer->out);
		print_span(printer, &node->value);
	}
	fputc(']', printer->out);
}

static void print_before(const struct printer *printer, const char *word,
			 const struct grammar_node *kid)
{
	fputs(word, printer->out);
	print_within(printer, kid, is_chain(kid) || kid->kind == GRAMMAR_BINARY);
}

static void print_node(const struct printer *printer, const struct grammar_node *node)
{
	switch (node->kind) {
	case GRAMMAR_AND:
	case GRAMMAR_OR:
		print_chain(printer, node);
		break;
	case GRAMMAR_NOT:
		print_before(printer, "not ", node->kids[0]);
		break;
	case GRAMMAR_ANY_VLAN:
		print_before(printer, "any-vlan ", node->kids[0]);
		break;
	case GRAMMAR_VALUE:
		print_value(printer, node);
		break;
	case GRAMMAR_SET:
		print_quals(printer, &node->quals);
		fputs("in @", printer->out);
		print_span(printer, &node->value);
		break;
	case GRAMMAR_PROTO:
		fputs(node->word, printer->out);
		break;
	case GRAMMAR_WORD:
		print_words(printer, node);
		break;
	case GRAMMAR_NUMBER:
	case GRAMMAR_LEN:
		print_span(printer, &node->value);
		break;
	case GRAMMAR_LOAD:
		print_load(printer, node);
		break;
	case GRAMMAR_RELATION:
	case GRAMMAR_BINARY:
		print_binary(printer, node);
		break;
	case GRAMMAR_MINUS:
		print_before(printer, "-", node->kids[0]);
		break;
	}
}

void grammar_print(const struct grammar *grammar, FILE *out)
{
	const struct printer printer = { grammar->text, out };

	if (grammar->root)
		print_node(&printer, grammar->root);
}
