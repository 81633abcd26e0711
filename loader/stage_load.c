// SPDX-License-Identifier: GPL-2.0-only
#include "stage.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <string.h>

#include "abi.h"
#include "bpflog.h"
#include "stage_object.h"

/* What one call of stage_load() works on. */
struct loading {
	const struct stage *stage;
	const struct stage_wiring *wiring;
	const struct pos *pos;
	struct bpf_object *object;
	struct bpf_map **own; /* the stage's own maps, in the order of instance.maps */
	struct stage_instance instance;
};

static void loading_end(struct loading *l)
{
	stage_instance_close(&l->instance);
	own_free(&l->own);
	stage_object_closep(&l->object);
}

static int refused(const struct loading *l, int err, const char *what)
{
	const char *hint = err == -EPERM ? " (it takes root, or CAP_BPF and CAP_NET_ADMIN)" : "";
	char text[128];

	libbpf_strerror(err, text, sizeof(text));
	return fail_at(err, l->pos, "stage '%s' (%s): cannot %s: %s%s%s", l->stage->name,
		       l->stage->origin, what, text, hint, bpflog_tail(8));
}

static void put_variable(const struct loading *l, uint8_t *rodata, const uint8_t *start,
			 const char *name, const void *value, size_t size)
{
	struct stage_variable var;

	if (stage_object_variable(l->object, name, &var) && var.size == size)
		memcpy(rodata + (var.data - start), value, size);
}

static struct weir_wiring wiring_values(const struct loading *l)
{
	return (struct weir_wiring){
		.abi = WEIR_STAGE_ABI,
		.counter = l->wiring->counter,
		.n_reasons = l->stage->n_reasons,
		.miss_counter = l->wiring->miss_counter,
		.miss_verdict = l->wiring->miss_verdict,
	};
}

/* Options and wiring go into .rodata; libbpf freezes it, so that the verifier sees constants. */
static int set_rodata(const struct loading *l, const uint8_t *conf)
{
	struct bpf_map *map = bpf_object__find_map_by_name(l->object, ".rodata");
	const struct weir_wiring values = wiring_values(l);
	_free_ uint8_t *rodata = NULL;
	const uint8_t *start;
	size_t size;
	int err;

	start = bpf_map__initial_value(map, &size);
	rodata = malloc(size);
	if (!rodata)
		return fail_oom();
	memcpy(rodata, start, size);
	put_variable(l, rodata, start, "weir_wiring", &values, sizeof(values));
	put_variable(l, rodata, start, "conf", conf, l->stage->conf_size);
	err = bpf_map__set_initial_value(map, rodata, size);
	return err ? refused(l, err, "set its options") : 0;
}

static bool same_shape(const struct bpf_map *map, int fd)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return false;
	/* The kernel adds RDONLY_PROG to a devmap's flags itself, and sizes of 0 are its choice. */
	return info.type == bpf_map__type(map) && info.key_size == bpf_map__key_size(map) &&
	       info.value_size == bpf_map__value_size(map) &&
	       (!bpf_map__max_entries(map) || info.max_entries == bpf_map__max_entries(map)) &&
	       !((info.map_flags ^ bpf_map__map_flags(map)) & ~BPF_F_RDONLY_PROG);
}

static int add_own_map(struct loading *l, struct bpf_map *map)
{
	size_t n = l->instance.n_maps;
	struct bpf_map **own = array_add(l->own, n);
	struct stage_map *slot = own ? array_add(l->instance.maps, l->instance.n_maps) : NULL;

	if (!slot)
		return fail_oom();
	*own = map;
	slot->fd = -1;
	strcpy(slot->name, bpf_map__name(map));
	return 0;
}

/* A map of the stage's own: the one of `keep`, or a new one. */
static int set_own_map(struct loading *l, struct bpf_map *map, const struct stage_map *keep,
		       size_t n_keep)
{
	int err = add_own_map(l, map);

	if (err)
		return err;
	for (size_t i = 0; i < n_keep; i++) {
		if (strcmp(keep[i].name, bpf_map__name(map)) || !same_shape(map, keep[i].fd))
			continue;
		err = bpf_map__reuse_fd(map, keep[i].fd);
		return err ? refused(l, err, "use a map again") : 0;
	}
	return 0;
}

static int set_chain_map(struct loading *l, struct bpf_map *map, int fd)
{
	int err = bpf_map__reuse_fd(map, fd);

	return err ? refused(l, err, "use the chain's maps") : 0;
}

static int set_maps(struct loading *l, const struct stage_map *keep, size_t n_keep)
{
	struct bpf_map *map;
	int err = 0;

	bpf_object__for_each_map(map, l->object)
	{
		if (bpf_map__is_internal(map))
			continue;
		if (!strcmp(bpf_map__name(map), "slots"))
			err = set_chain_map(l, map, l->wiring->slots_fd);
		else if (!strcmp(bpf_map__name(map), "counters"))
			err = set_chain_map(l, map, l->wiring->counters_fd);
		else
			err = set_own_map(l, map, keep, n_keep);
		if (err)
			return err;
	}
	return 0;
}

/*
 * Members of one prog array agree in expected_attach_type, and behind libxdp's dispatcher it must
 * be 0: so it is 0 everywhere (libbpf would set BPF_XDP).
 */
static void set_program(const struct loading *l, struct bpf_program *program)
{
	bpf_program__set_expected_attach_type(program, 0);
	if (l->wiring->frags && l->stage->hook == HOOK_XDP)
		bpf_program__set_flags(program, bpf_program__flags(program) | BPF_F_XDP_HAS_FRAGS);
}

static bool names_next(const struct bpf_insn *insn)
{
	return insn->code == (BPF_ALU64 | BPF_MOV | BPF_K) && insn->dst_reg == BPF_REG_3 &&
	       insn->imm == WEIR_STAGE_NEXT;
}

/* The slot to go on with, wherever the program names it; a stage may never go on. */
static int set_next(const struct loading *l, struct bpf_program *program)
{
	size_t n = bpf_program__insn_cnt(program);
	_free_ struct bpf_insn *insns = calloc(n, sizeof(*insns));
	int err;

	if (!insns)
		return fail_oom();
	memcpy(insns, bpf_program__insns(program), n * sizeof(*insns));
	for (size_t i = 0; i < n; i++)
		if (names_next(&insns[i]))
			insns[i].imm = l->wiring->next_slot;
	err = bpf_program__set_insns(program, insns, n);
	return err ? refused(l, err, "wire it into the chain") : 0;
}

/* The object is closed soon, and its file descriptors with it: have our own. */
static int take_fds(struct loading *l, const struct bpf_program *program)
{
	struct stage_instance *to = &l->instance;

	to->prog_fd = fcntl(bpf_program__fd(program), F_DUPFD_CLOEXEC, 0);
	if (to->prog_fd < 0)
		return refused(l, -errno, "keep its program");
	for (size_t i = 0; i < to->n_maps; i++) {
		to->maps[i].fd = fcntl(bpf_map__fd(l->own[i]), F_DUPFD_CLOEXEC, 0);
		if (to->maps[i].fd < 0)
			return refused(l, -errno, "keep its maps");
	}
	return 0;
}

int stage_load(const struct stage *stage, const uint8_t *conf, const struct stage_wiring *wiring,
	       const struct stage_map *keep, size_t n_keep, const struct pos *pos,
	       struct stage_instance *out)
{
	_cleanup_(loading_end) struct loading l = { stage, wiring, pos, .instance.prog_fd = -1 };
	struct bpf_program *program;
	int err;

	*out = (struct stage_instance){ .prog_fd = -1 };
	err = stage_object_open(stage->object, stage->object_size, stage->origin, pos, &l.object);
	if (err)
		return err;
	program = bpf_object__next_program(l.object, NULL);
	set_program(&l, program);
	err = set_next(&l, program) ?: set_rodata(&l, conf) ?: set_maps(&l, keep, n_keep);
	if (err)
		return err;
	err = bpf_object__load(l.object);
	if (err)
		return refused(&l, err, "load it");
	err = take_fds(&l, program);
	if (err)
		return err;
	*out = l.instance;
	l.instance = (struct stage_instance){ .prog_fd = -1 };
	return 0;
}

void stage_instance_close(struct stage_instance *instance)
{
	own_close(&instance->prog_fd);
	for (size_t i = 0; i < instance->n_maps; i++)
		own_close(&instance->maps[i].fd);
	own_free(&instance->maps);
	instance->n_maps = 0;
}
