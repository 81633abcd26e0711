// SPDX-License-Identifier: GPL-2.0-only
/* tcx: by system call, since libbpf 1.1 has no function for it. And who is on a tc hook. */
#include "attach_tc.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

#include "attach_tc_parts.h"
#include "compat.h"
#include "fail.h"

enum { PROGRAMS_MAX = 64 }; /* on one hook: BPF_MPROG_MAX, include/linux/bpf_mprog.h */

static int bpf(int command, void *attr, size_t size)
{
	return syscall(SYS_bpf, command, attr, size);
}

static uint32_t attach_type(enum hook_kind kind)
{
	return kind == HOOK_INGRESS ? COMPAT_BPF_TCX_INGRESS : COMPAT_BPF_TCX_EGRESS;
}

/* The tcx programs of a hook and its revision, which each change counts up. */
struct programs {
	uint32_t ids[PROGRAMS_MAX], link_ids[PROGRAMS_MAX];
	uint32_t n;
	uint64_t revision;
};

/* 0 or -errno, not reported: -ENODEV without the interface, -EINVAL without tcx. */
static int query(uint32_t ifindex, enum hook_kind kind, struct programs *out)
{
	struct compat_prog_query attr = {
		.ifindex = ifindex,
		.attach_type = attach_type(kind),
		.prog_ids = (uintptr_t)out->ids,
		.count = PROGRAMS_MAX,
		.link_ids = (uintptr_t)out->link_ids,
	};

	memset(out, 0, sizeof(*out));
	if (bpf(BPF_PROG_QUERY, &attr, sizeof(attr)))
		return -errno;
	out->n = attr.count;
	out->revision = attr.revision;
	return 0;
}

static const char *asking_hint(int err)
{
	return err == -EPERM ? "; it takes CAP_BPF and CAP_NET_ADMIN: try sudo" : "";
}

int attach_tcx_known(void)
{
	struct programs programs;
	int err = query(1, HOOK_INGRESS, &programs);

	if (!err || err == -ENODEV)
		return 1;
	if (err == -EINVAL)
		return 0;
	return fail(err, "cannot ask whether this kernel has tcx: %s%s", strerror(-err),
		    asking_hint(err));
}

static void learn_name(struct tc_holder *holder)
{
	struct bpf_prog_info info = { 0 };
	uint32_t size = sizeof(info);
	_close_ int fd = bpf_prog_get_fd_by_id(holder->prog_id);

	if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &size))
		memcpy(holder->name, info.name, sizeof(info.name));
}

static int add_programs(const struct programs *programs, struct tc_holder **out, size_t *n)
{
	for (uint32_t i = 0; i < programs->n; i++) {
		struct tc_holder *holder = array_add(*out, *n);

		if (!holder)
			return fail_oom();
		holder->mode = TC_TCX;
		holder->prog_id = programs->ids[i];
		holder->link_id = programs->link_ids[i];
		learn_name(holder);
	}
	return 0;
}

int attach_tc_query(uint32_t ifindex, const char *name, enum hook_kind kind, struct tc_holder **out,
		    size_t *n)
{
	_free_ struct tc_holder *holders = NULL;
	struct programs programs;
	int err = query(ifindex, kind, &programs);

	*out = NULL;
	*n = 0;
	if (err && err != -ENODEV && err != -EINVAL)
		return fail(err, "%s: cannot ask which programs are on %s: %s%s", name,
			    policy_hook_name(kind), strerror(-err), asking_hint(err));
	err = add_programs(&programs, &holders, n);
	if (!err)
		err = clsact_filters(ifindex, name, kind, &holders, n);
	if (err)
		return err;
	*out = TAKE(holders);
	return 0;
}

static const char *hint(int err)
{
	switch (err) {
	case -EPERM:
		return ": attaching needs CAP_BPF and CAP_NET_ADMIN, which root has";
	case -ENODEV:
		return ": the interface is gone";
	case -ERANGE:
		return ": there are as many programs on the hook as the kernel takes";
	default:
		return "";
	}
}

/* Before the program that has the place now: by revision, so that it is that one's place still. */
static int create_link(uint32_t ifindex, enum hook_kind kind, int prog_fd, uint32_t place)
{
	struct compat_tcx_create attr = {
		.prog_fd = prog_fd,
		.ifindex = ifindex,
		.attach_type = attach_type(kind),
	};
	struct programs programs;
	int fd, err = query(ifindex, kind, &programs);

	if (err)
		return err;
	attr.expected_revision = programs.revision;
	if (place <= 1)
		attr.flags = COMPAT_BPF_F_BEFORE;
	else if (place <= programs.n) {
		attr.flags = COMPAT_BPF_F_BEFORE | COMPAT_BPF_F_ID;
		attr.relative_id = programs.ids[place - 1];
	}
	fd = bpf(BPF_LINK_CREATE, &attr, sizeof(attr));
	return fd < 0 ? -errno : fd;
}

int attach_tcx(const struct nic *nic, enum hook_kind kind, int prog_fd, uint32_t place,
	       char why[TC_WHY])
{
	enum { TRIES = 10 };
	int fd = -ESTALE;

	why[0] = '\0';
	for (int i = 0; i < TRIES && fd == -ESTALE; i++)
		fd = create_link(nic->ifindex, kind, prog_fd, place);
	if (fd < 0)
		snprintf(why, TC_WHY, "%s: the kernel refuses a tcx link on %s: %s (%s)%s",
			 nic->name, policy_hook_name(kind), strerror(-fd), strerrorname_np(-fd),
			 hint(fd));
	return fd;
}

int attach_tcx_link_info(int link_fd, enum hook_kind kind, uint32_t *ifindex, uint32_t *prog_id)
{
	struct compat_tcx_info info = { 0 };
	uint32_t size = sizeof(info);

	if (bpf_obj_get_info_by_fd(link_fd, &info, &size))
		return -errno;
	if (info.type != COMPAT_BPF_LINK_TYPE_TCX || info.attach_type != attach_type(kind))
		return -EINVAL;
	*ifindex = info.ifindex;
	*prog_id = info.prog_id;
	return 0;
}
