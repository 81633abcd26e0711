// SPDX-License-Identifier: GPL-2.0-only
#include "out_nic.h"

#include <string.h>

#include "jsontext.h"
#include "wrap.h"

static const char *known_name(enum nic_known known)
{
	static const char *const names[] = { "unknown", "no", "yes" };

	return names[known];
}

static void print_other(const char *what, const struct nic_other *other, FILE *out)
{
	char text[160], mtu[24] = "";

	if (!other->ifindex)
		return;
	if (other->mtu)
		snprintf(mtu, sizeof(mtu), ", MTU %u", other->mtu);
	snprintf(text, sizeof(text), "%s (interface %u%s)%s",
		 other->name[0] ? other->name : "not visible from here", other->ifindex,
		 other->elsewhere ? " of another network namespace" : "", mtu);
	wrap_pair(out, 4, what, text);
}

/* What a capability is, who says so, and for a target that it is not why. */
static void print_known(const struct nic *nic, const char *what, enum nic_known known, FILE *out)
{
	char text[360], why[256] = "";

	if (known == NIC_NO && known == nic->target && !strcmp(what, "redirect target"))
		nic_target_hint(nic, why, sizeof(why));
	snprintf(text, sizeof(text), "%s%s%s%s", known_name(known),
		 known == NIC_UNKNOWN		  ? ""
		 : nic->source == NIC_FROM_KERNEL ? " (the kernel says so)"
						  : " (the table of drivers says so)",
		 why[0] ? ": " : "", why);
	wrap_pair(out, 4, what, text);
}

static void print_facts(const struct nic *nic, FILE *out)
{
	struct nic_profile profile = nic_profile(nic);
	char text[160];

	snprintf(text, sizeof(text), "%s%s%s", nic->driver[0] ? nic->driver : "none that it names",
		 nic->kind[0] ? ", a link of kind " : "", nic->kind);
	wrap_pair(out, 4, "driver", text);
	snprintf(text, sizeof(text), "%s%s, MTU %u", nic->up ? "up" : "down",
		 nic->up && !nic->carrier ? " without carrier" : "", nic->mtu);
	wrap_pair(out, 4, "state", text);
	snprintf(text, sizeof(text), "%u to receive, %u to transmit", nic->rx_queues,
		 nic->tx_queues);
	wrap_pair(out, 4, "queues", text);
	print_other("peer", &nic->peer, out);
	print_other("stands on", &nic->lower, out);
	print_other("port of", &nic->master, out);
	print_known(nic, "native XDP", nic->native, out);
	print_known(nic, "several buffers", nic->frags, out);
	print_known(nic, "redirect target", nic->target, out);
	print_known(nic, "AF_XDP zero-copy", nic->zero_copy, out);
	wrap_pair(out, 4, "attaching", profile.disturbs);
	if (profile.note)
		wrap_pair(out, 4, "note", profile.note);
}

static void print_finding(const struct nic_finding *finding, FILE *out)
{
	wrap_pair(out, 4, nic_level_name(finding->level), finding->text);
	if (finding->command[0])
		fprintf(out, "        %s\n", finding->command);
}

void out_nic(const struct nic *nic, const struct nic_finding *findings, size_t n, FILE *out)
{
	fprintf(out, "%s\n", nic->name);
	print_facts(nic, out);
	for (size_t i = 0; i < n; i++)
		print_finding(&findings[i], out);
}

void out_nic_heading(FILE *out)
{
	fprintf(out, "%-15s %-15s %6s %-8s %-8s %-8s %s\n", "INTERFACE", "DRIVER", "MTU", "NATIVE",
		"TARGET", "ZEROCOPY", "FINDINGS");
}

void out_nic_line(const struct nic *nic, const struct nic_finding *findings, size_t n, FILE *out)
{
	size_t levels[NIC_BLOCKED + 1] = { 0 };

	for (size_t i = 0; i < n; i++)
		levels[findings[i].level]++;
	fprintf(out, "%-15s %-15.15s %6u %-8s %-8s %-8s ", nic->name,
		nic->driver[0] ? nic->driver : "-", nic->mtu, known_name(nic->native),
		known_name(nic->target), known_name(nic->zero_copy));
	if (levels[NIC_BLOCKED])
		fprintf(out, "%zu blocked\n", levels[NIC_BLOCKED]);
	else if (levels[NIC_ADVISED])
		fprintf(out, "%zu advised\n", levels[NIC_ADVISED]);
	else
		fputs("none\n", out);
}

static json_t *other_json(const struct nic_other *other)
{
	if (!other->ifindex)
		return json_null();
	return json_pack("{s:i, s:b, s:o, s:s, s:i}", "ifindex", other->ifindex, "elsewhere",
			 other->elsewhere, "name", jsontext(other->name), "kind", other->kind,
			 "mtu", other->mtu);
}

static json_t *findings_json(const struct nic_finding *findings, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, json_pack("{s:s, s:o, s:o}", "level",
						      nic_level_name(findings[i].level), "text",
						      jsontext(findings[i].text), "command",
						      jsontext(findings[i].command)));
	return list;
}

json_t *out_nic_json(const struct nic *nic, const struct nic_finding *findings, size_t n)
{
	struct nic_profile profile = nic_profile(nic);

	return json_pack(
		"{s:o, s:i, s:s, s:s, s:b, s:b, s:i, s:i, s:i, s:o, s:o, s:o, s:s, s:s, s:s, s:s, s:s, s:s, s:s?, s:o}",
		"name", jsontext(nic->name), "ifindex", nic->ifindex, "driver", nic->driver, "kind",
		nic->kind, "up", nic->up, "carrier", nic->carrier, "mtu", nic->mtu, "rx_queues",
		nic->rx_queues, "tx_queues", nic->tx_queues, "peer", other_json(&nic->peer),
		"stands_on", other_json(&nic->lower), "port_of", other_json(&nic->master), "says",
		nic_source_name(nic->source), "native", known_name(nic->native), "frags",
		known_name(nic->frags), "target", known_name(nic->target), "zero_copy",
		known_name(nic->zero_copy), "attaching", profile.disturbs, "note", profile.note,
		"findings", findings_json(findings, n));
}
