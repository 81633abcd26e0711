// SPDX-License-Identifier: GPL-2.0-only
#include "out_json.h"

#include <string.h>

#include "jsontext.h"
#include "plan_diff.h"

static json_t *counter(struct weir_counter c)
{
	return json_pack("{s:I, s:I}", "packets", (json_int_t)c.packets, "bytes",
			 (json_int_t)c.bytes);
}

static json_t *stage_json(const struct status_rule *rule)
{
	json_t *reasons = json_object();

	for (size_t i = 0; i < rule->n_reasons; i++)
		json_object_set_new(reasons, rule->reasons[i].name,
				    counter((struct weir_counter){ rule->reasons[i].packets,
								   rule->reasons[i].bytes }));
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "passed", counter(rule->passed), "dropped",
			 counter(rule->dropped), "reflected", counter(rule->reflected),
			 "redirected", counter(rule->redirected), "reasons", reasons);
}

static json_t *targets_json(const struct status_rule *rule)
{
	json_t *targets = json_array();

	for (size_t i = 0; i < rule->n_targets; i++) {
		const struct status_target *target = &rule->targets[i];
		json_t *o = json_pack("{s:s, s:o}", "name", target->name, "called",
				      target->called[0] ? jsontext(target->called) : json_null());

		if (o && target->known)
			json_object_set_new(
				o, target->redirected ? "redirects_refused" : "send_dropped",
				json_integer(target->refused));
		json_array_append_new(targets, o);
	}
	return targets;
}

static json_t *rule_json(const struct status_rule *rule)
{
	json_t *o = json_pack("{s:s, s:s?, s:I, s:I, s:I}", "rule", rule->text, "label",
			      rule->label, "line", (json_int_t)rule->line, "packets",
			      (json_int_t)rule->matched.packets, "bytes",
			      (json_int_t)rule->matched.bytes);

	if (o && rule->counts_lost)
		json_object_set_new(o, "lost", counter(rule->lost));
	if (o && rule->n_targets)
		json_object_set_new(o, "targets", targets_json(rule));
	if (o && rule->is_stage)
		json_object_set_new(o, "stage", stage_json(rule));
	return o;
}

static json_t *holders_json(const struct status_hook *hook)
{
	json_t *list = json_array();

	for (size_t i = 0; i < hook->n_holders; i++) {
		const struct tc_holder *other = &hook->holders[i];

		if (i == hook->own)
			continue;
		json_array_append_new(list, json_pack("{s:s, s:s, s:o, s:I, s:I, s:I, s:I}",
						      "place", i < hook->own ? "before" : "behind",
						      "mode", policy_mode_name(other->mode), "name",
						      jsontext(other->name), "program_id",
						      (json_int_t)other->prog_id, "link_id",
						      (json_int_t)other->link_id, "preference",
						      (json_int_t)other->pref, "handle",
						      (json_int_t)other->handle));
	}
	return list;
}

static json_t *components_json(const struct status_hook *hook)
{
	json_t *list = json_array();

	for (size_t i = 0; i < hook->shared.n; i++) {
		const struct xdp_component *other = &hook->shared.components[i];

		if (i != hook->own)
			json_array_append_new(list,
					      json_pack("{s:s, s:s, s:I, s:I}", "place",
							i < hook->own ? "before" : "behind", "name",
							other->name, "program_id",
							(json_int_t)other->prog_id, "priority",
							(json_int_t)other->priority));
	}
	return list;
}

static json_t *cpus_json(const struct status_hook *hook)
{
	json_t *list = json_array();

	for (size_t i = 0; i < hook->n_cpus; i++) {
		const struct status_cpu *cpu = &hook->cpus[i];

		json_array_append_new(list, json_pack("{s:I, s:I, s:I, s:I, s:I}", "cpu",
						      (json_int_t)cpu->is.cpu, "queue",
						      (json_int_t)cpu->is.queue, "sent",
						      (json_int_t)cpu->counter.sent, "arrived",
						      (json_int_t)cpu->counter.arrived, "refused",
						      (json_int_t)cpu->counter.refused));
	}
	return list;
}

static json_t *strangers_json(const struct status_hook *hook)
{
	json_t *list = json_array();

	for (size_t i = 0; i < hook->n_xdp; i++) {
		const struct xdp_holder *other = &hook->xdp[i];

		json_array_append_new(
			list, json_pack("{s:s, s:s, s:I, s:I}", "mode",
					other->offload ? "offload" : policy_mode_name(other->mode),
					"name", other->prog_name, "program_id",
					(json_int_t)other->prog_id, "link_id",
					(json_int_t)other->link_id));
	}
	return list;
}

/* null: there is no interface of that name; one_buffer_mtu null: not known, or any. */
static json_t *nic_json(const struct status_hook *hook)
{
	const struct nic *nic = &hook->nic;
	bool bounded = nic->one_buffer_mtu && nic->one_buffer_mtu != UINT32_MAX;

	if (!hook->has_nic)
		return json_null();
	return json_pack("{s:s, s:s, s:i, s:i, s:i, s:o}", "driver", nic->driver, "kind", nic->kind,
			 "rx_queues", nic->rx_queues, "tx_queues", nic->tx_queues, "mtu",
			 !strcmp(nic->kind, "veth") && nic->peer.mtu ? nic->peer.mtu : nic->mtu,
			 "one_buffer_mtu",
			 bounded ? json_integer(nic->one_buffer_mtu) : json_null());
}

/* The generation may be older than the interface's name. */
static json_t *policy_json(const struct chain *chain)
{
	const char *rest = strchr(chain->live_meta->text, '\n');

	return json_sprintf("interface %s {%s", chain->interface, rest ?: "");
}

static json_t *hook_json(const struct status_hook *hook)
{
	const struct chain *chain = &hook->chain;
	const struct meta *meta = chain->live_meta;
	json_t *rules = json_array(), *o;

	for (size_t i = 0; i < hook->n_rules; i++)
		json_array_append_new(rules, rule_json(&hook->rules[i]));
	o = json_pack("{s:s, s:s, s:b, s:I, s:s, s:s, s:s, s:b, s:I, s:I, s:s, s:I, s:I, s:I, s:o}",
		      "interface", chain->interface, "hook", policy_hook_name(chain->kind),
		      "attached", chain->at.attached && !hook->renamed_or_gone, "ifindex",
		      (json_int_t)chain->at.ifindex, "mode", policy_mode_name(chain->at.mode),
		      "wanted", policy_mode_name(meta->wanted), "why", chain->at.why, "frags",
		      meta->frags, "generation", (json_int_t)chain->live, "rollback",
		      (json_int_t)chain->rollback, "source", meta->source, "applied",
		      (json_int_t)meta->applied, "program_id", (json_int_t)chain->at.prog_id,
		      "link_id", (json_int_t)chain->at.link_id, "policy", policy_json(chain));
	if (!o) {
		json_decref(rules);
		return NULL;
	}
	json_object_set_new(o, "rules", rules);
	if (hook->n_cpus)
		json_object_set_new(o, "cpus", cpus_json(hook));
	json_object_set_new(o, "others",
			    meta->shared	      ? components_json(hook)
			    : chain->kind == HOOK_XDP ? strangers_json(hook)
						      : holders_json(hook));
	json_object_set_new(o, "nic", nic_json(hook));
	json_object_set_new(o, "no_final_rule", counter(hook->ended));
	json_object_set_new(o, "missed", counter(hook->missed));
	return o;
}

json_t *out_json_status(const struct status *status)
{
	json_t *hooks = json_array();

	for (size_t i = 0; i < status->n_hooks; i++)
		json_array_append_new(hooks, hook_json(&status->hooks[i]));
	return json_pack("{s:I, s:o, s:I}", "time_ns", (json_int_t)status->time_ns, "hooks", hooks,
			 "of_gone_namespaces", (json_int_t)status->n_dead);
}

static const char *edit_name(enum plan_edit_kind kind)
{
	return kind == PLAN_ADD ? "add" : kind == PLAN_REMOVE ? "remove" : "keep";
}

json_t *out_json_plan_hook(const struct plan_hook *hook, const struct chain *chain)
{
	const char *change = hook->unchanged ? "none" : chain && hook->attached ? "flip" : "attach";
	json_t *list = json_array(), *modes = json_array();
	_free_ struct plan_edit *edits = NULL;
	ssize_t n = hook->unchanged ? 0 : plan_diff(chain ? chain->live_meta : NULL, hook, &edits);

	for (ssize_t i = 0; i < n; i++)
		json_array_append_new(list,
				      json_pack("{s:s, s:s, s:s?}", "do", edit_name(edits[i].kind),
						"rule", edits[i].text, "label", edits[i].label));
	for (size_t i = 0; i < hook->n_modes; i++)
		json_array_append_new(modes, json_string(policy_mode_name(hook->modes[i])));
	return json_pack("{s:s, s:s, s:s, s:b, s:o, s:s, s:I, s:o}", "interface", hook->nic.name,
			 "hook", policy_hook_name(hook->hook->kind), "change", change, "moves",
			 hook->moves, "modes", modes, "why", hook->why, "tail_calls",
			 (json_int_t)hook->tail_calls, "rules", list);
}

json_t *out_json_removal(const struct plan_removal *removal)
{
	return json_pack("{s:s, s:s, s:s}", "interface", removal->nic.name, "hook",
			 policy_hook_name(removal->kind), "change", "detach");
}
