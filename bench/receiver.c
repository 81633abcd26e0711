// SPDX-License-Identifier: GPL-2.0-only
#include "receiver.h"

#include <string.h>

#include "../loader/fail.h"
#include "../loader/status.h"

static int add_count(struct receiver_count **list, size_t *n, const char *name, unsigned int line,
		     uint64_t packets)
{
	struct receiver_count *count = array_add(*list, *n);

	if (!count)
		return fail_oom();
	*count = (struct receiver_count){ strdup(name), line, packets };
	return count->name ? 0 : fail_oom();
}

static void free_counts(struct receiver_count **list, size_t *n)
{
	for (size_t i = 0; i < *n; i++)
		free((*list)[i].name);
	own_free(list);
	*n = 0;
}

static int read_driver(struct receiver *receiver, struct receiver_count **list, size_t *n)
{
	_cleanup_(nic_counters_free) struct nic_counters driver = { 0 };
	int err = link_driver(&receiver->link, &driver);

	for (size_t i = 0; i < driver.n && !err; i++)
		err = add_count(list, n, driver.names[i], 0, driver.values[i]);
	return err;
}

struct rules_to {
	struct receiver_count **list;
	size_t *n;
};

static int add_rules(const struct status_hook *hook, const struct rules_to *to)
{
	int err = 0;

	for (size_t i = 0; i < hook->n_rules && !err; i++)
		err = add_count(to->list, to->n, hook->rules[i].text, hook->rules[i].line,
				hook->rules[i].matched.packets);
	if (!err && hook->missed.packets)
		err = add_count(to->list, to->n, "missed the chain", 0, hook->missed.packets);
	return err ? err : add_count(to->list, to->n, "no final rule", 0, hook->ended.packets);
}

static int read_tree(struct pin_tree *tree, const char *interface, const struct rules_to *to)
{
	_cleanup_(status_freep) struct status *status = NULL;
	char dir[PIN_PATH_MAX];
	int err;

	pin_hook_dir(tree, interface, HOOK_XDP, dir);
	if (!pin_exists(dir))
		return 0;
	err = status_read(tree, &interface, 1, &status);
	for (size_t i = 0; status && i < status->n_hooks && !err; i++)
		if (status->hooks[i].chain.kind == HOOK_XDP)
			err = add_rules(&status->hooks[i], to);
	return err;
}

/* In the interface's network namespace, whose tree it is. No policy: no rules. */
static int read_rules_here(const struct link *link, void *arg)
{
	struct pin_tree tree;
	int err;

	if (access(PIN_ROOT, F_OK))
		return 0;
	err = pin_open(&tree);
	if (err)
		return err;
	err = read_tree(&tree, link->name, arg);
	pin_close(&tree);
	return err;
}

static int read_all(struct receiver *receiver)
{
	struct rules_to to = { &receiver->rules, &receiver->n_rules };
	int err = read_driver(receiver, &receiver->driver, &receiver->n_driver);

	return err ? err : link_call(&receiver->link, read_rules_here, &to);
}

int receiver_open(const char *interface, const char *netns, struct receiver *out)
{
	int err;

	*out = (struct receiver){ 0 };
	err = link_open(interface, netns, &out->link);
	err = err ? err : read_all(out);
	return err ? err : link_count(&out->link, &out->before);
}

int receiver_look(struct receiver *receiver)
{
	struct link_counters now;
	const uint64_t *after = (const uint64_t *)&now, *before = (uint64_t *)&receiver->before;
	uint64_t *delta = (uint64_t *)&receiver->counters;
	int err = link_count(&receiver->link, &now);

	if (err)
		return err;
	for (size_t i = 0; i < sizeof(now) / sizeof(*delta); i++)
		delta[i] = after[i] - before[i];
	return err;
}

/* The policy may have been changed meanwhile: rules that were not there began at 0. */
static uint64_t find_before(const struct receiver_count *list, size_t n,
			    const struct receiver_count *what)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(list[i].name, what->name) && list[i].line == what->line)
			return list[i].packets;
	return 0;
}

static void subtract(struct receiver_count *list, size_t n, const struct receiver_count *before,
		     size_t n_before)
{
	for (size_t i = 0; i < n; i++)
		list[i].packets -= find_before(before, n_before, &list[i]);
}

/* What has not changed says nothing, and drivers count hundreds of things. */
static void keep_changed(struct receiver_count *list, size_t *n)
{
	size_t kept = 0;

	for (size_t i = 0; i < *n; i++) {
		if (list[i].packets)
			list[kept++] = list[i];
		else
			free(list[i].name);
	}
	*n = kept;
}

int receiver_finish(struct receiver *receiver)
{
	struct receiver before = *receiver;
	int err;

	receiver->driver = receiver->rules = NULL;
	receiver->n_driver = receiver->n_rules = 0;
	err = receiver_look(receiver);
	err = err ? err : read_all(receiver);
	subtract(receiver->driver, receiver->n_driver, before.driver, before.n_driver);
	subtract(receiver->rules, receiver->n_rules, before.rules, before.n_rules);
	keep_changed(receiver->driver, &receiver->n_driver);
	free_counts(&before.driver, &before.n_driver);
	free_counts(&before.rules, &before.n_rules);
	return err;
}

void receiver_close(struct receiver *receiver)
{
	free_counts(&receiver->driver, &receiver->n_driver);
	free_counts(&receiver->rules, &receiver->n_rules);
	link_close(&receiver->link);
}
