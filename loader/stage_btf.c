// SPDX-License-Identifier: GPL-2.0-only
#include "stage_object.h"

#include <bpf/btf.h>
#include <ctype.h>
#include <string.h>

#include "abi.h"

/* More is no interface for people; and it bounds what a hostile object can make us do. */
enum { OPTIONS_MAX = 128, REASONS_MAX = 128 };

struct reader {
	const struct bpf_object *object;
	const struct btf *btf;
	const struct pos *pos;
	struct stage *stage;
};

static int refuse(const struct reader *r, const char *why)
{
	return fail_at(-EINVAL, r->pos, "'%s' cannot be used as a stage: %s", r->stage->origin,
		       why);
}

/* A copy fit for a terminal. */
static char *plain(const char *text)
{
	char *copy = strdup(text);

	for (char *p = copy; p && *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = '?';
	return copy;
}

static const char *name_of(const struct btf *btf, uint32_t offset)
{
	const char *name = btf__name_by_offset(btf, offset);

	return name ? name : "";
}

static bool is_identifier(const char *name)
{
	if (!isalpha((unsigned char)*name) && *name != '_')
		return false;
	while (isalnum((unsigned char)*name) || *name == '_')
		name++;
	return !*name;
}

/* The text behind `prefix` of tag `tag`, if it is one of component `index` of type `id`; or NULL.
 */
static const char *tag_text(const struct btf *btf, const struct btf_type *tag, uint32_t id,
			    int index, const char *prefix)
{
	const char *text;

	if (!btf_is_decl_tag(tag) || tag->type != id || btf_decl_tag(tag)->component_idx != index)
		return NULL;
	text = name_of(btf, tag->name_off);
	return strncmp(text, prefix, strlen(prefix)) ? NULL : text + strlen(prefix);
}

/* The documentation of a struct's member, "" if it has none. */
static const char *member_doc(const struct btf *btf, uint32_t id, int index)
{
	for (uint32_t i = 1; i < btf__type_cnt(btf); i++) {
		const char *text = tag_text(btf, btf__type_by_id(btf, i), id, index, "doc:");

		if (text)
			return text;
	}
	return "";
}

/* Follow typedefs, const and volatile; *quals collects 1 << BTF_KIND_… of those met. */
static const struct btf_type *strip(const struct btf *btf, uint32_t *id, uint32_t *quals)
{
	enum { DEPTH = 32 };

	for (int i = 0; i < DEPTH; i++) {
		const struct btf_type *type = btf__type_by_id(btf, *id);

		if (!type || !(btf_is_mod(type) || btf_is_typedef(type)))
			return type;
		*quals |= 1u << btf_kind(type);
		*id = type->type;
	}
	return NULL;
}

/* The stage's function: the one that STAGE() tagged. */
static int read_stage(const struct reader *r)
{
	const char *doc = NULL, *name = NULL;

	for (uint32_t i = 1; i < btf__type_cnt(r->btf); i++) {
		const struct btf_type *tag = btf__type_by_id(r->btf, i), *func;
		const char *text;

		if (!btf_is_decl_tag(tag))
			continue;
		func = btf__type_by_id(r->btf, tag->type);
		text = tag_text(r->btf, tag, tag->type, -1, "stage:");
		if (!text || !func || !btf_is_func(func))
			continue;
		if (name)
			return fail_at(-EINVAL, r->pos,
				       "'%s' holds two stages, '%s' and '%s': an object holds one",
				       r->stage->origin, name, name_of(r->btf, func->name_off));
		name = name_of(r->btf, func->name_off);
		doc = text;
	}
	if (!name)
		return refuse(r, "it has no STAGE(name, \"…\") { … } (docs/STAGES.md)");
	if (!is_identifier(name))
		return refuse(r, "the name of its stage is no C name");
	r->stage->name = plain(name);
	r->stage->doc = plain(doc);
	return r->stage->name && r->stage->doc ? 0 : fail_oom();
}

/* The object's only program is the stage, and its type tells the hook. */
static int read_program(const struct reader *r)
{
	const struct bpf_program *program = bpf_object__next_program(r->object, NULL);

	if (!program || strcmp(bpf_program__name(program), r->stage->name))
		return fail_at(-EINVAL, r->pos, "'%s' has a stage '%s' that is no program of it",
			       r->stage->origin, r->stage->name);
	if (bpf_object__next_program(r->object, (struct bpf_program *)program))
		return refuse(r, "it has other programs beside its stage: an object holds one");
	switch (bpf_program__type(program)) {
	case BPF_PROG_TYPE_XDP:
		r->stage->hook = HOOK_XDP;
		return 0;
	case BPF_PROG_TYPE_SCHED_CLS:
		r->stage->hook = HOOK_INGRESS;
		return 0;
	default:
		return fail_at(
			-EINVAL, r->pos,
			"'%s' cannot be used as a stage: its section '%s' is neither \"xdp\" nor \"tc\"",
			r->stage->origin, bpf_program__section_name(program));
	}
}

static int read_wiring(const struct reader *r)
{
	struct stage_variable var;
	uint32_t abi;

	if (!stage_object_variable(r->object, "weir_wiring", &var) || var.size < sizeof(abi))
		return refuse(r, "it has no weir_wiring: include stage.bpf.h");
	memcpy(&abi, var.data, sizeof(abi));
	if (abi != WEIR_STAGE_ABI || var.size != sizeof(struct weir_wiring))
		return fail_at(
			-EINVAL, r->pos,
			"'%s' was compiled against another version of stage.bpf.h (%u, this weir wants %u): compile it again",
			r->stage->origin, abi, WEIR_STAGE_ABI);
	return 0;
}

/* What a type that no option may have is called, or NULL for one that it may have. */
static const char *type_fault(const struct btf_type *type, uint32_t bit_offset, bool is_bitfield)
{
	if (!type)
		return "of no known type";
	switch (btf_kind(type)) {
	case BTF_KIND_INT:
		if (is_bitfield || btf_int_offset(type) || btf_int_bits(type) != type->size * 8 ||
		    bit_offset % 8)
			return "a bit field";
		if (type->size != 1 && type->size != 2 && type->size != 4 && type->size != 8)
			return "an integer of more than 8 bytes";
		return NULL;
	case BTF_KIND_PTR:
		return "a pointer";
	case BTF_KIND_ARRAY:
		return "an array";
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return "a struct or union";
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return "an enum";
	case BTF_KIND_FLOAT:
		return "a floating-point number";
	}
	return "of no known type";
}

static int64_t preset_of(const struct stage_option *option, const uint8_t *conf)
{
	bool is_signed = option->type == STAGE_SIGNED;
	union {
		uint8_t u8;
		uint16_t u16;
		uint32_t u32;
		uint64_t u64;
	} value;

	memcpy(&value, conf + option->offset, option->size);
	switch (option->size) {
	case 1:
		return is_signed ? (int8_t)value.u8 : value.u8;
	case 2:
		return is_signed ? (int16_t)value.u16 : value.u16;
	case 4:
		return is_signed ? (int64_t)(int32_t)value.u32 : value.u32;
	}
	return value.u64;
}

static enum stage_option_type option_type(const struct btf_type *type)
{
	if (btf_int_encoding(type) & BTF_INT_BOOL)
		return STAGE_BOOL;
	return btf_int_encoding(type) & BTF_INT_SIGNED ? STAGE_SIGNED : STAGE_UNSIGNED;
}

static bool is_taken(const struct stage *stage, const char *name)
{
	for (size_t i = 0; i < stage->n_options; i++)
		if (!strcmp(stage->options[i].name, name))
			return true;
	return false;
}

static int read_option(const struct reader *r, uint32_t conf_type, int index)
{
	const struct btf_type *conf = btf__type_by_id(r->btf, conf_type);
	uint32_t bit_offset = btf_member_bit_offset(conf, index);
	uint32_t id = btf_members(conf)[index].type, quals = 0;
	const struct btf_type *type = strip(r->btf, &id, &quals);
	const char *name = name_of(r->btf, btf_members(conf)[index].name_off);
	const char *fault =
		type_fault(type, bit_offset, btf_member_bitfield_size(conf, index) != 0);
	struct stage_option *option;

	if (!fault && !is_identifier(name))
		fault = "without a name";
	if (fault)
		return fail_at(
			-EINVAL, r->pos,
			"'%s': its option '%s' is %s: an option is a bool or an integer of 1, 2, 4 or 8 bytes",
			r->stage->origin, name, fault);
	if (bit_offset / 8 > r->stage->conf_size ||
	    type->size > r->stage->conf_size - bit_offset / 8)
		return refuse(r, "an option lies outside of 'conf'");
	if (is_taken(r->stage, name))
		return fail_at(
			-EINVAL, r->pos,
			"'%s': its BTF is damaged, two options are called '%s': compile it again",
			r->stage->origin, name);
	option = array_add(r->stage->options, r->stage->n_options);
	if (!option)
		return fail_oom();
	option->name = plain(name);
	option->doc = plain(member_doc(r->btf, conf_type, index));
	option->type = option_type(type);
	option->offset = bit_offset / 8;
	option->size = type->size;
	option->preset = preset_of(option, r->stage->conf);
	return option->name && option->doc ? 0 : fail_oom();
}

static bool has_variable(const struct btf *btf, const char *name)
{
	return btf__find_by_name_kind(btf, name, BTF_KIND_VAR) > 0;
}

static int read_conf(const struct reader *r)
{
	const uint32_t wanted = 1u << BTF_KIND_CONST | 1u << BTF_KIND_VOLATILE;
	static const char how[] =
		"'conf' must be a global `const volatile struct { … } conf = { … };`";
	struct stage_variable var;
	const struct btf_type *conf;
	uint32_t quals = 0;
	int err = 0;

	if (!stage_object_variable(r->object, "conf", &var))
		return has_variable(r->btf, "conf") ? refuse(r, how) : 0;
	conf = strip(r->btf, &var.type, &quals);
	if (!conf || !btf_is_struct(conf) || (quals & wanted) != wanted)
		return refuse(r, how);
	if (btf_vlen(conf) > OPTIONS_MAX)
		return refuse(r, "it has more than 128 options");
	r->stage->conf = malloc(var.size ? var.size : 1);
	if (!r->stage->conf)
		return fail_oom();
	memcpy(r->stage->conf, var.data, var.size);
	r->stage->conf_size = var.size;
	for (int i = 0; i < btf_vlen(conf); i++) {
		int failed = read_option(r, var.type, i);

		err = err ? err : failed;
	}
	return err;
}

static int read_reasons(const struct reader *r)
{
	static const char how[] = "its reasons are no REASONS(A, B, …);";
	struct stage_variable var;
	const struct btf_type *type;
	uint32_t quals = 0;

	if (!stage_object_variable(r->object, "weir_reasons", &var))
		return 0;
	type = strip(r->btf, &var.type, &quals);
	if (!type || !btf_is_enum(type) || !btf_vlen(type))
		return refuse(r, how);
	if (btf_vlen(type) > REASONS_MAX)
		return refuse(r, "it has more than 127 reasons");
	for (int i = 1; i < btf_vlen(type); i++) {
		const char *name = name_of(r->btf, btf_enum(type)[i].name_off);
		char **reason = array_add(r->stage->reasons, r->stage->n_reasons);

		if (!reason || !(*reason = plain(name)))
			return fail_oom();
		if (btf_enum(type)[i].val != i || !is_identifier(name))
			return refuse(r, how);
	}
	return 0;
}

static int read_map(const struct reader *r, const struct bpf_map *map)
{
	const char *name = bpf_map__name(map);
	const size_t max = sizeof(((struct stage_map *)NULL)->name) - 1;

	if (bpf_map__is_internal(map))
		return 0;
	if (strlen(name) > max)
		return fail_at(-EINVAL, r->pos,
			       "'%s': the name of its map '%s' is longer than %zu bytes",
			       r->stage->origin, name, max);
	if (bpf_map__pin_path(map))
		return fail_at(
			-EINVAL, r->pos,
			"'%s': its map '%s' asks to be pinned: weir pins a stage's maps itself, remove __uint(pinning, …)",
			r->stage->origin, name);
	return 0;
}

static int read_maps(const struct reader *r)
{
	const struct bpf_map *map;
	int err = 0;

	bpf_object__for_each_map(map, r->object) err = read_map(r, map) ?: err;
	return err;
}

int stage_btf_read(const struct bpf_object *object, struct stage *stage, const struct pos *pos)
{
	struct reader r = { object, bpf_object__btf(object), pos, stage };
	int err;

	if (!r.btf)
		return refuse(&r, "it has no BTF: compile it with -g");
	err = read_stage(&r);
	if (err)
		return err;
	err = read_program(&r);
	if (err)
		return err;
	err = read_wiring(&r);
	if (err)
		return err;
	err = read_conf(&r);
	err = read_reasons(&r) ?: err;
	return read_maps(&r) ?: err;
}
