// SPDX-License-Identifier: GPL-2.0-only
#include "stage_object.h"

#include <bpf/btf.h>
#include <elf.h>
#include <string.h>

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
enum { ELF_NATIVE = ELFDATA2LSB };
#else
enum { ELF_NATIVE = ELFDATA2MSB };
#endif

static const char cut_short[] = "it is cut short: compile it again";

struct elf {
	const uint8_t *image;
	size_t size;
	Elf64_Ehdr header;
};

static Elf64_Shdr section_of(const struct elf *elf, size_t index)
{
	Elf64_Shdr section;

	memcpy(&section, elf->image + elf->header.e_shoff + index * sizeof(section),
	       sizeof(section));
	return section;
}

static const char *sections_fault(const struct elf *elf)
{
	const Elf64_Ehdr *header = &elf->header;

	if (!header->e_shnum || header->e_shentsize != sizeof(Elf64_Shdr))
		return "it has no sections";
	if (header->e_shoff > elf->size ||
	    header->e_shnum > (elf->size - header->e_shoff) / sizeof(Elf64_Shdr))
		return cut_short;
	for (size_t i = 0; i < header->e_shnum; i++) {
		Elf64_Shdr section = section_of(elf, i);

		if (section.sh_type == SHT_NOBITS)
			continue;
		if (section.sh_offset > elf->size ||
		    section.sh_size > elf->size - section.sh_offset)
			return cut_short;
	}
	return NULL;
}

/* Each symbol of a section lies within it: libbpf adds its value and size, and may wrap around. */
static bool are_symbols_sound(const struct elf *elf, const Elf64_Shdr *symbols)
{
	const uint8_t *at = elf->image + symbols->sh_offset;
	Elf64_Sym symbol;

	for (size_t left = symbols->sh_size; left >= sizeof(symbol); left -= sizeof(symbol)) {
		Elf64_Shdr section;

		memcpy(&symbol, at, sizeof(symbol));
		at += sizeof(symbol);
		if (symbol.st_shndx == SHN_UNDEF || symbol.st_shndx >= SHN_LORESERVE)
			continue;
		if (symbol.st_shndx >= elf->header.e_shnum)
			return false;
		section = section_of(elf, symbol.st_shndx);
		if (symbol.st_value > section.sh_size ||
		    symbol.st_size > section.sh_size - symbol.st_value)
			return false;
	}
	return true;
}

static const char *symbols_fault(const struct elf *elf)
{
	for (size_t i = 0; i < elf->header.e_shnum; i++) {
		Elf64_Shdr section = section_of(elf, i);

		if (section.sh_type == SHT_SYMTAB && !are_symbols_sound(elf, &section))
			return "its table of symbols is damaged: compile it again";
	}
	return NULL;
}

static const char *elf_fault(struct elf *elf)
{
	const Elf64_Ehdr *header = &elf->header;

	if (elf->size < SELFMAG || memcmp(elf->image, ELFMAG, SELFMAG))
		return "it is no object file: compile the stage by `clang -target bpf -O2 -g -c`";
	if (elf->size < sizeof(*header))
		return cut_short;
	memcpy(&elf->header, elf->image, sizeof(*header));
	if (header->e_ident[EI_DATA] != ELF_NATIVE)
		return "it has the other byte order: compile it by `clang -target bpf` on this machine";
	if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_type != ET_REL)
		return "it is not a relocatable object of 64 bits: compile it by `clang -target bpf -O2 -g -c`";
	if (header->e_machine != EM_BPF)
		return "it is not BPF but another machine's code: compile it by `clang -target bpf -O2 -g -c`";
	return sections_fault(elf) ?: symbols_fault(elf);
}

/* The section `name`: its contents, or NULL. */
static const void *find_section(const struct elf *elf, const char *name, size_t *size)
{
	size_t len = strlen(name) + 1;
	Elf64_Shdr names;

	if (elf->header.e_shstrndx >= elf->header.e_shnum)
		return NULL;
	names = section_of(elf, elf->header.e_shstrndx);
	for (size_t i = 1; i < elf->header.e_shnum && names.sh_type == SHT_STRTAB; i++) {
		Elf64_Shdr section = section_of(elf, i);

		if (section.sh_type == SHT_NOBITS || section.sh_name > names.sh_size ||
		    len > names.sh_size - section.sh_name ||
		    memcmp(elf->image + names.sh_offset + section.sh_name, name, len))
			continue;
		*size = section.sh_size;
		return elf->image + section.sh_offset;
	}
	return NULL;
}

static bool is_name(const struct btf *btf, uint32_t offset)
{
	return btf__name_by_offset(btf, offset);
}

static bool is_type(const struct btf *btf, uint32_t id)
{
	return id < btf__type_cnt(btf);
}

static bool is_kind(const struct btf *btf, uint32_t id, uint32_t kind)
{
	return is_type(btf, id) && btf_kind(btf__type_by_id(btf, id)) == kind;
}

static bool are_members_sound(const struct btf *btf, const struct btf_type *type)
{
	const struct btf_member *member = btf_members(type);

	for (int i = 0; i < btf_vlen(type); i++, member++)
		if (!is_name(btf, member->name_off) || !is_type(btf, member->type))
			return false;
	return true;
}

static bool are_params_sound(const struct btf *btf, const struct btf_type *type)
{
	const struct btf_param *param = btf_params(type);

	for (int i = 0; i < btf_vlen(type); i++, param++)
		if (!is_name(btf, param->name_off) || !is_type(btf, param->type))
			return false;
	return is_type(btf, type->type);
}

static bool are_enumerators_sound(const struct btf *btf, const struct btf_type *type)
{
	for (int i = 0; i < btf_vlen(type); i++)
		if (!is_name(btf, btf_is_enum(type) ? btf_enum(type)[i].name_off
						    : btf_enum64(type)[i].name_off))
			return false;
	return true;
}

static bool are_variables_sound(const struct btf *btf, const struct btf_type *type)
{
	const struct btf_var_secinfo *info = btf_var_secinfos(type);

	for (int i = 0; i < btf_vlen(type); i++, info++)
		if (!is_kind(btf, info->type, BTF_KIND_VAR))
			return false;
	return true;
}

/* Typedefs, const and the like end at a type of another kind, and soon: libbpf follows them all. */
static bool does_end(const struct btf *btf, const struct btf_type *type)
{
	enum { DEPTH = 32 };

	for (int i = 0; i < DEPTH && is_type(btf, type->type); i++) {
		type = btf__type_by_id(btf, type->type);
		if (!btf_is_mod(type) && !btf_is_typedef(type))
			return true;
	}
	return false;
}

static bool is_sound(const struct btf *btf, const struct btf_type *type)
{
	if (!is_name(btf, type->name_off))
		return false;
	switch (btf_kind(type)) {
	case BTF_KIND_INT:
	case BTF_KIND_FWD:
	case BTF_KIND_FLOAT:
		return true;
	case BTF_KIND_PTR:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return is_type(btf, type->type);
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
		return does_end(btf, type);
	case BTF_KIND_ARRAY:
		return is_type(btf, btf_array(type)->type) &&
		       is_type(btf, btf_array(type)->index_type);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return are_members_sound(btf, type);
	case BTF_KIND_ENUM:
	case BTF_KIND_ENUM64:
		return are_enumerators_sound(btf, type);
	case BTF_KIND_FUNC:
		return is_kind(btf, type->type, BTF_KIND_FUNC_PROTO);
	case BTF_KIND_FUNC_PROTO:
		return are_params_sound(btf, type);
	case BTF_KIND_DATASEC:
		return are_variables_sound(btf, type);
	}
	return false;
}

static const char *btf_fault(const void *data, size_t size)
{
	static const char damaged[] = "its BTF is damaged: compile it again";
	struct btf *btf = btf__new(data, size);
	const char *fault = btf ? NULL : damaged;

	for (uint32_t id = 1; btf && id < btf__type_cnt(btf) && !fault; id++)
		if (!is_sound(btf, btf__type_by_id(btf, id)))
			fault = damaged;
	btf__free(btf);
	return fault;
}

const char *stage_check(const void *image, size_t size)
{
	struct elf elf = { .image = image, .size = size };
	const char *fault = elf_fault(&elf);
	const void *btf;

	if (fault)
		return fault;
	btf = find_section(&elf, ".BTF", &size);
	return btf ? btf_fault(btf, size) : "it has no BTF: compile it with -g";
}
