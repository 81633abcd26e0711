// SPDX-License-Identifier: GPL-2.0-only
#include "attach_xdp_shared.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <time.h>
#include <xdp/libxdp.h>

#include "attach_xdp_pins.h"
#include "bpflog.h"
#include "fail.h"
#include "netlink.h"

/* libxdp's first warning since listen(): what comes behind it tells of the consequences. */
static char warning[NETLINK_WORDS];

static int hear(enum libxdp_print_level level, const char *format, va_list args)
{
	static const char prefix[] = "libxdp: ";
	_free_ char *text = NULL;
	const char *start;

	if (level != LIBXDP_WARN || warning[0] || vasprintf(&text, format, args) < 0)
		return 0;
	start = strncmp(text, prefix, strlen(prefix)) ? text : text + strlen(prefix);
	snprintf(warning, sizeof(warning), "%.*s", (int)strcspn(start, "\n"), start);
	return 0;
}

static void listen_to_libxdp(void)
{
	libxdp_set_print(hear);
	bpflog_start();
	warning[0] = '\0';
}

/* The driver's own words, which libbpf prints and does not return; "" if there are none. */
static void driver_words(char words[NETLINK_WORDS])
{
	static const char prefix[] = "Kernel error message: ";
	const char *at = strstr(bpflog_tail(16), prefix);

	words[0] = '\0';
	if (at) {
		at += strlen(prefix);
		snprintf(words, NETLINK_WORDS, "%.*s", (int)strcspn(at, "\n"), at);
	}
}

static void close_multiprog(struct xdp_multiprog **dispatcher)
{
	if (!libxdp_get_error(*dispatcher))
		xdp_multiprog__close(*dispatcher);
}

static void close_program(struct xdp_program **prog)
{
	if (!libxdp_get_error(*prog))
		xdp_program__close(*prog);
}

static void read_components(struct xdp_multiprog *dispatcher, struct xdp_shared *out)
{
	struct xdp_program *prog = NULL;

	while (out->n < XDP_SHARED_MAX && (prog = xdp_multiprog__next_prog(prog, dispatcher))) {
		struct xdp_component *component = &out->components[out->n++];

		component->prog_id = xdp_program__id(prog);
		component->priority = xdp_program__run_prio(prog);
		snprintf(component->name, sizeof(component->name), "%s", xdp_program__name(prog));
	}
}

static int ask(uint32_t ifindex, const char *name, struct xdp_shared *out)
{
	_cleanup_(close_multiprog) struct xdp_multiprog *dispatcher = NULL;
	struct xdp_program *main_prog;
	int err;

	listen_to_libxdp();
	*out = (struct xdp_shared){ 0 };
	dispatcher = xdp_multiprog__get_from_ifindex(ifindex);
	err = libxdp_get_error(dispatcher);
	if (err == -ENOENT || err == -ENODEV)
		return 0;
	if (err)
		return fail(err, "%s: cannot ask libxdp for its dispatcher: %s (%s)%s", name,
			    warning[0] ? warning : strerror(-err), strerrorname_np(-err),
			    err == -EPERM ? "; it takes CAP_SYS_ADMIN" : "");
	main_prog = xdp_multiprog__main_prog(dispatcher);
	if (!main_prog || strcmp(xdp_program__name(main_prog), "xdp_dispatcher"))
		return 0;
	out->dispatcher = xdp_program__id(main_prog);
	out->mode =
		xdp_multiprog__attach_mode(dispatcher) == XDP_MODE_SKB ? XDP_GENERIC : XDP_NATIVE;
	out->unpinned = xdp_multiprog__is_legacy(dispatcher);
	if (!out->unpinned)
		read_components(dispatcher, out);
	return 0;
}

/* Between the hook and the pins another loader may exchange the dispatcher: look again. */
int attach_shared_query(uint32_t ifindex, const char *name, struct xdp_shared *out)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	enum { LOOKS = 10 };
	int err = ask(ifindex, name, out);

	for (int i = 1; i < LOOKS && !err && out->unpinned; i++) {
		nanosleep(&pause, NULL);
		err = ask(ifindex, name, out);
	}
	return err;
}

size_t attach_shared_find(const struct xdp_shared *shared, uint32_t prog_id)
{
	size_t i = 0;

	while (i < shared->n && shared->components[i].prog_id != prog_id)
		i++;
	return i;
}

static enum xdp_attach_mode libxdp_mode(enum hook_mode mode)
{
	return mode == XDP_NATIVE ? XDP_MODE_NATIVE : XDP_MODE_SKB;
}

/* Could the kernel not link the program to the dispatcher? Then the interface has no part in it. */
static bool is_unlinkable(void)
{
	return !strncmp(warning, "Failed to attach program", strlen("Failed to attach program"));
}

static int say_refusal(const struct nic *nic, enum hook_mode mode, int err, char why[XDP_WHY])
{
	char words[NETLINK_WORDS], hint[XDP_WHY / 2];
	int len;

	if (is_unlinkable()) {
		snprintf(why, XDP_WHY,
			 "%s: libxdp: %s: from Linux 6.13 on, and in later builds of older ones, a "
			 "program that makes tail calls, as weir's, has a place only in the "
			 "dispatcher of a libxdp of mid-2025 or newer",
			 nic->name, warning);
		return -ENOLINK;
	}
	driver_words(words);
	attach_xdp_advise(nic, mode, err, hint, sizeof(hint));
	len = snprintf(why, XDP_WHY,
		       "%s: the kernel refuses libxdp's dispatcher in %s mode: %s (%s)", nic->name,
		       policy_mode_name(mode),
		       words[0]	    ? words
		       : warning[0] ? warning
				    : strerror(-err),
		       strerrorname_np(-err));
	if (hint[0] && len < XDP_WHY)
		snprintf(why + len, XDP_WHY - len, ": %s", hint);
	return err;
}

/*
 * libxdp tries again when another loader replaces the dispatcher meanwhile, but not when one makes
 * the first.
 */
static int attach_component(struct xdp_program *root, uint32_t ifindex, enum hook_mode mode)
{
	enum { TRIES = 3 };
	int err = -EBUSY;

	for (int i = 0; i < TRIES && (err == -EBUSY || err == -EEXIST); i++) {
		listen_to_libxdp();
		err = xdp_program__attach(root, ifindex, libxdp_mode(mode), 0);
	}
	return err;
}

int attach_shared_join(const struct nic *nic, int root_fd, enum hook_mode mode, char why[XDP_WHY])
{
	_cleanup_(close_program) struct xdp_program *root = NULL;
	struct xdp_shared shared;
	int err;

	snprintf(why, XDP_WHY, "%s: libxdp's dispatcher cannot be looked at", nic->name);
	err = attach_shared_query(nic->ifindex, nic->name, &shared);
	if (err)
		return err;
	listen_to_libxdp();
	root = xdp_program__from_fd(root_fd);
	err = libxdp_get_error(root);
	if (!err && attach_shared_find(&shared, xdp_program__id(root)) < shared.n)
		return 0; /* libxdp would have it twice */
	if (!err)
		err = attach_component(root, nic->ifindex, mode);
	return err ? say_refusal(nic, mode, err, why) : 0;
}

/* libxdp finds a dispatcher that another loader replaces meanwhile without its components. */
static int detach_component(struct xdp_program *root, uint32_t ifindex, const char *name)
{
	enum { TRIES = 3 };
	struct xdp_shared shared;
	int err = -ENOENT;

	for (int i = 0; i < TRIES && err == -ENOENT; i++) {
		err = attach_shared_query(ifindex, name, &shared);
		if (err || attach_shared_find(&shared, xdp_program__id(root)) == shared.n)
			return err;
		listen_to_libxdp();
		err = xdp_program__detach(root, ifindex, libxdp_mode(shared.mode), 0);
	}
	return err ? fail(err, "%s: libxdp cannot take weir out of its dispatcher: %s (%s)", name,
			  warning[0] ? warning : strerror(-err), strerrorname_np(-err))
		   : 0;
}

int attach_shared_leave(uint32_t ifindex, const char *name, int root_fd)
{
	_cleanup_(close_program) struct xdp_program *root = NULL;
	int err;

	listen_to_libxdp();
	root = xdp_program__from_fd(root_fd);
	err = libxdp_get_error(root);
	if (err)
		return fail(err, "%s: cannot ask what its root program is: %s", name,
			    strerror(-err));
	err = detach_component(root, ifindex, name);
	return err ? err : attach_pins_clean(ifindex, name, xdp_program__id(root));
}
