// SPDX-License-Identifier: GPL-2.0-only
/*
 * weir watch: keep what was applied on the interfaces that have its names, when they go and come
 * back, or their programs are taken off them.
 */
#include "cmd.h"

#include <net/if.h>
#include <poll.h>
#include <string.h>

#include "../netlink.h"
#include "../nic_events.h"
#include "../out_text.h"
#include "../status.h"
#include "live.h"
#include "watch_facts.h"

enum {
	SETTLE_MS = 50, /* after an event: an interface comes in several steps */
	POLL_MS = 1000, /* what no event tells of, such as a link that was detached by force */
	RETRY = 60	/* polls, while a policy cannot be put back and nothing changes */
};

/* An interface with a policy, and what was said of it last. */
struct watched {
	char *name, *said;
	bool there; /* still in the tree */
	struct watch_facts facts;
	unsigned int idle; /* polls since it was planned */
};

struct watch {
	bool json;
	bool event; /* the network namespace's interfaces have changed */
	struct watched *all;
	size_t n;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	if (key == ARGP_KEY_ARG)
		argp_error(state, "it watches all interfaces that have a policy; '%s' is too much",
			   arg);
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.parser = parse,
	.doc = "Stay, and put each policy back on its interface when that has gone and come again, or when "
	       "somebody has taken the policy off it. Says what happens, one line each. ^C ends it; the "
	       "policies stay.",
};

static void print(const struct watch *watch, const struct watched *of, const char *what)
{
	if (watch->json) {
		json_t *line = json_pack("{s:s, s:s}", "interface", of->name, "text", what);

		json_dumpf(line, stdout, JSON_COMPACT);
		putchar('\n');
		json_decref(line);
	} else {
		printf("%s: %s\n", of->name, what);
	}
	fflush(stdout);
}

/* Say it once, not at every look. */
static void say(const struct watch *watch, struct watched *of, const char *what)
{
	if (of->said && !strcmp(of->said, what))
		return;
	free(of->said);
	of->said = strdup(what);
	print(watch, of, what);
}

static void say_changes(const struct watch *watch, const struct watched *of,
			const struct watch_facts *now)
{
	for (size_t i = 0; i < FACTS; i++) {
		const char *before = of->facts.text[i], *after = now->text[i];
		_free_ char *text = NULL;

		if (!before || !after || !strcmp(before, after))
			continue;
		if (asprintf(&text, "%s: %s now, %s before", watch_fact_name(i), after, before) < 0)
			text = NULL;
		else
			print(watch, of, text);
	}
	if (of->facts.attached && !now->attached && of->facts.ifindex == now->ifindex)
		print(watch, of, "somebody took its program off a hook");
}

static int note_name(const char *interface, enum hook_kind kind, void *arg)
{
	struct watch *watch = arg;
	struct watched *added;

	(void)kind;
	for (size_t i = 0; i < watch->n; i++) {
		if (strcmp(watch->all[i].name, interface))
			continue;
		watch->all[i].there = true;
		return 0;
	}
	added = array_add(watch->all, watch->n);
	if (!added)
		return fail_oom();
	*added = (struct watched){ .name = strdup(interface), .there = true };
	return added->name ? 0 : fail_oom();
}

/* What runs on an interface, as the policy that status prints, and the file that it came from. */
static int policy_of(const struct live *live, const char *name, struct policy **out, char **source)
{
	_cleanup_(status_freep) struct status *status = NULL;
	_free_ char *text = NULL;
	_fclose_ FILE *file = NULL;
	size_t len = 0;
	int err = status_read(&live->tree, &name, 1, &status);

	if (err)
		return err;
	file = open_memstream(&text, &len);
	if (!file)
		return fail_oom();
	out_text_status(status, NULL, file);
	own_fclose(&file);
	*source = strdup(status->hooks[0].chain.live_meta->source);
	if (!*source)
		return fail_oom();
	return policy_parse(name, text, len, out);
}

static bool has_changes(const struct plan *plan)
{
	for (size_t i = 0; i < plan->n_hooks; i++)
		if (!plan->hooks[i].unchanged)
			return true;
	return plan->n_removals;
}

/* A setting that was changed for the interface that is gone is changed for the new one. */
struct fixing {
	const struct watch *watch;
	const struct watched *of;
};

static void say_done(const struct nic_finding *finding, void *arg)
{
	const struct fixing *fixing = arg;
	char text[160];

	snprintf(text, sizeof(text), "ran `%s`", finding->command);
	print(fixing->watch, fixing->of, text);
}

/* Plan what runs anew: where the kernel still has it there is nothing to do. */
static int put_back(const struct watch *watch, struct live *live, struct watched *of)
{
	_cleanup_(policy_freep) struct policy *policy = NULL;
	_cleanup_(plan_freep) struct plan *plan = NULL;
	_free_ char *source = NULL;
	bool fixed = fix_is_remembered(&live->tree, of->name);
	int err = policy_of(live, of->name, &policy, &source);

	if (!err && fixed)
		err = live_fix(live, policy, say_done, &(struct fixing){ watch, of });
	if (!err)
		err = live_plan(live, policy, &plan);
	if (err && fixed && policy)
		live_fix_end(live, policy, false);
	if (err)
		return err;
	if (!has_changes(plan)) {
		if (fixed)
			live_fix_end(live, policy, true);
		say(watch, of, "its policy is on it");
		return 0;
	}
	err = live_apply(live, policy, source, &plan);
	if (fixed)
		live_fix_end(live, policy, !err);
	if (err)
		return err;
	say(watch, of, "its policy is on it again");
	/* The next time this is nothing new. */
	free(of->said);
	of->said = strdup("its policy is on it");
	return 0;
}

/* An interface that has another name now, or another network namespace, took its policy along. */
static void say_gone(const struct watch *watch, struct live *live, struct watched *of)
{
	char name[IF_NAMESIZE], text[80];
	struct chain chain;

	snprintf(text, sizeof(text), "it is gone; its policy waits for it");
	if (!chain_open(&live->tree, of->name, HOOK_XDP, &chain)) {
		if (chain.at.elsewhere)
			snprintf(text, sizeof(text),
				 "it is in another network namespace now, and its policy with it");
		else if (chain.at.attached && if_indextoname(chain.at.ifindex, name))
			snprintf(text, sizeof(text), "it is called %s now, and has its policy",
				 name);
		chain_close(&chain);
	}
	say(watch, of, text);
}

/* Planning compiles the policy: that is for when something has happened. */
static bool is_due(const struct watch *watch, struct watched *of, const struct watch_facts *now)
{
	bool changed = watch->event || !of->said || of->facts.ifindex != now->ifindex ||
		       of->facts.attached != now->attached;

	for (size_t i = 0; i < FACTS && !changed; i++)
		changed = strcmp(of->facts.text[i] ?: "", now->text[i] ?: "");
	return changed || (!now->attached && ++of->idle >= RETRY);
}

static void look_at(const struct watch *watch, struct live *live, struct watched *of)
{
	struct watch_facts now = { 0 };

	if (of->there && watch_facts_read(&live->tree, of->name, &now) == -EBADMSG)
		say(watch, of, "its policy cannot be read");
	say_changes(watch, of, &now);
	if (!of->there)
		say(watch, of, "it has no policy any more");
	else if (!now.ifindex)
		say_gone(watch, live, of);
	else if (is_due(watch, of, &now)) {
		of->idle = 0;
		if (put_back(watch, live, of))
			say(watch, of,
			    now.attached
				    ? "its policy is on it as before, but could not be applied anew"
				    : "its policy cannot be put back on it");
	}
	watch_facts_clear(&of->facts);
	of->facts = now;
}

static int look(struct watch *watch)
{
	_cleanup_(live_close) struct live live = { .tree.lock_fd = -1 };
	int err = live_open(&live);

	for (size_t i = 0; i < watch->n; i++)
		watch->all[i].there = false;
	if (!err)
		err = chain_each(&live.tree, note_name, watch);
	for (size_t i = 0; i < watch->n && !err; i++)
		look_at(watch, &live, &watch->all[i]);
	return err;
}

/* Wait for an event and until no more come at once, for a signal (false), or for the time. */
static bool wait_for(const struct nl_sock *events, int signals, bool *event)
{
	struct pollfd fds[] = { { .fd = signals, .events = POLLIN },
				{ .fd = nic_events_fd(events), .events = POLLIN } };

	if (poll(fds, ARRAY_SIZE(fds), POLL_MS) > 0 && !fds[0].revents)
		poll(fds, 1, SETTLE_MS);
	if (fds[0].revents)
		return false;
	*event = fds[1].revents;
	nic_events_drain(events);
	return true;
}

static int run(int argc, char **argv)
{
	_netlink_ struct nl_sock *events = NULL;
	_close_ int signals = -1;
	struct cmd_common common = { 0 };
	struct watch watch = { 0 };
	int err = cmd_parse(&argp, argc, argv, &common, NULL);

	watch.json = common.json;
	if (!err)
		err = signals = cmd_open_signals();
	if (err >= 0)
		err = nic_events_open(&events);
	while (!err) {
		fail_forget();
		err = look(&watch);
		if (!err && !wait_for(events, signals, &watch.event))
			break;
	}
	for (size_t i = 0; i < watch.n; i++) {
		free(watch.all[i].name);
		free(watch.all[i].said);
		watch_facts_clear(&watch.all[i].facts);
	}
	free(watch.all);
	return err ? CMD_FAILED : CMD_OK;
}

const struct cmd cmd_watch = {
	.name = "watch",
	.summary = "stay, and put policies back on interfaces that come again",
	.run = run,
};
