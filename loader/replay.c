// SPDX-License-Identifier: GPL-2.0-only
#include "replay.h"

#include <bpf/bpf.h>
#include <linux/pkt_cls.h>
#include <string.h>
#include <sys/stat.h>

#include "capture.h"
#include "chain_load.h"
#include "compat.h"
#include "maps.h"
#include "testrun.h"

struct replay {
	struct plan *plan;
	struct plan_refusals refusals; /* met while it was loaded */
	struct interface interface;    /* the one hook, as a policy of its own */
	struct policy policy;
	struct word name;
	struct weir_counter *counters; /* shared with the programs */
	uint64_t *seen;		       /* packets of each counter before the packet under way */
	uint32_t n_counters;
	int slots_fd, counters_fd, root_fd, config_fd;
	int cpus_fd, cpu_counters_fd;
	struct weir_cpu_counter *cpu_counters; /* shared too */
	uint32_t n_cpus;
	int socket_fds[WEIR_SOCKETS];
	struct loaded loaded;
	struct testrun_tc *tc; /* runs the chain's first program; NULL: on XDP */
	bool frags;
	char verdict[1200]; /* "redirect" and 64 names */
};

/*
 * lo, which a devmap takes. On tc, where nothing has to be there to be redirected to, the interface
 * itself is another one than its targets.
 */
static uint32_t ifindex_of(const struct replay *replay, const char *name)
{
	bool itself = !strcmp(name, replay->name.text);

	return itself && replay->interface.hooks->kind != HOOK_XDP ? 2 : 1;
}

/* Nothing need exist: any name is an interface here, and can be redirected to. */
static int ask_nic(const struct word *name, struct nic *out, void *arg)
{
	const struct replay *replay = arg;

	*out = (struct nic){ .ifindex = ifindex_of(replay, name->text),
			     .ethernet = true,
			     .up = true,
			     .carrier = true };
	snprintf(out->name, sizeof(out->name), "%s", name->text);
	out->native = out->target = out->frags = NIC_YES;
	/* What nic_needs_frags() compares. */
	out->mtu = replay->frags ? TESTRUN_MAX : 1500;
	out->one_buffer_mtu = TESTRUN_LINEAR;
	return 0;
}

static int ask_base(const struct nic *nic, enum hook_kind kind, struct plan_base *out, void *arg)
{
	(void)nic;
	(void)kind;
	(void)arg;
	*out = (struct plan_base){ 0 };
	return 0;
}

static const struct hook *find_hook(const struct policy *policy, const char *name,
				    enum hook_kind kind)
{
	for (size_t i = 0; i < policy->n_interfaces; i++) {
		const struct interface *interface = &policy->interfaces[i];

		for (size_t j = 0; j < interface->n_names; j++)
			for (size_t k = 0; k < interface->n_hooks; k++)
				if (!strcmp(interface->names[j].text, name) &&
				    interface->hooks[k].kind == kind)
					return &interface->hooks[k];
	}
	return NULL;
}

/* Can it be read twice? A pipe cannot. */
static bool is_file(const char *path)
{
	struct stat stat_buf;

	return strcmp(path, "-") && !stat(path, &stat_buf) && S_ISREG(stat_buf.st_mode);
}

static int look_into(struct replay *replay, const char *path)
{
	_cleanup_(capture_closep) struct capture *capture = NULL;
	struct capture_packet packet;
	int err = capture_open(path, &capture);

	while (!err && (err = capture_next(capture, &packet)) > 0) {
		replay->frags |= packet.caplen > TESTRUN_LINEAR;
		err = 0;
	}
	return err;
}

/* Are there packets that come in fragments? Only then the slower way to them is compiled in. */
static int look_for_long(struct replay *replay, const char *const *captures, size_t n)
{
	int err = 0;

	for (size_t i = 0; i < n && !err; i++) {
		if (is_file(captures[i]))
			err = look_into(replay, captures[i]);
		else
			replay->frags = true;
	}
	return err;
}

/* The one hook, as a policy of its own. */
static void set_policy(struct replay *replay, const struct policy *policy, const struct hook *hook,
		       const char *name)
{
	replay->policy = *policy;
	replay->policy.interfaces = &replay->interface;
	replay->policy.n_interfaces = 1;
	replay->interface = (struct interface){
		.names = &replay->name, .n_names = 1, .hooks = (struct hook *)hook, .n_hooks = 1
	};
	replay->name.text = (char *)name;
}

static int make_plan(struct replay *replay)
{
	const struct plan_asks asks = {
		.nic = ask_nic,
		.base = ask_base,
		.arg = replay,
		.refusals = &replay->refusals,
		.by_helper = !compat_has_perfmon(),
		.preempted = compat_is_rt(),
	};

	plan_freep(&replay->plan);
	return plan_make(&replay->policy, &asks, &replay->plan);
}

/* No CPU need be there: packets are refused, and counted as such for the CPU that was chosen. */
static int create_cpus(struct replay *replay, const struct plan_hook *hook)
{
	if (!hook->n_cpus)
		return 0;
	replay->n_cpus = hook->cpus[hook->n_cpus - 1].cpu + 1;
	replay->cpus_fd = maps_create_cpus(1);
	if (replay->cpus_fd < 0)
		return replay->cpus_fd;
	replay->cpu_counters_fd =
		maps_create_shared_cpu_counters(replay->n_cpus, &replay->cpu_counters);
	return replay->cpu_counters_fd < 0 ? replay->cpu_counters_fd : 0;
}

/* The plan is made again, with rules divided, where the verifier finds a program too complex. */
static int load_rules(struct replay *replay, const struct load_maps *maps)
{
	int err;

	while ((err = load_generation(&replay->plan->hooks[0], maps, NULL, &replay->loaded)) ==
	       -E2BIG) {
		int n = plan_learn(replay->plan, &replay->refusals);

		if (n <= 0)
			return n ? n : err;
		err = make_plan(replay);
		if (err)
			return err;
	}
	return err;
}

static int load(struct replay *replay)
{
	const struct plan_hook *hook = &replay->plan->hooks[0];
	int err, first;

	replay->n_counters = hook->n_counters;
	replay->seen = calloc(replay->n_counters, sizeof(*replay->seen));
	if (!replay->seen)
		return fail_oom();
	replay->slots_fd = maps_create_slots();
	if (replay->slots_fd < 0)
		return replay->slots_fd;
	replay->counters_fd = maps_create_shared_counters(replay->n_counters, &replay->counters);
	if (replay->counters_fd < 0)
		return replay->counters_fd;

	err = create_cpus(replay, hook);
	if (err)
		return err;

	const struct load_maps maps = { replay->slots_fd, replay->counters_fd, replay->socket_fds,
					replay->cpus_fd, replay->cpu_counters_fd };
	const struct load_root root = { .kind = hook->hook->kind, .frags = hook->frags };

	for (size_t i = 0; i < hook->n_sockets; i++) {
		replay->socket_fds[i] = maps_create_sockets();
		if (replay->socket_fds[i] < 0)
			return replay->socket_fds[i];
	}
	err = load_rules(replay, &maps);
	if (err)
		return err;
	hook = &replay->plan->hooks[0];
	first = loaded_first(&replay->loaded);
	err = replay_put(replay, 0, first);
	if (err)
		return err;
	err = load_root(&maps, &root, &replay->root_fd, &replay->config_fd);
	if (!err)
		err = load_set_miss(replay->config_fd, hook->hook->kind, hook->hook->miss);
	if (err || hook->hook->kind == HOOK_XDP)
		return err;
	return testrun_tc_open(first, hook->hook->kind == HOOK_INGRESS, &replay->tc);
}

int replay_open(const struct policy *policy, const char *interface, enum hook_kind kind,
		const char *const *captures, size_t n, struct replay **out)
{
	_cleanup_(replay_closep) struct replay *replay = calloc(1, sizeof(*replay));
	const struct hook *hook = find_hook(policy, interface, kind);
	int err;

	*out = NULL;
	if (!replay)
		return fail_oom();
	replay->slots_fd = replay->counters_fd = replay->root_fd = replay->config_fd = -1;
	replay->cpus_fd = replay->cpu_counters_fd = replay->loaded.devmap_fd = -1;
	for (size_t i = 0; i < WEIR_SOCKETS; i++)
		replay->socket_fds[i] = -1;
	if (!hook)
		return fail(-ENOENT, "the policy has no '%s' hook for the interface '%s'",
			    policy_hook_name(kind), interface);
	set_policy(replay, policy, hook, interface);
	err = look_for_long(replay, captures, n);
	if (!err)
		err = make_plan(replay);
	if (err)
		return err;
	err = load(replay);
	if (!err)
		*out = TAKE(replay);
	return err == -EINVAL ? -EIO : err; /* the kernel's: the policy is not at fault */
}

void replay_close(struct replay *replay)
{
	if (!replay)
		return;
	testrun_tc_close(replay->tc);
	loaded_close(&replay->loaded);
	own_close(&replay->root_fd);
	own_close(&replay->config_fd);
	own_close(&replay->slots_fd);
	own_close(&replay->counters_fd);
	own_close(&replay->cpus_fd);
	own_close(&replay->cpu_counters_fd);
	maps_unmap_cpu_counters(replay->cpu_counters, replay->n_cpus);
	for (size_t i = 0; i < WEIR_SOCKETS; i++)
		own_close(&replay->socket_fds[i]);
	maps_unmap_counters(replay->counters, replay->n_counters);
	free(replay->seen);
	free(replay->refusals.list);
	plan_free(replay->plan);
	free(replay);
}

void replay_closep(struct replay **replay)
{
	replay_close(*replay);
	*replay = NULL;
}

/* A stage decided if one of its verdicts was counted; any other rule if its action is final. */
static bool decided(const struct replay *replay, const struct plan_rule *rule)
{
	const struct action *action = &rule->rule->action;

	if (action->kind != ACTION_USE)
		return policy_action_is_final(action) &&
		       replay->counters[rule->counter].packets != replay->seen[rule->counter];
	for (uint32_t i = WEIR_STAGE_PASS; i < WEIR_STAGE_REASONS; i++)
		if (replay->counters[rule->counter + i].packets != replay->seen[rule->counter + i])
			return true;
	return false;
}

static const struct plan_rule *who_decided(const struct replay *replay)
{
	const struct plan_hook *hook = replay_hook(replay);

	for (size_t i = 0; i < hook->n_rules; i++)
		if (decided(replay, &hook->rules[i]))
			return &hook->rules[i];
	return NULL;
}

static void remember(struct replay *replay)
{
	for (uint32_t i = 0; i < replay->n_counters; i++)
		replay->seen[i] = replay->counters[i].packets;
}

static const char *xdp_name(uint32_t action)
{
	switch (action) {
	case XDP_PASS:
		return "pass";
	case XDP_DROP:
		return "drop";
	case XDP_TX:
		return "reflect";
	case XDP_REDIRECT:
		return "redirect";
	default:
		return "aborted";
	}
}

/* On tc to reflect is to redirect: the rule knows. */
static bool is_reflected(const struct replay *replay, const struct plan_rule *rule)
{
	uint32_t reflects;

	if (!rule || !rule->stage)
		return rule && rule->rule->action.kind == ACTION_REFLECT;
	reflects = rule->counter + WEIR_STAGE_REFLECT;
	return replay->counters[reflects].packets != replay->seen[reflects];
}

static const char *tc_name(const struct replay *replay, int action, const struct plan_rule *rule)
{
	switch (action) {
	case TC_ACT_UNSPEC:
		return "pass";
	case TC_ACT_SHOT:
		return "drop";
	case TC_ACT_REDIRECT:
		return is_reflected(replay, rule) ? "reflect" : "redirect";
	default:
		return "aborted";
	}
}

/* As the policy names the action. */
static void put_redirect(const struct action *action, char *text, size_t size)
{
	FILE *out = fmemopen(text, size, "w");

	text[0] = '\0';
	if (!out)
		return;
	policy_print_action(action, out);
	fclose(out);
}

/* Which of a rule's CPUs the packet was for: the one whose counter has moved. */
static const char *chosen_cpu(struct replay *replay, const struct plan_rule *rule)
{
	for (size_t i = 0; i < rule->n_cpus; i++) {
		__u64 *refused = &replay->cpu_counters[rule->cpus[i]].refused;

		if (!*refused)
			continue;
		*refused = 0;
		snprintf(replay->verdict, sizeof(replay->verdict), "cpu %u", rule->cpus[i]);
		return replay->verdict;
	}
	return "aborted";
}

/* What the kernel was told, in the policy's words; a redirect with its target. */
static const char *verdict(struct replay *replay, uint32_t action, const struct plan_rule *rule)
{
	const char *name = replay->tc ? tc_name(replay, action, rule) : xdp_name(action);

	/* No socket is bound in a replay: the kernel was told what to do then. */
	if (rule && rule->rule->action.kind == ACTION_SOCKET) {
		snprintf(replay->verdict, sizeof(replay->verdict), "socket %s",
			 rule->rule->action.socket.name.text);
		return replay->verdict;
	}
	if (rule && rule->rule->action.kind == ACTION_CPU)
		return chosen_cpu(replay, rule);
	if (strcmp(name, "redirect") || !rule || rule->rule->action.kind != ACTION_REDIRECT)
		return name;
	put_redirect(&rule->rule->action, replay->verdict, sizeof(replay->verdict));
	return replay->verdict;
}

static int run_packet(struct replay *replay, const struct capture_packet *packet,
		      struct replay_result *result)
{
	struct testrun run = { .packet = packet->data, .len = packet->caplen };
	int err;

	*result = (struct replay_result){ .verdict =
						  packet->caplen < TESTRUN_MIN ? "short" : "long" };
	if (!(replay->tc ? testrun_tc_carries : testrun_carries)(packet->caplen))
		return 0;
	err = replay->tc ? testrun_tc(replay->tc, &run) : testrun_xdp(replay->root_fd, &run);
	if (err)
		return err;
	result->rule = who_decided(replay);
	result->verdict = verdict(replay, run.verdict, result->rule);
	remember(replay);
	return 0;
}

int replay_run(struct replay *replay, const char *path, replay_fn fn, void *arg)
{
	_cleanup_(capture_closep) struct capture *capture = NULL;
	struct capture_packet packet;
	struct replay_result result;
	int err = capture_open(path, &capture);

	while (!err && (err = capture_next(capture, &packet)) > 0) {
		err = run_packet(replay, &packet, &result);
		if (!err)
			err = fn(&result, arg);
	}
	return err;
}

const struct plan_hook *replay_hook(const struct replay *replay)
{
	return &replay->plan->hooks[0];
}

struct weir_counter replay_counter(const struct replay *replay, uint32_t index)
{
	return replay->counters[index];
}

uint64_t replay_verified(const struct replay *replay)
{
	uint64_t verified = 0;

	for (size_t i = 0; i < replay->loaded.n_progs; i++) {
		const struct load_prog *prog = &replay->loaded.progs[i];
		struct bpf_prog_info info = { 0 };
		uint32_t size = sizeof(info);

		if (!prog->rule && !bpf_obj_get_info_by_fd(prog->fd, &info, &size))
			verified += info.verified_insns;
	}
	return verified;
}

int replay_prog_fd(const struct replay *replay)
{
	return replay->root_fd;
}

int replay_put(struct replay *replay, uint32_t slot, int prog_fd)
{
	int err = bpf_map_update_elem(replay->slots_fd, &slot, &prog_fd, BPF_ANY);

	return err ? fail(err, "cannot put a program into slot %u: %s", slot, strerror(-err)) : 0;
}
