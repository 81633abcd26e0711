// SPDX-License-Identifier: GPL-2.0-only
/*
 * Captures, matched by expressions, and verified.
 */
#include <inttypes.h>
#include <string.h>

#include "filter_work.h"

const struct engine *filter_engine_of(const struct work *work)
{
	if (work->engine)
		return work->engine;
	return work->mode == VERIFY ? &engine_xdp : &engine_libpcap;
}

/* Matching */

static void print_match(struct work *work, const struct expression *expression,
			const struct match_packet *packet)
{
	const char *path = work->captures[packet->capture];

	if (work->json)
		json_array_append_new(work->json, json_pack("{s:i, s:s, s:I}", "expression",
							    expression->number, "capture", path,
							    "packet", (json_int_t)packet->number));
	else
		printf("%u %s %llu\n", expression->number, path,
		       (unsigned long long)packet->number);
}

static int match_all(struct work *work, const struct match *match)
{
	_free_ bool *hits = calloc(match->n_packets + 1, sizeof(*hits));

	if (!hits)
		return fail_oom();
	for (size_t i = 0; i < work->n; i++) {
		const struct expression *expression = &work->expressions[i];

		if (!expression->cbpf.n)
			continue;
		if (match_run(match, &expression->cbpf, hits)) {
			fail(-EINVAL, "expression %u is not matched: %s", expression->number,
			     expression->text);
			work->refused = true;
			continue;
		}
		for (size_t j = 0; j < match->n_packets; j++) {
			if (hits[j])
				print_match(work, expression, &match->packets[j]);
		}
	}
	return 0;
}

int filter_match(struct work *work)
{
	struct match match;
	int err = match_open(filter_engine_of(work), work->captures, work->n_captures, &match);

	if (!err)
		err = match_all(work, &match);
	match_close(&match);
	return err;
}

/* Verifying */

static void print_difference(struct work *work, const struct match *match,
			     const struct expression *expression, const struct match_packet *packet,
			     bool hit)
{
	const char *path = work->captures[packet->capture], *name = match->engine->name;

	work->refused = true;
	if (work->json)
		json_object_set_new(work->json, "difference",
				    json_pack("{s:i, s:s, s:I, s:b, s:b}", "expression",
					      expression->number, "capture", path, "packet",
					      (json_int_t)packet->number, name, hit, "libpcap",
					      !hit));
	else
		printf("expression %u, capture %s, packet %" PRIu64 ": %s says %s, libpcap %s\n",
		       expression->number, path, packet->number, name, hit ? "match" : "no match",
		       hit ? "no match" : "match");
}

/*
 * 1: the engines differ, which is printed. Packets that the engine does not carry are not compared.
 */
static int compare(struct work *work, const struct match *match,
		   const struct expression *expression, bool *hits)
{
	bool *engine = hits, *libpcap = hits + match->n_packets;
	struct match oracle = *match;
	int err = match_run(match, &expression->cbpf, engine);

	oracle.engine = &engine_libpcap;
	if (!err)
		err = match_run(&oracle, &expression->law, libpcap);
	if (err)
		return fail(err, "expression %u is not verified: %s", expression->number,
			    expression->text);
	for (size_t i = 0; i < match->n_packets; i++) {
		const struct match_packet *packet = &match->packets[i];

		if (engine[i] == libpcap[i] || !engine_carries(match->engine, packet->len))
			continue;
		print_difference(work, match, expression, packet, engine[i]);
		return 1;
	}
	return 0;
}

static void print_agreed(struct work *work, const struct match *match, size_t n_expressions)
{
	size_t n = 0;

	for (size_t i = 0; i < match->n_packets; i++)
		n += engine_carries(match->engine, match->packets[i].len);
	if (work->json)
		json_object_update_new(work->json,
				       json_pack("{s:I, s:I}", "packets", (json_int_t)n,
						 "expressions", (json_int_t)n_expressions));
	else
		printf("%s and libpcap agree on %zu packets, %zu expressions\n",
		       match->engine->name, n, n_expressions);
}

static int verify_all(struct work *work, const struct match *match)
{
	_free_ bool *hits = calloc(2 * match->n_packets + 1, sizeof(*hits));
	size_t agreed = 0;

	if (!hits)
		return fail_oom();
	for (size_t i = 0; i < work->n; i++) {
		int err = work->expressions[i].cbpf.n
				  ? compare(work, match, &work->expressions[i], hits)
				  : -EINVAL;

		if (err > 0)
			return 0;
		if (err)
			work->refused = true;
		agreed += !err;
	}
	print_agreed(work, match, agreed);
	return 0;
}

int filter_verify(struct work *work)
{
	struct match match;
	int err = match_open(filter_engine_of(work), work->captures, work->n_captures, &match);

	if (!err)
		err = verify_all(work, &match);
	match_close(&match);
	return err;
}
