// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stages of other people: an object is refused, or its manual can be printed and each of its
 * options set. Half of the inputs are changed in their BTF only, since few changes elsewhere leave
 * an ELF file whose BTF is looked at.
 */
#include <elf.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../loader/stage.h"
#include "quiet.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

enum { BTF_MAGIC_LOW = 0x9f, BTF_MAGIC_HIGH = 0xeb, BTF_MAX = 1 << 16 };

/* The header of the first section with BTF in it (.BTF.ext begins like it, and comes later). */
static Elf64_Shdr *btf_section(uint8_t *data, size_t size)
{
	Elf64_Ehdr *elf = (Elf64_Ehdr *)data;
	Elf64_Shdr *sections;

	if (size < sizeof(*elf) || elf->e_shoff > size || elf->e_shoff % 8 ||
	    elf->e_shnum > (size - elf->e_shoff) / sizeof(*sections))
		return NULL;
	sections = (Elf64_Shdr *)(data + elf->e_shoff);
	for (Elf64_Shdr *s = sections; s < sections + elf->e_shnum; s++) {
		if (s->sh_type == SHT_PROGBITS && s->sh_offset <= size &&
		    s->sh_size <= size - s->sh_offset && s->sh_size >= 2 && s->sh_size < BTF_MAX &&
		    data[s->sh_offset] == BTF_MAGIC_LOW && data[s->sh_offset + 1] == BTF_MAGIC_HIGH)
			return s;
	}
	return NULL;
}

/* The BTF, changed, goes to the end of the file, if it is not there from the last time. */
static size_t mutate_btf(uint8_t *data, size_t size, size_t max_size, Elf64_Shdr *section)
{
	static uint8_t btf[2 * BTF_MAX];
	size_t end = section->sh_offset + section->sh_size == size ? section->sh_offset : size;
	size_t room = max_size - end < sizeof(btf) ? max_size - end : sizeof(btf);
	size_t changed;

	if (room < section->sh_size)
		return LLVMFuzzerMutate(data, size, max_size);
	memcpy(btf, data + section->sh_offset, section->sh_size);
	changed = LLVMFuzzerMutate(btf, section->sh_size, room);
	section->sh_offset = end;
	section->sh_size = changed;
	memcpy(data + end, btf, changed);
	return end + changed;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	Elf64_Shdr *section = seed % 2 ? btf_section(data, size) : NULL;

	return section ? mutate_btf(data, size, max_size, section)
		       : LLVMFuzzerMutate(data, size, max_size);
}

/* Each option by itself, at an end of what it may be. */
static void configure(const struct stage *stage)
{
	char value[32];

	for (size_t i = 0; i < stage->n_options; i++) {
		struct use_option option = {
			.name = stage->options[i].name,
			.value = value,
		};
		uint8_t *conf = NULL;

		stage_option_format(&stage->options[i], value, sizeof(value));
		must(!stage_configure(stage, &option, 1, &conf));
		free(conf);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct stage *stage = NULL;
	char path[32];
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (!stage_read_file(&(struct word){ .text = path }, &stage)) {
		stage_print_manual(stage, stderr);
		configure(stage);
	}
	stage_free(stage);
	close(fd);
	fail_forget();
	return 0;
}
