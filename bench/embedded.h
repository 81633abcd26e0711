/* SPDX-License-Identifier: GPL-2.0-only */
/* The BPF objects of bench/progs, inside the binary. */
#pragma once
#include <stdbool.h>

struct bpf_object;

/*
 * Open and load progs/NAME.bpf.c; bpf_object__close() releases it. Errors are reported, with what
 * the verifier said.
 */
int embedded_load(const char *name, struct bpf_object **out);

/* Is there one of this name? */
bool embedded_has(const char *name);

/* Open it only; NULL and errno: it cannot. */
struct bpf_object *embedded_open(const char *name);

/* As a file without a name; its descriptor, or -errno, reported. */
int embedded_file(const char *name);
