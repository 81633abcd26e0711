// SPDX-License-Identifier: GPL-2.0-only
#include "stage_object.h"

#include <bpf/btf.h>
#include <string.h>

#include "bpflog.h"

int stage_object_open(const void *image, size_t size, const char *origin, const struct pos *pos,
		      struct bpf_object **out)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "stage");
	const char *fault;

	*out = NULL;
	bpflog_start();
	fault = stage_check(image, size);
	if (fault)
		return fail_at(-EINVAL, pos, "'%s' cannot be used as a stage: %s", origin, fault);
	*out = bpf_object__open_mem(image, size, &opts);
	if (!*out)
		return fail_at(-EINVAL, pos,
			       "'%s' cannot be used as a stage: libbpf cannot read it:%s", origin,
			       bpflog_tail(6));
	return 0;
}

void stage_object_closep(struct bpf_object **object)
{
	bpf_object__close(*object);
	*object = NULL;
}

static const struct btf_type *rodata_section(const struct btf *btf)
{
	int id = btf__find_by_name_kind(btf, ".rodata", BTF_KIND_DATASEC);

	return id > 0 ? btf__type_by_id(btf, id) : NULL;
}

bool stage_object_variable(const struct bpf_object *object, const char *name,
			   struct stage_variable *out)
{
	const struct bpf_map *map = bpf_object__find_map_by_name(object, ".rodata");
	const struct btf *btf = bpf_object__btf(object);
	const struct btf_type *section = btf ? rodata_section(btf) : NULL;
	const struct btf_var_secinfo *info = section ? btf_var_secinfos(section) : NULL;
	size_t size = 0;
	const uint8_t *data = map ? bpf_map__initial_value((struct bpf_map *)map, &size) : NULL;

	for (size_t i = 0; data && section && i < btf_vlen(section); i++, info++) {
		const struct btf_type *var = btf__type_by_id(btf, info->type);
		const char *var_name = var ? btf__name_by_offset(btf, var->name_off) : NULL;

		if (!var_name || !btf_is_var(var) || strcmp(var_name, name))
			continue;
		/* libbpf puts in the offsets of global ones only. */
		if (btf_var(var)->linkage != BTF_VAR_GLOBAL_ALLOCATED)
			return false;
		if (info->offset > size || info->size > size - info->offset)
			return false;
		*out = (struct stage_variable){ var->type, info->offset, info->size,
						data + info->offset };
		return true;
	}
	return false;
}
