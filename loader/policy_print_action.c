// SPDX-License-Identifier: GPL-2.0-only
#include "policy.h"

#include <inttypes.h>

/* "20k": with the largest of k, M, G, T that divides it. */
static void print_scaled(uint64_t number, FILE *out)
{
	static const char scales[] = "\0kMGT";
	const char *scale = scales;

	while (number && number % 1000 == 0 && scale < scales + 4) {
		number /= 1000;
		scale++;
	}
	fprintf(out, "%" PRIu64 "%s", number, (char[]){ *scale, '\0' });
}

static const char *unit_name(enum limit_unit unit)
{
	return unit == LIMIT_BITS ? "bit" : "";
}

static void print_rate(const struct rate *rate, FILE *out)
{
	print_scaled(rate->per_second, out);
	fprintf(out, "%s/s", unit_name(rate->unit));
}

static void print_ranges(const struct range *ranges, size_t n, FILE *out)
{
	for (size_t i = 0; i < n; i++) {
		fprintf(out, "%s%u", i ? "," : "", ranges[i].low);
		if (ranges[i].high != ranges[i].low)
			fprintf(out, "-%u", ranges[i].high);
	}
}

static void print_redirect(const struct action *action, FILE *out)
{
	for (size_t i = 0; i < action->redirect.n_targets; i++)
		fprintf(out, " %s", action->redirect.targets[i].text);
	if (action->redirect.ingress)
		fputs(" ingress", out);
}

static void print_cpu(const struct action *action, FILE *out)
{
	fputc(' ', out);
	print_ranges(action->cpu.cpus, action->cpu.n_cpus, out);
	if (action->cpu.queue)
		fprintf(out, " queue %u", action->cpu.queue);
}

static void print_socket(const struct action *action, FILE *out)
{
	fprintf(out, " %s", action->socket.name.text);
	if (action->socket.n_queues) {
		fputs(" queues ", out);
		print_ranges(action->socket.queues, action->socket.n_queues, out);
	}
}

static void print_syncookie(const struct action *action, FILE *out)
{
	if (action->syncookie.mss)
		fprintf(out, " mss %u", action->syncookie.mss);
	if (action->syncookie.has_wscale)
		fprintf(out, " wscale %u", action->syncookie.wscale);
}

static void print_limit(const struct action *action, FILE *out)
{
	static const char *const keys[] = { "", " per src", " per dst", " per flow" };

	fputc(' ', out);
	print_rate(&action->limit.rate, out);
	fputs(keys[action->limit.key], out);
	if (action->limit.key_bits)
		fprintf(out, "/%u", action->limit.key_bits);
	if (action->limit.burst) {
		fputs(" burst ", out);
		print_scaled(action->limit.burst, out);
		fputs(unit_name(action->limit.rate.unit), out);
	}
}

static void print_sample(const struct action *action, FILE *out)
{
	if (action->kind == ACTION_SAMPLE)
		fprintf(out, " 1/%u", action->sample.one_in);
	if (action->sample.snap)
		fprintf(out, " snap %u", action->sample.snap);
	if (action->sample.has_max) {
		fputs(" max ", out);
		print_rate(&action->sample.max, out);
	}
}

static void print_mark(const struct action *action, FILE *out)
{
	fprintf(out, " 0x%x", action->mark.value);
	if (action->mark.mask != UINT32_MAX)
		fprintf(out, "/0x%x", action->mark.mask);
}

static void print_use(const struct action *action, FILE *out)
{
	fprintf(out, " %s", action->use.stage.text);
	for (size_t i = 0; i < action->use.n_options; i++)
		fprintf(out, " %s=%s", action->use.options[i].name, action->use.options[i].value);
}

static void print_options(const struct action *action, FILE *out)
{
	switch (action->kind) {
	case ACTION_REDIRECT:
		return print_redirect(action, out);
	case ACTION_CPU:
		return print_cpu(action, out);
	case ACTION_SOCKET:
		return print_socket(action, out);
	case ACTION_SYNCOOKIE:
		return print_syncookie(action, out);
	case ACTION_LIMIT:
		return print_limit(action, out);
	case ACTION_SAMPLE:
	case ACTION_CAPTURE:
		return print_sample(action, out);
	case ACTION_MARK:
		return print_mark(action, out);
	case ACTION_PRIORITY:
		fprintf(out, " %u", action->priority);
		return;
	case ACTION_VLAN_PUSH:
		fprintf(out, " %u", action->vid);
		return;
	case ACTION_USE:
		return print_use(action, out);
	case ACTION_PASS:
	case ACTION_DROP:
	case ACTION_REFLECT:
	case ACTION_COUNT:
	case ACTION_VLAN_POP:
		return;
	}
}

void policy_print_action(const struct action *action, FILE *out)
{
	for (; action; action = action->otherwise) {
		fputs(policy_action_name(action->kind), out);
		print_options(action, out);
		if (action->otherwise)
			fputs(" else ", out);
	}
}
