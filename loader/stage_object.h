/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A stage's object file: is it one at all, and what its BTF says. Inside of stage*.c only.
 */
#pragma once
#include <bpf/libbpf.h>

#include "stage.h"

/*
 * Open an ELF image of BPF by libbpf, nothing loaded. `origin` stands in messages. The caller owns
 * *out: stage_object_closep().
 */
int stage_object_open(const void *image, size_t size, const char *origin, const struct pos *pos,
		      struct bpf_object **out);
void stage_object_closep(struct bpf_object **object);

/*
 * What is wrong with an image that is to be a BPF object, or NULL. libbpf 1.1 takes the type ids
 * and names of a file's BTF on trust, and a damaged one would crash it; so they are checked before.
 */
const char *stage_check(const void *image, size_t size);

/* A variable in .rodata, within its bounds. */
struct stage_variable {
	uint32_t type; /* BTF id */
	uint32_t offset, size;
	const uint8_t *data; /* its initial value; owned by the object */
};

/* The variable `name`; false: there is none. */
bool stage_object_variable(const struct bpf_object *object, const char *name,
			   struct stage_variable *out);

/*
 * Fill name, doc, hook, options, conf, reasons of `stage` from the object. stage->origin is set.
 * All mistakes are reported; then -EINVAL, and the stage is as far as it came.
 */
int stage_btf_read(const struct bpf_object *object, struct stage *stage, const struct pos *pos);
