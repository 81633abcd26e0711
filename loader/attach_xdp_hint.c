// SPDX-License-Identifier: GPL-2.0-only
/*
 * What to do about the kernel's refusals of an XDP attach: data, one row a case, the first that
 * fits is said. {name} and the like are filled in from the interface.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "attach_xdp.h"
#include "own.h"

static bool is_veth(const struct nic *nic)
{
	return !strcmp(nic->kind, "veth");
}

static bool is_tun(const struct nic *nic)
{
	return !strcmp(nic->kind, "tun") && !nic->ethernet;
}

static bool is_bond(const struct nic *nic)
{
	return !strcmp(nic->kind, "bond");
}

static bool is_bridge(const struct nic *nic)
{
	return !strcmp(nic->kind, "bridge");
}

static bool has_master(const struct nic *nic)
{
	return nic->master.ifindex;
}

static bool has_lower(const struct nic *nic)
{
	return nic->lower.ifindex;
}

static bool needs_frags(const struct nic *nic)
{
	return nic_needs_frags(nic) == NIC_YES;
}

static const struct hint {
	int err;
	enum hook_mode mode;		     /* XDP_AUTO: either */
	bool (*fits)(const struct nic *nic); /* NULL: always */
	const char *text;
} hints[] = {
	{ EPERM, XDP_AUTO, NULL, "attaching needs CAP_BPF and CAP_NET_ADMIN, which root has" },
	{ ENODEV, XDP_AUTO, NULL, "the interface is gone" },
	{ ERANGE, XDP_NATIVE, is_veth,
	  "lower the MTU of its peer: `ip link set dev {peer} mtu {mtu}`{peer there}" },
	{ ENOSPC, XDP_NATIVE, is_veth,
	  "give it as many receive queues as its peer has transmit queues: `ethtool -L {name} rx N`" },
	{ EOPNOTSUPP, XDP_NATIVE, is_tun,
	  "a tun has no Ethernet header and no native XDP; a tap has both: `ip tuntap add mode tap`" },
	{ EOPNOTSUPP, XDP_NATIVE, is_bond,
	  "every port of a bond must have native XDP and no program of its own, and the bond's mode "
	  "be balance-rr, active-backup, balance-xor or 802.3ad" },
	{ EOPNOTSUPP, XDP_NATIVE, is_bridge,
	  "put the policy on the bridge's ports, or say `xdp generic`" },
	{ EOPNOTSUPP, XDP_NATIVE, has_lower,
	  "it stands on {lower}{lower there}: put the policy there, or say `xdp generic`" },
	/* The hook itself is empty (else its holder is what is said): the core looks at uppers too.
	 */
	{ EEXIST, XDP_AUTO, has_master, "put the policy on {master}, or take the program off it" },
	{ EEXIST, XDP_AUTO, NULL,
	  "take the program off that device (`ip link` shows those on top as DEVICE@{name})" },
	{ EINVAL, XDP_NATIVE, needs_frags,
	  "its MTU {own mtu} is too large for one buffer: `ip link set dev {name} mtu {mtu}`" },
	{ EOPNOTSUPP, XDP_NATIVE, needs_frags,
	  "its MTU {own mtu} is too large for one buffer: `ip link set dev {name} mtu {mtu}`" },
};

/* What is left to say where neither this nor the profile knows more. */
static const char otherwise[] = "`xdp generic` works with every driver";

static const char *there(const struct nic_other *other)
{
	return other->elsewhere ? " in its network namespace" : "";
}

static void put_word(const struct nic *nic, const char *word, size_t len, FILE *out)
{
	const struct {
		const char *word, *text;
		uint32_t number; /* where there is no text */
	} words[] = {
		{ "name", nic->name, 0 },
		{ "peer", nic->peer.name[0] ? nic->peer.name : "PEER", 0 },
		{ "peer there", there(&nic->peer), 0 },
		{ "lower", nic->lower.name[0] ? nic->lower.name : "another interface", 0 },
		{ "lower there", there(&nic->lower), 0 },
		{ "master", nic->master.name, 0 },
		{ "mtu", NULL, nic->one_buffer_mtu },
		{ "own mtu", NULL, nic->mtu },
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strncmp(word, words[i].word, len) || words[i].word[len])
			continue;
		if (words[i].text)
			fputs(words[i].text, out);
		else
			fprintf(out, "%u", words[i].number);
	}
}

static void expand(const struct nic *nic, const char *text, FILE *out)
{
	while (*text) {
		size_t plain = strcspn(text, "{"), word;

		fwrite(text, 1, plain, out);
		text += plain;
		if (!*text)
			break;
		word = strcspn(++text, "}");
		put_word(nic, text, word, out);
		text += word + 1;
	}
}

/* A setting that the driver's profile calls in the way; false: none is known. */
static bool put_blocker(const struct nic_finding *findings, ssize_t n, FILE *out)
{
	for (ssize_t i = 0; i < n; i++) {
		const struct nic_finding *found = &findings[i];

		if (found->level != NIC_BLOCKED)
			continue;
		fputs(found->text, out);
		if (found->command[0])
			fprintf(out, ": `%s`", found->command);
		if (found->fix.kind != NIC_FIX_NONE)
			fputs(", or `weir apply --fix-nic`", out);
		return true;
	}
	return false;
}

void attach_xdp_hint_profile(const struct nic *nic, enum hook_mode mode, int err,
			     const struct nic_finding *findings, ssize_t n, char *buf, size_t size)
{
	const char *note = nic_profile(nic).note;
	_fclose_ FILE *out = NULL;

	buf[0] = '\0';
	if (mode != XDP_NATIVE || err == -EPERM || err == -ENODEV || err == -ENOMEM)
		return;
	out = fmemopen(buf, size, "w");
	if (!out || put_blocker(findings, n, out))
		return;
	/* UNKNOWN: the kernel is older than the driver's native XDP. */
	if (note && nic->native != NIC_UNKNOWN && nic_driver_has_native(nic))
		fprintf(out, "of %s is known: %s", nic->driver, note);
	else if (err == -EOPNOTSUPP)
		fputs(otherwise, out);
}

void attach_xdp_hint(const struct nic *nic, enum hook_mode mode, int err, char *buf, size_t size)
{
	_fclose_ FILE *out = NULL;

	buf[0] = '\0';
	for (const struct hint *h = hints; h < hints + ARRAY_SIZE(hints); h++) {
		if (h->err != -err || (h->mode != XDP_AUTO && h->mode != mode))
			continue;
		if (h->fits && !h->fits(nic))
			continue;
		out = fmemopen(buf, size, "w");
		if (out)
			expand(nic, h->text, out);
		return;
	}
}
