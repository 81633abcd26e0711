// SPDX-License-Identifier: GPL-2.0-only
#include "scenario.h"

#include <inttypes.h>
#include <libgen.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../loader/fail.h"
#include "../loader/textfile.h"
#include "embedded.h"
#include "ruleset.h"

enum { SEED = 1, ROUNDS_MOST = 1000 };

struct reading {
	const char *path;
	unsigned int line;
	struct scenario *scenario;
	struct scenario_contestant *contestant; /* NULL: before the first */
	bool has_way;
	FILE *body;
	size_t body_size;
};

static int complain(const struct reading *r, const char *what)
{
	return fail(-EINVAL, "%s:%u: %s", r->path, r->line, what);
}

/* What follows "[NAME]" in its line. */
static int read_promise(const struct reading *r, const char *text, double *out)
{
	int end = 0;

	if (!text[strspn(text, " \t\n")])
		return 0;
	if (sscanf(text, " >= %lf %n", out, &end) != 1 || text[end] ||
	    !(*out > 0 && isfinite(*out)))
		return complain(r, "expected '[NAME]' or '[NAME] >= RATIO'");
	return 0;
}

static int begin_contestant(struct reading *r, char *name)
{
	struct scenario_contestant *c = array_add(r->scenario->contestants, r->scenario->n);
	char *end = strchr(name, ']');
	int err;

	if (!c)
		return fail_oom();
	if (!end || end == name || memchr(name, '"', end - name))
		return complain(r, "expected '[NAME]', without quotes");
	*end++ = 0;
	for (size_t i = 0; i + 1 < r->scenario->n; i++)
		if (!strcmp(r->scenario->contestants[i].name, name))
			return complain(r, "another one has that name");
	c->path = r->path;
	r->contestant = c;
	r->has_way = false;
	err = read_promise(r, end, &c->promised);
	if (err)
		return err;
	fail_make_plain(name);
	c->name = strdup(name);
	r->body = open_memstream(&c->body, &r->body_size);
	return c->name && r->body ? 0 : fail_oom();
}

static int end_contestant(struct reading *r)
{
	bool failed;

	if (!r->body)
		return 0;
	if (r->contestant->way == SCENARIO_POLICY)
		fputs("\n}\n}\n", r->body); /* the last line may have no end */
	failed = fclose(r->body) != 0;
	r->body = NULL;
	if (failed)
		return fail_oom();
	return r->has_way ? 0 : complain(r, "it is not said how the one before does it");
}

static int set_mode(struct scenario_contestant *c, const char *mode)
{
	c->hook = HOOK_XDP;
	c->mode = XDP_NATIVE;
	if (!strcmp(mode, "generic"))
		c->mode = XDP_GENERIC;
	else if (c->way == SCENARIO_POLICY && !strcmp(mode, "ingress"))
		c->hook = HOOK_INGRESS;
	else if (strcmp(mode, "native"))
		return -EINVAL;
	return 0;
}

/* The ways that run on no hook of ours. False: it is none of them. */
static bool set_other_way(struct scenario_contestant *c, const char *way, const char *what, int n)
{
	c->way = SCENARIO_SHELL;
	if (!strcmp(way, "shell"))
		return n == 2;
	c->way = SCENARIO_SOCKET;
	if (!strcmp(way, "socket"))
		return n == 1;
	c->way = SCENARIO_CONSUME;
	if (!strcmp(way, "consume"))
		return n == 1;
	c->way = SCENARIO_SEND;
	c->mode = XDP_NATIVE; /* of who drops what is sent */
	return !strcmp(way, "send") && n == 2 &&
	       (!strcmp(what, "live") || !strcmp(what, "redirect"));
}

/* Its lines have the numbers that they have in the scenario, for those who find fault with them. */
static void begin_policy(struct reading *r, const char *mode)
{
	for (unsigned int line = 1; line < r->line; line++)
		putc('\n', r->body);
	if (r->contestant->hook == HOOK_INGRESS)
		fputs("interface b0 { tc ingress {\n", r->body);
	else
		fprintf(r->body, "interface b0 { xdp %s {\n", mode);
}

static int set_way(struct reading *r, const char *line)
{
	struct scenario_contestant *c = r->contestant;
	char way[16] = "", mode[64] = "", what[64] = "";
	int n = sscanf(line, "%15s %63s %63s", way, mode, what);

	r->has_way = true;
	if (set_other_way(c, way, mode, n)) {
		c->what = strdup(mode);
		return c->what ? 0 : fail_oom();
	}
	c->way = !strcmp(way, "program") ? SCENARIO_PROGRAM : SCENARIO_POLICY;
	if (set_mode(c, mode) || n != (c->way == SCENARIO_POLICY ? 2 : 3) ||
	    (c->way == SCENARIO_POLICY && strcmp(way, "policy")))
		return complain(
			r, "expected 'policy native' (or generic, ingress), 'program native' "
			   "(or generic) NAME, 'shell COMMAND', 'socket', 'consume' or 'send live' "
			   "(or redirect)");
	if (c->way == SCENARIO_PROGRAM && !embedded_has(what))
		return complain(r, "no such program in bench/progs");
	c->what = strdup(what);
	if (c->way == SCENARIO_POLICY)
		begin_policy(r, mode);
	return c->what ? 0 : fail_oom();
}

static int put_rules(struct reading *r, const char *kind, size_t n)
{
	bool hosts = !strcmp(kind, "hosts");
	struct ruleset set;
	int err;

	if (n < 1 || n > RULESET_MOST || (!hosts && strcmp(kind, "mixed")))
		return complain(r, "expected 'rules hosts N' or 'rules mixed N', 1 to 1000000");
	err = ruleset_make(hosts ? RULESET_HOSTS : RULESET_MIXED, n, SEED, &set);
	if (!err) {
		ruleset_print_rules(&set, false, r->body);
		putc('\n', r->body);
	}
	ruleset_free(&set);
	return err;
}

static int read_body(struct reading *r, const char *line)
{
	char kind[16];
	size_t n;

	if (!r->has_way)
		return set_way(r, line);
	if (r->contestant->way == SCENARIO_POLICY && sscanf(line, " rules %15s %zu", kind, &n) == 2)
		return put_rules(r, kind, n);
	return fputs(line, r->body) < 0 ? fail_oom() : 0;
}

static bool set_job(struct scenario *scenario, const char *line)
{
	char end;

	if (!strcmp(line, "delivers\n"))
		return scenario->delivers = true;
	if (sscanf(line, "packets %" SCNu32 "%c", &scenario->packets, &end) == 2)
		return end == '\n' && scenario->packets;
	return sscanf(line, "rounds %" SCNu32 "%c", &scenario->rounds, &end) == 2 && end == '\n' &&
	       scenario->rounds >= 1 && scenario->rounds <= ROUNDS_MOST;
}

static int read_line(struct reading *r, char *line)
{
	bool blank = !line[strspn(line, " \t\n")];

	if (line[0] == '[') {
		int err = end_contestant(r);

		return err ? err : begin_contestant(r, line + 1);
	}
	if (r->contestant)
		return blank && !r->has_way ? 0 : read_body(r, line);
	if (line[0] == '#' && !r->scenario->about) {
		line[strcspn(line, "\n")] = 0;
		fail_make_plain(line);
		r->scenario->about = strdup(line + strspn(line, "# "));
		return r->scenario->about ? 0 : fail_oom();
	}
	if (blank || line[0] == '#' || set_job(r->scenario, line))
		return 0;
	return complain(r, "expected '[NAME]', 'delivers', 'packets N' or 'rounds N' (1 to 1000)");
}

static char *name_of(const char *path)
{
	_free_ char *copy = strdup(path);
	char *name = copy ? strdup(basename(copy)) : NULL;

	if (name && strrchr(name, '.'))
		*strrchr(name, '.') = 0;
	if (name)
		fail_make_plain(name);
	return name;
}

static int read_file(struct reading *r, FILE *file)
{
	_free_ char *line = NULL;
	size_t size = 0;
	int err = 0, end_err;

	while (!err && getline(&line, &size, file) > 0) {
		r->line++;
		err = read_line(r, line);
	}
	end_err = end_contestant(r);
	if (!err && !end_err && !r->scenario->n)
		err = fail(-EINVAL, "%s: nobody does anything in it: no '[NAME]'", r->path);
	return err ? err : end_err;
}

int scenario_read(const char *path, struct scenario *out)
{
	_free_ char *text = NULL;
	_fclose_ FILE *file = NULL;
	struct reading r = { .path = path, .scenario = out };
	size_t len = 0;
	int err = textfile_load(path, &text, &len);

	*out = (struct scenario){ 0 };
	if (err)
		return fail(err, "cannot read the scenario %s: %s", path, strerror(-err));
	file = fmemopen(text, len, "r");
	out->name = name_of(path);
	return file && out->name ? read_file(&r, file) : fail_oom();
}

void scenario_free(struct scenario *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->contestants[i].name);
		free(s->contestants[i].what);
		free(s->contestants[i].body);
	}
	free(s->contestants);
	free(s->name);
	free(s->about);
	*s = (struct scenario){ 0 };
}
