// SPDX-License-Identifier: GPL-2.0-only
#include "status.h"

#include <inttypes.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "nic_counters.h"

static void rule_clear(struct status_rule *rule)
{
	free(rule->reasons);
	free(rule->targets);
}

static void hook_clear(struct status_hook *hook)
{
	chain_close(&hook->chain);
	for (size_t i = 0; i < hook->n_rules; i++)
		rule_clear(&hook->rules[i]);
	free(hook->rules);
	free(hook->holders);
	free(hook->cpus);
}

void status_free(struct status *status)
{
	if (!status)
		return;
	for (size_t i = 0; i < status->n_hooks; i++)
		hook_clear(&status->hooks[i]);
	free(status->hooks);
	free(status);
}

void status_freep(struct status **status)
{
	status_free(*status);
	*status = NULL;
}

static int read_stage(struct status_rule *rule, const struct meta_rule *meta,
		      const struct weir_counter *counters)
{
	rule->is_stage = true;
	rule->passed = counters[WEIR_STAGE_PASS];
	rule->dropped = counters[WEIR_STAGE_DROP];
	rule->reflected = counters[WEIR_STAGE_REFLECT];
	rule->redirected = counters[WEIR_STAGE_REDIRECT];
	rule->reasons = calloc(meta->n_reasons + 1, sizeof(*rule->reasons));
	if (!rule->reasons)
		return fail_oom();
	for (; rule->n_reasons < meta->n_reasons; rule->n_reasons++) {
		const struct weir_counter *c = &counters[WEIR_STAGE_REASONS + rule->n_reasons];

		rule->reasons[rule->n_reasons] = (struct status_reason){
			.name = meta->reasons[rule->n_reasons],
			.packets = c->packets,
			.bytes = c->bytes,
		};
	}
	return 0;
}

/*
 * What was redirected natively a driver may count by itself; what goes through its transmit queues,
 * and what other drivers refuse, is in the interface's own count of what it dropped. What cannot be
 * asked is not counted either: a target that is gone loses packets at the rule.
 */
static void read_target(const struct chain *chain, struct status_target *target)
{
	_cleanup_(nic_counters_free) struct nic_counters counters = { 0 };
	_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && chain->at.mode == XDP_NATIVE &&
	    !nic_counters_read(fd, target->name, &counters))
		target->redirected = nic_counters_refused(&counters, &target->refused);
	target->known =
		target->redirected || !nic_counters_send_dropped(target->name, &target->refused);
}

/* What a target is called whose generation knows it by its index. */
static void find_target(const struct chain *chain, struct status_target *target)
{
	uint32_t ifindex = plan_key_target(chain->live_meta->key, target->name);

	if (!ifindex)
		snprintf(target->called, sizeof(target->called), "%s", target->name);
	else if (!if_indextoname(ifindex, target->called)) {
		target->called[0] = '\0';
		target->replaced = if_nametoindex(target->name);
	}
}

static int read_targets(const struct chain *chain, const struct meta_rule *meta,
			struct status_rule *rule)
{
	rule->targets = calloc(meta->n_targets + 1, sizeof(*rule->targets));
	if (!rule->targets)
		return fail_oom();
	for (; rule->n_targets < meta->n_targets; rule->n_targets++) {
		rule->targets[rule->n_targets].name = meta->targets[rule->n_targets];
		read_target(chain, &rule->targets[rule->n_targets]);
		find_target(chain, &rule->targets[rule->n_targets]);
	}
	return 0;
}

static int read_rule(const struct chain *chain, const struct meta_rule *meta,
		     struct status_rule *rule)
{
	_free_ struct weir_counter *counters = calloc(meta->n_counters + 1, sizeof(*counters));
	int err;

	if (!counters)
		return fail_oom();
	err = chain_read_counters(chain, meta->counter, meta->n_counters, counters);
	if (err)
		return err;
	rule->text = meta->text;
	rule->label = meta->label;
	rule->line = meta->line;
	rule->matched = counters[WEIR_RULE_MATCHED];
	rule->socket = meta->socket;
	rule->counts_lost =
		(meta->n_targets || meta->socket) && meta->n_counters > WEIR_REDIRECT_LOST;
	if (rule->counts_lost)
		rule->lost = counters[WEIR_REDIRECT_LOST];
	err = read_targets(chain, meta, rule);
	if (err)
		return err;
	return meta->n_counters >= WEIR_STAGE_REASONS ? read_stage(rule, meta, counters) : 0;
}

/* Slot 0 is empty, or holds a stranger. Packets that met `miss` are not passed over in silence. */
static int say_unknown(const struct status_hook *hook)
{
	if (hook->missed.packets)
		note("%s %s: %" PRIu64
		     " packets could not enter the chain and met `miss`: passed, unless the policy says drop",
		     hook->chain.interface, policy_hook_name(hook->chain.kind),
		     (uint64_t)hook->missed.packets);
	return chain_unknown(&hook->chain);
}

static int read_components(struct status_hook *hook)
{
	const struct chain_attachment *at = &hook->chain.at;
	int err = attach_shared_query(at->ifindex, hook->chain.interface, &hook->shared);

	hook->own = attach_shared_find(&hook->shared, at->prog_id);
	return err;
}

/*
 * What holds the hook of the interface that has the name, if it is not weir's root, or a dispatcher
 * that has it or could have it.
 */
static int read_xdp(struct status_hook *hook)
{
	const struct chain_attachment *at = &hook->chain.at;
	struct xdp_holder holders[XDP_HOLDERS_MAX];
	int n;

	if (hook->chain.kind != HOOK_XDP || !hook->has_nic)
		return 0;
	n = attach_xdp_query(&hook->nic, holders);
	for (int i = 0; i < n; i++)
		if ((!at->attached || holders[i].prog_id != at->prog_id) &&
		    !(hook->chain.live_meta->shared && attach_xdp_is_dispatcher(&holders[i])))
			hook->xdp[hook->n_xdp++] = holders[i];
	return n < 0 ? n : 0;
}

/* An interface that is gone is none to ask about: no error. */
static int read_nic(struct status_hook *hook)
{
	if (!if_nametoindex(hook->chain.interface))
		return 0;
	hook->has_nic = !nic_probe(hook->chain.interface, &hook->nic);
	return read_xdp(hook);
}

/* Others may be on the hook too: on tc, and in libxdp's dispatcher. */
static int read_holders(struct status_hook *hook)
{
	const struct chain_attachment *at = &hook->chain.at;
	int err;

	if (!at->attached)
		return 0;
	if (hook->chain.kind == HOOK_XDP)
		return hook->chain.live_meta->shared ? read_components(hook) : 0;
	err = attach_tc_query(at->ifindex, hook->chain.interface, hook->chain.kind, &hook->holders,
			      &hook->n_holders);
	while (hook->own < hook->n_holders && (hook->holders[hook->own].mode != at->mode ||
					       hook->holders[hook->own].prog_id != at->prog_id))
		hook->own++;
	return err;
}

static int read_cpus(struct status_hook *hook)
{
	const struct meta *meta = hook->chain.live_meta;
	int err = 0;

	hook->cpus = calloc(meta->n_cpus + 1, sizeof(*hook->cpus));
	if (!hook->cpus)
		return fail_oom();
	for (; hook->n_cpus < meta->n_cpus && !err; hook->n_cpus++) {
		struct status_cpu *cpu = &hook->cpus[hook->n_cpus];

		cpu->is = meta->cpus[hook->n_cpus];
		err = chain_read_cpu(&hook->chain, cpu->is.cpu, &cpu->counter);
	}
	return err;
}

static int read_hook(struct status_hook *hook)
{
	const struct chain *chain = &hook->chain;
	const struct meta *meta = chain->live_meta;
	int err = chain_read_counters(chain, WEIR_COUNTER_MISS, 1, &hook->missed);

	if (err)
		return err;
	if (!chain->live)
		return say_unknown(hook);
	hook->renamed_or_gone = chain->at.ifindex != if_nametoindex(chain->interface);
	err = chain_read_counters(chain, WEIR_COUNTER_END, 1, &hook->ended);
	hook->rules = calloc(meta->n_rules + 1, sizeof(*hook->rules));
	if (!hook->rules)
		return fail_oom();
	for (; hook->n_rules < meta->n_rules && !err; hook->n_rules++)
		err = read_rule(chain, &meta->rules[hook->n_rules], &hook->rules[hook->n_rules]);
	if (!err)
		err = read_cpus(hook);
	if (!err)
		err = read_nic(hook);
	return err ? err : read_holders(hook);
}

/* While the tree is walked. */
struct reading {
	const struct pin_tree *tree;
	const char *const *interfaces;
	size_t n;
	bool *found;
	struct status *status;
	int err; /* of a chain that could not be read; the others are */
};

static bool is_wanted(struct reading *reading, const char *interface)
{
	bool wanted = !reading->n;

	for (size_t i = 0; i < reading->n; i++) {
		if (strcmp(reading->interfaces[i], interface))
			continue;
		wanted = reading->found[i] = true;
	}
	return wanted;
}

static int read_chain(const char *interface, enum hook_kind kind, void *arg)
{
	struct reading *reading = arg;
	struct status_hook *hook;
	int err;

	if (!is_wanted(reading, interface))
		return 0;
	hook = array_add(reading->status->hooks, reading->status->n_hooks);
	if (!hook)
		return fail_oom();
	err = chain_open(reading->tree, interface, kind, &hook->chain);
	if (!err)
		err = read_hook(hook);
	if (!err)
		return 0;
	reading->err = err;
	hook_clear(hook);
	reading->status->n_hooks--;
	return 0;
}

static int count_dead(const struct pin_tree *dead, size_t n_chains, void *arg)
{
	(void)dead;
	*(size_t *)arg += n_chains;
	return 0;
}

int status_read(const struct pin_tree *tree, const char *const *interfaces, size_t n,
		struct status **out)
{
	_cleanup_(status_freep) struct status *status = calloc(1, sizeof(*status));
	_free_ bool *found = calloc(n + 1, sizeof(*found));
	struct reading reading = { tree, interfaces, n, found, status, 0 };
	struct timespec now;
	int err;

	*out = NULL;
	if (!status || !found)
		return fail_oom();
	clock_gettime(CLOCK_MONOTONIC, &now);
	status->time_ns = now.tv_sec * 1000000000ull + now.tv_nsec;
	err = chain_each(tree, read_chain, &reading);
	for (size_t i = 0; i < n && !err; i++)
		if (!found[i])
			err = fail(-ENOENT,
				   "%s: no policy of weir is on it; `weir status` lists those",
				   interfaces[i]);
	if (!err && !n)
		err = chain_each_dead(tree, count_dead, &status->n_dead);
	if (err)
		return err;
	*out = TAKE(status);
	return reading.err;
}
