// SPDX-License-Identifier: GPL-2.0-only
#include "filter_match.h"

#include <string.h>

#include "../capture.h"
#include "../fail.h"
#include "../testrun.h"

static int keep(struct match *match, const struct capture_packet *from, size_t capture,
		uint64_t number)
{
	/* No NULL for an empty packet. */
	_free_ uint8_t *data = malloc(from->caplen + 1);
	struct match_packet *packet = data ? array_add(match->packets, match->n_packets) : NULL;

	if (!packet)
		return fail_oom();
	memcpy(data, from->data, from->caplen);
	packet->data = TAKE(data);
	packet->len = from->caplen;
	packet->capture = capture;
	packet->number = number;
	match->frags |= from->caplen > TESTRUN_LINEAR;
	return 0;
}

static int read_capture(struct match *match, const char *path, size_t index)
{
	_cleanup_(capture_closep) struct capture *capture = NULL;
	struct capture_packet packet;
	uint64_t number = 0;
	int err = capture_open(path, &capture);

	if (err)
		return err;
	while ((err = capture_next(capture, &packet)) == 1) {
		err = keep(match, &packet, index, ++number);
		if (err)
			return err;
	}
	return err;
}

static void note_left_out(const struct match *match)
{
	const struct engine *engine = match->engine;
	size_t n = 0;

	for (size_t i = 0; i < match->n_packets; i++)
		n += !engine_carries(engine, match->packets[i].len);
	if (n)
		note("%zu of %zu packets are not matched: %s carries %u to %u bytes", n,
		     match->n_packets, engine->carrier, engine->least, engine->most);
}

int match_open(const struct engine *engine, const char *const *paths, size_t n, struct match *match)
{
	*match = (struct match){ .engine = engine };
	for (size_t i = 0; i < n; i++) {
		int err = read_capture(match, paths[i], i);

		if (err)
			return err;
	}
	note_left_out(match);
	return 0;
}

void match_close(struct match *match)
{
	for (size_t i = 0; i < match->n_packets; i++)
		free(match->packets[i].data);
	free(match->packets);
}

static int match_all(const struct match *match, struct engine_run *run, bool *hits)
{
	for (size_t i = 0; i < match->n_packets; i++) {
		const struct match_packet *packet = &match->packets[i];
		int matches = 0;

		if (engine_carries(match->engine, packet->len))
			matches = match->engine->match(run, packet->data, packet->len);
		if (matches < 0)
			return matches;
		hits[i] = matches;
	}
	return 0;
}

int match_run(const struct match *match, const struct cbpf *prog, bool *hits)
{
	struct engine_run run;
	int err = engine_start(match->engine, prog, match->frags, &run);

	if (!err)
		err = match_all(match, &run, hits);
	engine_stop(&run);
	return err;
}
