// SPDX-License-Identifier: GPL-2.0-only
#include "out_text.h"

#include <ctype.h>
#include <inttypes.h>
#include <net/if.h>
#include <string.h>
#include <time.h>

/* 1234567 as "1,234,567". */
static const char *grouped(uint64_t n, char buf[32])
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, n), at = 0;

	for (int i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			buf[at++] = ',';
		buf[at++] = digits[i];
	}
	buf[at] = '\0';
	return buf;
}

/* Three digits and a prefix (SI, powers of 1000): 98.7 M. */
static const char *scaled(double n, char buf[32])
{
	static const char prefixes[] = " kMGTPE";
	int i = 0;

	for (; n >= 999.5 && prefixes[i + 1]; i++)
		n /= 1000;
	if (!i)
		snprintf(buf, 32, "%.0f ", n);
	else
		snprintf(buf, 32, "%.*f %c", n < 9.995 ? 2 : n < 99.95 ? 1 : 0, n, prefixes[i]);
	return buf;
}

/* What a line of counters says: a word in front, and a rate when there is an earlier value. */
static void put_counter(FILE *out, const char *what, struct weir_counter now,
			const struct weir_counter *before, double seconds)
{
	char packets[32], bytes[32], pps[32], bps[32];

	fprintf(out, "        #   %15s packets  %9sB", grouped(now.packets, packets),
		scaled(now.bytes, bytes));
	if (before)
		fprintf(out, "  %7spps  %7sbit/s",
			scaled((now.packets - before->packets) / seconds, pps),
			scaled((now.bytes - before->bytes) * 8 / seconds, bps));
	fprintf(out, "%s%s\n", *what ? "  " : "", what);
}

static void put_stage(FILE *out, const struct status_rule *rule)
{
	const struct {
		const char *what;
		const struct weir_counter *counter;
	} verdicts[] = {
		{ "passed by it", &rule->passed },
		{ "dropped by it", &rule->dropped },
		{ "reflected by it", &rule->reflected },
		{ "redirected by it", &rule->redirected },
	};

	for (size_t i = 0; i < ARRAY_SIZE(verdicts); i++)
		if (verdicts[i].counter->packets)
			put_counter(out, verdicts[i].what, *verdicts[i].counter, NULL, 0);
	for (size_t i = 0; i < rule->n_reasons; i++) {
		const struct status_reason *reason = &rule->reasons[i];

		if (reason->packets)
			put_counter(out, reason->name,
				    (struct weir_counter){ reason->packets, reason->bytes }, NULL,
				    0);
	}
}

/* The kernel tells what a target did not take to tracepoints only; but interfaces count it. */
static void put_target(FILE *out, const struct status_target *target)
{
	char refused[32];

	if (target->refused)
		fprintf(out,
			"        #   %15s packets  %s by %s since it is there, of all who %s to it\n",
			grouped(target->refused, refused),
			target->redirected ? "refused" : "dropped", target->name,
			target->redirected ? "redirect" : "send");
	if (!target->called[0])
		fprintf(out, "        # %s is %s\n", target->name,
			target->replaced
				? "another interface now: what goes there is lost until the next `weir apply`"
				: "gone: what goes there is lost");
	else if (strcmp(target->called, target->name))
		fprintf(out, "        # %s is called %s now, and is the target still\n",
			target->name, target->called);
}

static void put_rule(FILE *out, const struct status_rule *rule, const struct status_rule *before,
		     double seconds)
{
	fprintf(out, "        %s", rule->text);
	if (rule->label)
		fprintf(out, "    # %s", rule->label);
	fputc('\n', out);
	put_counter(out, "", rule->matched, before ? &before->matched : NULL, seconds);
	if (rule->lost.packets)
		put_counter(out,
			    rule->socket ? "had no socket on their queue"
					 : "lost: the target is gone",
			    rule->lost, NULL, 0);
	for (size_t i = 0; i < rule->n_targets; i++)
		put_target(out, &rule->targets[i]);
	if (rule->is_stage)
		put_stage(out, rule);
}

/* The rule of an earlier status that counts at the same place. */
static const struct status_rule *same_rule(const struct status_hook *before, size_t i,
					   const struct status_rule *rule)
{
	if (!before || i >= before->n_rules || strcmp(before->rules[i].text, rule->text))
		return NULL;
	return &before->rules[i];
}

void out_text_source(const struct meta *meta, FILE *out)
{
	const char *name = strcmp(meta->source, "-") ? meta->source : "standard input";

	for (; *name; name++)
		putc(iscntrl((unsigned char)*name) ? '?' : *name, out);
}

/* Whom packets meet before or behind weir on a tc hook. */
static void put_holders(FILE *out, const struct status_hook *hook)
{
	for (size_t i = 0; i < hook->n_holders; i++) {
		const struct tc_holder *other = &hook->holders[i];

		if (i == hook->own)
			continue;
		fprintf(out, "    # %s it: ", i < hook->own ? "before" : "behind");
		if (other->mode == TC_CLSACT)
			fprintf(out, "a filter of preference %u: ", other->pref);
		if (other->prog_id)
			fprintf(out, "%s program '%s' (id %u)\n",
				other->mode == TC_TCX ? "tcx" : "BPF", other->name, other->prog_id);
		else
			fprintf(out, "%s\n", other->name);
	}
}

static void put_components(FILE *out, const struct status_hook *hook)
{
	for (size_t i = 0; i < hook->shared.n; i++) {
		const struct xdp_component *other = &hook->shared.components[i];

		if (i != hook->own)
			fprintf(out,
				"    # %s it in libxdp's dispatcher: program '%s' (id %u, priority %u)\n",
				i < hook->own ? "before" : "behind", other->name, other->prog_id,
				other->priority);
	}
}

/* Of the frames that come in: a veth's are those that its peer sends. */
static void put_mtu(const struct nic *nic, bool frags, FILE *out)
{
	bool veth = !strcmp(nic->kind, "veth") && nic->peer.mtu;

	fprintf(out, "%sMTU %u", veth ? "its peer's " : "", veth ? nic->peer.mtu : nic->mtu);
	if (frags)
		fputs(", in several buffers (xdp.frags)", out);
	else if (!nic->one_buffer_mtu)
		fputs(", and nobody knows what fits one buffer", out);
	else if (nic->one_buffer_mtu == UINT32_MAX)
		fputs(", and any fits", out);
	else
		fprintf(out, " of %u that fit one buffer", nic->one_buffer_mtu);
}

/* The interface, as the hook finds it. */
static void put_nic(FILE *out, const struct status_hook *hook)
{
	const struct nic *nic = &hook->nic;

	if (!hook->has_nic || hook->chain.kind != HOOK_XDP)
		return;
	fprintf(out, "    # %s, %u %s to receive, %u to transmit; ",
		nic->driver[0] ? nic->driver : "a driver without a name", nic->rx_queues,
		nic->rx_queues == 1 ? "queue" : "queues", nic->tx_queues);
	put_mtu(nic, hook->chain.live_meta->frags, out);
	fputc('\n', out);
}

/* Who else is on the XDP hook: nobody can be beside weir but a program in the NIC itself. */
static void put_strangers(FILE *out, const struct status_hook *hook)
{
	char text[XDP_WHY];

	for (size_t i = 0; i < hook->n_xdp; i++) {
		attach_xdp_say_holder(&hook->nic, &hook->xdp[i], text, sizeof(text));
		fprintf(out, "    # %s\n", text);
	}
}

static void put_unattached(FILE *out, const struct status_hook *hook)
{
	const char *why = "the interface it was on is gone, or somebody took it off; apply again";
	char name[IF_NAMESIZE];

	if (hook->n_xdp)
		why = "another program is on the hook";
	else if (hook->chain.live_meta->shared && if_indextoname(hook->chain.at.ifindex, name))
		why = "somebody took it out of libxdp's dispatcher; apply again";
	fprintf(out, "    # NOT ATTACHED: %s\n", why);
}

static void put_attachment(FILE *out, const struct status_hook *hook)
{
	const struct chain *chain = &hook->chain;
	const struct meta *meta = chain->live_meta;
	char when[32] = "";
	time_t applied = meta->applied;
	char name[IF_NAMESIZE] = "";
	struct tm tm;

	if_indextoname(chain->at.ifindex, name);
	if (localtime_r(&applied, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &tm);
	if (chain->at.elsewhere)
		fprintf(out,
			"    # ATTACHED TO an interface that was moved to another network namespace: `weir detach %s` takes it off there\n",
			chain->interface);
	else if (!chain->at.attached)
		put_unattached(out, hook);
	else if (hook->renamed_or_gone)
		fprintf(out,
			"    # ATTACHED TO %s, which was %s then: `weir detach %s` takes it off, an apply for %s takes it over\n",
			name, chain->interface, chain->interface, name);
	else
		fprintf(out, "    # %s%s: %s\n", policy_mode_name(chain->at.mode),
			chain->kind == HOOK_XDP && meta->wanted == XDP_AUTO ? " (auto)" : "",
			chain->at.why);
	put_nic(out, hook);
	put_strangers(out, hook);
	put_holders(out, hook);
	put_components(out, hook);
	fprintf(out, "    # generation %u of %s, from ", chain->live, when);
	out_text_source(meta, out);
	fprintf(out, "%s\n", meta->frags ? ", with xdp.frags" : "");
	if (chain->rollback)
		fprintf(out, "    # `weir rollback %s` goes back to generation %u\n",
			chain->interface, chain->rollback);
}

/* The line that opens the hook's block, as the normal form has it; there an empty block ends, too.
 */
static void put_head(FILE *out, const char *text)
{
	const char *line = strchr(text, '\n');
	const char *brace = line ? strchr(line, '{') : NULL;

	if (brace)
		fprintf(out, "%.*s\n", (int)(brace - line), line + 1);
}

/* What was sent to other CPUs. What has not arrived may still wait there, so many at most. */
static void put_cpus(FILE *out, const struct status_hook *hook)
{
	char sent[32], missing[32];

	for (size_t i = 0; i < hook->n_cpus; i++) {
		const struct status_cpu *cpu = &hook->cpus[i];
		uint64_t rest = cpu->counter.sent - cpu->counter.arrived;

		fprintf(out, "        # CPU %u: %s packets sent there", cpu->is.cpu,
			grouped(cpu->counter.sent, sent));
		if (rest && rest <= cpu->counter.sent)
			fprintf(out, ", %s of them lost, or waiting in its queue of %u",
				grouped(rest, missing), cpu->is.queue);
		if (cpu->counter.refused)
			fprintf(out, "; %s REFUSED: its queue is gone, and they passed",
				grouped(cpu->counter.refused, missing));
		fputc('\n', out);
	}
}

static void put_hook(FILE *out, const struct status_hook *hook, const struct status_hook *before,
		     double seconds)
{
	put_attachment(out, hook);
	put_head(out, hook->chain.live_meta->text);
	for (size_t i = 0; i < hook->n_rules; i++)
		put_rule(out, &hook->rules[i], same_rule(before, i, &hook->rules[i]), seconds);
	put_cpus(out, hook);
	fputs("        # no final rule: passed\n", out);
	put_counter(out, "", hook->ended, before ? &before->ended : NULL, seconds);
	if (hook->missed.packets)
		put_counter(out, "MISSED: the chain could not be entered", hook->missed, NULL, 0);
	fputs("    }\n", out);
}

static const struct status_hook *same_hook(const struct status *before,
					   const struct status_hook *hook)
{
	for (size_t i = 0; before && i < before->n_hooks; i++)
		if (!strcmp(before->hooks[i].chain.interface, hook->chain.interface) &&
		    before->hooks[i].chain.kind == hook->chain.kind)
			return &before->hooks[i];
	return NULL;
}

/* Hooks of one interface stand behind each other. */
static bool same_interface(const struct status *status, size_t i, size_t neighbour)
{
	return neighbour < status->n_hooks &&
	       !strcmp(status->hooks[i].chain.interface, status->hooks[neighbour].chain.interface);
}

void out_text_status(const struct status *status, const struct status *before, FILE *out)
{
	double seconds = before ? (status->time_ns - before->time_ns) / 1e9 : 0;

	if (!status->n_hooks)
		fputs("# no policy of weir is on any interface of this network namespace\n", out);
	for (size_t i = 0; i < status->n_hooks; i++) {
		const struct status_hook *hook = &status->hooks[i];

		if (!same_interface(status, i, i - 1))
			fprintf(out, "interface %s {\n", hook->chain.interface);
		put_hook(out, hook, same_hook(before, hook), seconds);
		if (!same_interface(status, i, i + 1))
			fputs("}\n", out);
	}
	if (status->n_dead)
		fprintf(out,
			"# %zu %s of network namespaces that are gone: `weir detach --all` here removes %s\n",
			status->n_dead, status->n_dead == 1 ? "policy" : "policies",
			status->n_dead == 1 ? "it" : "them");
}
