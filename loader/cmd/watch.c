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

enum {
	SETTLE_MS = 50, /* after an event: an interface comes in several steps */
	POLL_MS = 10000 /* what no event tells of, such as a link that was detached by force */
};

/* An interface with a policy, and what was said of it last. */
struct watched {
	char *name, *said;
	bool there; /* still in the tree */
};

struct watch {
	bool json;
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

/* Say it once, not at every look. */
static void say(const struct watch *watch, struct watched *of, const char *what)
{
	if (of->said && !strcmp(of->said, what))
		return;
	free(of->said);
	of->said = strdup(what);
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

/* Plan what runs anew: where the kernel still has it there is nothing to do. */
static int put_back(const struct watch *watch, struct live *live, struct watched *of)
{
	_cleanup_(policy_freep) struct policy *policy = NULL;
	_cleanup_(plan_freep) struct plan *plan = NULL;
	_free_ char *source = NULL;
	int err = policy_of(live, of->name, &policy, &source);

	if (!err)
		err = live_plan(live, policy, &plan);
	if (err)
		return err;
	if (!has_changes(plan)) {
		say(watch, of, "its policy is on it");
		return 0;
	}
	err = chain_apply(&live->tree, plan, source);
	if (err)
		return err;
	say(watch, of, "its policy is on it again");
	/* The next time this is nothing new. */
	free(of->said);
	of->said = strdup("its policy is on it");
	return 0;
}

static void look_at(const struct watch *watch, struct live *live, struct watched *of)
{
	if (!of->there)
		say(watch, of, "it has no policy any more");
	else if (!if_nametoindex(of->name))
		say(watch, of, "it is gone; its policy waits for it");
	else if (put_back(watch, live, of))
		say(watch, of, "its policy cannot be put back on it");
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
static bool wait_for(const struct nl_sock *events, int signals)
{
	struct pollfd fds[] = { { .fd = signals, .events = POLLIN },
				{ .fd = nic_events_fd(events), .events = POLLIN } };

	if (poll(fds, ARRAY_SIZE(fds), POLL_MS) > 0 && !fds[0].revents)
		poll(fds, 1, SETTLE_MS);
	if (fds[0].revents)
		return false;
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
		if (!err && !wait_for(events, signals))
			break;
	}
	for (size_t i = 0; i < watch.n; i++) {
		free(watch.all[i].name);
		free(watch.all[i].said);
	}
	free(watch.all);
	return err ? CMD_FAILED : CMD_OK;
}

const struct cmd cmd_watch = {
	.name = "watch",
	.summary = "stay, and put policies back on interfaces that come again",
	.run = run,
};
