// SPDX-License-Identifier: GPL-2.0-only
#include "shape_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	BUCKETS = 4096,
	HOLES = 16,	 /* more values of an expression stay in its shape */
	NET_LEAST = 16,	 /* bits of a net that has room for other constants */
	KEY_MARK = '\1', /* stands in keys, and in no expression, for a hole */
};

struct entry {
	struct entry *next;
	char *key;
	/* The first of a shape is compiled by itself: it may be the only one. */
	enum { UNSEEN, SEEN_ONCE, GOOD, BAD } state;
	struct shape shape;
};

struct shape_cache {
	struct entry *buckets[BUCKETS];
};

/* The values of one expression that its shape leaves open. */
struct open {
	struct hole holes[HOLES];
	struct cbpf_element values[HOLES];
	size_t n;
	bool repeats; /* a value stands twice: what one test says of it, libpcap may know at the
			 other */
};

struct shape_cache *shape_cache_new(void)
{
	return calloc(1, sizeof(struct shape_cache));
}

void shape_cache_free(struct shape_cache *cache)
{
	for (size_t i = 0; cache && i < BUCKETS; i++) {
		while (cache->buckets[i]) {
			struct entry *entry = cache->buckets[i];

			cache->buckets[i] = entry->next;
			shape_free(&entry->shape);
			free(entry->key);
			free(entry);
		}
	}
	free(cache);
}

void shape_cache_freep(struct shape_cache **cache)
{
	shape_cache_free(*cache);
	*cache = NULL;
}

/* The length of a net; 32 of an address. */
static unsigned int prefix_length(const struct cbpf_element *value)
{
	uint32_t rest = value->first[0] ^ value->last[0];

	return rest ? __builtin_clz(rest) : 32;
}

/* Whether the optimiser treats a value as any other of its kind. */
static bool is_open(enum value_kind kind, const struct cbpf_element *value)
{
	unsigned int length = prefix_length(value);

	if (kind != VALUE_IPV4 && kind != VALUE_MAC && (kind != VALUE_PORT || length < 32))
		return false;
	if (kind == VALUE_IPV4 && length < NET_LEAST)
		return false;
	for (unsigned int w = 0; w < value_words(kind); w++)
		if (!value->first[w] || value->last[w] == UINT32_MAX)
			return false;
	return true;
}

static bool is_equal_to_another(const struct open *open, const struct cbpf_element *value)
{
	for (size_t i = 0; i < open->n; i++)
		for (unsigned int w = 0; w < CBPF_WORDS; w++)
			for (unsigned int v = 0; v < CBPF_WORDS; v++)
				if (value->first[v] && value->first[v] == open->values[i].first[w])
					return true;
	return false;
}

static void find_open(const struct grammar *grammar, struct open *open)
{
	open->n = 0;
	open->repeats = false;
	for (size_t i = 0; i < grammar->n_nodes && open->n < HOLES; i++) {
		struct grammar_node *node = grammar->nodes[i];
		struct cbpf_element value;
		enum value_kind kind;

		if (node->kind != GRAMMAR_VALUE)
			continue;
		kind = value_read(grammar, node, &value);
		if (kind && is_equal_to_another(open, &value))
			open->repeats = true;
		if (!kind || !is_open(kind, &value))
			continue;
		open->values[open->n] = value;
		open->holes[open->n++] =
			(struct hole){ node, kind, kind == VALUE_IPV4 ? prefix_length(&value) : 0 };
	}
}

/* The expression with marks for its holes; NULL, reported: memory is out. */
static char *key_of(const struct grammar *grammar, struct open *open)
{
	char marks[HOLES][16], *key = NULL;
	size_t len;
	FILE *out = open_memstream(&key, &len);

	for (size_t i = 0; i < open->n; i++) {
		snprintf(marks[i], sizeof(marks[i]), "%c%u/%u", KEY_MARK, open->holes[i].kind,
			 open->holes[i].length);
		open->holes[i].node->instead = marks[i];
	}
	if (out)
		grammar_print(grammar, out);
	for (size_t i = 0; i < open->n; i++)
		open->holes[i].node->instead = NULL;
	if (out && !fclose(out))
		return key;
	free(key);
	fail_oom();
	return NULL;
}

/* FNV-1a, 32 bits (Fowler, Noll, Vo). */
static uint32_t hash(const char *key)
{
	uint32_t h = 2166136261;

	for (; *key; key++)
		h = (h ^ (unsigned char)*key) * 16777619;
	return h;
}

/* The entry of a key, which it takes; NULL, reported: memory is out. */
static struct entry *entry_of(struct shape_cache *cache, char *key)
{
	struct entry **at = &cache->buckets[hash(key) % BUCKETS];

	for (; *at; at = &(*at)->next)
		if (!strcmp((*at)->key, key)) {
			free(key);
			return *at;
		}
	*at = calloc(1, sizeof(**at));
	if (*at)
		(*at)->key = key;
	else
		free(key), fail_oom();
	return *at;
}

/* Is a constant of this expression also there for another reason? */
static bool clashes(const struct shape *shape, const struct open *open)
{
	size_t spot = 0;

	for (size_t i = 0; i < shape->prog.n; i++) {
		if (spot < shape->n && shape->spots[spot].insn == i) {
			spot++;
			continue;
		}
		for (size_t h = 0; h < open->n; h++)
			for (unsigned int w = 0; w < value_words(open->holes[h].kind); w++)
				if (open->values[h].first[w] == shape->prog.insns[i].k)
					return true;
	}
	return false;
}

static int fill(const struct shape *shape, const struct open *open, struct cbpf *out)
{
	size_t size = shape->prog.n * sizeof(*out->insns);

	*out = (struct cbpf){ .insns = malloc(size), .n = shape->prog.n };
	if (!out->insns)
		return fail_oom();
	memcpy(out->insns, shape->prog.insns, size);
	for (size_t i = 0; i < shape->n; i++) {
		const struct hole_spot *spot = &shape->spots[i];

		out->insns[spot->insn].k = open->values[spot->hole].first[spot->word];
	}
	return 1;
}

int shape_cache_find(struct shape_cache *cache, const struct grammar *grammar, struct cbpf *out)
{
	char words[EXPR_WORDS_MAX];
	struct entry *entry;
	struct open open;
	char *key;
	int err;

	find_open(grammar, &open);
	if (open.repeats)
		return 0;
	key = key_of(grammar, &open);
	entry = key ? entry_of(cache, key) : NULL;
	if (!entry)
		return -ENOMEM;
	if (entry->state == UNSEEN) {
		entry->state = SEEN_ONCE;
		return 0;
	}
	if (entry->state == SEEN_ONCE) {
		err = shape_compile(grammar, open.holes, open.n, EXPR_ETHERNET, true, &entry->shape,
				    words);
		if (err == -ENOMEM)
			return err;
		entry->state = err ? BAD : GOOD;
	}
	if (entry->state == BAD || clashes(&entry->shape, &open))
		return 0;
	return fill(&entry->shape, &open, out);
}
