// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loading a root: the program that stands on the hook.
 *
 * Beside others on XDP it is a component of libxdp's dispatcher, of type EXT. libxdp would load it
 * itself, but on some errors as a program that stands alone, and tells nobody; so it is loaded
 * here, for a place of our own, and libxdp gets a loaded program, which can be nothing but a
 * component.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <string.h>

#include "bpflog.h"
#include "chain_load.h"

enum { LOG_LINES = 6 };

static int set_place(struct bpf_object *object, enum weir_root_place place)
{
	uint32_t value = place;

	return bpf_map__set_initial_value(bpf_object__find_map_by_name(object, ".rodata"), &value,
					  sizeof(value));
}

static int bind_map(struct bpf_object *object, const char *name, int fd)
{
	return fd < 0 ? 0 : bpf_map__reuse_fd(bpf_object__find_map_by_name(object, name), fd);
}

/* The object of weir's own. NULL is reported. */
static struct bpf_object *open_own(const char *name, const char *object_name)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = object_name);
	struct bpf_object *object;
	size_t size;
	const void *image = stage_embedded(name, &size);

	object = bpf_object__open_mem(image, size, &opts);
	if (!object)
		fail(-errno, "cannot open the program %s: %s", name, strerror(errno));
	return object;
}

static void close_object(struct bpf_object **object)
{
	bpf_object__close(*object);
}

/*
 * What __uint(priority, N) of the run configuration (xdp/xdp_helpers.h) is in BTF: a pointer to an
 * array of N. That is where libxdp finds the priority of a program that is loaded.
 */
static int set_priority(struct bpf_object *object, uint32_t priority)
{
	struct btf *btf = bpf_object__btf(object);
	int id = btf__find_by_name_kind(btf, "_weir_root", BTF_KIND_VAR);
	const struct btf_type *config, *type;

	if (id < 0)
		return id;
	config = btf__type_by_id(btf, btf__type_by_id(btf, id)->type);
	for (int i = 0; i < btf_vlen(config); i++) {
		const struct btf_member *member = btf_members(config) + i;

		if (strcmp(btf__name_by_offset(btf, member->name_off), "priority"))
			continue;
		type = btf__type_by_id(btf, member->type);
		btf_array(btf__type_by_id(btf, type->type))->nelems = priority;
		return 0;
	}
	return -ENOENT;
}

static int no_ext(int err, const struct pos *pos)
{
	return fail_at(
		err, pos,
		"'shared' takes a program of type EXT, which the kernel refuses: %s (%s)%s%s",
		strerror(-err), strerrorname_np(-err),
		err != -EPERM ? ""
			      : ": it takes CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN and CAP_SYS_ADMIN, "
				"which root has, and a kernel that is not locked down to "
				"confidentiality (/sys/kernel/security/lockdown); without 'shared' "
				"the policy has the hook for itself",
		err == -EPERM ? "" : bpflog_tail(LOG_LINES));
}

/* The place must live until the root is loaded. */
static int load_in_place(struct bpf_object *object, struct bpf_program *prog,
			 const struct load_root *root)
{
	_cleanup_(close_object) struct bpf_object *place = open_own("xdp/place", "weir_place");
	int err = place ? bpf_object__load(place) : -EINVAL, fd;

	if (!place)
		return err;
	if (err)
		return fail(err, "the kernel refuses a program that does nothing: %s%s",
			    strerror(-err), bpflog_tail(LOG_LINES));
	fd = bpf_program__fd(bpf_object__find_program_by_name(place, "weir_place"));
	err = set_priority(object, root->priority)
		      ?: bpf_program__set_type(prog, BPF_PROG_TYPE_EXT)
		      ?: bpf_program__set_attach_target(prog, fd, "weir_place");
	if (err)
		return fail(err, "cannot make the root program a component: %s", strerror(-err));
	err = bpf_object__load(object);
	return err ? no_ext(err, root->pos) : 0;
}

static int load_alone(struct bpf_object *object)
{
	int err = bpf_object__load(object);

	return err ? fail(err, "the kernel refuses the root program: %s%s", strerror(-err),
			  bpflog_tail(LOG_LINES))
		   : 0;
}

static int prepare(struct bpf_object *object, const struct load_maps *maps,
		   const struct load_root *root, int config_fd)
{
	struct bpf_program *prog = bpf_object__find_program_by_name(object, "weir_root");
	int err;

	/* All programs of a prog array agree in this, and a component's is 0. */
	bpf_program__set_expected_attach_type(prog, 0);
	if (root->frags)
		bpf_program__set_flags(prog, bpf_program__flags(prog) | BPF_F_XDP_HAS_FRAGS);
	err = bind_map(object, "slots", maps->slots_fd)
		      ?: bind_map(object, "counters", maps->counters_fd)
		      ?: bind_map(object, ".data", config_fd);
	if (!err && root->kind != HOOK_XDP)
		err = set_place(object, root->place);
	if (err)
		return fail(err, "cannot bind the root program to its maps: %s", strerror(-err));
	return root->shared ? load_in_place(object, prog, root) : load_alone(object);
}

/* The object is closed soon, and its file descriptors with it: have our own. */
static int keep(const struct bpf_object *object, int *root_fd, int *config_fd)
{
	struct bpf_program *prog = bpf_object__find_program_by_name(object, "weir_root");

	*root_fd = dup(bpf_program__fd(prog));
	if (*config_fd < 0)
		*config_fd = dup(bpf_map__fd(bpf_object__find_map_by_name(object, ".data")));
	if (*root_fd < 0 || *config_fd < 0)
		return fail(-errno, "cannot keep the root program: %s", strerror(errno));
	return 0;
}

int load_root(const struct load_maps *maps, const struct load_root *root, int *root_fd,
	      int *config_fd)
{
	_cleanup_(close_object) struct bpf_object *object = NULL;
	int err;

	bpflog_start();
	object = open_own(root->kind == HOOK_XDP ? "xdp/root" : "tc/root", "weir_root");
	if (!object)
		return -EINVAL;
	err = prepare(object, maps, root, *config_fd);
	return err ? err : keep(object, root_fd, config_fd);
}
