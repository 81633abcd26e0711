/* SPDX-License-Identifier: GPL-2.0-only */
/* The BPF objects of bench/progs, inside the binary. */
#pragma once

struct bpf_object;

/*
 * Open and load progs/NAME.bpf.c; bpf_object__close() releases it. Errors are reported, with what
 * the verifier said.
 */
int embedded_load(const char *name, struct bpf_object **out);
